#include "cli/oci.h"
#include "runtime/container.h"

static int resume_run(struct cli_call *call, struct cs_err *err)
{
	return ctr_resume(call->rt, call->argv[0], err);
}

const struct cli_cmd cli_oci_resume = {
	.name = "resume",
	.synopsis = "ID",
	.help = "let the processes of a paused container go on",
	.min_args = 1,
	.max_args = 1,
	.run = resume_run,
};
