#include "netns/attach.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "netns/addr.h"
#include "netns/attach_int.h"
#include "netns/firewall.h"
#include "netns/link.h"
#include "netns/names.h"
#include "netns/network.h"
#include "netns/nl.h"
#include "netns/ns.h"
#include "netns/ports.h"
#include "netns/portspec.h"
#include "netns/record.h"
#include "netns/route.h"
#include "netns/store.h"

enum { ETH_MAX = 64, CHOICES = 20 };
enum { LEAVE_TRIES = 250, LEAVE_PAUSE_MS = 20 }; /* for a detach to end */

/* One call of net_attach(). */
struct job {
	const struct net_store *st;
	const struct net_wish *w;
	struct net_net n;
	struct net_nl nl;     /* the host's */
	struct net_nl inside; /* the namespace's */
	struct net_up up;
	struct net_lease l;
	size_t slot; /* of the lease */
	struct net_attachment a;
	int tap;
};

/* --- before anything is done ---------------------------------------------------------------- */

static int choose_ifname(struct job *j, struct cs_err *err)
{
	char *name = j->a.ifname;
	int ret;

	for (int i = 0; i < ETH_MAX; i++) {
		if (j->w->ifname)
			snprintf(name, IF_NAMESIZE, "%s", j->w->ifname);
		else
			snprintf(name, IF_NAMESIZE, "eth%d", i);
		ret = net_link_get(&j->inside, name, NULL, err);
		if (ret <= 0)
			return ret;
		if (j->w->ifname)
			return cs_err_set(err, EEXIST,
					  "there is an interface %s in the namespace already",
					  name);
	}
	return cs_err_set(err, ENOSPC, "the namespace has too many interfaces");
}

static int choose_ports(struct job *j, struct cs_err *err)
{
	const struct net_fw fw = net_store_fw(j->st);

	for (size_t i = 0; i < j->w->n_ports; i++)
		j->a.ports[i] = j->w->ports[i];
	j->a.n_ports = j->w->n_ports;
	return j->a.n_ports ? net_ports_choose(&fw, j->a.ports, j->a.n_ports, err) : 0;
}

static int copy_names(struct job *j, struct cs_err *err)
{
	const struct net_wish *w = j->w;
	struct net_attachment *a = &j->a;

	a->name = w->name ? strdup(w->name) : NULL;
	a->aliases = calloc(w->n_aliases + 1, sizeof(*a->aliases));
	a->ports = calloc(w->n_ports + 1, sizeof(*a->ports));
	if ((w->name && !a->name) || !a->aliases || !a->ports)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < w->n_aliases; i++) {
		a->aliases[i] = strdup(w->aliases[i]);
		if (!a->aliases[i])
			return cs_err_set(err, ENOMEM, "out of memory");
		a->n_aliases++;
	}
	return choose_ports(j, err);
}

/* --- the lease -------------------------------------------------------------------------------- */

static int name_lease(struct job *j, struct cs_err *err)
{
	struct net_lease *l = &j->l;
	unsigned int r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return cs_err_sys(err, "random bytes");
	snprintf(l->hostif, sizeof(l->hostif), "c%c%08x", j->w->ns < 0 ? 't' : 'v', r);
	snprintf(l->owner, sizeof(l->owner), "%s", j->w->owner);
	memcpy(l->ifname, j->a.ifname, sizeof(l->ifname));
	l->life = j->w->life;
	return net_lease_mark(j->st, l, NET_LEASE_PENDING, err);
}

/* One that is being taken off has given back its name already. */
static bool is_on(const struct net_ipam *t, const char *owner)
{
	for (size_t i = 0; i < t->n; i++)
		if ((t->v[i].state == NET_LEASE_PENDING || t->v[i].state == NET_LEASE_UP) &&
		    strcmp(t->v[i].owner, owner) == 0)
			return true;
	return false;
}

