#ifndef CS_NETNS_FOREIGN_H
#define CS_NETNS_FOREIGN_H

#include <stdbool.h>

#include "netns/types.h"

struct cs_err;

/*
 * Firewalls of others that keep a network's packets from where our table lets them go: a drop in
 * any table is final. Docker's and ufw's policy for forwarding and for the host itself (by nftables
 * or by the old iptables, both families), firewalld's zones, and bridged packets passed through
 * iptables. Only looks; starts nothing, loads no module, makes no table.
 */

/* Something in the way: @what blocks what, @help is the command that lets it through. */
struct net_foreign {
	char what[320];
	char help[512];
	bool drops; /* else packets take another way */
};

/* Returns 0, or what it set @err to, which ends the search. */
typedef int (*net_foreign_fn)(const struct net_foreign *f, void *arg, struct cs_err *err);

/* Calls @fn for each thing in the way of the network with this bridge. What was already made to let
 * the bridge's packets through (a rule that names it and accepts, a zone it is in) is not told of.
 */
int net_foreign_find(const char *bridge, net_foreign_fn fn, void *arg, struct cs_err *err);
/* Logs what drops a network's packets, or @all that is in their way, as warnings; nothing for one
 * that is not forwarded, or of the host's. */
void net_foreign_warn(const struct net_config *c, bool all);

#endif
