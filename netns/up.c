/* Bringing networks up: bridge, addresses, firewall. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "netns/addr.h"
#include "netns/attach.h"
#include "netns/firewall.h"
#include "netns/fw_int.h"
#include "netns/ipam.h"
#include "netns/link.h"
#include "netns/names.h"
#include "netns/network.h"
#include "netns/nl.h"
#include "netns/record.h"
#include "netns/route.h"

void net_members_fini(struct net_members *m)
{
	for (size_t i = 0; i < m->n; i++)
		net_attachment_fini(&m->v[i]);
	free(m->v);
	*m = (struct net_members){ 0 };
}

int net_network_members(const struct net_store *st, const struct net_net *n,
			struct net_members *out, struct cs_err *err)
{
	net_auto_members struct net_members m = { 0 };
	net_auto_ipam struct net_ipam t = NET_IPAM_INIT;

	if (net_ipam_open(&t, n->dir, n->boot, err) < 0)
		return -err->code;
	m.v = calloc(t.n ? t.n : 1, sizeof(*m.v));
	if (!m.v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < t.n; i++) {
		struct cs_err e = CS_ERR_INIT;

		if (t.v[i].state == NET_LEASE_LEAVING || !net_lease_lives(&t.v[i], st->proc))
			continue;
		/* one being attached may have no record yet */
		if (net_att_load(n, t.v[i].hostif, &m.v[m.n], &e) == 0)
			m.n++;
		else if (e.code != ENOENT)
			cs_log(CS_LOG_WARN, "%s", e.msg);
	}
	*out = m;
	m = (struct net_members){ 0 };
	return 0;
}

static bool pass_exists(unsigned index, int code, void *arg)
{
	(void)index;
	(void)arg;
	return code == EEXIST;
}

static bool pass_gone(unsigned index, int code, void *arg)
{
	(void)index;
	(void)arg;
	return code == ENODEV;
}

struct net_mac net_network_mac(const struct net_config *c)
{
	struct net_mac mac = { { 0x02, 0xcb } };

	for (size_t i = 0; i < 4; i++) {
		const char byte[] = { c->id[2 * i], c->id[2 * i + 1], '\0' };

		mac.b[i + 2] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return mac;
}

/* Is the link the network's own bridge? */
static bool is_ours(const struct net_config *c, const struct net_link_info *info)
{
	const struct net_mac mac = net_network_mac(c);

	return info->bridge && memcmp(info->mac.b, mac.b, sizeof(mac.b)) == 0;
}

static int foreign_bridge(const struct net_config *c, const struct net_link_info *info,
			  struct cs_err *err)
{
	if (!info->bridge)
		return cs_err_set(err, EEXIST,
				  "there is a link %s that is no bridge: rename it, network %s "
				  "needs the name",
				  c->bridge, c->name);
	return cs_err_set(err, EEXIST,
			  "bridge %s is not network %s's: it is another store's (--root), or made "
			  "by hand; remove that bridge, or the network and make it anew",
			  c->bridge, c->name);
}

/* What came to this host since the network was made, another store's network for one. A route may
 * be a wider one; two links with the same subnet do not work. */
static int check_subnets(const struct net_config *c, struct net_nl *nl, struct cs_err *err)
{
	const struct net_prefix *mine[] = { &c->v4.subnet, &c->v6.subnet }, *p;
	net_auto_used struct net_used used = NET_USED_INIT;
	char text[NET_PREFIX_TEXT], other[NET_PREFIX_TEXT];
	const char *why = "";

	if (net_addrs_used(nl, &used, err) < 0)
		return -err->code;
	for (size_t i = 0; i < CS_LEN(mine); i++) {
		p = net_addr_is_set(&mine[i]->addr) ? net_used_find(&used, mine[i], &why) : NULL;
		if (p)
			return cs_err_set(err, EADDRINUSE,
					  "subnet %s of network %s overlaps %s by now: %s; remove "
					  "the network and make it anew",
					  net_prefix_text(mine[i], text), c->name,
					  net_prefix_text(p, other), why);
	}
	return 0;
}

static int make_bridge(const struct net_config *c, struct net_nl *nl, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_exists };
	const struct net_mac mac = net_network_mac(c);
	uint32_t mtu = c->mtu;

	if (check_subnets(c, nl, err) < 0 || (!mtu && net_route_mtu(nl, &mtu, err) < 0))
		return -err->code;
	net_link_put_bridge(&r, c->bridge, &mac, mtu);
	if (net_nl_call(nl, &r, &answer, err) < 0)
		return cs_err_wrap(err, "make bridge %s", c->bridge);
	return 0;
}

static void put_gateway(struct net_nl_req *r, uint32_t index, const struct net_subnet *s)
{
	struct net_prefix p = { .addr = s->gateway, .len = s->subnet.len };

	if (net_addr_is_set(&s->gateway))
		net_route_put_addr(r, index, &p);
}

