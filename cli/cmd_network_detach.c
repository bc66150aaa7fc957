#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/network.h"

struct detach_opts {
	const char *netns, *ifname;
};

static const struct cli_opt detach_optv[] = {
	CLI_STR(struct detach_opts, ifname, "ifname", 0, "NAME",
		"which, when it is on the network several times"),
	CLI_STR(struct detach_opts, netns, "netns", 0, "PATH", "as it was attached with"),
};

static int detach_run(struct cli_call *call, struct cs_err *err)
{
	const struct detach_opts *o = call->opts;
	net_auto_store struct net_store st = NET_STORE_INIT;
	cs_auto_free char *path = NULL;
	struct cs_err gone = CS_ERR_INIT;
	struct net_whom whom = { .ifname = o->ifname };
	struct net_life life = { 0 };
	cs_auto_fd int ns = -EBADF;

	if (!o->netns)
		return cs_err_set(err, EINVAL, "option --netns is needed: the namespace to detach");
	if (cli_net_store(call, &st, err) < 0)
		return -err->code;
	path = realpath(o->netns, NULL);
	whom.path = path ? path : o->netns;
	ns = net_life_of_path(&st, o->netns, &life, &gone);
	if (ns >= 0)
		whom.ns = &life.ns;
	if (ns >= 0 && !*life.path)
		whom.path = o->netns;
	/* what goes on behind this command must not keep the namespace busy */
	cs_close_fd(&ns);
	return net_detach(&st, call->argv[0], &whom, err);
}

const struct cli_cmd cli_cmd_network_detach = {
	.name = "network detach",
	.synopsis = "[OPTION...] --netns PATH NETWORK",
	.help = "take a network namespace of your own off a network",
	.opts = CLI_OPTS(detach_optv),
	.opts_size = sizeof(struct detach_opts),
	.min_args = 1,
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = detach_run,
};
