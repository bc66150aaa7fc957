#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "engine/nets.h"
#include "engine/record.h"
#include "netns/store.h"
#include "runtime/container.h"

struct disconnect_opts {
	bool force;
};

static const struct cli_opt disconnect_optv[] = {
	CLI_BOOL(struct disconnect_opts, force, "force", 'f',
		 "a container that is not on the network is no error"),
};

/* What it has now; then the record, so that it is not there again after the next start. */
static int disconnect_run(struct cli_call *call, struct cs_err *err)
{
	const struct disconnect_opts *o = call->opts;
	const struct ctr_rt rt = { .root = call->dirs->state };
	cli_auto_net_target struct cli_net_target t = CLI_NET_TARGET_INIT;
	net_auto_store struct net_store st = NET_STORE_INIT;
	net_auto_net struct net_net n = NET_NET_INIT;
	ctr_auto_info struct ctr_info info = { 0 };
	struct net_whom whom = { 0 };
	struct cs_err gone = CS_ERR_INIT;
	char path[32];
	int ret, had = 0;

	if (cli_net_target(call, call->argv[1], &t, err) < 0 || cli_net_store(call, &st, err) < 0)
		return -err->code;
	whom.owner = t.id;
	/* one that has ended can be taken off as well */
	if (ctr_info_get(&rt, t.id, &info, &gone) == 0 && info.state.pid > 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)info.state.pid);
		whom.path = path;
	}
	cs_err_clear(&gone);
	ret = net_detach(&st, call->argv[0], &whom, &gone);
	if (ret == 0 || ret == -ENOENT)
		had = t.r.id ? eng_nets_del(&t.e, &t.r, call->argv[0], err) : 0;
	if (had < 0)
		return had;
	if (ret == -ENOENT && !had && o->force)
		return net_net_open(&st, call->argv[0], &n, err);
	if (ret < 0 && !had)
		*err = gone;
	return ret == -ENOENT && had ? 0 : ret;
}

const struct cli_cmd cli_cmd_network_disconnect = {
	.name = "network disconnect",
	.synopsis = "[-f] NETWORK CONTAINER",
	.help = "take a container off a network",
	.opts = CLI_OPTS(disconnect_optv),
	.opts_size = sizeof(struct disconnect_opts),
	.min_args = 2,
	.max_args = 2,
	.fail_status = CAISSON_FAILED,
	.run = disconnect_run,
};
