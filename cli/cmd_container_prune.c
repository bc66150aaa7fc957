#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/ctrview.h"
#include "cli/out.h"
#include "cli/prune.h"
#include "cli/volume.h"

struct prune_opts {
	struct cli_strv filter;
	bool force;
};

static const struct cli_opt prune_optv[] = {
	CLI_STRV(struct prune_opts, filter, "filter", 0, "KEY=VALUE",
		 "only those that pass, as for ps"),
	CLI_BOOL(struct prune_opts, force, "force", 'f', "do not ask"),
};

static int prune_run(struct cli_call *call, struct cs_err *err)
{
	const struct prune_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (cli_ctr_filter_check(&o->filter, err) < 0)
		return -err->code;
	if (!o->force && !cli_vol_may("Remove every container that does not run? [y/N] "))
		return 0;
	if (cli_prune_containers(call, &o->filter, &b, err) < 0)
		return -err->code;
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_container_prune = {
	.name = "container prune",
	.synopsis = "[OPTION...]",
	.help = "remove containers that do not run",
	.opts = CLI_OPTS(prune_optv),
	.opts_size = sizeof(struct prune_opts),
	.fail_status = CAISSON_FAILED,
	.run = prune_run,
};
