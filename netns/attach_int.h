#ifndef CS_NETNS_ATTACH_INT_H
#define CS_NETNS_ATTACH_INT_H

#include "netns/ipam.h"

struct cs_err;
struct net_attachment;
struct net_config;
struct net_net;
struct net_store;
struct net_wish;

/* What attaching, detaching and sweeping share. */

/* Can the network do that at all? */
int net_wish_check(const struct net_config *c, const struct net_wish *w, struct cs_err *err);

/* Sets the state of a lease in memory; the caller's process is at work on it where one is. */
int net_lease_mark(const struct net_store *st, struct net_lease *l, enum net_lease_state state,
		   struct cs_err *err);
/* Frees it on disk; nothing happens if it is free. */
int net_lease_free(const struct net_net *n, const struct net_lease *l, size_t slot,
		   struct cs_err *err);

/* Takes everything of a lease back, by its record, and frees it. */
int net_undo(const struct net_store *st, const struct net_net *n, const struct net_lease *l,
	     size_t slot, struct cs_err *err);

/* net_sweep() in two steps: leases that are left are marked as ours to undo, so that two commands
 * do not undo the same, with the table open; and undone with it closed (its @fd alone). */
struct net_left {
	size_t *slots; /* owned */
	size_t n;
};
void net_left_fini(struct net_left *left);
#define net_auto_left CS_CLEANUP(net_left_fini) /* needs base/cleanup.h */
int net_sweep_mark(const struct net_store *st, struct net_ipam *t, bool all, struct net_left *out,
		   struct cs_err *err);
int net_sweep_undo(const struct net_store *st, const struct net_net *n, const struct net_ipam *t,
		   const struct net_left *left, struct cs_err *err);
/* Its parts. @att: the record; NULL: it is not there. */
int net_undo_names(const struct net_net *n, const char *owner, const struct net_attachment *att,
		   struct cs_err *err);
/* The lease is LEAVING. */
int net_undo_ports(const struct net_store *st, const struct net_attachment *att,
		   struct cs_err *err);
int net_undo_link(const char *hostif, struct cs_err *err);

#endif
