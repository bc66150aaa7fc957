#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/network.h"

static int reload_run(struct cli_call *call, struct cs_err *err)
{
	net_auto_store struct net_store st = NET_STORE_INIT;

	if (cli_net_store(call, &st, err) < 0)
		return -err->code;
	return net_network_reload(&st, err);
}

const struct cli_cmd cli_cmd_network_reload = {
	.name = "network reload",
	.synopsis = "",
	.help = "restore bridges, firewall and names of all networks",
	.fail_status = CAISSON_FAILED,
	.run = reload_run,
};
