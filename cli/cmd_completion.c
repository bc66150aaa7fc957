#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/completion.h"
#include "cli/out.h"

static int completion_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	int ret = cli_completion(call->prog, call->argv[0], &b, err);

	return ret < 0 ? ret : cli_out(&b, err);
}

const struct cli_cmd cli_cmd_completion = {
	.name = "completion",
	.synopsis = "bash|zsh|fish",
	.help = "print a script that completes commands in a shell",
	.min_args = 1,
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = completion_run,
};
