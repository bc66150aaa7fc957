#include "cli/oci.h"
#include "runtime/container.h"

static int start_run(struct cli_call *call, struct cs_err *err)
{
	return ctr_start(call->rt, call->argv[0], NULL, err);
}

const struct cli_cmd cli_oci_start = {
	.name = "start",
	.synopsis = "ID",
	.help = "run the program of a created container",
	.min_args = 1,
	.max_args = 1,
	.run = start_run,
};
