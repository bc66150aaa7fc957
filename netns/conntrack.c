#include "netns/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/addr.h"
#include "netns/nl.h"

/* Which fields of a tuple a filter looks at: bits of CTA_FILTER_*_FLAGS, in no header of the
 * kernel's for programs (net/netfilter/nf_internals.h). */
enum {
	FILTER_IP_SRC = 1 << 0,
	FILTER_PROTO = 1 << 3,
	FILTER_DST_PORT = 1 << 5,
};

enum { CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET };
enum { CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE };

enum { AT_ONCE = 128, LISTS_MAX = 1024 }; /* flows deleted by one datagram; datagrams */

/* Flows to delete. */
struct flows {
	uint16_t from, count; /* ports of UDP flows to the host itself; 0: all that are told of */
	struct net_nl_req *v; /* owned; AT_ONCE of them in each */
	size_t n;
};

static void flows_fini(struct flows *f)
{
	for (size_t i = 0; i < f->n; i++)
		net_nl_req_fini(&f->v[i]);
	free(f->v);
}
#define auto_flows CS_CLEANUP(flows_fini)

/* The list with room for one more; NULL: there are too many, or no memory. */
static struct net_nl_req *list_of(struct flows *f)
{
	struct net_nl_req *v = f->v;

	if (f->n > 0 && v[f->n - 1].n < AT_ONCE)
		return &v[f->n - 1];
	if (f->n == LISTS_MAX)
		return NULL;
	v = reallocarray(v, f->n + 1, sizeof(*v));
	if (!v)
		return NULL;
	f->v = v;
	v[f->n] = NET_NL_REQ_INIT;
	return &v[f->n++];
}

static void begin(struct net_nl_req *r, uint16_t type, uint16_t flags, uint8_t family)
{
	const struct nfgenmsg head = { .nfgen_family = family, .version = NFNETLINK_V0 };

	net_nl_msg(r, type, flags, &head, sizeof(head));
}

static void filter(struct net_nl_req *r, uint32_t orig, uint32_t reply)
{
	size_t nest = net_nl_nest(r, CTA_FILTER);

	net_nl_put_u32(r, CTA_FILTER_ORIG_FLAGS, orig);
	net_nl_put_u32(r, CTA_FILTER_REPLY_FLAGS, reply);
	net_nl_nest_end(r, nest);
}

/* To one of the ports, as it came: what is translated is a member's, or somebody else's. */
static bool is_wanted(const struct flows *f, const struct nlattr *const *tb)
{
	const struct nlattr *tuple[CTA_TUPLE_MAX + 1] = { 0 }, *proto[CTA_PROTO_MAX + 1] = { 0 };
	uint32_t status = 0;
	uint16_t port = 0;
	const void *p;
	size_t len;

	if (f->count == 0)
		return true;
	p = net_nl_attr_data(tb[CTA_TUPLE_ORIG], &len);
	net_nl_attrs(tuple, CS_LEN(tuple), p, len);
	if (!tuple[CTA_TUPLE_PROTO])
		return false;
	p = net_nl_attr_data(tuple[CTA_TUPLE_PROTO], &len);
	net_nl_attrs(proto, CS_LEN(proto), p, len);
	if (!net_nl_get_be16(proto[CTA_PROTO_DST_PORT], &port) ||
	    !net_nl_get_be32(tb[CTA_STATUS], &status))
		return false;
	return port >= f->from && port - f->from < f->count && !(status & IPS_NAT_MASK);
}

/* One that is told of becomes a request to delete it: its tuple, and its number, lest another has
 * the tuple by then. */
static int put_delete(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		      struct cs_err *err)
{
	static const uint16_t keys[] = { CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID };
	const struct nlattr *tb[CTA_MAX + 1] = { 0 };
	const struct nfgenmsg *head = body;
	struct flows *f = arg;
	struct net_nl_req *r;

	(void)h;
	(void)err;
	if (len < sizeof(*head))
		return 0;
	net_nl_attrs(tb, CS_LEN(tb), head + 1, len - sizeof(*head));
	if (!tb[CTA_TUPLE_ORIG] || !is_wanted(f, tb))
		return 0;
	r = list_of(f);
	if (!r)
		return 0;
	begin(r, CT_DELETE, 0, head->nfgen_family);
	for (size_t i = 0; i < CS_LEN(keys); i++) {
		size_t n;
		const void *p = tb[keys[i]] ? net_nl_attr_data(tb[keys[i]], &n) : NULL;

		if (p)
			net_nl_put(r,
				   keys[i] == CTA_TUPLE_ORIG ? CTA_TUPLE_ORIG | NLA_F_NESTED
							     : keys[i],
				   p, n);
	}
	return 0;
}

/* Gone already. */
static bool pass_all(unsigned index, int code, void *arg)
{
	(void)index;
	(void)code;
	(void)arg;
	return true;
}

/* Deletes what the dump @r tells of. (To delete by a filter takes Linux 6.12.) A refusal is a
 * kernel without the module, or before 5.8: nothing to forget, or no way to. */
static void forget(struct net_nl *nl, struct net_nl_req *r, struct flows *f)
{
	struct net_nl_answer told = { .fn = put_delete, .arg = f };
	struct net_nl_answer gone = { .pass = pass_all };
	struct cs_err err = CS_ERR_INIT;

	/* a dump that changes while it is read tells of most of them, too */
	if (net_nl_call(nl, r, &told, &err) < 0 && err.code != EAGAIN)
		return;
	for (size_t i = 0; i < f->n; i++) {
		cs_err_clear(&err);
		if (net_nl_call(nl, &f->v[i], &gone, &err) < 0)
			return;
	}
}

void net_conntrack_forget_addr(struct net_nl *nl, const struct net_addr *addr)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	auto_flows struct flows f = { 0 };
	size_t tuple, ip;

	if (!addr->family)
		return;
	begin(&r, CT_GET, NLM_F_DUMP, addr->family);
	tuple = net_nl_nest(&r, CTA_TUPLE_REPLY);
	ip = net_nl_nest(&r, CTA_TUPLE_IP);
	net_nl_put(&r, addr->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, addr->b,
		   net_addr_size(addr->family));
	net_nl_nest_end(&r, ip);
	net_nl_nest_end(&r, tuple);
	filter(&r, 0, FILTER_IP_SRC);
	forget(nl, &r, &f);
}

void net_conntrack_forget_udp(struct net_nl *nl, uint8_t family, uint16_t from, uint16_t count)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	auto_flows struct flows f = { .from = from, .count = count };
	size_t tuple, proto;

	begin(&r, CT_GET, NLM_F_DUMP, family);
	tuple = net_nl_nest(&r, CTA_TUPLE_ORIG);
	proto = net_nl_nest(&r, CTA_TUPLE_PROTO);
	net_nl_put_u8(&r, CTA_PROTO_NUM, IPPROTO_UDP);
	if (count == 1)
		net_nl_put_be16(&r, CTA_PROTO_DST_PORT, from);
	net_nl_nest_end(&r, proto);
	net_nl_nest_end(&r, tuple);
	filter(&r, FILTER_PROTO | (count == 1 ? FILTER_DST_PORT : 0), 0);
	forget(nl, &r, &f);
}
