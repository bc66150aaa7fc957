#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/signame.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/life.h"

struct kill_opts {
	bool all;
	const char *signal;
	struct cli_strv filter;
};

static const struct cli_opt kill_optv[] = {
	CLI_BOOL(struct kill_opts, all, "all", 'a', "every container that runs"),
	CLI_STRV(struct kill_opts, filter, "filter", 'f', "KEY=VALUE",
		 "those that pass, as for ps, instead of names"),
	CLI_STR(struct kill_opts, signal, "signal", 's', "SIGNAL", "instead of KILL"),
};

struct kill_how {
	int signo;
	bool all;
};

static int kill_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	const struct kill_how *how = arg;
	int ret = eng_kill(e, id, how->signo, err);

	if (ret == -EBUSY && how->all) { /* it does not run */
		cs_err_clear(err);
		return 0;
	}
	return ret;
}

static int kill_run(struct cli_call *call, struct cs_err *err)
{
	const struct kill_opts *o = call->opts;
	struct kill_how how = { .signo = cs_signal_parse(o->signal ? o->signal : "KILL"),
				.all = o->all };

	if (how.signo <= 0)
		return cs_err_set(err, EINVAL, "option --signal: \"%s\" is no signal", o->signal);
	return cli_ctr_each(call, o->all, &o->filter, o->all ? 0 : CLI_CTR_ECHO, kill_one, &how,
			    err);
}

const struct cli_cmd cli_cmd_kill = {
	.name = "kill",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "send containers a signal",
	.opts = CLI_OPTS(kill_optv),
	.opts_size = sizeof(struct kill_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = kill_run,
};
