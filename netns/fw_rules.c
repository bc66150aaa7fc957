#include "netns/fw_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/icmp6.h>

#include "base/cleanup.h"
#include "netns/link.h"
#include "netns/nft.h"

/* Priorities a little before what others use for the same duty (dstnat -100, srcnat 100), so that a
 * published port is found before a catch-all of somebody else; filter's own for forwarding. */
enum {
	PRIO_RAW = -300,
	PRIO_DSTNAT = -105,
	PRIO_BEHIND_DSTNAT = -90,
	PRIO_FILTER = 0,
	PRIO_SRCNAT = 95,
};

enum {
	MLD1_REPORT = 131,  /* RFC 2710 */
	MLD2_REPORT = 143,  /* RFC 3810 */
	BR_PRE_ROUTING = 0, /* NF_BR_PRE_ROUTING; its header does not go with net/if.h */
};

static const struct net_nft_chain chains[] = {
	{ "guard", "filter", NF_INET_PRE_ROUTING, PRIO_RAW },
	{ "prerouting", "nat", NF_INET_PRE_ROUTING, PRIO_DSTNAT },
	{ "localhost", "filter", NF_INET_PRE_ROUTING, PRIO_BEHIND_DSTNAT },
	{ "output", "nat", NF_INET_LOCAL_OUT, PRIO_DSTNAT },
	{ "input", "filter", NF_INET_LOCAL_IN, PRIO_FILTER },
	{ "forward", "filter", NF_INET_FORWARD, PRIO_FILTER },
	{ "postrouting", "nat", NF_INET_POST_ROUTING, PRIO_SRCNAT },
};

#define CONCAT2(a, b) ((a) << 6 | (b))
#define CONCAT3(a, b, c) (CONCAT2(a, b) << 6 | (c))

static const struct net_nft_set sets[] = {
	{ FW_BRIDGES, 0, NET_NFT_IFNAME, IF_NAMESIZE, 0, 0 },
	{ FW_NAT, 0, NET_NFT_IFNAME, IF_NAMESIZE, 0, 0 },
	{ FW_CLOSED, 0, NET_NFT_IFNAME, IF_NAMESIZE, 0, 0 },
	{ FW_PAIRS, 0, CONCAT2(NET_NFT_IFNAME, NET_NFT_IFNAME), 2 * IF_NAMESIZE, 0, 0 },
	{ FW_HAIRPIN, 0, CONCAT2(NET_NFT_IFNAME, NET_NFT_IFNAME), 2 * IF_NAMESIZE, 0, 0 },
	{ FW_NAT4, NFT_SET_INTERVAL, NET_NFT_IPV4, 4, 0, 0 },
	{ FW_NAT6, NFT_SET_INTERVAL, NET_NFT_IPV6, 16, 0, 0 },
	{ FW_GW4, 0, NET_NFT_IPV4, 4, 0, 0 },
	{ FW_GW6, 0, NET_NFT_IPV6, 16, 0, 0 },
	{ FW_NAMES4, 0, CONCAT2(NET_NFT_IPV4, NET_NFT_IFNAME), 4 + IF_NAMESIZE, 0, 0 },
	{ FW_NAMES6, 0, CONCAT2(NET_NFT_IPV6, NET_NFT_IFNAME), 16 + IF_NAMESIZE, 0, 0 },
	{ FW_LO6, 0, NET_NFT_IPV6, 16, 0, 0 },
	{ FW_DNAT4, NFT_SET_MAP, CONCAT2(NET_NFT_PROTO, NET_NFT_SERVICE), 8,
	  CONCAT2(NET_NFT_IPV4, NET_NFT_SERVICE), 8 },
	{ FW_DNAT6, NFT_SET_MAP, CONCAT2(NET_NFT_PROTO, NET_NFT_SERVICE), 8,
	  CONCAT2(NET_NFT_IPV6, NET_NFT_SERVICE), 20 },
	{ FW_HOST4, NFT_SET_MAP, CONCAT3(NET_NFT_IPV4, NET_NFT_PROTO, NET_NFT_SERVICE), 12,
	  CONCAT2(NET_NFT_IPV4, NET_NFT_SERVICE), 8 },
	{ FW_HOST6, NFT_SET_MAP, CONCAT3(NET_NFT_IPV6, NET_NFT_PROTO, NET_NFT_SERVICE), 24,
	  CONCAT2(NET_NFT_IPV6, NET_NFT_SERVICE), 20 },
};

