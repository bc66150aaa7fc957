#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/out.h"
#include "engine/life.h"

static int wait_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	int code = 0;
	int ret = eng_wait(e, id, -1, &code, err);

	(void)arg;
	if (ret < 0)
		return ret;
	cs_buf_addf(&b, "%d\n", code);
	return cli_out(&b, err);
}

static int wait_run(struct cli_call *call, struct cs_err *err)
{
	return cli_ctr_each(call, false, 0, wait_one, NULL, err);
}

const struct cli_cmd cli_cmd_wait = {
	.name = "wait",
	.synopsis = "CONTAINER...",
	.help = "wait until containers have ended, and print their exit status",
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = wait_run,
};
