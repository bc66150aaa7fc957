#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/network.h"

static int reload_run(struct cli_call *call, struct cs_err *err)
{
	net_auto_store struct net_store st = NET_STORE_INIT;
	net_auto_list struct net_list l = { 0 };

	if (cli_net_store(call, &st, err) < 0 || net_network_reload(&st, err) < 0 ||
	    net_store_list(&st, &l, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l.n; i++) {
		struct cs_err gone = CS_ERR_INIT; /* removed meanwhile */

		(void)cli_net_notes(&st, l.v[i], &gone);
	}
	return 0;
}

const struct cli_cmd cli_cmd_network_reload = {
	.name = "network reload",
	.synopsis = "",
	.help = "restore bridges, firewall and names of all networks",
	.fail_status = CAISSON_FAILED,
	.run = reload_run,
};