/* Offsets of RFC 791 and RFC 8200; ports of TCP, UDP and SCTP are at one place. */
#define LOAD(base, where, bytes, to)                                                              \
	{                                                                                         \
		.op = NET_NFT_PAYLOAD, .reg = (to), .arg = (base), .off = (where), .len = (bytes) \
	}
#define SADDR4(to) LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, to)
#define DADDR4(to) LOAD(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, to)
#define SADDR6(to) LOAD(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, to)
#define DADDR6(to) LOAD(NFT_PAYLOAD_NETWORK_HEADER, 24, 16, to)
#define DPORT(to) LOAD(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, to)
#define META(key, to)                                         \
	{                                                     \
		.op = NET_NFT_META, .reg = (to), .arg = (key) \
	}
#define EQ(bytes, ...)                                                     \
	{                                                                  \
		.op = NET_NFT_CMP, .len = (bytes), .data = { __VA_ARGS__ } \
	}
#define NE(bytes, ...)                                                                  \
	{                                                                               \
		.op = NET_NFT_CMP, .inv = true, .len = (bytes), .data = { __VA_ARGS__ } \
	}
#define MASK(bytes, ...)                                                    \
	{                                                                   \
		.op = NET_NFT_MASK, .len = (bytes), .data = { __VA_ARGS__ } \
	}
#define IN(name)                                    \
	{                                           \
		.op = NET_NFT_LOOKUP, .set = (name) \
	}
#define NOT_IN(name)                                             \
	{                                                        \
		.op = NET_NFT_LOOKUP, .inv = true, .set = (name) \
	}
#define VERDICT(v)                                \
	{                                         \
		.op = NET_NFT_VERDICT, .arg = (v) \
	}

/* Numbers of the kernel's are in its byte order: little-endian, as both architectures are. */
#define IS_V4 META(NFT_META_NFPROTO, 0), EQ(1, NFPROTO_IPV4)
#define IS_V6 META(NFT_META_NFPROTO, 0), EQ(1, NFPROTO_IPV6)
#define DST_IS_NOT_LOCAL { .op = NET_NFT_FIB }, NE(4, RTN_LOCAL)
#define IIF_IN(set) META(NFT_META_IIFNAME, 0), IN(set)
#define OIF_IN(set) META(NFT_META_OIFNAME, 0), IN(set)
#define LEAVES_NETWORK META(NFT_META_IIFNAME, 0), META(NFT_META_OIFNAME, 4), NOT_IN(FW_HAIRPIN)
#define LINKS_IN(set) META(NFT_META_IIFNAME, 0), META(NFT_META_OIFNAME, 4), IN(set)
#define CT_HAS(key, bit) { .op = NET_NFT_CT, .arg = (key) }, MASK(4, bit), NE(4, 0)
#define WAS_PUBLISHED CT_HAS(NFT_CT_STATUS, IPS_DST_NAT)
/* NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED) */
#define IS_KNOWN CT_HAS(NFT_CT_STATE, 1 << (IP_CT_ESTABLISHED + 1) | 1 << (IP_CT_RELATED + 1))
#define HOST_U32(v) (v) & 0xff, (v) >> 8 & 0xff, (v) >> 16 & 0xff, (v) >> 24 & 0xff
#define LOOPBACK6 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1

typedef struct net_nft_expr rule_expr;

static const rule_expr loopback_of_bridge[] = { IIF_IN(FW_BRIDGES), IS_V4,
						LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 1, 0),
						EQ(1, 127), VERDICT(NF_DROP) };
