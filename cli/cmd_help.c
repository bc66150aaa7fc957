#include "base/cleanup.h"
#include "base/str.h"
#include "cli/alias.h"
#include "cli/caisson.h"
#include "cli/help.h"
#include "cli/out.h"

static int help_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const struct cli_group *group = NULL;
	const struct cli_cmd *cmd = NULL;
	size_t words = 0;
	/* an alias may write into them */
	char *own[] = { call->argc > 0 ? call->argv[0] : NULL,
			call->argc > 1 ? call->argv[1] : NULL, NULL };
	struct cli_args args = { .argv = own, .argc = call->argc };
	int ret;

	if (call->argc == 0) {
		cli_help_prog(call->prog, &b);
		return cli_out(&b, err);
	}
	cli_alias(&args);
	ret = cli_cmd_lookup(call->prog, args.argv, args.argc, &cmd, &group, &words, err);
	if (ret < 0)
		return ret;
	if (cmd)
		cli_help_cmd(call->prog, cmd, &b);
	else
		cli_help_group(call->prog, group, &b);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_help = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.help = "show help, of one command or all",
	.max_args = 2,
	.run = help_run,
};
