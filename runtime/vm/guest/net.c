#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/ns/rtnl.h"
#include "runtime/vm/guest/agent.h"

/* The machine's network, as the host has it in its books: request.h, "net". */

enum { CARDS = 16, MAC = 6 };

/* The cards that are there. */
struct cards {
	struct ctr_rtnl nl;
	struct {
		int index;
		unsigned char mac[MAC];
	} v[CARDS];
	size_t n;
	int loopback;
};

static int on_link(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		   struct cs_err *err)
{
	struct cards *c = arg;
	struct ctr_rtnl_attr a;
	struct ifinfomsg m;
	size_t pos = 0;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (len < sizeof(m))
		return cs_err_set(err, EPROTO, "netlink: short link message");
	memcpy(&m, body, sizeof(m));
	if (m.ifi_flags & IFF_LOOPBACK)
		c->loopback = m.ifi_index;
	while (ctr_rtnl_next((const char *)body + sizeof(m), len - sizeof(m), &pos, &a)) {
		if (a.type != IFLA_ADDRESS || a.len != MAC || c->n == CARDS)
			continue;
		c->v[c->n].index = m.ifi_index;
		memcpy(c->v[c->n++].mac, a.data, MAC);
	}
	return 0;
}

/* Sets it up, with a name and size if they are given. */
static int link_up(struct cards *c, int index, const char *name, uint32_t mtu, struct cs_err *err)
{
	const struct ifinfomsg body = { .ifi_index = index,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	struct ctr_rtnl_req req;

	ctr_rtnl_init(&req, RTM_NEWLINK, 0, &body, sizeof(body));
	if (name)
		ctr_rtnl_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	if (mtu)
		ctr_rtnl_put(&req, IFLA_MTU, &mtu, sizeof(mtu));
	return ctr_rtnl_call(&c->nl, &req, NULL, NULL, err);
}

/* "ADDRESS" or "ADDRESS/LENGTH"; returns its bytes' number, 0: it is none. */
static size_t parse_addr(const char *text, unsigned char out[16], uint8_t *length, int *family)
{
	char buf[64];
	char *slash;
	uint64_t v;

	if (strlen(text) >= sizeof(buf))
		return 0;
	memcpy(buf, text, strlen(text) + 1);
	slash = strchr(buf, '/');
	if (slash)
		*slash++ = '\0';
	*family = strchr(buf, ':') ? AF_INET6 : AF_INET;
	*length = *family == AF_INET6 ? 128 : 32;
	if (slash) {
		if (cs_str_u64(slash, &v) < 0 || v > *length)
			return 0;
		*length = (uint8_t)v;
	}
	if (inet_pton(*family, buf, out) != 1)
		return 0;
	return *family == AF_INET6 ? 16 : 4;
}

/* The host has seen to it that nobody else has the address. */
static int add_addr(struct cards *c, int index, const char *text, struct cs_err *err)
{
	const uint32_t flags = IFA_F_NODAD | IFA_F_PERMANENT;
	struct ifaddrmsg body = { .ifa_index = (unsigned int)index };
	struct ctr_rtnl_req req;
	unsigned char addr[16];
	int family;
	size_t n = parse_addr(text, addr, &body.ifa_prefixlen, &family);

	if (!n)
		return cs_err_set(err, EINVAL, "net: \"%s\" is no address", text);
	body.ifa_family = (unsigned char)family;
	ctr_rtnl_init(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	ctr_rtnl_put(&req, IFA_LOCAL, addr, n);
	ctr_rtnl_put(&req, IFA_ADDRESS, addr, n);
	if (family == AF_INET6)
		ctr_rtnl_put(&req, IFA_FLAGS, &flags, sizeof(flags));
	return ctr_rtnl_call(&c->nl, &req, NULL, NULL, err);
}

static int add_gateway(struct cards *c, int index, const char *text, struct cs_err *err)
{
	const uint32_t oif = (uint32_t)index;
	struct rtmsg body = { .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_scope = RT_SCOPE_UNIVERSE,
			      .rtm_type = RTN_UNICAST };
	struct ctr_rtnl_req req;
	unsigned char addr[16];
	uint8_t length;
	int family;
	size_t n = parse_addr(text, addr, &length, &family);

	if (!n)
		return cs_err_set(err, EINVAL, "net: \"%s\" is no gateway", text);
	body.rtm_family = (unsigned char)family;
	ctr_rtnl_init(&req, RTM_NEWROUTE, NLM_F_CREATE, &body, sizeof(body));
	ctr_rtnl_put(&req, RTA_GATEWAY, addr, n);
	ctr_rtnl_put(&req, RTA_OIF, &oif, sizeof(oif));
	return ctr_rtnl_call(&c->nl, &req, NULL, NULL, err);
}

/* "02:00:00:00:00:01" */
static bool parse_mac(const char *text, unsigned char out[MAC])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < MAC; i++, text += 3) {
		const char *hi = *text ? strchr(digits, text[0]) : NULL;
		const char *lo = hi && text[1] ? strchr(digits, text[1]) : NULL;

		if (!lo || text[2] != (i + 1 < MAC ? ':' : '\0'))
			return false;
		out[i] = (unsigned char)((hi - digits) << 4 | (lo - digits));
	}
	return true;
}

