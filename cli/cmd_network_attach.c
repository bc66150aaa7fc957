#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "netns/record.h"

struct attach_opts {
	struct cli_net_wish_opts w;
	const char *netns;
};

static const struct cli_opt attach_optv[] = {
	CLI_STRV(struct attach_opts, w.aliases, "alias", 0, "NAME", "another name for it"),
	CLI_STR(struct attach_opts, w.format, "format", 0, "FORMAT",
		"table (default), json or jsonl"),
	CLI_STR(struct attach_opts, w.ifname, "ifname", 0, "NAME",
		"the interface's name inside (default: the first free of eth0, eth1, ...)"),
	CLI_STR(struct attach_opts, w.ip, "ip", 0, "ADDRESS", "its IPv4 address"),
	CLI_STR(struct attach_opts, w.ip6, "ip6", 0, "ADDRESS", "its IPv6 address"),
	CLI_STR(struct attach_opts, w.mac, "mac", 0, "ADDRESS", "its MAC address"),
	CLI_STR(struct attach_opts, w.name, "name", 0, "NAME", "what other members find it by"),
	CLI_STR(struct attach_opts, netns, "netns", 0, "PATH",
		"where the network namespace is pinned, or /proc/PID/ns/net"),
	CLI_STRV(struct attach_opts, w.ports, "publish", 'p', "PORTS",
		 "publish ports: [[HOSTADDR:]HOSTPORT[-LAST]:]PORT[-LAST][/PROTOCOL]"),
};

/* A namespace has no id of its own: the attachment gets a random one. */
static int make_owner(char out[65], struct cs_err *err)
{
	unsigned char r[32];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return cs_err_sys(err, "random bytes");
	for (size_t i = 0; i < sizeof(r); i++)
		snprintf(out + 2 * i, 3, "%02x", r[i]);
	return 0;
}

static int attach_run(struct cli_call *call, struct cs_err *err)
{
	const struct attach_opts *o = call->opts;
	net_auto_attachment struct net_attachment a = { 0 };
	net_auto_store struct net_store st = NET_STORE_INIT;
	cs_auto_free struct net_port *ports = NULL;
	cs_auto_fd int ns = -EBADF;
	struct net_wish w = { 0 };
	enum cli_net_format format;
	char owner[65];

	if (!o->netns)
		return cs_err_set(err, EINVAL, "option --netns is needed: the namespace to attach");
	if (cli_net_format(o->w.format, CLI_NET_TABLE, &format, err) < 0 ||
	    cli_net_wish(&o->w, &w, &ports, err) < 0 || make_owner(owner, err) < 0 ||
	    cli_net_store(call, &st, err) < 0)
		return -err->code;
	ns = net_life_of_path(&st, o->netns, &w.life, err);
	if (ns < 0)
		return ns;
	w.owner = owner;
	w.ns = ns;
	if (net_attach(&st, call->argv[0], &w, &a, NULL, err) < 0 ||
	    cli_net_note_names(&st, call->argv[0], err) < 0)
		return -err->code;
	return cli_net_print_attachment(&a, o->w.format, err);
}

const struct cli_cmd cli_cmd_network_attach = {
	.name = "network attach",
	.synopsis = "[OPTION...] --netns PATH NETWORK",
	.help = "put a network namespace of your own on a network",
	.opts = CLI_OPTS(attach_optv),
	.opts_size = sizeof(struct attach_opts),
	.min_args = 1,
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = attach_run,
};
