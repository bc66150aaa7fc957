#ifndef CS_NETNS_FW_RULES_H
#define CS_NETNS_FW_RULES_H

struct net_nl_req;

/*
 * The table of firewall.h without any network in it: its name, sets and rules.
 *
 * set      holds
 * bridges  every bridge of ours; its comment is the network as text (fw_int.h)
 * nat      bridges of networks of mode nat
 * closed   bridges of networks of mode isolated
 * pairs    BRIDGE . BRIDGE: who may reach whom past the bridge; each with itself unless "isolate"
 * hairpin  BRIDGE . BRIDGE, each with itself
 * nat4/6   subnets of mode nat
 * gw4/6    our gateways' addresses, whose port 53 is the name server's
 * names4/6 the same . BRIDGE: by what link each name server may be asked
 * lo6      ::1, when it can be redirected
 * dnat4/6  protocol . port -> address . port, published on every address of the host
 * host4/6  host address . protocol . port -> address . port
 */
/* What the name of every store's table begins with. */
#define FW_TABLES "caisson-"

#define FW_BRIDGES "bridges"
#define FW_NAT "nat"
#define FW_CLOSED "closed"
#define FW_PAIRS "pairs"
#define FW_HAIRPIN "hairpin"
#define FW_NAT4 "nat4"
#define FW_NAT6 "nat6"
#define FW_GW4 "gw4"
#define FW_GW6 "gw6"
#define FW_NAMES4 "names4"
#define FW_NAMES6 "names6"
#define FW_LO6 "lo6"
#define FW_DNAT4 "dnat4"
#define FW_DNAT6 "dnat6"
#define FW_HOST4 "host4"
#define FW_HOST6 "host6"

/* Sets, chains and rules of a table just made, behind what is in the batch @r. */
void net_fw_put_skeleton(struct net_nl_req *r, const char *table);

/*
 * The table of that name of the bridge family, made anew: of what comes in by links of the group
 * NET_LINK_GROUP, router advertisements and redirects are dropped, for a member could be the router
 * of all others by them (each refuses advertisements by itself, too); and reports of multicast
 * listeners (MLD): every address a member gets is reported to all others, several times, and with
 * hundreds of members that costs more than all else of attaching one. On a bridge of ours nobody
 * wants to know: there is no multicast router, and the bridge itself passes everything to
 * everybody.
 */
void net_fw_put_ports_guard(struct net_nl_req *r, const char *table);

#endif
