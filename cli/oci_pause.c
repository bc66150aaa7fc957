#include "cli/oci.h"
#include "runtime/container.h"

static int pause_run(struct cli_call *call, struct cs_err *err)
{
	return ctr_pause(call->rt, call->argv[0], err);
}

const struct cli_cmd cli_oci_pause = {
	.name = "pause",
	.synopsis = "ID",
	.help = "suspend every process of a container",
	.min_args = 1,
	.max_args = 1,
	.run = pause_run,
};
