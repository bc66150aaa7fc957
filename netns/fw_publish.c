#include "netns/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/addr.h"
#include "netns/conntrack.h"
#include "netns/fw_int.h"
#include "netns/fw_rules.h"
#include "netns/nft.h"
#include "netns/nl.h"
#include "netns/portspec.h"

/* On every address of the host that is of its family, or of both. */
static bool on_every(const struct net_port *p)
{
	static const uint8_t zero[sizeof(p->host.b)];

	return memcmp(p->host.b, zero, sizeof(zero)) == 0;
}

/* One port of @p as element: 4 bytes for each part of key and value, addresses as they are. */
static void make_elem(struct fw_port_elem *pe, const struct net_port *p, uint16_t i,
		      const struct net_addr *to, const char *owner)
{
	size_t addr = net_addr_size(to->family),
	       host = on_every(p) ? 0 : net_addr_size(p->host.family);
	uint16_t from = htons((uint16_t)(p->host_port + i)), port = htons((uint16_t)(p->port + i));

	memset(pe, 0, sizeof(*pe));
	if (host)
		pe->map = to->family == AF_INET ? FW_HOST4 : FW_HOST6;
	else
		pe->map = to->family == AF_INET ? FW_DNAT4 : FW_DNAT6;
	memcpy(pe->key, p->host.b, host);
	pe->key[host] = p->proto;
	memcpy(pe->key + host + 4, &from, sizeof(from));
	memcpy(pe->data, to->b, addr);
	memcpy(pe->data + addr, &port, sizeof(port));
	pe->e = (struct net_nft_elem){ .key = pe->key,
				       .key_len = host + 8,
				       .data = pe->data,
				       .data_len = addr + 4,
				       .comment = owner };
}

static int each_of(const struct net_attachment *att, const struct net_addr *to, fw_port_fn fn,
		   void *arg, struct cs_err *err)
{
	struct fw_port_elem pe;

	for (size_t n = 0; to->family && n < att->n_ports; n++) {
		const struct net_port *p = &att->ports[n];

		if (p->host.family && p->host.family != to->family)
			continue;
		for (uint16_t i = 0; i < p->count; i++) {
			make_elem(&pe, p, i, to, att->owner);
			if (fn(&pe, arg, err) < 0)
				return -err->code;
		}
	}
	return 0;
}

int net_fw_each_port(const struct net_attachment *att, fw_port_fn fn, void *arg, struct cs_err *err)
{
	for (size_t i = 0; i < att->n_ports; i++) {
		const struct net_port *p = &att->ports[i];
		char text[NET_PORT_TEXT];

		if (p->host.family && p->host.family != att->ip4.addr.family &&
		    p->host.family != att->ip6.addr.family)
			return cs_err_set(err, EAFNOSUPPORT,
					  "publish %s: the workload has no address of that family "
					  "on network %s",
					  net_port_text(p, text), att->network);
	}
	/* a family after the other: what is put into one map is one list */
	if (each_of(att, &att->ip4.addr, fn, arg, err) < 0)
		return -err->code;
	return each_of(att, &att->ip6.addr, fn, arg, err);
}

/* Neighbours in one map share messages. */
static int put_port(const struct fw_port_elem *pe, void *arg, struct cs_err *err)
{
	struct net_nft_list *l = arg;

	(void)err;
	if (l->set && strcmp(l->set, pe->map) != 0)
		net_nft_list_end(l);
	l->set = pe->map;
	net_nft_list_elem(l, &pe->e);
	return 0;
}

int net_fw_put_ports(struct net_nl_req *r, const char *table, const struct net_attachment *att,
		     struct cs_err *err)
{
	struct net_nft_list l = {
		r, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, table, NULL, 0
	};
	int ret = net_fw_each_port(att, put_port, &l, err);

	net_nft_list_end(&l);
	return ret;
}

