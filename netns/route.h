#ifndef CS_NETNS_ROUTE_H
#define CS_NETNS_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netns/types.h"

struct cs_err;
struct net_nl;
struct net_nl_req;

/* Addresses and routes (rtnetlink(7)). */

/* Gives the link (its index) an address, usable at once: IPv6 does not look for duplicates. One
 * that is there already is EEXIST. */
void net_route_put_addr(struct net_nl_req *r, uint32_t index, const struct net_prefix *addr);
/* A default route through @gateway on the link. EEXIST when there is a default route. */
void net_route_put_default(struct net_nl_req *r, uint32_t index, const struct net_addr *gateway);

/* Prefixes in use on this host. */
struct net_used {
	struct net_prefix *v; /* owned */
	char (*why)[96];      /* owned; of each: "the host routes it by eth0" */
	size_t n, cap;
};
#define NET_USED_INIT ((struct net_used){ 0 })
void net_used_fini(struct net_used *u);
#define net_auto_used CS_CLEANUP(net_used_fini) /* needs base/cleanup.h */
int net_used_add(struct net_used *u, const struct net_prefix *p, struct cs_err *err,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Which of them overlaps @p; NULL: none. *@why is what it is used for. */
const struct net_prefix *net_used_find(const struct net_used *u, const struct net_prefix *p,
				       const char **why);

/* Adds what this network namespace has addresses of. */
int net_addrs_used(struct net_nl *nl, struct net_used *u, struct cs_err *err);
/* Adds that, and what it routes; not default routes, nor halves of them, as by a VPN for all. */
int net_route_used(struct net_nl *nl, struct net_used *u, struct cs_err *err);
/* Adds the name servers of a resolv.conf(5) text. Pure. */
int net_used_resolv_conf(struct net_used *u, const char *text, struct cs_err *err);

/* The MTU of the default route's link; 1500 when there is none. */
int net_route_mtu(struct net_nl *nl, uint32_t *mtu, struct cs_err *err);

#endif
