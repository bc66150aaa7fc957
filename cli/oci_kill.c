#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/signame.h"
#include "cli/oci.h"
#include "runtime/container.h"

struct kill_opts {
	bool all;
	bool regex;
};

static const struct cli_opt kill_optv[] = {
	CLI_BOOL(struct kill_opts, all, "all", 'a', "signal every process of the container"),
	CLI_BOOL(struct kill_opts, regex, "regex", 'r',
		 "ID is an extended regular expression: signal every container that matches"),
};

static int kill_one(const struct cli_call *call, const char *id, struct cs_err *err)
{
	const struct kill_opts *o = call->opts;
	const char *name = call->argc > 1 ? call->argv[1] : "TERM";
	int signo = cs_signal_parse(name);

	if (signo < 0)
		return cs_err_set(err, EINVAL, "unknown signal \"%s\"", name);
	return ctr_kill(call->rt, id, signo, o->all, err);
}

static int kill_run(struct cli_call *call, struct cs_err *err)
{
	const struct kill_opts *o = call->opts;

	if (o->regex)
		return cli_oci_each_match(call, call->argv[0], kill_one, err);
	return kill_one(call, call->argv[0], err);
}

const struct cli_cmd cli_oci_kill = {
	.name = "kill",
	.synopsis = "[OPTION...] ID [SIGNAL]",
	.help = "send a signal (TERM) to a container's first process",
	.text = "SIGNAL is a name with or without \"SIG\", a number, RTMIN+N or RTMAX-N.\n",
	.opts = CLI_OPTS(kill_optv),
	.opts_size = sizeof(struct kill_opts),
	.min_args = 1,
	.max_args = 2,
	.run = kill_run,
};