static const rule_expr loopback_from_bridge[] = { IIF_IN(FW_BRIDGES), IS_V4,
						  LOAD(NFT_PAYLOAD_NETWORK_HEADER, 16, 1, 0),
						  EQ(1, 127), VERDICT(NF_DROP) };

/* What is for 127.0.0.0/8 here was not when it passed the guard: answers to localhost. Where
 * bridged packets pass iptables, they come to the bridge's own filter like this. */
static const rule_expr localhost_answers[] = {
	IS_V4,
	LOAD(NFT_PAYLOAD_NETWORK_HEADER, 16, 1, 0),
	EQ(1, 127),
	IIF_IN(FW_BRIDGES),
	{ .op = NET_NFT_VALUE, .len = 4, .data = { HOST_U32(NET_LINK_LOOPBACK) } },
	{ .op = NET_NFT_META_SET, .arg = NFT_META_MARK }
};

/* What is published: the destination is the host's, but no loopback address from outside, no
 * link-local one (whose packets may not be forwarded), and not our own name server. */
static const rule_expr elsewhere[] = { DST_IS_NOT_LOCAL, VERDICT(NFT_RETURN) };
static const rule_expr loopback4[] = { IS_V4, LOAD(NFT_PAYLOAD_NETWORK_HEADER, 16, 1, 0),
				       EQ(1, 127), VERDICT(NFT_RETURN) };
static const rule_expr loopback6[] = { IS_V6,	  DADDR6(0),	  EQ(16, LOOPBACK6),
				       DADDR6(0), NOT_IN(FW_LO6), VERDICT(NFT_RETURN) };
static const rule_expr link_local[] = { IS_V6, DADDR6(0), MASK(16, 0xff, 0xc0), EQ(16, 0xfe, 0x80),
					VERDICT(NFT_RETURN) };
static const rule_expr names4[] = { IS_V4,    DADDR4(0),    IN(FW_GW4),
				    DPORT(0), EQ(2, 0, 53), VERDICT(NFT_RETURN) };
static const rule_expr names6[] = { IS_V6,    DADDR6(0),    IN(FW_GW6),
				    DPORT(0), EQ(2, 0, 53), VERDICT(NFT_RETURN) };

#define DNAT(map, family, port)                                              \
	{ .op = NET_NFT_MAP, .set = (map), .arg = 0 },                       \
	{                                                                    \
		.op = NET_NFT_DNAT, .arg = (family), .reg = 0, .off = (port) \
	}
static const rule_expr host4[] = { IS_V4, DADDR4(0), META(NFT_META_L4PROTO, 1), DPORT(2),
				   DNAT(FW_HOST4, NFPROTO_IPV4, 1) };
static const rule_expr dnat4[] = { IS_V4, META(NFT_META_L4PROTO, 0), DPORT(1),
				   DNAT(FW_DNAT4, NFPROTO_IPV4, 1) };
static const rule_expr host6[] = { IS_V6, DADDR6(0), META(NFT_META_L4PROTO, 4), DPORT(5),
				   DNAT(FW_HOST6, NFPROTO_IPV6, 4) };
static const rule_expr dnat6[] = { IS_V6, META(NFT_META_L4PROTO, 0), DPORT(1),
				   DNAT(FW_DNAT6, NFPROTO_IPV6, 4) };

/* A name server is for its own network and the host: it knows the members' names. */
#define NOT_BY_LO META(NFT_META_IIFNAME, 0), NE(IF_NAMESIZE, 'l', 'o')
#define TO_PORT_53(proto) META(NFT_META_L4PROTO, 0), EQ(1, proto), DPORT(0), EQ(2, 0, 53)
#define NAMES4(proto)                                                          \
	IS_V4, DADDR4(0), IN(FW_GW4), NOT_BY_LO, TO_PORT_53(proto), DADDR4(0), \
		META(NFT_META_IIFNAME, 1), NOT_IN(FW_NAMES4), VERDICT(NF_DROP)
#define NAMES6(proto)                                                          \
	IS_V6, DADDR6(0), IN(FW_GW6), NOT_BY_LO, TO_PORT_53(proto), DADDR6(0), \
		META(NFT_META_IIFNAME, 4), NOT_IN(FW_NAMES6), VERDICT(NF_DROP)
