#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "netns/record.h"
#include "runtime/container.h"

static const struct cli_opt connect_optv[] = {
	CLI_STRV(struct cli_net_wish_opts, aliases, "alias", 0, "NAME", "another name for it"),
	CLI_STR(struct cli_net_wish_opts, format, "format", 0, "FORMAT",
		"table (default), json or jsonl"),
	CLI_STR(struct cli_net_wish_opts, ifname, "ifname", 0, "NAME",
		"the interface's name inside (default: the first free of eth0, eth1, ...)"),
	CLI_STR(struct cli_net_wish_opts, ip, "ip", 0, "ADDRESS", "its IPv4 address"),
	CLI_STR(struct cli_net_wish_opts, ip6, "ip6", 0, "ADDRESS", "its IPv6 address"),
	CLI_STR(struct cli_net_wish_opts, mac, "mac", 0, "ADDRESS", "its MAC address"),
	CLI_STR(struct cli_net_wish_opts, name, "name", 0, "NAME", "what other members find it by"),
};

static int connect_run(struct cli_call *call, struct cs_err *err)
{
	const struct cli_net_wish_opts *o = call->opts;
	const struct ctr_rt rt = { .root = call->dirs->state };
	net_auto_attachment struct net_attachment a = { 0 };
	net_auto_store struct net_store st = NET_STORE_INIT;
	ctr_auto_info struct ctr_info info = { 0 };
	cs_auto_free struct net_port *ports = NULL;
	cs_auto_free char *name = NULL;
	cs_auto_fd int ns = -EBADF;
	struct net_wish w = { 0 };
	enum cli_net_format format;
	char id[NET_OWNER_MAX + 1], path[32];

	if (cli_net_format(o->format, CLI_NET_TABLE, &format, err) < 0 ||
	    cli_net_wish(o, &w, &ports, err) < 0 || cli_net_store(call, &st, err) < 0 ||
	    cli_net_container(call, call->argv[1], id, &name, err) < 0 ||
	    ctr_info_get(&rt, id, &info, err) < 0)
		return -err->code;
	if (info.status == CTR_STOPPED || info.status == CTR_CREATING)
		return cs_err_set(err, EBUSY, "container %s is %s, not running", call->argv[1],
				  ctr_status_name(info.status));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)info.state.pid);
	ns = net_life_of_path(&st, path, &w.life, err);
	if (ns < 0)
		return ns;
	w.owner = id;
	if (!w.name)
		w.name = name;
	w.ns = ns;
	if (net_attach(&st, call->argv[0], &w, &a, NULL, err) < 0 ||
	    cli_net_note_names(&st, call->argv[0], err) < 0)
		return -err->code;
	return cli_net_print_attachment(&a, o->format, err);
}

const struct cli_cmd cli_cmd_network_connect = {
	.name = "network connect",
	.synopsis = "[OPTION...] NETWORK CONTAINER",
	.help = "put a running container on one more network",
	.opts = CLI_OPTS(connect_optv),
	.opts_size = sizeof(struct cli_net_wish_opts),
	.min_args = 2,
	.max_args = 2,
	.fail_status = CAISSON_FAILED,
	.run = connect_run,
};
