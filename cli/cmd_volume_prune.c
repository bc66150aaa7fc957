#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "cli/prune.h"
#include "cli/volume.h"

struct prune_opts {
	bool all, force;
	struct cli_strv filters;
};

static const struct cli_opt prune_optv[] = {
	CLI_BOOL(struct prune_opts, all, "all", 'a',
		 "also volumes that were given a name (default: anonymous ones)"),
	CLI_STRV(struct prune_opts, filters, "filter", 0, "KEY=VALUE",
		 "only those with this: label=KEY[=VALUE], label!=KEY[=VALUE]"),
	CLI_BOOL(struct prune_opts, force, "force", 'f', "do not ask"),
};

struct prune {
	const struct prune_opts *o;
	const struct eng *e;
	struct cli_vol_filter filter;
	struct cs_buf b;
};

static int prune_one(struct prune *p, const char *name, struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	struct cs_err one = CS_ERR_INIT;
	struct eng e = *p->e;
	int ret;

	if (eng_volume_user(p->filter.uses, name, NULL))
		return 0;
	ret = eng_volume_load(p->e, name, &v, &one);
	if (ret == 0 && ((!v.anonymous && !p->o->all) || !cli_vol_filter(&p->filter, &v)))
		return 0;
	if (ret == 0)
		ret = eng_volume_remove(p->e, name, eng_volume_used_now, &e, &one);
	if (ret == 0)
		cs_buf_addf(&p->b, "%s\n", name);
	/* gone, or in use meanwhile */
	if (ret == 0 || ret == -ENOENT || ret == -EBUSY)
		return 0;
	*err = one;
	return ret;
}

static int prune_run(struct cli_call *call, struct cs_err *err)
{
	struct prune p = { .o = call->opts, .b = CS_BUF_INIT };
	eng_auto_volume_list struct eng_volume_list l = { 0 };
	eng_auto_volume_uses struct eng_volume_uses uses = { 0 };
	eng_auto struct eng e = ENG_INIT;
	int ret = cli_vol_filter_check(&p.o->filters, true, err);

	if (ret < 0)
		return ret;
	if (!p.o->force &&
	    !cli_vol_may(p.o->all ? "Remove every volume that no container uses? [y/N] "
				  : "Remove every anonymous volume that no container "
				    "uses? [y/N] "))
		return 0;
	ret = cli_vol_open(call, &e, err);
	if (ret == 0)
		ret = eng_volume_tidy(&e, err);
	if (ret == 0)
		ret = eng_volume_uses(&e, &uses, err);
	if (ret == 0)
		ret = cli_prune_tell_unread(call, err);
	if (ret == 0)
		ret = eng_volume_list(&e, &l, err);
	p.e = &e;
	p.filter = (struct cli_vol_filter){ .given = &p.o->filters, .uses = &uses };
	for (size_t i = 0; ret == 0 && i < l.n; i++)
		ret = prune_one(&p, l.v[i], err);
	if (ret == 0)
		ret = cli_out(&p.b, err);
	cs_buf_fini(&p.b);
	return ret;
}

const struct cli_cmd cli_cmd_volume_prune = {
	.name = "volume prune",
	.synopsis = "[OPTION...]",
	.help = "remove volumes that no container uses",
	.opts = CLI_OPTS(prune_optv),
	.opts_size = sizeof(struct prune_opts),
	.fail_status = CAISSON_FAILED,
	.run = prune_run,
};
