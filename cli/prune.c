#include "cli/prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/ctrview.h"
#include "cli/imgmount.h"
#include "cli/imguse.h"
#include "cli/imgview.h"
#include "cli/network.h"
#include "cli/volume.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/nets.h"
#include "engine/orphans.h"
#include "engine/stamp.h"
#include "engine/status.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "images/gc.h"

static int one_container(const struct eng *e, const char *id, const struct cli_strv *filter,
			 struct cs_buf *out, struct cs_err *err)
{
	cli_auto_ctr struct cli_ctr c = CLI_CTR_INIT;
	struct cs_err why = CS_ERR_INIT;
	int ret = cli_ctr_load(e, id, &c, &why);

	if (ret == 0 && c.st.state != ENG_CREATED && c.st.state != ENG_EXITED)
		return 0;
	if (ret == 0 && filter) {
		ret = cli_ctr_filter(e, filter, &c, err);
		if (ret <= 0)
			return ret;
		ret = 0;
	}
	if (ret == 0)
		ret = eng_remove(e, id, false, false, &why);
	if (ret == 0)
		cs_buf_addf(out, "%s\n", id);
	else if (ret != -ENOENT) /* started meanwhile, or damaged: the others go on */
		cs_log(CS_LOG_WARN, "%s", why.msg);
	return 0;
}

int cli_prune_filter_check(const struct cli_strv *filter, struct cs_err *err)
{
	for (size_t i = 0; i < filter->n; i++) {
		const char *f = filter->v[i];
		int64_t t;

		if (cs_str_starts(f, "until=")) {
			if (eng_when_parse(f + 6, eng_now(), &t, err) < 0)
				return cs_err_wrap(err, "option --filter: until");
		} else if (!(cs_str_starts(f, "label=") && f[6]) &&
			   !(cs_str_starts(f, "label!=") && f[7])) {
			return cs_err_set(err, EINVAL,
					  "option --filter: \"%.60s\" is not label=, label!= or "
					  "until=",
					  f);
		}
	}
	return 0;
}

/* Does what was made then pass "until="? Another filter it does. */
static bool is_old(const char *filter, int64_t created_ns)
{
	struct cs_err why = CS_ERR_INIT;
	int64_t t = 0;

	return !cs_str_starts(filter, "until=") ||
	       (eng_when_parse(filter + 6, eng_now(), &t, &why) == 0 && created_ns < t);
}

int cli_prune_tell_unread(const struct cli_call *call, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;
	int ret = cli_ctr_engine(call, &e, err);

	if (ret == 0)
		ret = eng_list(&e, &ids, err);
	for (size_t i = 0; ret == 0 && i < ids.n; i++) {
		eng_auto_record struct eng_record r = ENG_RECORD_INIT;
		struct cs_err why = CS_ERR_INIT;
		int got = eng_record_load(&e, ids.v[i], &r, &why);

		if (got < 0 && got != -ENOENT)
			cs_log(CS_LOG_WARN,
			       "%s: what it may use is kept; mend it, or remove it: rm -f %.12s",
			       why.msg, ids.v[i]);
	}
	return ret;
}

int cli_prune_containers(const struct cli_call *call, const struct cli_strv *filter,
			 struct cs_buf *out, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_mend_all(&e, err) < 0 ||
	    eng_list(&e, &ids, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ids.n; i++)
		if (one_container(&e, ids.v[i], filter, out, err) < 0)
			return -err->code;
	return 0;
}

struct networks {
	const struct cli_strv *filter;
	const struct eng *e;
	struct cs_buf *out;
};

static bool is_wanted(const struct net_config *c, bool done, void *arg)
{
	const struct networks *p = arg;
	struct cs_err why = CS_ERR_INIT;

	if (done)
		cs_buf_addf(p->out, "%s\n", c->name);
	for (size_t i = 0; !done && p->filter && i < p->filter->n; i++) {
		const char *f = p->filter->v[i];
		bool no = cs_str_starts(f, "label!=");

		if (!is_old(f, c->created * INT64_C(1000000000)) ||
		    (cs_str_starts(f, "label") && cli_net_has_label(c, strchr(f, '=') + 1) == no))
			return false;
	}
	return done || eng_nets_named(p->e, c->name, &why) == 0;
}