/* With the table locked. */
static int choose_lease(struct job *j, struct net_ipam *t, struct cs_err *err)
{
	const struct net_ipam_want want = {
		.ip4 = j->w->ip4,
		.ip6 = j->w->ip6,
		.mac = j->w->mac,
		.bridge = j->up.mac,
	};
	int ret;

	if (is_on(t, j->w->owner))
		return cs_err_set(err, EEXIST, "%.64s is on network %s already", j->w->owner,
				  j->n.c.name);
	ret = net_ipam_choose(t, &j->n.c, &want, &j->l, &j->slot, err);
	return ret < 0 ? ret : net_ipam_write(t, j->slot, &j->l, true, err);
}

/* Undoes what dead owners and killed commands left, as far as a look shows. Nothing: 0, and the
 * table is open yet; else 1. */
static int clear_way(struct job *j, struct net_ipam *t, struct cs_err *err)
{
	net_auto_left struct net_left left = { 0 };
	struct cs_err e = CS_ERR_INIT;

	if (net_sweep_mark(j->st, t, false, &left, err) < 0)
		return -err->code;
	if (left.n == 0)
		return 0;
	cs_close_fd(&t->fd);
	/* it may be in the way of others, and not of this one */
	if (net_sweep_undo(j->st, &j->n, t, &left, &e) < 0)
		cs_log(CS_LOG_WARN, "%s", e.msg);
	return 1;
}

/* Is the address that was asked for being given back just now? */
static bool leaves(const struct job *j, const struct net_ipam *t)
{
	return j->slot < t->n && t->v[j->slot].state == NET_LEASE_LEAVING &&
	       net_lease_lives(&t->v[j->slot], j->st->proc);
}

/* An address may be a dead owner's: then all of those are looked at, and it is tried once more. */
static int take_lease(struct job *j, struct cs_err *err)
{
	int ret = name_lease(j, err), waits = 0;

	for (int i = 0; ret == 0; i++) {
		net_auto_ipam struct net_ipam t = NET_IPAM_INIT;

		ret = net_ipam_open(&t, j->n.dir, j->n.boot, err);
		if (ret == 0 && i == 0) {
			ret = clear_way(j, &t, err);
			if (ret > 0) {
				net_ipam_close(&t);
				ret = net_ipam_open(&t, j->n.dir, j->n.boot, err);
			}
		}
		if (ret < 0)
			break;
		ret = choose_lease(j, &t, err);
		if (ret == -EADDRINUSE && waits < LEAVE_TRIES && leaves(j, &t)) {
			net_ipam_close(&t);
			cs_err_clear(err);
			poll(NULL, 0, LEAVE_PAUSE_MS);
			waits++;
			i = -1;
			ret = 0;
			continue;
		}
		if (i > 0 || (ret != -EADDRINUSE && ret != -ENOSPC && ret != -EEXIST))
			break;
		net_ipam_close(&t);
		cs_err_clear(err);
		ret = net_sweep(j->st, &j->n, true, err);
	}
	return ret;
}

static void fill_family(const struct net_subnet *s, bool has, const uint8_t *ip, bool route,
			struct net_prefix *out, struct net_addr *gateway)
{
	if (!has)
		return;
	*out = (struct net_prefix){
		.addr = { .family = s->subnet.addr.family },
		.len = s->subnet.len,
	};
	memcpy(out->addr.b, ip, net_addr_size(out->addr.family));
	if (route)
		*gateway = s->gateway;
}

static void fill_attachment(struct job *j)
{
	const struct net_config *c = &j->n.c;
	const struct net_lease *l = &j->l;
	struct net_attachment *a = &j->a;
	bool route = c->mode != NET_MODE_ISOLATED;

	memcpy(a->network, c->name, sizeof(a->network));
	memcpy(a->bridge, c->bridge, sizeof(a->bridge));
	memcpy(a->owner, l->owner, sizeof(a->owner));
	memcpy(a->hostif, l->hostif, sizeof(a->hostif));
	memcpy(a->mac.b, l->mac, sizeof(a->mac.b));
	a->mtu = j->up.mtu;
	fill_family(&c->v4, l->has4, l->ip4, route, &a->ip4, &a->gateway4);
	fill_family(&c->v6, l->has6, l->ip6, route, &a->ip6, &a->gateway6);
}

