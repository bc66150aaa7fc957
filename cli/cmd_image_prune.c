#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/imgmount.h"
#include "cli/imguse.h"
#include "cli/imgview.h"
#include "cli/out.h"
#include "cli/prune.h"
#include "images/gc.h"

struct prune_opts {
	bool all;
	bool force;
	struct cli_strv filter;
};

static const struct cli_opt prune_optv[] = {
	CLI_BOOL(struct prune_opts, all, "all", 'a',
		 "every image that is not in use, not only those without a name"),
	CLI_STRV(struct prune_opts, filter, "filter", 0, "KEY=VALUE",
		 "only images that pass, as for images"),
	CLI_BOOL(struct prune_opts, force, "force", 'f',
		 "accepted for docker's sake: nothing is asked"),
};

static void gone(void *ctx, enum img_gone_kind kind, const char *what)
{
	cs_buf_addf(ctx, "%s: %s\n", kind == IMG_GONE_NAME ? "Untagged" : "Deleted", what);
}

/* The images that go. */
static int choose(const struct cli_call *call, const struct img_store *st, const struct img_list *l,
		  const struct img_record **v, size_t *n, struct cs_err *err)
{
	const struct prune_opts *o = call->opts;
	const struct cli_img_filter f = { .given = &o->filter, .st = st, .list = l };

	for (size_t i = 0; i < l->n; i++) {
		int ret;

		if (*l->v[i].name && !o->all)
			continue;
		ret = cli_img_filter(&f, &l->v[i], err);
		if (ret < 0)
			return ret;
		if (ret > 0)
			v[(*n)++] = &l->v[i];
	}
	return 0;
}

static int prune_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	img_auto_store struct img_store *st = NULL;
	img_auto_list struct img_list l = IMG_LIST_INIT;
	uint64_t freed = 0, more = 0;
	const struct img_remove how = {
		.in_use = cli_imgmount_in_use,
		.needed = cli_imguse_needed,
		.ctx = call,
		.gone = gone,
		.gone_ctx = &b,
		.freed = &freed,
	};
	const struct img_record **v = NULL;
	char text[32];
	size_t n = 0;
	const struct prune_opts *o = call->opts;
	int ret = cli_img_filter_check(&o->filter, err);

	if (ret == 0)
		ret = cli_img_store(call, &st, err);
	if (ret == 0)
		ret = img_store_list(st, &l, err);
	if (ret < 0)
		return ret;
	v = calloc(l.n + 1, sizeof(*v)); /* NOLINT(bugprone-sizeof-expression): of pointers */
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = cli_prune_tell_unread(call, err);
	if (ret == 0)
		ret = choose(call, st, &l, v, &n, err);
	if (ret == 0)
		ret = img_remove_records(st, v, n, &how, err);
	free(v);
	if (ret == 0)
		ret = img_gc(st, 0, &more, err);
	if (ret < 0)
		return ret;
	cli_size_text(freed + more, text);
	cs_buf_addf(&b, "Total reclaimed space: %s\n", text);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_image_prune = {
	.name = "image prune",
	.synopsis = "[OPTION...]",
	.help = "remove images that have no name, and what nothing refers to",
	.opts = CLI_OPTS(prune_optv),
	.opts_size = sizeof(struct prune_opts),
	.run = prune_run,
};
