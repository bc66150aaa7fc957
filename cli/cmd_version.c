#include "base/cleanup.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"

static int version_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cs_buf_addf(&b, "%s version %s\n", call->prog->name, CS_VERSION);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_version = {
	.name = "version",
	.synopsis = "",
	.help = "show the version",
	.run = version_run,
};