static const rule_expr foreign_udp4[] = { NAMES4(IPPROTO_UDP) };
static const rule_expr foreign_tcp4[] = { NAMES4(IPPROTO_TCP) };
static const rule_expr foreign_udp6[] = { NAMES6(IPPROTO_UDP) };
static const rule_expr foreign_tcp6[] = { NAMES6(IPPROTO_TCP) };

/* Forwarding. Who is on one of our links is told; a stranger outside is not answered. */
static const rule_expr known[] = { IS_KNOWN, VERDICT(NF_ACCEPT) };
static const rule_expr published[] = { WAS_PUBLISHED, VERDICT(NF_ACCEPT) };
static const rule_expr paired[] = { LINKS_IN(FW_PAIRS), VERDICT(NF_ACCEPT) };
static const rule_expr other_network[] = { IIF_IN(FW_BRIDGES),
					   OIF_IN(FW_BRIDGES),
					   { .op = NET_NFT_REJECT } };
/* Before published ones: what is published by another network is outside too. */
static const rule_expr out_of_closed[] = { IIF_IN(FW_CLOSED),
					   LEAVES_NETWORK,
					   { .op = NET_NFT_REJECT } };
static const rule_expr into_closed[] = { OIF_IN(FW_CLOSED), LEAVES_NETWORK, VERDICT(NF_DROP) };
static const rule_expr into_nat[] = { OIF_IN(FW_NAT), VERDICT(NF_DROP) };

/* Source addresses. Multicast keeps its own. */
#define MASQ                       \
	{                          \
		.op = NET_NFT_MASQ \
	}
static const rule_expr localhost4[] = { OIF_IN(FW_BRIDGES), IS_V4,
					LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 1, 0), EQ(1, 127),
					MASQ };
static const rule_expr localhost6[] = { OIF_IN(FW_BRIDGES), IS_V6, SADDR6(0), EQ(16, LOOPBACK6),
					MASQ };
static const rule_expr hairpin[] = { WAS_PUBLISHED, LINKS_IN(FW_HAIRPIN), MASQ };
/* To all networks of ours, whatever mode they are, and to the host itself it goes as it is. */
#define OIF_IS_OUTSIDE META(NFT_META_OIFNAME, 0), NE(IF_NAMESIZE, 'l', 'o'), NOT_IN(FW_BRIDGES)
static const rule_expr masq4[] = { OIF_IS_OUTSIDE, IS_V4,	  SADDR4(0),   IN(FW_NAT4),
				   DADDR4(0),	   MASK(4, 0xf0), NE(4, 0xe0), MASQ };
static const rule_expr masq6[] = {
	OIF_IS_OUTSIDE, IS_V6, SADDR6(0), IN(FW_NAT6), LOAD(NFT_PAYLOAD_NETWORK_HEADER, 24, 1, 0),
	NE(1, 0xff),	MASQ
};

#define RULE(chain, expr)                 \
	{                                 \
		chain, expr, CS_LEN(expr) \
	}
static const struct net_nft_rule rules[] = {
	RULE("guard", loopback_of_bridge),
	RULE("guard", loopback_from_bridge),
	RULE("localhost", localhost_answers),
	RULE("prerouting", elsewhere),
	RULE("prerouting", loopback4),
	RULE("prerouting", link_local),
	RULE("prerouting", names4),
	RULE("prerouting", names6),
	RULE("prerouting", host4),
	RULE("prerouting", dnat4),
	RULE("prerouting", host6),
	RULE("prerouting", dnat6),
	RULE("output", elsewhere),
	RULE("output", loopback6),
	RULE("output", link_local),
	RULE("output", names4),
	RULE("output", names6),
	RULE("output", host4),
	RULE("output", dnat4),
	RULE("output", host6),
	RULE("output", dnat6),
	RULE("input", foreign_udp4),
	RULE("input", foreign_tcp4),
	RULE("input", foreign_udp6),
	RULE("input", foreign_tcp6),
	RULE("forward", known),
	RULE("forward", out_of_closed),
	RULE("forward", into_closed),
	RULE("forward", published),
	RULE("forward", paired),
	RULE("forward", other_network),
	RULE("forward", into_nat),
	RULE("postrouting", localhost4),
	RULE("postrouting", localhost6),
	RULE("postrouting", hairpin),
	RULE("postrouting", masq4),
	RULE("postrouting", masq6),
};

