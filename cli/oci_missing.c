#include <errno.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/oci.h"

/* Commands of the OCI runtimes' common command line that are not there yet: known by name, so that
 * the answer is clear and not "unknown command". */

static int missing_run(struct cli_call *call, struct cs_err *err)
{
	return cs_err_set(err, ENOTSUP, "%s: not supported yet", call->cmd->name);
}

const struct cli_cmd cli_oci_checkpoint = {
	.name = "checkpoint",
	.synopsis = "ID",
	.help = "save a running container to disk; not supported yet",
	.max_args = CLI_ANY_ARGS,
	.hidden = true,
	.any_opts = true,
	.run = missing_run,
};

const struct cli_cmd cli_oci_restore = {
	.name = "restore",
	.synopsis = "ID",
	.help = "run a container saved by checkpoint; not supported yet",
	.max_args = CLI_ANY_ARGS,
	.hidden = true,
	.any_opts = true,
	.run = missing_run,
};
