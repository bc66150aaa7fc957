#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/imgview.h"
#include "cli/out.h"
#include "cli/prune.h"
#include "cli/volume.h"

struct prune_opts {
	bool all, volumes, force;
	struct cli_strv filter;
};

static const struct cli_opt prune_optv[] = {
	CLI_BOOL(struct prune_opts, all, "all", 'a',
		 "every image that no container needs, not only those without a name"),
	CLI_STRV(struct prune_opts, filter, "filter", 0, "KEY=VALUE",
		 "only what passes: label=, label!=, until=; leftovers stay then"),
	CLI_BOOL(struct prune_opts, force, "force", 'f', "do not ask"),
	CLI_BOOL(struct prune_opts, volumes, "volumes", 0,
		 "anonymous volumes that no container uses, too"),
};

/* In this order: what is gone uses nothing of what comes after. Leftovers have no labels, nor an
 * age that tells anything. */
static int prune(struct cli_call *call, struct cs_buf *b, uint64_t *freed, struct cs_err *err)
{
	const struct prune_opts *o = call->opts;
	int ret = cli_prune_containers(call, &o->filter, b, err);

	if (ret == 0 && o->filter.n == 0)
		ret = cli_prune_leftovers(call, b, err);
	if (ret == 0)
		ret = cli_prune_networks(call, &o->filter, b, err);
	if (ret == 0 && o->volumes)
		ret = cli_prune_volumes(call, &o->filter, b, err);
	return ret < 0 ? ret : cli_prune_images(call, o->all, &o->filter, b, freed, err);
}

static int prune_run(struct cli_call *call, struct cs_err *err)
{
	const struct prune_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	uint64_t freed = 0;
	char text[32];

	if (cli_prune_filter_check(&o->filter, err) < 0)
		return -err->code;
	if (!o->force &&
	    !cli_vol_may("Remove every container that does not run, and networks, images and "
			 "leftovers that nobody uses? [y/N] "))
		return 0;
	if (prune(call, &b, &freed, err) < 0) {
		struct cs_err ignored = CS_ERR_INIT;

		cli_out(&b, &ignored); /* what is gone is told of all the same */
		return -err->code;
	}
	cli_size_text(freed, text);
	cs_buf_addf(&b, "Total reclaimed space: %s\n", text);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_system_prune = {
	.name = "system prune",
	.synopsis = "[OPTION...]",
	.help = "remove what is not in use: containers, networks, images, leftovers",
	.opts = CLI_OPTS(prune_optv),
	.opts_size = sizeof(struct prune_opts),
	.fail_status = CAISSON_FAILED,
	.run = prune_run,
};
