#include "netns/firewall.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "netns/addr.h"
#include "netns/fw_int.h"
#include "netns/fw_rules.h"
#include "netns/nft.h"
#include "netns/nl.h"

/* Of the table's sets and rules: another number, another table. */
#define FW_VERSION "5"

int net_fw_lock(const struct net_fw *fw, struct cs_err *err)
{
	return cs_file_lock(fw->run_dir, "firewall.lock", false, err);
}

/* All that the table knows of a network: "3 nat 10.88.0.0/16 fd12::/64". */
static void net_text(const struct net_config *net, char *out, size_t size)
{
	static const char *const modes[] = {
		[NET_MODE_NAT] = "nat",
		[NET_MODE_ROUTED] = "routed",
		[NET_MODE_ISOLATED] = "isolated",
		[NET_MODE_BRIDGE] = "bridge",
	};
	char v4[NET_PREFIX_TEXT], v6[NET_PREFIX_TEXT];

	(void)snprintf(out, size, FW_VERSION " %s%s %s %s", modes[net->mode],
		       net->isolate ? " isolate" : "", net_prefix_text(&net->v4.subnet, v4),
		       net_prefix_text(&net->v6.subnet, v6));
}

/* Where elements are put, and whether they are added or deleted. */
struct put {
	struct net_nl_req *r;
	const char *table;
	uint16_t msg; /* NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM */
};

static struct net_nft_list list_of(const struct put *p, const char *set)
{
	return (struct net_nft_list){
		.r = p->r,
		.msg = p->msg,
		.flags = p->msg == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
		.table = p->table,
		.set = set,
	};
}

/* One element, as a message of its own. */
static void put_elem(const struct put *p, const char *set, const struct net_nft_elem *e)
{
	struct net_nft_list l = list_of(p, set);

	net_nft_list_elem(&l, e);
	net_nft_list_end(&l);
}

/* An interval of addresses is its first and the one behind its last. */
static void put_subnet(const struct put *p, const char *set, const struct net_prefix *subnet)
{
	struct net_nft_list l = list_of(p, set);
	struct net_addr first = net_addr_mask(&subnet->addr, subnet->len);
	struct net_addr last = net_addr_fill(&subnet->addr, subnet->len), end;
	size_t size = net_addr_size(subnet->addr.family);

	if (size == 0)
		return;
	net_nft_list_elem(&l, &(struct net_nft_elem){ .key = first.b, .key_len = size });
	if (net_addr_add(&last, 1, &end))
		net_nft_list_elem(&l, &(struct net_nft_elem){ .key = end.b,
							      .key_len = size,
							      .flags = NFT_SET_ELEM_INTERVAL_END });
	net_nft_list_end(&l);
}

/* Whose port 53 is the name server's, and by what link it may be asked. */
static void put_gateway(const struct put *p, const struct net_addr *gw, const char *bridge)
{
	bool v6 = gw->family == AF_INET6;
	size_t size = net_addr_size(gw->family);
	char key[sizeof(gw->b) + IF_NAMESIZE] = "";

	if (!gw->family)
		return;
	memcpy(key, gw->b, size);
	memcpy(key + size, bridge, strnlen(bridge, IF_NAMESIZE - 1));
	put_elem(p, v6 ? FW_GW6 : FW_GW4, &(struct net_nft_elem){ .key = key, .key_len = size });
	put_elem(p, v6 ? FW_NAMES6 : FW_NAMES4,
		 &(struct net_nft_elem){ .key = key, .key_len = size + IF_NAMESIZE });
}

