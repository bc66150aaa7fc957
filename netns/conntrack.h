#ifndef CS_NETNS_CONNTRACK_H
#define CS_NETNS_CONNTRACK_H

#include "netns/types.h"

struct cs_err;
struct net_nl;
struct net_nl_req;

/*
 * Flows the kernel remembers (linux/netfilter/nfnetlink_conntrack.h). A UDP flow keeps its
 * translation for as long as packets come, whatever the rules say by then, so flows from before a
 * port was published, or to the workload that had it before, must be forgotten. TCP ends by itself.
 * Where there is no such module, and before Linux 5.8, nothing happens.
 */

/* All flows answered by @addr. */
void net_conntrack_forget_addr(struct net_nl *nl, const struct net_addr *addr);
/* UDP flows of @family to the @count ports from @from on that nobody translates, as are those to
 * the host itself. */
void net_conntrack_forget_udp(struct net_nl *nl, uint8_t family, uint16_t from, uint16_t count);

#endif
