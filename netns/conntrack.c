#include "netns/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

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

static void begin(struct net_nl_req *r, uint8_t family)
{
	const struct nfgenmsg head = { .nfgen_family = family, .version = NFNETLINK_V0 };

	net_nl_msg(r, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, 0, &head, sizeof(head));
}

static void filter(struct net_nl_req *r, uint32_t orig, uint32_t reply)
{
	size_t nest = net_nl_nest(r, CTA_FILTER);

	net_nl_put_u32(r, CTA_FILTER_ORIG_FLAGS, orig);
	net_nl_put_u32(r, CTA_FILTER_REPLY_FLAGS, reply);
	net_nl_nest_end(r, nest);
}

/* A refusal is a kernel without the module, or before 5.8: nothing to forget, or no way to. */
static void ask(struct net_nl *nl, struct net_nl_req *r)
{
	struct cs_err err = CS_ERR_INIT;

	(void)net_nl_call(nl, r, NULL, &err);
}

void net_conntrack_forget_addr(struct net_nl *nl, const struct net_addr *addr)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	size_t tuple, ip;

	if (!addr->family)
		return;
	begin(&r, addr->family);
	tuple = net_nl_nest(&r, CTA_TUPLE_REPLY);
	ip = net_nl_nest(&r, CTA_TUPLE_IP);
	net_nl_put(&r, addr->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, addr->b,
		   net_addr_size(addr->family));
	net_nl_nest_end(&r, ip);
	net_nl_nest_end(&r, tuple);
	filter(&r, 0, FILTER_IP_SRC);
	ask(nl, &r);
}

void net_conntrack_forget_udp(struct net_nl *nl, uint8_t family, uint16_t port)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	size_t tuple, proto;

	begin(&r, family);
	tuple = net_nl_nest(&r, CTA_TUPLE_ORIG);
	proto = net_nl_nest(&r, CTA_TUPLE_PROTO);
	net_nl_put_u8(&r, CTA_PROTO_NUM, IPPROTO_UDP);
	if (port)
		net_nl_put_be16(&r, CTA_PROTO_DST_PORT, port);
	net_nl_nest_end(&r, proto);
	net_nl_nest_end(&r, tuple);
	filter(&r, FILTER_PROTO | (port ? FILTER_DST_PORT : 0), 0);
	ask(nl, &r);
}