/* A network's elements, but ports: the same to add and to delete. */
static void put_network(const struct put *p, const struct net_config *net)
{
	char name[2 * IF_NAMESIZE] = "", text[FW_NET_TEXT];
	struct net_nft_elem link = { .key = name, .key_len = IF_NAMESIZE };
	struct net_nft_elem pair = { .key = name, .key_len = sizeof(name) };

	if (net->mode == NET_MODE_BRIDGE)
		return;
	net_text(net, text, sizeof(text));
	memcpy(name, net->bridge, strnlen(net->bridge, IF_NAMESIZE - 1));
	memcpy(name + IF_NAMESIZE, net->bridge, strnlen(net->bridge, IF_NAMESIZE - 1));
	put_elem(p, FW_HAIRPIN, &pair);
	if (!net->isolate)
		put_elem(p, FW_PAIRS, &pair);
	if (net->mode == NET_MODE_ISOLATED)
		put_elem(p, FW_CLOSED, &link);
	if (net->mode == NET_MODE_NAT) {
		put_elem(p, FW_NAT, &link);
		put_subnet(p, FW_NAT4, &net->v4.subnet);
		put_subnet(p, FW_NAT6, &net->v6.subnet);
	}
	put_gateway(p, &net->v4.gateway, net->bridge);
	put_gateway(p, &net->v6.gateway, net->bridge);
	link.comment = text;
	put_elem(p, FW_BRIDGES, &link);
}

struct seen {
	const char *want;
	bool same;
};

static int see(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	struct seen *s = arg;

	(void)err;
	s->same = e->comment && strcmp(e->comment, s->want) == 0;
	return 0;
}

/* 1: as this network is; 0: not there; -ESTALE without a message: there, but different. */
static int find_network(struct net_nl *nl, const char *table, const struct net_config *net,
			struct cs_err *err)
{
	char name[IF_NAMESIZE] = "", text[FW_NET_TEXT];
	const struct net_nft_elem key = { .key = name, .key_len = sizeof(name) };
	struct seen s = { text, false };
	int ret;

	net_text(net, text, sizeof(text));
	memcpy(name, net->bridge, strnlen(net->bridge, sizeof(name) - 1));
	ret = net_nft_elem_get(nl, table, FW_BRIDGES, &key, see, &s, err);
	if (ret == 1 && !s.same)
		return -ESTALE;
	return ret;
}

int net_fw_network_is_in(const struct net_fw *fw, const struct net_config *net, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	int ret;

	if (net->mode == NET_MODE_BRIDGE)
		return 1;
	if (net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	ret = find_network(&nl, fw->table, net, err);
	/* "flush table" leaves the sets */
	return ret == 1		? net_nft_has_rules(&nl, fw->table, "forward", err)
	       : ret == -ESTALE ? 0
				: ret;
}

/* Best done: members take no advertisements anyway, reports only cost time; where the kernel has no
 * such tables a member can answer DHCP, as on anybody's bridge. */
static void guard_ports(struct net_nl *nl, const char *table)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct cs_err e = CS_ERR_INIT;

	net_nft_begin(&r);
	net_fw_put_ports_guard(&r, table);
	if (net_nft_commit(nl, &r, NULL, &e) < 0)
		cs_log(CS_LOG_DEBUG, "firewall: no table of the bridge family: %s", e.msg);
}

static void unguard_ports(struct net_nl *nl, const char *table)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct cs_err ignored = CS_ERR_INIT; /* it is not there */

	net_nft_begin(&r);
	net_nft_bridge_del(&r, table);
	net_nft_commit(nl, &r, NULL, &ignored);
}

/* Two tries: into the table that is there, or else with a table around it. */
static int add_network(struct net_nl *nl, const char *table, const struct net_config *net,
		       bool make, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	const struct put p = { &r, table, NFT_MSG_NEWSETELEM };

	net_nft_begin(&r);
	if (make) {
		net_nft_table_add(&r, table, NLM_F_EXCL, "caisson " FW_VERSION);
		net_fw_put_skeleton(&r, table);
		net_fw_put_lo6(&r, table);
	}
	put_network(&p, net);
	return net_nft_commit(nl, &r, NULL, err);
}

