#include "netns/route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "netns/addr.h"
#include "netns/nl.h"

enum { DUMP_TRIES = 8, MTU_DEFAULT = 1500 };
/* A VPN for everything routes 0.0.0.0/1 and 128.0.0.0/1, or 2000::/3, which is no use of them. */
enum { LEAST_LEN = 4 };

static const uint8_t families[] = { AF_INET, AF_INET6 };

void net_route_put_addr(struct net_nl_req *r, uint32_t index, const struct net_prefix *addr)
{
	const bool v6 = addr->addr.family == AF_INET6;
	const struct ifaddrmsg ifa = {
		.ifa_family = addr->addr.family,
		.ifa_prefixlen = addr->len,
		.ifa_flags = v6 ? IFA_F_NODAD : 0,
		.ifa_index = index,
	};
	const struct net_addr all = net_addr_fill(&addr->addr, addr->len);
	size_t size = net_addr_size(addr->addr.family);

	net_nl_msg(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));
	net_nl_put(r, IFA_LOCAL, addr->addr.b, size);
	net_nl_put(r, IFA_ADDRESS, addr->addr.b, size);
	if (!v6 && addr->len < 31)
		net_nl_put(r, IFA_BROADCAST, all.b, size);
}

void net_route_put_default(struct net_nl_req *r, uint32_t index, const struct net_addr *gateway)
{
	const struct rtmsg rtm = {
		.rtm_family = gateway->family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};

	net_nl_msg(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &rtm, sizeof(rtm));
	net_nl_put(r, RTA_GATEWAY, gateway->b, net_addr_size(gateway->family));
	net_nl_put_u32(r, RTA_OIF, index);
}

void net_used_fini(struct net_used *u)
{
	free(u->v);
	free(u->why);
	*u = NET_USED_INIT;
}

static int used_grow(struct net_used *u)
{
	size_t cap = u->cap ? 2 * u->cap : 32;
	void *v = reallocarray(u->v, cap, sizeof(*u->v)), *why;

	if (!v)
		return -ENOMEM;
	u->v = v;
	why = reallocarray(u->why, cap, sizeof(*u->why));
	if (!why)
		return -ENOMEM;
	u->why = why;
	u->cap = cap;
	return 0;
}

int net_used_add(struct net_used *u, const struct net_prefix *p, struct cs_err *err,
		 const char *fmt, ...)
{
	va_list ap;

	if (u->n == u->cap && used_grow(u) < 0)
		return cs_err_set(err, ENOMEM, "out of memory");
	u->v[u->n] = *p;
	va_start(ap, fmt);
	vsnprintf(u->why[u->n], sizeof(u->why[0]), fmt, ap);
	va_end(ap);
	u->n++;
	return 0;
}

const struct net_prefix *net_used_find(const struct net_used *u, const struct net_prefix *p,
				       const char **why)
{
	for (size_t i = 0; i < u->n; i++)
		if (net_prefix_overlap(&u->v[i], p)) {
			*why = u->why[i];
			return &u->v[i];
		}
	return NULL;
}

/* An attribute that is an address of @family. */
static bool get_addr(const struct nlattr *a, uint8_t family, struct net_addr *out)
{
	struct net_addr addr = { .family = family };
	const void *p;
	size_t len;

	if (!a)
		return false;
	p = net_nl_attr_data(a, &len);
	if (len == 0 || len != net_addr_size(family))
		return false;
	memcpy(addr.b, p, len);
	*out = addr;
	return true;
}

/* What dumps look for. */
struct scan {
	struct net_used *used; /* NULL: only the default route is wanted */
	uint32_t oif;	       /* out: of the default route with the lowest metric */
	uint32_t metric, mtu;
	bool found;
};

static void see_default(struct scan *s, const struct nlattr *const *tb)
{
	const struct nlattr *mx[RTAX_MTU + 1] = { NULL };
	uint32_t oif = 0, metric = 0, mtu = 0;
	const void *p;
	size_t len;

	net_nl_get_u32(tb[RTA_OIF], &oif);
	net_nl_get_u32(tb[RTA_PRIORITY], &metric);
	if (!oif || (s->found && metric >= s->metric))
		return;
	if (tb[RTA_METRICS]) {
		p = net_nl_attr_data(tb[RTA_METRICS], &len);
		net_nl_attrs(mx, CS_LEN(mx), p, len);
		net_nl_get_u32(mx[RTAX_MTU], &mtu);
	}
	s->found = true;
	s->oif = oif;
	s->metric = metric;
	s->mtu = mtu;
}

static int take_route(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		      struct cs_err *err)
{
	const struct nlattr *tb[RTA_METRICS + 1];
	char name[IF_NAMESIZE] = "?";
	struct scan *s = arg;
	struct net_prefix p;
	struct rtmsg rtm;
	uint32_t oif = 0;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (len < sizeof(rtm))
		return cs_err_set(err, EPROTO, "netlink: a route is cut short");
	memcpy(&rtm, body, sizeof(rtm));
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + sizeof(rtm), len - sizeof(rtm));
	if (rtm.rtm_dst_len == 0 && rtm.rtm_type == RTN_UNICAST)
		see_default(s, tb);
	if (!s->used || rtm.rtm_dst_len < LEAST_LEN || rtm.rtm_type == RTN_MULTICAST ||
	    rtm.rtm_dst_len > 8 * net_addr_size(rtm.rtm_family) ||
	    !get_addr(tb[RTA_DST], rtm.rtm_family, &p.addr))
		return 0;
	p.len = rtm.rtm_dst_len;
	if (net_nl_get_u32(tb[RTA_OIF], &oif) && if_indextoname(oif, name))
		return net_used_add(s->used, &p, err, "the host routes it by %s", name);
	return net_used_add(s->used, &p, err, "the host has a route for it");
}