static int find_card(const struct cards *c, const char *mac, struct cs_err *err)
{
	unsigned char b[MAC];

	for (size_t i = 0; parse_mac(mac, b) && i < c->n; i++)
		if (memcmp(c->v[i].mac, b, MAC) == 0)
			return c->v[i].index;
	return cs_err_set(err, ENODEV, "net: there is no card %s", mac);
}

static int each(const struct cs_json *nic, const char *key, struct cards *c, int index,
		int (*fn)(struct cards *c, int index, const char *text, struct cs_err *err),
		struct cs_err *err)
{
	const struct cs_json *list = NULL, *v;
	const char *text;

	if (cs_json_arr(nic, key, &list, err) <= 0)
		return -err->code;
	cs_json_for_each (v, list)
		if (cs_json_as_str(v, &text, err) < 0 || fn(c, index, text, err) < 0)
			return -err->code;
	return 0;
}

static int set_up(struct cards *c, const struct cs_json *nic, struct cs_err *err)
{
	const char *mac = "", *name = NULL;
	uint32_t mtu = 0;
	int index;

	if (cs_json_str(nic, "mac", &mac, err) < 0 || cs_json_str(nic, "name", &name, err) < 0 ||
	    cs_json_u32(nic, "mtu", &mtu, err) < 0)
		return -err->code;
	index = find_card(c, mac, err);
	if (index < 0 || link_up(c, index, name, mtu, err) < 0 ||
	    each(nic, "addresses", c, index, add_addr, err) < 0)
		return -err->code;
	return each(nic, "gateways", c, index, add_gateway, err);
}

int agent_net(const struct cs_json *req, struct cs_err *err)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	const struct cs_json *list = NULL, *nic;
	struct cards c = { .nl = CTR_RTNL_INIT };
	struct ctr_rtnl_req ask;
	int ret = ctr_rtnl_open(&c.nl, err);

	if (ret == 0) {
		ctr_rtnl_init(&ask, RTM_GETLINK, NLM_F_DUMP, &body, sizeof(body));
		ret = ctr_rtnl_call(&c.nl, &ask, on_link, &c, err);
	}
	if (ret == 0)
		ret = link_up(&c, c.loopback, NULL, 0, err);
	if (ret == 0 && cs_json_arr(req, "net", &list, err) < 0)
		ret = -err->code;
	for (nic = list ? list->child : NULL; nic && ret == 0; nic = nic->next)
		ret = set_up(&c, nic, err);
	ctr_rtnl_close(&c.nl);
	return ret;
}