int net_fw_network_add(const struct net_fw *fw, const struct net_config *net, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	cs_auto_fd int lock = -EBADF;
	int ret;

	if (net->mode == NET_MODE_BRIDGE)
		return 0;
	if (net_fw_host_prepare(net, err) < 0 || net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	lock = net_fw_lock(fw, err);
	if (lock < 0)
		return -err->code;
	ret = find_network(&nl, fw->table, net, err);
	if (ret == 1)
		return 0;
	if (ret == -ESTALE)
		return cs_err_set(err, ESTALE,
				  "bridge %s is in the firewall as another network: run \"caisson "
				  "network reload\"",
				  net->bridge);
	if (ret == 0)
		ret = add_network(&nl, fw->table, net, false, err);
	if (ret == -ENOENT) {
		cs_err_clear(err);
		ret = add_network(&nl, fw->table, net, true, err);
		if (ret == 0)
			guard_ports(&nl, fw->table);
	}
	return ret < 0 ? cs_err_wrap(err, "put network %s into the firewall", net->name) : 0;
}

int net_fw_network_del(const struct net_fw *fw, const struct net_config *net, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	const struct put p = { &r, fw->table, NFT_MSG_DELSETELEM };
	cs_auto_fd int lock = -EBADF;
	int ret;

	if (net->mode == NET_MODE_BRIDGE)
		return 0;
	if (net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	lock = net_fw_lock(fw, err);
	if (lock < 0)
		return -err->code;
	ret = find_network(&nl, fw->table, net, err);
	if (ret == -ESTALE)
		return cs_err_set(err, ESTALE,
				  "bridge %s is in the firewall as another network: run \"caisson "
				  "network reload\"",
				  net->bridge);
	if (ret <= 0)
		return ret;
	net_nft_begin(&r);
	put_network(&p, net);
	if (net_nft_commit(&nl, &r, NULL, err) < 0)
		return cs_err_wrap(err, "take network %s out of the firewall", net->name);
	return 0;
}

int net_fw_remove(const struct net_fw *fw, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	cs_auto_fd int lock = -EBADF;

	if (net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	lock = net_fw_lock(fw, err);
	if (lock < 0)
		return -err->code;
	unguard_ports(&nl, fw->table);
	net_nft_begin(&r);
	net_nft_table_del(&r, fw->table);
	if (net_nft_commit(&nl, &r, NULL, err) < 0) {
		if (err->code != ENOENT)
			return cs_err_wrap(err, "remove the firewall's table");
		cs_err_clear(err);
	}
	return 0;
}

int net_fw_restore(const struct net_fw *fw, const struct net_fw_want *want, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	const struct put p = { &r, fw->table, NFT_MSG_NEWSETELEM };
	struct cs_err first = CS_ERR_INIT;
	cs_auto_fd int lock = -EBADF;

	lock = net_fw_lock(fw, err);
	if (lock < 0 || net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	net_nft_begin(&r);
	/* Made first, so that there is one to delete. */
	net_nft_table_add(&r, fw->table, 0, NULL);
	net_nft_table_del(&r, fw->table);
	net_nft_table_add(&r, fw->table, 0, "caisson " FW_VERSION);
	net_fw_put_skeleton(&r, fw->table);
	net_fw_put_lo6(&r, fw->table);
	for (size_t i = 0; i < want->n_nets; i++) {
		struct cs_err e = CS_ERR_INIT;

		if (net_fw_host_prepare(want->nets[i], &e) == 0)
			put_network(&p, want->nets[i]);
		else if (!first.code)
			first = e;
	}
	for (size_t i = 0; i < want->n_atts; i++)
		if (net_fw_put_ports(&r, fw->table, want->atts[i], err) < 0)
			return -err->code;
	if (net_nft_commit(&nl, &r, NULL, err) < 0)
		return cs_err_wrap(err, "restore the firewall");
	guard_ports(&nl, fw->table);
	*err = first;
	return -first.code;
}
