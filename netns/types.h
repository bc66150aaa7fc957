#ifndef CS_NETNS_TYPES_H
#define CS_NETNS_TYPES_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Plain structs that every file of this folder speaks of. Their parsers and writers are in addr.h
 * and portspec.h. */

/* An address of either family, in network byte order. */
struct net_addr {
	uint8_t family; /* AF_INET, AF_INET6, or 0 (AF_UNSPEC): none */
	uint8_t b[16];	/* the first 4 are used for AF_INET, the rest is zero */
};

struct net_prefix {
	struct net_addr addr; /* with its host bits zero in a subnet */
	uint8_t len;
};

struct net_mac {
	uint8_t b[6]; /* all zero: none */
};

/* A published port, or @count of them in a row: host_port + i goes to port + i. */
struct net_port {
	struct net_addr
		host; /* host address it is published on; family 0: every one, both families */
	uint16_t host_port;
	uint16_t port;	/* in the workload */
	uint16_t count; /* at least 1; neither end goes past 65535 */
	uint8_t proto;	/* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
};

/* What a network does with packets that leave its bridge. */
enum net_mode {
	NET_MODE_NAT,	   /* masqueraded behind the host's addresses */
	NET_MODE_ROUTED,   /* forwarded as they are, both ways */
	NET_MODE_ISOLATED, /* not forwarded at all; members and the host reach each other */
	NET_MODE_BRIDGE,   /* a bridge that was there before: its addresses and its traffic beyond
			    * the bridge are not ours; no masquerade, no publishing */
};

enum {
	NET_NAME_MAX = 63,   /* characters of a network's name */
	NET_OWNER_MAX = 127, /* of a workload's id */
};

/* One family of a network. family 0 in @subnet.addr: the network does not have that family. */
struct net_subnet {
	struct net_prefix subnet;
	struct net_addr gateway;     /* the bridge's own address; family 0: none */
	struct net_addr first, last; /* addresses given out; inside the subnet */
};

struct net_label {
	char *key;   /* owned */
	char *value; /* owned */
};

/* A network as its record says (networks/<name>/network.json). */
struct net_config {
	char name[NET_NAME_MAX + 1];
	char id[65]; /* 64 hex digits; never used again */
	char bridge[IF_NAMESIZE];
	enum net_mode mode;
	bool isolate; /* members do not reach each other */
	bool dns;     /* names are answered on the gateway's address */
	uint32_t mtu; /* 0: the default route's */
	struct net_subnet v4, v6;
	int64_t created;	  /* seconds since 1970 */
	struct net_label *labels; /* owned */
	size_t n_labels;
};

/* A workload on a network: what net_attach() made, and its record in the state folder says. */
struct net_attachment {
	char network[NET_NAME_MAX + 1];
	char bridge[IF_NAMESIZE];
	char owner[NET_OWNER_MAX + 1];	    /* the workload's id */
	char ifname[IF_NAMESIZE];	    /* inside; empty for a tap */
	char hostif[IF_NAMESIZE];	    /* the port of the bridge: veth end or tap */
	struct net_mac mac;		    /* of the inner end, or for the guest's card */
	struct net_prefix ip4, ip6;	    /* family 0: none; with the subnet's length */
	struct net_addr gateway4, gateway6; /* family 0: no default route through this one */
	uint32_t mtu;
	char *name;	/* owned; the workload's name, NULL: none */
	char **aliases; /* owned, as the strings are */
	size_t n_aliases;
	struct net_port *ports; /* owned */
	size_t n_ports;
};

#endif
