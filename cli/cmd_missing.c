#include <errno.h>

#include "base/err.h"
#include "cli/caisson.h"

/* Commands of docker's command line that are not there yet: known by
 * name, so that the answer is clear and not "unknown command". */

static int missing_run(struct cli_call *call, struct cs_err *err)
{
	return cs_err_set(err, ENOTSUP, "%s: not supported yet", call->cmd->name);
}

#define MISSING(cmd, nm)                       \
	const struct cli_cmd cli_cmd_##cmd = { \
		.name = (nm),                  \
		.synopsis = "[ARGUMENT...]",   \
		.help = "not supported yet",   \
		.max_args = CLI_ANY_ARGS,      \
		.hidden = true,                \
		.any_opts = true,              \
		.fail_status = CAISSON_FAILED, \
		.run = missing_run,            \
	}

MISSING(build, "build");
MISSING(checkpoint, "checkpoint");
MISSING(healthcheck, "healthcheck");
MISSING(restore, "restore");
MISSING(search, "search");
MISSING(secret, "secret");
MISSING(system_reset, "system reset");