void net_fw_put_lo6(struct net_nl_req *r, const char *table)
{
	static const uint8_t lo6[16] = { [15] = 1 };
	struct net_nft_list l = { r, NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, FW_LO6, 0 };
	const struct net_nft_elem e = { .key = lo6, .key_len = sizeof(lo6) };

	/* Put in first, so that there is one to delete. */
	net_nft_list_elem(&l, &e);
	net_nft_list_end(&l);
	if (!net_fw_host_bridge_calls_ip6tables())
		return;
	l.msg = NFT_MSG_DELSETELEM;
	l.flags = 0;
	net_nft_list_elem(&l, &e);
	net_nft_list_end(&l);
}

/* Elements met that are to be removed: keys with their map. */
struct keys {
	struct fw_port_elem *v; /* owned; each e.key points to nothing: see key */
	size_t n, cap;
};

static void keys_fini(struct keys *k)
{
	free(k->v);
	*k = (struct keys){ 0 };
}
#define auto_keys CS_CLEANUP(keys_fini)

static int keys_add(struct keys *k, const char *map, const struct net_nft_elem *e,
		    struct cs_err *err)
{
	struct fw_port_elem *v = k->v;

	if (e->key_len > sizeof(v->key))
		return 0;
	if (k->n == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 16;

		v = reallocarray(v, cap, sizeof(*v));
		if (!v)
			return cs_err_set(err, ENOMEM, "list published ports: out of memory");
		k->v = v;
		k->cap = cap;
	}
	v += k->n++;
	*v = (struct fw_port_elem){ .map = map, .e = { .key_len = e->key_len } };
	memcpy(v->key, e->key, e->key_len);
	return 0;
}

static void put_keys(struct net_nl_req *r, const char *table, struct keys *k)
{
	struct net_nft_list l = { r, NFT_MSG_DELSETELEM, 0, table, NULL, 0 };
	struct cs_err none = CS_ERR_INIT;

	for (size_t i = 0; i < k->n; i++) {
		k->v[i].e.key = k->v[i].key;
		(void)put_port(&k->v[i], &l, &none);
	}
	net_nft_list_end(&l);
}

/* A walk over elements in the kernel. */
struct walk {
	struct net_nl *nl;
	const char *table;
	const struct net_attachment *att;
	const char *map;	  /* of the elements told of now */
	struct net_nft_asks asks; /* for each of a walk */
	net_fw_alive_fn alive;	  /* publish only */
	void *arg;
	struct keys *out;
};

static int ask_for(struct walk *w, const char *map, const struct net_nft_elem *key,
		   struct cs_err *err)
{
	if (w->map != map && net_nft_asks_end(&w->asks, err) < 0)
		return -err->code;
	w->map = w->asks.set = map;
	return net_nft_asks_elem(&w->asks, key, err);
}

static int ask_for_port(const struct fw_port_elem *pe, void *arg, struct cs_err *err)
{
	struct walk *w = arg;

	return ask_for(w, pe->map, &pe->e, err);
}

/* Asks the kernel for elements that belong to the attachment's ports, by @each, which is told of
 * every port; @fn is told of every one that is there. */
static int ask_each(struct walk *w, fw_port_fn each, net_nft_elem_fn fn, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	int ret;

	w->map = NULL;
	w->asks = (struct net_nft_asks){
		.nl = w->nl,
		.table = w->table,
		.fn = fn,
		.arg = w,
		.r = &r,
	};
	ret = net_fw_each_port(w->att, each, w, err);
	if (ret == 0)
		ret = net_nft_asks_end(&w->asks, err);
	w->asks = (struct net_nft_asks){ 0 };
	return ret;
}

/* Is the element's key one of the attachment's ports (on that host address, or on all)? */
static bool wants(const struct net_attachment *att, const struct net_nft_elem *e)
{
	const uint8_t *tail = (const uint8_t *)e->key + e->key_len - 8;
	int port;

	if (e->key_len < 8) /* no map of ours */
		return false;
	port = tail[4] << 8 | tail[5];
	for (size_t i = 0; i < att->n_ports; i++) {
		const struct net_port *p = &att->ports[i];
		size_t host = on_every(p) ? 0 : net_addr_size(p->host.family);

		if (p->proto == tail[0] && port >= p->host_port && port < p->host_port + p->count &&
		    e->key_len == host + 8 && memcmp(e->key, p->host.b, host) == 0)
			return true;
	}
	return false;
}

