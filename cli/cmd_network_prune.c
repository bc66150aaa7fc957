#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "cli/prune.h"

struct prune_opts {
	bool force;
	struct cli_strv filters;
};

static const struct cli_opt prune_optv[] = {
	CLI_STRV(struct prune_opts, filters, "filter", 0, "KEY=VALUE",
		 "only those with this: label=KEY[=VALUE], label!=KEY[=VALUE]"),
	CLI_BOOL(struct prune_opts, force, "force", 'f', "do not ask"),
};

/* On a terminal a person is asked. */
static bool may(const struct prune_opts *o)
{
	static const char question[] = "Remove every network that nobody uses? [y/N] ";
	char answer[8] = "";
	ssize_t n;

	if (o->force || !isatty(STDIN_FILENO))
		return true;
	if (write(STDERR_FILENO, question, sizeof(question) - 1) < 0)
		return false;
	n = read(STDIN_FILENO, answer, sizeof(answer) - 1);
	return n > 0 && (*answer == 'y' || *answer == 'Y');
}

static int prune_run(struct cli_call *call, struct cs_err *err)
{
	const struct prune_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	int ret;

	for (size_t i = 0; i < o->filters.n; i++)
		if (!cs_str_starts(o->filters.v[i], "label=") &&
		    !cs_str_starts(o->filters.v[i], "label!="))
			return cs_err_set(err, EINVAL,
					  "option --filter: \"%s\" is not label= or label!=",
					  o->filters.v[i]);
	if (!may(o))
		return 0;
	ret = cli_prune_tell_unread(call, err);
	if (ret == 0)
		ret = cli_prune_networks(call, &o->filters, &b, err);
	return ret < 0 ? ret : cli_out(&b, err);
}

const struct cli_cmd cli_cmd_network_prune = {
	.name = "network prune",
	.synopsis = "[OPTION...]",
	.help = "remove networks that nobody uses",
	.opts = CLI_OPTS(prune_optv),
	.opts_size = sizeof(struct prune_opts),
	.fail_status = CAISSON_FAILED,
	.run = prune_run,
};
