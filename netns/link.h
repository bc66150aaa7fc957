#ifndef CS_NETNS_LINK_H
#define CS_NETNS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "netns/types.h"

struct cs_err;
struct net_nl;
struct net_nl_req;

/* Links (rtnetlink(7)): each net_link_put_* appends messages to a request, which the caller sends
 * with others in one datagram. */

struct net_link_info {
	uint32_t index;
	uint32_t mtu;
	uint32_t master; /* index of the bridge it is a port of; 0: none */
	uint32_t peer;	 /* of a veth: the other end's index, in its namespace */
	bool up;
	bool bridge; /* its kind */
	struct net_mac mac;
};

/* The link of that name: 1, or 0 when there is none. @out may be NULL. */
int net_link_get(struct net_nl *nl, const char *name, struct net_link_info *out,
		 struct cs_err *err);

/* A bridge (no spanning tree), down, with a MAC address of its own: one that does not change with
 * the ports. It does not listen to who wants what multicast: see net_fw_put_ports_guard(). */
void net_link_put_bridge(struct net_nl_req *r, const char *name, const struct net_mac *mac,
			 uint32_t mtu);

struct net_link_veth {
	const char *hostif; /* our end */
	const char *ifname; /* the other, born in @ns */
	int ns;		    /* fd */
	uint32_t bridge;    /* index */
	uint32_t mtu;
	struct net_mac mac; /* of the other end */
	bool isolate;	    /* the port sees no other isolated port */
	uint32_t group;	    /* of our end; 0: none */
};
/* The pair, our end in the bridge, up and without IPv6 addresses. */
void net_link_put_veth(struct net_nl_req *r, const struct net_link_veth *v);

/* Makes the link of that name up. */
void net_link_put_up(struct net_nl_req *r, const char *name);
/* The kernel gives it no IPv6 addresses of its own making: no waiting for duplicates, no multicast
 * to every port of the bridge. */
void net_link_put_no_autoconf(struct net_nl_req *r, const char *name);
/* The kernel takes no router advertisements on it: whoever is on a bridge could send them, and be
 * the router of all that takes them. Of the calling thread's network namespace; success where
 * there is no IPv6. */
int net_link_no_advertisements(const char *name, struct cs_err *err);
/* Drops IPv4 packets to and from 127.0.0.0/8 that come in by the link (its index), whatever becomes
 * of firewalls: a classic BPF program behind a clsact qdisc. Those to it that have the mark
 * NET_LINK_LOOPBACK go on. EEXIST where it is there; ENOENT or EOPNOTSUPP where the kernel has no
 * such thing. */
#define NET_LINK_LOOPBACK 0x43534c4f /* "CSLO" */
void net_link_put_no_loopback(struct net_nl_req *r, uint32_t index);
/* Into the bridge (its index), up, with that MTU (0: as it is). */
void net_link_put_port(struct net_nl_req *r, const char *name, uint32_t bridge, uint32_t mtu);
/* The same without bringing it up. */
void net_link_put_master(struct net_nl_req *r, const char *name, uint32_t bridge, uint32_t mtu);
/* Our members' links are of this group, by which the firewall knows them. */
#define NET_LINK_GROUP 0x43534e47 /* "CSNG" */
void net_link_put_group(struct net_nl_req *r, const char *name, uint32_t group);
void net_link_put_down(struct net_nl_req *r, const char *name);
void net_link_put_rename(struct net_nl_req *r, const char *name, const char *to);
void net_link_put_isolated(struct net_nl_req *r, const char *name);
/* A port of a bridge passes nothing on any more, whatever is done with its other end (before Linux
 * 5.16: until that has been down and up). */
void net_link_put_cut(struct net_nl_req *r, const char *name);
/* Removes it: the kernel waits for all its readers, tens of milliseconds. */
void net_link_put_del(struct net_nl_req *r, const char *name);

/*
 * Makes a tap device of one queue, or more (@queues), with headers for checksums and segmentation
 * left to the other side (IFF_VNET_HDR, virtio_net's 12 byte header), open for @uid. It goes with
 * its last fd. The fd is close-on-exec and non-blocking.
 */
int net_link_tap(const char *name, uid_t uid, bool multi_queue, struct cs_err *err);

#endif