static int owned(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	struct walk *w = arg;

	if (!e->comment || strcmp(e->comment, w->att->owner) != 0 || !wants(w->att, e))
		return 0;
	return keys_add(w->out, w->map, e, err);
}

int net_fw_unpublish(const struct net_fw *fw, const struct net_attachment *att, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	auto_keys struct keys k = { 0 };
	struct walk w = { .nl = &nl, .table = fw->table, .att = att, .out = &k };
	cs_auto_fd int lock = -EBADF;
	bool udp = false;

	if (att->n_ports == 0)
		return 0;
	if (net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	lock = net_fw_lock(fw, err);
	if (lock < 0 || ask_each(&w, ask_for_port, owned, err) < 0)
		return -err->code;
	if (k.n == 0)
		return 0;
	net_nft_begin(&r);
	put_keys(&r, fw->table, &k);
	if (net_nft_commit(&nl, &r, NULL, err) < 0)
		return cs_err_wrap(err, "take back the ports of %s", att->owner);
	for (size_t i = 0; i < att->n_ports; i++)
		udp |= att->ports[i].proto != IPPROTO_TCP;
	if (udp) {
		net_conntrack_forget_addr(&nl, &att->ip4.addr);
		net_conntrack_forget_addr(&nl, &att->ip6.addr);
	}
	return 0;
}

static bool keys_has(const struct keys *k, const char *map, const struct net_nft_elem *e)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].map == map && k->v[i].e.key_len == e->key_len &&
		    memcmp(k->v[i].key, e->key, e->key_len) == 0)
			return true;
	return false;
}

/* A port wanted is somebody's: ours from before or a dead one's goes, a living one's stays. */
static int held(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	struct walk *w = arg;
	const uint8_t *tail = (const uint8_t *)e->key + e->key_len - 8;
	char holder[NET_FW_HOLDER];
	int alive = 1;

	(void)snprintf(holder, sizeof(holder), "%s", e->comment ? e->comment : "something else");
	/* wanted on two addresses, it is asked for twice */
	if (keys_has(w->out, w->map, e))
		return 0;
	if (e->comment && strcmp(e->comment, w->att->owner) == 0)
		alive = 0;
	else if (e->comment && w->alive)
		alive = w->alive(e->comment, holder, w->arg, err);
	if (alive < 0)
		return alive;
	if (alive)
		return cs_err_set(err, EEXIST, "port %u/%s is published by %s",
				  (unsigned int)tail[4] << 8 | tail[5], net_proto_name(tail[0]),
				  holder);
	return keys_add(w->out, w->map, e, err);
}

/* The same port may not be on one address here and on every address there. Wanted on one: */
static int ask_for_clash(const struct fw_port_elem *pe, void *arg, struct cs_err *err)
{
	struct walk *w = arg;
	struct net_nft_elem key = pe->e;

	if (pe->e.key_len == 8)
		return 0;
	key.key = pe->key + pe->e.key_len - 8;
	key.key_len = 8;
	key.data = NULL;
	key.comment = NULL;
	return ask_for(w, strcmp(pe->map, FW_HOST4) == 0 ? FW_DNAT4 : FW_DNAT6, &key, err);
}

/* Wanted on all: */
static int clashes(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	struct walk *w = arg;
	struct net_nft_elem all = { .key_len = 8 };

	if (e->key_len < 8)
		return 0;
	all.key = (const uint8_t *)e->key + e->key_len - 8;
	return wants(w->att, &all) ? held(e, w, err) : 0;
}

static int list_clashes(struct walk *w, const char *map, struct cs_err *err)
{
	w->map = map;
	return net_nft_elems_list(w->nl, w->table, map, clashes, w, err);
}