/* What members send to each other, which routers, servers of addresses, or nobody on a bridge of
 * ours, should. Where the
 * message begins behind other headers of IPv6 the kernel finds. */
#define ICMP6_IS(type) LOAD(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0), EQ(1, type), VERDICT(NF_DROP)
/* By the client's port: it takes what comes from any. */
#define TO_CLIENT(port)                                                                           \
	META(NFT_META_L4PROTO, 0), EQ(1, IPPROTO_UDP), DPORT(0), EQ(2, (port) >> 8, (port)&0xff), \
		VERDICT(NF_DROP)
static const rule_expr dhcp_server4[] = { META(NFT_META_PROTOCOL, 0), EQ(2, 0x08, 0x00),
					  TO_CLIENT(68) };
static const rule_expr dhcp_server6[] = { META(NFT_META_PROTOCOL, 0), EQ(2, 0x86, 0xdd),
					  TO_CLIENT(546) };
/* The kernel has taken off one tag of a VLAN; a member's kernel takes off both. */
static const rule_expr tagged_twice[] = { META(NFT_META_PROTOCOL, 0), EQ(2, 0x81, 0x00),
					  VERDICT(NF_DROP) };
static const rule_expr tagged_ad[] = { META(NFT_META_PROTOCOL, 0), EQ(2, 0x88, 0xa8),
				       VERDICT(NF_DROP) };
static const rule_expr not_v6[] = { META(NFT_META_PROTOCOL, 0), NE(2, 0x86, 0xdd),
				    VERDICT(NF_ACCEPT) };
static const rule_expr not_member[] = { META(NFT_META_IIFGROUP, 0), NE(4, HOST_U32(NET_LINK_GROUP)),
					VERDICT(NF_ACCEPT) };
static const rule_expr not_icmp6[] = { META(NFT_META_L4PROTO, 0), NE(1, IPPROTO_ICMPV6),
				       VERDICT(NF_ACCEPT) };
static const rule_expr advertisement[] = { ICMP6_IS(ND_ROUTER_ADVERT) };
static const rule_expr redirect[] = { ICMP6_IS(ND_REDIRECT) };
static const rule_expr report1[] = { ICMP6_IS(MLD1_REPORT) };
static const rule_expr report2[] = { ICMP6_IS(MLD2_REPORT) };

static const struct net_nft_chain ports_chain = { "ports", "filter", BR_PRE_ROUTING, PRIO_RAW };
static const struct net_nft_rule ports_rules[] = {
	RULE("ports", not_member),   RULE("ports", tagged_twice),  RULE("ports", tagged_ad),
	RULE("ports", dhcp_server4), RULE("ports", dhcp_server6),  RULE("ports", not_v6),
	RULE("ports", not_icmp6),    RULE("ports", advertisement), RULE("ports", redirect),
	RULE("ports", report1),	     RULE("ports", report2),
};

void net_fw_put_ports_guard(struct net_nl_req *r, const char *table)
{
	net_nft_bridge_add(r, table, &ports_chain, ports_rules, CS_LEN(ports_rules));
}

void net_fw_put_skeleton(struct net_nl_req *r, const char *table)
{
	for (size_t i = 0; i < CS_LEN(sets); i++)
		net_nft_set_add(r, table, &sets[i], (uint32_t)i + 1);
	for (size_t i = 0; i < CS_LEN(chains); i++)
		net_nft_chain_add(r, table, &chains[i]);
	for (size_t i = 0; i < CS_LEN(rules); i++)
		net_nft_rule_add(r, table, &rules[i]);
}
