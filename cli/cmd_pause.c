#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/life.h"

/* pause and unpause. */

struct pause_opts {
	bool all;
	struct cli_strv filter;
};

static const struct cli_opt pause_optv[] = {
	CLI_BOOL(struct pause_opts, all, "all", 'a', "every container that can be"),
	CLI_STRV(struct pause_opts, filter, "filter", 'f', "KEY=VALUE",
		 "those that pass, as for ps, instead of names"),
};

/* With --all, those in another state are none of its business. */
static int passed_over(int ret, const void *arg, struct cs_err *err)
{
	const struct pause_opts *o = arg;

	if (ret != -EBUSY || !o->all)
		return ret;
	cs_err_clear(err);
	return 0;
}

static int pause_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	return passed_over(eng_pause(e, id, err), arg, err);
}

static int unpause_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	return passed_over(eng_unpause(e, id, err), arg, err);
}

static int pause_run(struct cli_call *call, struct cs_err *err)
{
	const struct pause_opts *o = call->opts;

	return cli_ctr_each(call, o->all, &o->filter, o->all ? 0 : CLI_CTR_ECHO, pause_one, o, err);
}

static int unpause_run(struct cli_call *call, struct cs_err *err)
{
	const struct pause_opts *o = call->opts;

	return cli_ctr_each(call, o->all, &o->filter, o->all ? 0 : CLI_CTR_ECHO, unpause_one, o,
			    err);
}

const struct cli_cmd cli_cmd_pause = {
	.name = "pause",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "freeze containers",
	.opts = CLI_OPTS(pause_optv),
	.opts_size = sizeof(struct pause_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = pause_run,
};

const struct cli_cmd cli_cmd_unpause = {
	.name = "unpause",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "let frozen containers run on",
	.opts = CLI_OPTS(pause_optv),
	.opts_size = sizeof(struct pause_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = unpause_run,
};