/* A member whose pair is still there, in a bridge made anew. */
static int put_members(const struct net_net *n, struct net_nl *nl,
		       const struct net_link_info *bridge, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_gone };
	net_auto_ipam struct net_ipam t = NET_IPAM_INIT;

	if (net_ipam_open(&t, n->dir, n->boot, err) < 0)
		return -err->code;
	for (size_t i = 0; i < t.n; i++)
		if (t.v[i].state == NET_LEASE_UP) {
			net_link_put_port(&r, t.v[i].hostif, bridge->index, 0);
			if (n->c.isolate)
				net_link_put_isolated(&r, t.v[i].hostif);
		}
	if (net_nl_call(nl, &r, &answer, err) < 0)
		return cs_err_wrap(err, "put members into bridge %s", n->c.bridge);
	return 0;
}

/* With the network's lock held. Up is the last step: a bridge that is up is whole. */
static int mend_bridge(const struct net_net *n, struct net_nl *nl, struct net_link_info *info,
		       struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_exists };
	int ret = net_link_get(nl, n->c.bridge, info, err);

	if (ret == 0 && make_bridge(&n->c, nl, err) == 0)
		ret = net_link_get(nl, n->c.bridge, info, err);
	if (err->code)
		return -err->code;
	if (ret == 0)
		return cs_err_set(err, EAGAIN, "bridge %s vanished while it was made", n->c.bridge);
	if (!is_ours(&n->c, info))
		return foreign_bridge(&n->c, info, err);
	if (net_link_no_advertisements(n->c.bridge, err) < 0)
		return -err->code;
	put_gateway(&r, info->index, &n->c.v4);
	put_gateway(&r, info->index, &n->c.v6);
	net_link_put_up(&r, n->c.bridge);
	if (net_nl_call(nl, &r, &answer, err) < 0)
		return cs_err_wrap(err, "set up bridge %s", n->c.bridge);
	if (net_fw_host_prepare(&n->c, err) < 0)
		return -err->code;
	return put_members(n, nl, info, err);
}

static int bridge_up(const struct net_net *n, struct net_nl *nl, bool mend,
		     struct net_link_info *info, struct cs_err *err)
{
	cs_auto_fd int lock = -EBADF;
	int ret = net_link_get(nl, n->c.bridge, info, err);

	if (ret < 0)
		return ret;
	if (n->c.mode == NET_MODE_BRIDGE) {
		if (ret > 0 && info->bridge) /* whoever made it brings it up */
			return mend ? put_members(n, nl, info, err) : 0;
		return cs_err_set(err, ENODEV,
				  "bridge %s of network %s is not there: make it first",
				  n->c.bridge, n->c.name);
	}
	if (ret > 0 && is_ours(&n->c, info) && info->up && !mend)
		return 0;
	lock = net_net_lock(n, err);
	if (lock < 0)
		return lock;
	if (!net_net_exists(n)) /* what it has is removed, and would not be again */
		return cs_err_set(err, ENOENT, "network %s was removed meanwhile", n->c.name);
	return mend_bridge(n, nl, info, err);
}

/* What net_fw_restore() wants, gathered. */
struct gather {
	struct net_net *nets;
	const struct net_config **confs;
	struct net_members *members;
	const struct net_attachment **atts;
	size_t n_nets, n_atts;
};

static void gather_fini(struct gather *g)
{
	for (size_t i = 0; i < g->n_nets; i++) {
		net_net_close(&g->nets[i]);
		net_members_fini(&g->members[i]);
	}
	free(g->nets);
	free(g->confs);
	free(g->members);
	free(g->atts);
}

/* One network whose bridge is there, with members, if it is its own. One whose members cannot be
 * read is put in without. */
static int gather_net(const struct net_store *st, const char *name, struct net_nl *nl,
		      struct gather *g, struct cs_err *err)
{
	net_auto_net struct net_net n = NET_NET_INIT;
	struct net_link_info info = { 0 };
	int ret = net_net_open(st, name, &n, err);

	if (ret == 0)
		ret = net_link_get(nl, n.c.bridge, &info, err);
	if (ret <= 0)
		return ret;
	if (n.c.mode != NET_MODE_BRIDGE && !is_ours(&n.c, &info))
		return foreign_bridge(&n.c, &info, err);
	g->nets[g->n_nets] = n;
	n = (struct net_net)NET_NET_INIT;
	g->confs[g->n_nets] = &g->nets[g->n_nets].c;
	g->n_nets++;
	return net_network_members(st, &g->nets[g->n_nets - 1], &g->members[g->n_nets - 1], err);
}

/* All that can be read; @first is set to what the first that cannot has. */
static int gather_nets(const struct net_store *st, struct net_nl *nl, struct gather *g,
		       struct cs_err *first, struct cs_err *err)
{
	net_auto_list struct net_list l = { 0 };

