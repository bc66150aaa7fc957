#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "engine/nets.h"
#include "engine/record.h"
#include "engine/status.h"
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

/* Into the record, so that it is there again after the next start. */
static int keep(struct cli_net_target *t, const char *network, const struct cli_net_wish_opts *o,
		struct cs_err *err)
{
	struct eng_net n = {
		.network = network,
		.ip = o->ip,
		.ip6 = o->ip6,
		.mac = o->mac,
		.ifname = o->ifname,
		.aliases = { o->aliases.v, o->aliases.n },
	};
	const char **v = cs_json_alloc(&t->r.doc, o->aliases.n + 2, sizeof(*v));

	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	/* a record has the container's name alone */
	if (o->name) {
		for (size_t i = 0; i < o->aliases.n; i++)
			v[i] = o->aliases.v[i];
		v[o->aliases.n] = o->name;
		n.aliases = (struct eng_strv){ v, o->aliases.n + 1 };
	}
	return eng_nets_add(&t->e, &t->r, &n, err);
}

/* In the container that runs as process @pid. */
static int attach(const struct net_store *st, const char *network, const struct ctr_state *state,
		  struct net_wish *w, struct net_attachment *a, struct cs_err *err)
{
	cs_auto_fd int ns = -EBADF;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)state->pid);
	ns = net_life_of_path(st, path, &w->life, err);
	if (ns < 0)
		return ns;
	if (w->life.start != state->start_time)
		return cs_err_set(err, ESRCH, "container %s has ended", state->id);
	w->ns = ns;
	return net_attach(st, network, w, a, NULL, err);
}

/* What the runtime does not know does not run: or is it only out of reach? */
static int can_wait(const struct cli_net_target *t, struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;
	int ret = eng_status_load(&t->e, t->r.id, &st, err);

	return ret < 0 ? ret : eng_status_reach(&t->e, t->r.id, t->r.name, &st, err);
}

/* One that does not run is put on the network when it is started. */
static int connect_it(struct cli_call *call, struct cli_net_target *t, const struct net_store *st,
		      struct net_wish *w, struct cs_err *err)
{
	const struct cli_net_wish_opts *o = call->opts;
	const struct ctr_rt rt = { .root = call->dirs->state };
	net_auto_attachment struct net_attachment a = { 0 };
	ctr_auto_info struct ctr_info info = { 0 };
	const char *network = call->argv[0];
	int ret = ctr_info_get(&rt, t->id, &info, err);
	bool runs = ret == 0 && info.status != CTR_STOPPED && info.status != CTR_CREATING;

	if (ret == -ENOENT && t->r.id) {
		cs_err_clear(err);
		ret = can_wait(t, err);
	}
	if (ret < 0)
		return ret;
	if (!runs && !t->r.id)
		return cs_err_set(err, EBUSY, "container %s is %s, not running", call->argv[1],
				  ctr_status_name(info.status));
	if (runs && strcmp(info.state.wall, "vm") == 0)
		return cs_err_set(
			err, ENOTSUP,
			"container %s runs in a machine, which has the networks that it was "
			"started with: stop it first",
			call->argv[1]);
	w->owner = t->id;
	if (!w->name)
		w->name = t->r.name;
	if (runs ? attach(st, network, &info.state, w, &a, err) < 0
		 : net_attach_check(st, network, w, err) < 0)
		return -err->code;
	if (t->r.id && keep(t, network, o, err) < 0) {
		const struct net_whom whom = { .owner = t->id };
		struct cs_err ignored = CS_ERR_INIT;

		if (runs)
			net_detach(st, network, &whom, &ignored);
		return -err->code;
	}
	if (!runs)
		return 0;
	return cli_net_note_names(st, network, err) < 0
		       ? -err->code
		       : cli_net_print_attachment(&a, o->format, err);
}

static int connect_run(struct cli_call *call, struct cs_err *err)
{
	const struct cli_net_wish_opts *o = call->opts;
	cli_auto_net_target struct cli_net_target t = CLI_NET_TARGET_INIT;
	net_auto_store struct net_store st = NET_STORE_INIT;
	cs_auto_free struct net_port *ports = NULL;
	struct net_wish w = { .ns = -EBADF };
	enum cli_net_format format;

	if (cli_net_format(o->format, CLI_NET_TABLE, &format, err) < 0 ||
	    cli_net_wish(o, &w, &ports, err) < 0 || cli_net_store(call, &st, err) < 0 ||
	    cli_net_target(call, call->argv[1], &t, err) < 0 ||
	    (t.r.id && eng_nets_may_add(&t.r, call->argv[0], err) < 0))
		return -err->code;
	return connect_it(call, &t, &st, &w, err);
}

const struct cli_cmd cli_cmd_network_connect = {
	.name = "network connect",
	.synopsis = "[OPTION...] NETWORK CONTAINER",
	.help = "put a container on one more network",
	.opts = CLI_OPTS(connect_optv),
	.opts_size = sizeof(struct cli_net_wish_opts),
	.min_args = 2,
	.max_args = 2,
	.fail_status = CAISSON_FAILED,
	.run = connect_run,
};