/* --- links ------------------------------------------------------------------------------------ */

/* A host without IPv6 has nothing to turn off. */
static bool pass_no_ipv6(unsigned index, int code, void *arg)
{
	(void)arg;
	return index > 0 && code == EAFNOSUPPORT;
}

static uint32_t group_of(const struct job *j)
{
	return j->n.c.mode == NET_MODE_BRIDGE ? 0 : NET_LINK_GROUP;
}

static int make_veth(struct job *j, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_no_ipv6 };
	const struct net_link_veth v = {
		.hostif = j->a.hostif,
		.ifname = j->a.ifname,
		.ns = j->w->ns,
		.bridge = j->up.index,
		.mtu = j->a.mtu,
		.mac = j->a.mac,
		.isolate = j->n.c.isolate,
		.group = group_of(j),
	};

	net_link_put_veth(&r, &v);
	if (net_nl_call(&j->nl, &r, &answer, err) < 0)
		return cs_err_wrap(err, "make interface %s on bridge %s", j->a.ifname, j->a.bridge);
	/* a port of a bridge hears none; should it ever be none, it takes none */
	return net_link_no_advertisements(v.hostif, err);
}

static int make_tap(struct job *j, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_no_ipv6 };

	j->tap = net_link_tap(j->a.hostif, j->w->tap_uid, j->w->tap_multi_queue, err);
	if (j->tap < 0)
		return j->tap;
	if (net_link_no_advertisements(j->a.hostif, err) < 0)
		return -err->code;
	net_link_put_master(&r, j->a.hostif, j->up.index, j->a.mtu);
	net_link_put_no_autoconf(&r, j->a.hostif);
	if (group_of(j))
		net_link_put_group(&r, j->a.hostif, group_of(j));
	if (j->n.c.isolate)
		net_link_put_isolated(&r, j->a.hostif);
	net_link_put_up(&r, j->a.hostif);
	if (net_nl_call(&j->nl, &r, &answer, err) < 0)
		return cs_err_wrap(err, "put tap %s on bridge %s", j->a.hostif, j->a.bridge);
	return 0;
}

/* What may be refused inside: turning IPv6 off where there is none, and a default route where there
 * is one, of an earlier network. */
struct inside {
	unsigned routes; /* index of the first route's message */
};

static bool pass_inside(unsigned index, int code, void *arg)
{
	const struct inside *in = arg;

	return (code == EAFNOSUPPORT && index == 1) || (code == EEXIST && index >= in->routes);
}

/* The link-local address that the kernel would have made of the MAC (RFC 4291, appendix A). */
static struct net_prefix link_local(const struct net_mac *m)
{
	return (struct net_prefix){
		.addr = { .family = AF_INET6,
			  .b = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m->b[0] ^ 2, m->b[1], m->b[2], 0xff,
				 0xfe, m->b[3], m->b[4], m->b[5] } },
		.len = 64,
	};
}

static int deafen(void *arg, struct cs_err *err)
{
	return net_link_no_advertisements(arg, err);
}

static int set_up_inside(struct job *j, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	const struct net_attachment *a = &j->a;
	struct inside in = { 0 };
	struct net_nl_answer answer = { .pass = pass_inside, .arg = &in };
	struct net_link_info info = { 0 };
	int ret = net_link_get(&j->inside, a->ifname, &info, err);

	if (ret == 0)
		return cs_err_set(err, ENODEV, "interface %s vanished while it was set up",
				  a->ifname);
	/* the firewall keeps them away, too, but somebody may flush it */
	if (ret < 0 || net_ns_run(j->w->ns, deafen, j->a.ifname, err) < 0)
		return -err->code;
	net_link_put_up(&r, "lo");
	net_link_put_no_autoconf(&r, a->ifname);
	net_link_put_up(&r, a->ifname);
	if (net_addr_is_set(&a->ip4.addr))
		net_route_put_addr(&r, info.index, &a->ip4);
	if (net_addr_is_set(&a->ip6.addr)) {
		const struct net_prefix local = link_local(&a->mac);

		net_route_put_addr(&r, info.index, &local);
		net_route_put_addr(&r, info.index, &a->ip6);
	}
	in.routes = r.n;
	if (net_addr_is_set(&a->gateway4))
		net_route_put_default(&r, info.index, &a->gateway4);
	if (net_addr_is_set(&a->gateway6))
		net_route_put_default(&r, info.index, &a->gateway6);
	if (net_nl_call(&j->inside, &r, &answer, err) == 0)
		return 0;
	if (answer.refused > 2 && answer.refused < in.routes && err->code == EACCES)
		return cs_err_wrap(err, "IPv6 is turned off in the namespace: turn it on, or use a "
					"network without it (--ipv6=no)");
	return cs_err_wrap(err, "set up interface %s", a->ifname);
}