	if (net_store_list(st, &l, err) < 0)
		return -err->code;
	g->nets = calloc(l.n + 1, sizeof(*g->nets));
	g->confs = calloc(l.n + 1, sizeof(void *));
	g->members = calloc(l.n + 1, sizeof(*g->members));
	if (!g->nets || !g->confs || !g->members)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < l.n; i++) {
		struct cs_err e = CS_ERR_INIT;

		/* one removed meanwhile is none */
		if (gather_net(st, l.v[i], nl, g, &e) < 0 && e.code != ENOENT && !first->code) {
			cs_err_wrap(&e, "network %s", l.v[i]);
			*first = e;
		}
	}
	return 0;
}

static int gather_atts(struct gather *g, struct cs_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_nets; i++)
		n += g->members[i].n;
	g->atts = calloc(n + 1, sizeof(void *));
	if (!g->atts)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < g->n_nets; i++)
		for (size_t j = 0; j < g->members[i].n; j++)
			g->atts[g->n_atts++] = &g->members[i].v[j];
	return 0;
}

/* Makes the firewall anew from all records. A network that cannot be put in keeps no other one out:
 * the error is told when all others are in. */
static int restore(const struct net_store *st, struct net_nl *nl, struct cs_err *err)
{
	cs_auto_fd int gate = net_store_gate(st, true, err);
	const struct net_fw fw = net_store_fw(st);
	struct cs_err first = CS_ERR_INIT;
	struct gather g = { 0 };
	int ret;

	if (gate < 0)
		return gate;
	ret = gather_nets(st, nl, &g, &first, err);
	if (ret == 0)
		ret = gather_atts(&g, err);
	if (ret == 0) {
		const struct net_fw_want want = {
			.nets = g.confs,
			.n_nets = g.n_nets,
			.atts = g.atts,
			.n_atts = g.n_atts,
		};

		ret = net_fw_restore(&fw, &want, err);
	}
	gather_fini(&g);
	if (ret == 0 && first.code) {
		*err = first;
		ret = -first.code;
	}
	return ret;
}

/* Another network's fault is not this one's. */
static int restore_for(const struct net_store *st, const struct net_net *n, struct net_nl *nl,
		       struct cs_err *err)
{
	const struct net_fw fw = net_store_fw(st);
	struct cs_err e = CS_ERR_INIT;

	if (restore(st, nl, &e) == 0)
		return 0;
	if (net_fw_network_is_in(&fw, &n->c, err) == 1) {
		cs_log(CS_LOG_WARN, "%s", e.msg);
		return 0;
	}
	*err = e;
	return -e.code;
}

int net_network_up(const struct net_store *st, const struct net_net *n, struct net_nl *nl,
		   struct net_up *out, struct cs_err *err)
{
	const struct net_fw fw = net_store_fw(st);
	struct net_link_info info = { 0 };
	int ret = bridge_up(n, nl, false, &info, err);

	if (ret == 0)
		ret = net_fw_network_is_in(&fw, &n->c, err);
	if (ret == 0)
		ret = restore_for(st, n, nl, err);
	if (ret < 0)
		return ret;
	out->index = info.index;
	out->mac = info.mac;
	out->mtu = n->c.mtu ? n->c.mtu : info.mtu;
	return 0;
}

static int mend_names(const struct net_net *n, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int lock = -EBADF;

	if (!n->c.dns)
		return 0;
	lock = net_net_lock(n, err);
	dir = lock < 0 ? lock : net_net_names(n, err);
	return dir < 0 ? dir : net_names_mend(dir, &n->c, err);
}

/* A network that nobody uses has no bridge, and needs none. */
static int reload_one(const struct net_store *st, const char *name, struct net_nl *nl,
		      struct cs_err *err)
{
	net_auto_members struct net_members m = { 0 };
	net_auto_net struct net_net n = NET_NET_INIT;
	struct net_link_info info = { 0 };
	int ret;

	if (net_net_open(st, name, &n, err) < 0 || net_sweep(st, &n, true, err) < 0 ||
	    net_network_members(st, &n, &m, err) < 0)
		return -err->code;
	ret = net_link_get(nl, n.c.bridge, NULL, err);
	if (ret < 0 || (ret == 0 && m.n == 0))
		return ret;
	if (bridge_up(&n, nl, true, &info, err) < 0)
		return -err->code;
	return mend_names(&n, err);
}

int net_network_reload(const struct net_store *st, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_list struct net_list l = { 0 };
	struct cs_err first = CS_ERR_INIT;
	cs_auto_fd int lock = cs_file_lock(st->root, ".lock", false, err);

	if (lock < 0 || net_network_tidy(st, err) < 0 || net_nl_open(&nl, NETLINK_ROUTE, err) < 0 ||
	    net_store_list(st, &l, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l.n; i++) {
		struct cs_err e = CS_ERR_INIT;

		if (reload_one(st, l.v[i], &nl, &e) < 0 && e.code != ENOENT && !first.code) {
			cs_err_wrap(&e, "network %s", l.v[i]);
			first = e;
		}
	}
	/* one network's fault does not keep the others shut */
	if (restore(st, &nl, err) < 0 && !first.code)
		return -err->code;
	*err = first;
	return -first.code;
}