static int take_addr(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		     struct cs_err *err)
{
	const struct nlattr *tb[IFA_LOCAL + 1];
	char name[IF_NAMESIZE] = "?";
	struct scan *s = arg;
	struct net_prefix p;
	struct ifaddrmsg ifa;

	if (h->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (len < sizeof(ifa))
		return cs_err_set(err, EPROTO, "netlink: an address is cut short");
	memcpy(&ifa, body, sizeof(ifa));
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + sizeof(ifa), len - sizeof(ifa));
	if (!get_addr(tb[IFA_ADDRESS], ifa.ifa_family, &p.addr) ||
	    ifa.ifa_prefixlen > 8 * net_addr_size(ifa.ifa_family))
		return 0;
	p.len = ifa.ifa_prefixlen;
	if_indextoname(ifa.ifa_index, name);
	return net_used_add(s->used, &p, err, "%s has an address in it", name);
}

/* One dump, asked again while the list changes under it. */
static int dump(struct net_nl *nl, uint16_t type, const void *head, size_t size,
		struct net_nl_answer *answer, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	int ret = 0;

	for (int i = 0; i < DUMP_TRIES; i++) {
		cs_err_clear(err);
		net_nl_req_reset(&r);
		net_nl_msg(&r, type, NLM_F_DUMP, head, size);
		ret = net_nl_call(nl, &r, answer, err);
		if (ret != -EAGAIN)
			break;
	}
	return ret;
}

int net_addrs_used(struct net_nl *nl, struct net_used *u, struct cs_err *err)
{
	struct scan s = { .used = u };
	struct net_nl_answer answer = { .fn = take_addr, .arg = &s };

	for (size_t i = 0; i < CS_LEN(families); i++) {
		const struct ifaddrmsg ifa = { .ifa_family = families[i] };

		if (dump(nl, RTM_GETADDR, &ifa, sizeof(ifa), &answer, err) < 0)
			return cs_err_wrap(err, "list addresses");
	}
	return 0;
}

int net_route_used(struct net_nl *nl, struct net_used *u, struct cs_err *err)
{
	struct scan s = { .used = u };
	struct net_nl_answer answer = { .fn = take_route, .arg = &s };

	for (size_t i = 0; i < CS_LEN(families); i++) {
		const struct rtmsg rtm = { .rtm_family = families[i] };

		if (dump(nl, RTM_GETROUTE, &rtm, sizeof(rtm), &answer, err) < 0)
			return cs_err_wrap(err, "list routes");
	}
	return net_addrs_used(nl, u, err);
}

int net_used_resolv_conf(struct net_used *u, const char *text, struct cs_err *err)
{
	while (*text) {
		size_t line = strcspn(text, "\n"), len;
		char word[NET_ADDR_TEXT + 16];
		struct net_prefix p;
		const char *s = text;

		text += line + (text[line] == '\n');
		if (!cs_str_starts(s, "nameserver") || (s[10] != ' ' && s[10] != '\t'))
			continue;
		s += 10;
		s += strspn(s, " \t");
		len = strcspn(s, " \t\r\n%#;");
		if (len >= sizeof(word))
			continue;
		memcpy(word, s, len);
		word[len] = '\0';
		if (net_addr_parse(word, &p.addr) < 0)
			continue;
		p.len = (uint8_t)(8 * net_addr_size(p.addr.family));
		if (net_used_add(u, &p, err, "it is the host's name server") < 0)
			return -err->code;
	}
	return 0;
}

static int take_mtu(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		    struct cs_err *err)
{
	const struct nlattr *tb[IFLA_MTU + 1];

	(void)err;
	if (h->nlmsg_type != RTM_NEWLINK || len < sizeof(struct ifinfomsg))
		return 0;
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + sizeof(struct ifinfomsg),
		     len - sizeof(struct ifinfomsg));
	net_nl_get_u32(tb[IFLA_MTU], arg);
	return 0;
}

int net_route_mtu(struct net_nl *nl, uint32_t *mtu, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct scan s = { 0 };
	struct net_nl_answer answer = { .fn = take_route, .arg = &s };
	uint32_t v = MTU_DEFAULT;
	struct ifinfomsg ifi = { 0 };

	for (size_t i = 0; i < CS_LEN(families) && !s.found; i++) {
		const struct rtmsg rtm = { .rtm_family = families[i] };

		if (dump(nl, RTM_GETROUTE, &rtm, sizeof(rtm), &answer, err) < 0)
			return cs_err_wrap(err, "list routes");
	}
	if (s.found && !s.mtu) {
		ifi.ifi_index = (int)s.oif;
		answer = (struct net_nl_answer){ .fn = take_mtu, .arg = &v };
		net_nl_msg(&r, RTM_GETLINK, 0, &ifi, sizeof(ifi));
		if (net_nl_call(nl, &r, &answer, err) < 0)
			return cs_err_wrap(err, "look at the default route's link");
	} else if (s.mtu) {
		v = s.mtu;
	}
	*mtu = v;
	return 0;
}
