#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "cli/out.h"

struct rm_opts {
	bool force;
};

static const struct cli_opt rm_optv[] = {
	CLI_BOOL(struct rm_opts, force, "force", 'f',
		 "detach its members first; a network that does not exist is no error"),
};

static int rm_run(struct cli_call *call, struct cs_err *err)
{
	const struct rm_opts *o = call->opts;
	net_auto_store struct net_store st = NET_STORE_INIT;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err last = CS_ERR_INIT;

	if (cli_net_store(call, &st, err) < 0)
		return -err->code;
	/* one that cannot be removed does not keep the others; the last failure is the command's */
	for (size_t i = 0; i < call->argc; i++) {
		struct cs_err e = CS_ERR_INIT;
		int ret = net_network_remove(&st, call->argv[i], o->force, &e);

		if (ret == 0)
			cs_buf_addf(&b, "%s\n", call->argv[i]);
		if (ret == 0 || (ret == -ENOENT && o->force))
			continue;
		if (last.code)
			cs_log(CS_LOG_ERROR, "%s", last.msg);
		last = e;
	}
	if (cli_out(&b, err) < 0)
		return -err->code;
	*err = last;
	return -last.code;
}

const struct cli_cmd cli_cmd_network_rm = {
	.name = "network rm",
	.synopsis = "[-f] NETWORK...",
	.help = "remove networks",
	.opts = CLI_OPTS(rm_optv),
	.opts_size = sizeof(struct rm_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = rm_run,
};