int cli_prune_networks(const struct cli_call *call, const struct cli_strv *filter,
		       struct cs_buf *out, struct cs_err *err)
{
	net_auto_store struct net_store st = NET_STORE_INIT;
	eng_auto struct eng e = ENG_INIT;
	struct networks p = { .filter = filter, .e = &e, .out = out };

	if (cli_net_store(call, &st, err) < 0 || cli_ctr_engine(call, &e, err) < 0)
		return -err->code;
	return net_network_prune(&st, is_wanted, &p, err);
}

static void image_gone(void *ctx, enum img_gone_kind kind, const char *what)
{
	cs_buf_addf(ctx, "%s: %s\n", kind == IMG_GONE_NAME ? "Untagged" : "Deleted", what);
}

int cli_prune_images(struct cli_call *call, bool all, const struct cli_strv *filter,
		     struct cs_buf *out, uint64_t *freed, struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;
	img_auto_list struct img_list l = IMG_LIST_INIT;
	uint64_t more = 0;
	const struct img_remove how = {
		.in_use = cli_imgmount_in_use,
		.needed = cli_imguse_needed,
		.ctx = call,
		.gone = image_gone,
		.gone_ctx = out,
		.freed = freed,
	};
	struct cli_img_filter f = { .given = filter, .list = &l };
	const struct img_record **v;
	size_t n = 0;
	int ret = 0;

	if (cli_img_store(call, &st, err) < 0 || img_store_list(st, &l, err) < 0)
		return -err->code;
	f.st = st;
	v = calloc(l.n + 1, sizeof(*v)); /* NOLINT(bugprone-sizeof-expression): of pointers */
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < l.n && ret >= 0; i++) {
		ret = all || !*l.v[i].name ? cli_img_filter(&f, &l.v[i], err) : 0;
		if (ret > 0)
			v[n++] = &l.v[i];
	}
	if (ret >= 0)
		ret = img_remove_records(st, v, n, &how, err);
	free(v);
	if (ret == 0)
		ret = img_gc(st, 0, &more, err);
	*freed += more;
	return ret;
}

static bool volume_passes(const struct cli_strv *filter, const struct eng_volume *v)
{
	const struct cli_vol_filter labels = { .given = filter };

	for (size_t i = 0; i < filter->n; i++)
		if (!is_old(filter->v[i], v->created_ns))
			return false;
	return cli_vol_filter(&labels, v);
}

static int one_volume(struct eng *e, const char *name, const struct cli_strv *filter,
		      struct cs_buf *out, struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	struct cs_err why = CS_ERR_INIT;
	int ret = eng_volume_load(e, name, &v, &why);

	if (ret == 0 && (!v.anonymous || !volume_passes(filter, &v)))
		return 0;
	if (ret == 0)
		ret = eng_volume_remove(e, name, eng_volume_used_now, e, &why);
	if (ret == 0)
		cs_buf_addf(out, "%s\n", name);
	if (ret == 0 || ret == -ENOENT || ret == -EBUSY)
		return 0;
	*err = why;
	return ret;
}

int cli_prune_volumes(const struct cli_call *call, const struct cli_strv *filter,
		      struct cs_buf *out, struct cs_err *err)
{
	eng_auto_volume_list struct eng_volume_list l = { 0 };
	eng_auto struct eng e = ENG_INIT;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_volume_tidy(&e, err) < 0 ||
	    eng_volume_list(&e, &l, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l.n; i++)
		if (one_volume(&e, l.v[i], filter, out, err) < 0)
			return -err->code;
	return 0;
}

/* --- leftovers -------------------------------------------------------------------------------- */

static void orphan_gone(const char *what, void *arg)
{
	cs_buf_addf(arg, "%s\n", what);
}

int cli_prune_leftovers(const struct cli_call *call, struct cs_buf *out, struct cs_err *err)
{
	eng_auto struct eng e = ENG_INIT;
	int ret = cli_ctr_engine(call, &e, err);

	return ret < 0 ? ret : eng_orphans_remove(&e, orphan_gone, out, err);
}
