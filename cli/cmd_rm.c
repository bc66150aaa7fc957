#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/life.h"

struct rm_opts {
	bool all, force, ignore, volumes;
	struct cli_strv filter;
};

static const struct cli_opt rm_optv[] = {
	CLI_BOOL(struct rm_opts, all, "all", 'a', "every container"),
	CLI_STRV(struct rm_opts, filter, "filter", 0, "KEY=VALUE",
		 "those that pass, as for ps, instead of names"),
	CLI_BOOL(struct rm_opts, force, "force", 'f', "end it first, whatever state it is in"),
	CLI_BOOL(struct rm_opts, ignore, "ignore", 'i', "no error for one that is not there"),
	CLI_BOOL(struct rm_opts, volumes, "volumes", 'v', "its anonymous volumes too"),
};

static int rm_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	const struct rm_opts *o = arg;

	return eng_remove(e, id, o->force, o->volumes, err);
}

static int rm_run(struct cli_call *call, struct cs_err *err)
{
	const struct rm_opts *o = call->opts;
	/* as docker has it: with --force one that is not there is no error */
	unsigned int how = CLI_CTR_ECHO | (o->ignore || o->force ? CLI_CTR_MISSING_OK : 0U);

	return cli_ctr_each(call, o->all, &o->filter, how, rm_one, o, err);
}

const struct cli_cmd cli_cmd_rm = {
	.name = "rm",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "remove containers",
	.opts = CLI_OPTS(rm_optv),
	.opts_size = sizeof(struct rm_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = rm_run,
};