/* --- ports and names -------------------------------------------------------------------------- */

/* By its name, where it has one. */
static void call_holder(const struct net_net *n, const struct net_lease *l,
			char holder[NET_FW_HOLDER])
{
	net_auto_attachment struct net_attachment a = { 0 };
	struct cs_err ignored = CS_ERR_INIT;

	if (net_att_load(n, l->hostif, &a, &ignored) == 0 && a.name)
		snprintf(holder, NET_FW_HOLDER, "%s", a.name);
}

/* Is the owner of a published port there? For net_fw_publish(). */
static int owner_lives(const char *owner, char holder[NET_FW_HOLDER], void *arg, struct cs_err *err)
{
	const struct job *j = arg;
	net_auto_list struct net_list list = { 0 };
	bool damaged = false;

	if (net_store_list(j->st, &list, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list.n; i++) {
		net_auto_net struct net_net n = NET_NET_INIT;
		net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
		struct cs_err ignored = CS_ERR_INIT; /* removed meanwhile */

		if (net_net_open(j->st, list.v[i], &n, &ignored) < 0 ||
		    net_ipam_open(&t, n.dir, n.boot, &ignored) < 0) {
			damaged |= ignored.code != ENOENT;
			continue;
		}
		for (size_t k = 0; k < t.n; k++)
			if (strcmp(t.v[k].owner, owner) == 0 &&
			    net_lease_lives(&t.v[k], j->st->proc)) {
				call_holder(&n, &t.v[k], holder);
				return 1;
			}
	}
	return damaged; /* then it may be on that one */
}

static int add_names(const struct job *j, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int lock = -EBADF;

	if (!j->n.c.dns)
		return 0;
	lock = net_net_lock(&j->n, err);
	dir = lock < 0 ? lock : net_net_names(&j->n, err);
	return dir < 0 ? dir : net_names_add(dir, &j->n.c, &j->a, err);
}

/* A name in use may be a dead owner's: then all of those are looked at, and it is tried once more.
 */
static int take_names(const struct job *j, struct cs_err *err)
{
	int ret = add_names(j, err);

	if (ret != -EEXIST)
		return ret;
	cs_err_clear(err);
	return net_sweep(j->st, &j->n, true, err) < 0 ? -err->code : add_names(j, err);
}

static int finish_lease(struct job *j, struct cs_err *err)
{
	int ret = net_lease_mark(j->st, &j->l, NET_LEASE_UP, err);

	if (ret == 0)
		ret = net_ipam_replace(j->n.dir, j->slot, j->l.hostif, &j->l, err);
	if (ret == 0)
		return cs_err_set(err, ENOENT, "the lease vanished");
	return ret < 0 ? ret : 0;
}

static bool any_chosen(const struct net_wish *w)
{
	for (size_t i = 0; i < w->n_ports; i++)
		if (!w->ports[i].host_port)
			return true;
	return false;
}

/* A port that was chosen may be somebody else's by now: then another is. */
static int publish(struct job *j, struct cs_err *err)
{
	const struct net_fw fw = net_store_fw(j->st);
	int ret = j->a.n_ports ? net_fw_publish(&fw, &j->a, owner_lives, j, err) : 0;

	for (int i = 0; i < CHOICES && ret == -EEXIST && any_chosen(j->w); i++) {
		cs_err_clear(err);
		if (choose_ports(j, err) < 0 || net_att_save(&j->n, &j->a, err) < 0)
			return -err->code;
		ret = net_fw_publish(&fw, &j->a, owner_lives, j, err);
	}
	return ret;
}

/* With the gate held: before it opens, a record that speaks of ports that another has is one of
 * which nobody makes a table. */
static int publish_or_leave(struct job *j, struct cs_err *err)
{
	struct cs_err ignored = CS_ERR_INIT;

	if (publish(j, err) == 0)
		return 0;
	if (err->code != ENOENT && net_lease_mark(j->st, &j->l, NET_LEASE_LEAVING, &ignored) == 0)
		net_ipam_replace(j->n.dir, j->slot, j->l.hostif, &j->l, &ignored);
	return -err->code;
}

/* The record, then all it speaks of, with the gate held. */
static int build(struct job *j, struct cs_err *err)
{
	cs_auto_fd int gate = net_store_gate(j->st, false, err);

	if (gate < 0 || net_att_save(&j->n, &j->a, err) < 0)
		return -err->code;
	if (j->w->ns < 0 ? make_tap(j, err) < 0 : make_veth(j, err) < 0)
		return -err->code;
	if (j->w->ns >= 0 && set_up_inside(j, err) < 0)
		return -err->code;
	return publish_or_leave(j, err);
}

/* The firewall may have been flushed just now: once more. */
static int build_again(struct job *j, struct cs_err *err)
{
	int ret = net_network_up(j->st, &j->n, &j->nl, &j->up, err);
	cs_auto_fd int gate = ret < 0 ? ret : net_store_gate(j->st, false, err);

	return gate < 0 ? -err->code : publish_or_leave(j, err);
}

static int run(struct job *j, struct cs_err *err)
{
	struct cs_err undone = CS_ERR_INIT;
	int ret;

	if (net_network_up(j->st, &j->n, &j->nl, &j->up, err) < 0 || copy_names(j, err) < 0 ||
	    take_lease(j, err) < 0)
		return -err->code;
	fill_attachment(j);
	ret = build(j, err);
	if (ret == -ENOENT && j->a.n_ports) {
		cs_err_clear(err);
		ret = build_again(j, err);
	}
	if (ret == 0)
		ret = take_names(j, err);
	if (ret == 0)
		ret = finish_lease(j, err);
	if (ret == 0)
		return 0;
	cs_close_fd(&j->tap);
	if (net_undo(j->st, &j->n, &j->l, j->slot, &undone) < 0)
		cs_log(CS_LOG_WARN, "%s", undone.msg);
	return ret;
}

static int start(struct job *j, const char *network, struct cs_err *err)
{
	if (net_network_get(j->st, network, &j->n, err) < 0 ||
	    net_wish_check(&j->n.c, j->w, err) < 0)
		return -err->code;
	if (net_nl_open(&j->nl, NETLINK_ROUTE, err) < 0)
		return -err->code;
	if (j->w->ns < 0)
		return 0;
	if (net_ns_nl_open(j->w->ns, &j->inside, NETLINK_ROUTE, err) < 0)
		return -err->code;
	return choose_ifname(j, err);
}

int net_attach(const struct net_store *st, const char *network, const struct net_wish *w,
	       struct net_attachment *out, int *tap, struct cs_err *err)
{
	struct job j = {
		.st = st,
		.w = w,
		.n = NET_NET_INIT,
		.nl = NET_NL_INIT,
		.inside = NET_NL_INIT,
		.tap = -EBADF,
	};
	int ret = start(&j, network, err);

	if (ret == 0)
		ret = run(&j, err);
	if (ret == 0) {
		*out = j.a;
		j.a = (struct net_attachment){ 0 };
		if (tap)
			*tap = cs_take_fd(&j.tap);
	}
	net_attachment_fini(&j.a);
	cs_close_fd(&j.tap);
	net_nl_close(&j.inside);
	net_nl_close(&j.nl);
	net_net_close(&j.n);
	return ret;
}
