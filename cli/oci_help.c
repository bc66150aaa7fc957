#include "base/cleanup.h"
#include "base/str.h"
#include "cli/help.h"
#include "cli/oci.h"
#include "cli/out.h"

static int help_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const struct cli_cmd *cmd;

	if (call->argc == 0) {
		cli_help_prog(call->prog, &b);
		return cli_out(&b, err);
	}
	cmd = cli_cmd_find(call->prog, call->argv[0]);
	if (!cmd)
		return cli_cmd_unknown(call->prog, call->argv[0], err);
	cli_help_cmd(call->prog, cmd, &b);
	return cli_out(&b, err);
}

const struct cli_cmd cli_oci_help = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.help = "show help, of one command or all",
	.max_args = 1,
	.run = help_run,
};
