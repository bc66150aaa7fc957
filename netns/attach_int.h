#ifndef CS_NETNS_ATTACH_INT_H
#define CS_NETNS_ATTACH_INT_H

#include "netns/ipam.h"

struct cs_err;
struct net_net;
struct net_store;

/* What attaching, detaching and sweeping share. */

/* Sets the state of a lease in memory; the caller's process is at work on it where one is. */
int net_lease_mark(const struct net_store *st, struct net_lease *l, enum net_lease_state state,
		   struct cs_err *err);
/* Frees it on disk; nothing happens if it is free. */
int net_lease_free(const struct net_net *n, const struct net_lease *l, struct cs_err *err);

/* Takes everything of a lease back, by its record, and frees it. */
int net_undo(const struct net_store *st, const struct net_net *n, const struct net_lease *l,
	     struct cs_err *err);
/* Its parts. */
int net_undo_names(const struct net_net *n, const char *owner, struct cs_err *err);
int net_undo_link(const char *hostif, struct cs_err *err);

#endif