static int find_clashes(struct walk *w, struct cs_err *err)
{
	bool on_all = false, on_one = false;

	for (size_t i = 0; i < w->att->n_ports; i++) {
		on_all |= on_every(&w->att->ports[i]);
		on_one |= !on_every(&w->att->ports[i]);
	}
	if (on_one && ask_each(w, ask_for_clash, held, err) < 0)
		return -err->code;
	if (!on_all)
		return 0;
	if (w->att->ip4.addr.family && list_clashes(w, FW_HOST4, err) < 0)
		return -err->code;
	return w->att->ip6.addr.family ? list_clashes(w, FW_HOST6, err) : 0;
}

static int try_publish(struct walk *w, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;

	net_nft_begin(&r);
	put_keys(&r, w->table, w->out);
	if (w->att->ip6.addr.family)
		net_fw_put_lo6(&r, w->table);
	if (net_fw_put_ports(&r, w->table, w->att, err) < 0)
		return -err->code;
	return net_nft_commit(w->nl, &r, NULL, err);
}

/* Flows to the host itself from before, of ports just published. */
static void forget_flows(struct net_nl *nl, const struct net_attachment *att)
{
	for (size_t i = 0; i < att->n_ports; i++) {
		const struct net_port *p = &att->ports[i];

		if (p->proto != IPPROTO_UDP)
			continue;
		if (att->ip4.addr.family)
			net_conntrack_forget_udp(nl, AF_INET, p->host_port, p->count);
		if (att->ip6.addr.family)
			net_conntrack_forget_udp(nl, AF_INET6, p->host_port, p->count);
	}
}

int net_fw_publish(const struct net_fw *fw, const struct net_attachment *att, net_fw_alive_fn alive,
		   void *arg, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	auto_keys struct keys k = { 0 };
	struct walk w = {
		.nl = &nl,
		.table = fw->table,
		.alive = alive,
		.arg = arg,
		.out = &k,
		.att = att,
	};
	cs_auto_fd int lock = -EBADF;
	int ret;

	if (att->n_ports == 0)
		return 0;
	if (net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	lock = net_fw_lock(fw, err);
	if (lock < 0 || find_clashes(&w, err) < 0 ||
	    net_fw_others_free(&nl, fw->table, att->ports, att->n_ports, err) < 0)
		return -err->code;
	ret = try_publish(&w, err);
	if (ret == -EEXIST) {
		cs_err_clear(err);
		if (ask_each(&w, ask_for_port, held, err) < 0)
			return -err->code;
		ret = try_publish(&w, err);
	}
	if (ret == -ENOENT) {
		cs_err_clear(err);
		return cs_err_set(
			err, ENOENT,
			"publish the ports of %s: the firewall's table \"inet %s\" is gone: "
			"run \"caisson network reload\"",
			att->owner, fw->table);
	}
	if (ret < 0)
		return cs_err_wrap(err, "publish the ports of %s", att->owner);
	forget_flows(&nl, att);
	return 0;
}

static int count_elem(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	(void)e;
	(void)err;
	++*(size_t *)arg;
	return 0;
}

int net_fw_is_published(const struct net_fw *fw, const struct net_port *p, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	const struct net_addr to[] = { { .family = AF_INET }, { .family = AF_INET6 } };
	struct fw_port_elem pe;
	size_t found = 0;

	if (net_nl_open(&nl, NETLINK_NETFILTER, err) < 0)
		return -err->code;
	for (size_t f = 0; f < CS_LEN(to); f++) {
		if (p->host.family && p->host.family != to[f].family)
			continue;
		for (uint16_t i = 0; i < p->count; i++) {
			make_elem(&pe, p, i, &to[f], NULL);
			if (net_nft_elem_get(&nl, fw->table, pe.map, &pe.e, count_elem, &found,
					     err) < 0)
				return -err->code;
		}
	}
	if (found == 0 && net_fw_others_free(&nl, fw->table, p, 1, err) < 0) {
		if (err->code != EEXIST)
			return -err->code;
		cs_err_clear(err);
		found = 1;
	}
	return found > 0;
}
