#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "cli/volume.h"

struct rm_opts {
	bool force;
};

static const struct cli_opt rm_optv[] = {
	CLI_BOOL(struct rm_opts, force, "force", 'f', "a volume that does not exist is no error"),
};

static int rm_run(struct cli_call *call, struct cs_err *err)
{
	const struct rm_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	eng_auto struct eng e = ENG_INIT;
	struct cs_err last = CS_ERR_INIT;
	int ret = cli_vol_open(call, &e, err);

	if (ret < 0)
		return ret;
	/* one that cannot be removed does not keep the others; the last failure is the command's */
	for (size_t i = 0; i < call->argc; i++) {
		struct cs_err one = CS_ERR_INIT;

		ret = eng_volume_remove(&e, call->argv[i], eng_volume_used_now, &e, &one);
		if (ret == 0)
			cs_buf_addf(&b, "%s\n", call->argv[i]);
		if (ret == 0 || (ret == -ENOENT && o->force))
			continue;
		if (last.code)
			cs_log(CS_LOG_ERROR, "%s", last.msg);
		last = one;
	}
	ret = cli_out(&b, err);
	if (ret < 0)
		return ret;
	*err = last;
	return -last.code;
}

const struct cli_cmd cli_cmd_volume_rm = {
	.name = "volume rm",
	.synopsis = "[-f] VOLUME...",
	.help = "remove volumes",
	.opts = CLI_OPTS(rm_optv),
	.opts_size = sizeof(struct rm_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = rm_run,
};
