#ifndef CS_NETNS_NETWORK_H
#define CS_NETNS_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netns/store.h"
#include "netns/types.h"

struct cs_err;
struct net_nl;

/* Networks: made, brought up, mended, removed. */

/* The one that is made when it is first asked for. */
#define NET_DEFAULT_NAME "default"
#define NET_DEFAULT_BRIDGE "caisson0"

/*
 * Makes a network's record. @c says what is wanted: a name, the mode, labels (borrowed); what is
 * not set is chosen: id, bridge (its name), IPv4 subnet, and an IPv6 one if @ipv6. The bridge
 * itself is made with the first member. EEXIST for a name that is taken, EADDRINUSE for a subnet
 * that overlaps another network's, or what the host routes or uses.
 */
int net_network_create(const struct net_store *st, const struct net_config *c, bool ipv6,
		       struct cs_err *err);

/* Opens a network for use; the default one is made if it does not exist. */
int net_network_get(const struct net_store *st, const char *name, struct net_net *out,
		    struct cs_err *err);

/* The MAC address of the network's bridge, unless it is one that was there before: made of the
 * network's id, so that it is the same one another time, which neighbours remember, and no other
 * store's bridge of that name is taken for it. */
struct net_mac net_network_mac(const struct net_config *c);

/* A bridge that is up. */
struct net_up {
	uint32_t index;
	uint32_t mtu; /* what its members get */
	struct net_mac mac;
};
/* Makes what is missing of bridge, addresses and firewall; puts members back into a new bridge.
 * Where all is there it only looks. The gate must not be held. */
int net_network_up(const struct net_store *st, const struct net_net *n, struct net_nl *nl,
		   struct net_up *out, struct cs_err *err);

/* Removes a network with its bridge. EBUSY while it has members, unless @force: they are detached.
 */
int net_network_remove(const struct net_store *st, const char *name, bool force,
		       struct cs_err *err);

/* Finishes what killed commands left of networks that were made or removed. With .lock of the root
 * held.
 */
int net_network_tidy(const struct net_store *st, struct cs_err *err);

/* Asked before a network without members is removed (@done false): true if it may be; told
 * afterwards (@done true). */
typedef bool (*net_removed_fn)(const struct net_config *c, bool done, void *arg);
/* Removes every network without members but the default one. */
int net_network_prune(const struct net_store *st, net_removed_fn fn, void *arg, struct cs_err *err);

/* Everything of every network as its record says: bridges, addresses, members' ports, firewall,
 * names. For after a flush of the firewall, a removed bridge, a killed name server. */
int net_network_reload(const struct net_store *st, struct cs_err *err);

/* The live members' attachments. The caller calls net_members_fini(). */
struct net_members {
	struct net_attachment *v; /* owned */
	size_t n;
};
int net_network_members(const struct net_store *st, const struct net_net *n,
			struct net_members *out, struct cs_err *err);
void net_members_fini(struct net_members *m);
#define net_auto_members CS_CLEANUP(net_members_fini) /* needs base/cleanup.h */

#endif
