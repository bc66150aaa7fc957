#ifndef CS_NETNS_STORE_H
#define CS_NETNS_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "netns/types.h"

struct cs_err;

/*
 * Where networks are:
 *
 *   <root>/networks/.id                which store it is: 8 random hexadecimal digits, part of the
 *                                      names of what it has outside of its folder, so that stores
 *                                      beside each other never touch each other's
 *   <root>/networks/.lock              held while a network is made or removed
 *   <root>/networks/NAME/network.json  the network; without it the folder is a leftover
 *   <root>/networks/NAME/leases        see ipam.h; its lock is held for microseconds
 *   <state>/networks/ID/gate              see net_store_gate()
 *   <state>/networks/ID/firewall.lock     see firewall.h
 *   <state>/networks/ID/NAME/lock         held while the bridge is made, and for names
 *   <state>/networks/ID/NAME/names/       see names.h
 *   <state>/networks/ID/NAME/HOSTIF.json  an attachment: written before anything is done for it,
 *                                      removed after all was undone
 *
 * Locks are taken in this order: .lock, gate, lock, leases, firewall.lock. Each is let go of when
 * its holder dies.
 */
struct net_store {
	int root;	/* owned; <root>/networks */
	int state;	/* owned; <state>/networks/ID */
	int proc;	/* owned; /proc */
	char table[24]; /* of the firewall: "caisson-ID" */
	char boot[40];	/* the host's boot_id */
	pid_t pid;	/* who opened it */
	uint64_t start; /* its start time, as leases have it */
};
#define NET_STORE_INIT \
	((struct net_store){ .root = -EBADF, .state = -EBADF, .proc = -EBADF }) /* errno.h */

/* Opens both; makes what is missing. Paths are absolute. */
int net_store_open(struct net_store *st, const char *root, const char *state, struct cs_err *err);
void net_store_close(struct net_store *st);	   /* idempotent */
#define net_auto_store CS_CLEANUP(net_store_close) /* needs base/cleanup.h */

/* What firewall.h wants of it; good for as long as the store is open. */
struct net_fw net_store_fw(const struct net_store *st);

/* A network that is open. */
struct net_net {
	struct net_config c;
	int dir;       /* owned; its folder in the root */
	int run;       /* owned; its folder in the state */
	char boot[40]; /* the store's */
};
#define NET_NET_INIT ((struct net_net){ .dir = -EBADF, .run = -EBADF }) /* needs errno.h */

/* ENOENT when there is no network of that name. */
int net_net_open(const struct net_store *st, const char *name, struct net_net *out,
		 struct cs_err *err);
void net_net_close(struct net_net *n);	       /* idempotent */
#define net_auto_net CS_CLEANUP(net_net_close) /* needs base/cleanup.h */

/* All names, sorted; leftovers are not among them. The caller calls net_list_fini(). */
struct net_list {
	char (*v)[NET_NAME_MAX + 1]; /* owned */
	size_t n;
};
int net_store_list(const struct net_store *st, struct net_list *out, struct cs_err *err);
void net_list_fini(struct net_list *l);
#define net_auto_list CS_CLEANUP(net_list_fini) /* needs base/cleanup.h */

/* The record of an attachment. ENOENT when there is none. */
int net_att_load(const struct net_net *n, const char *hostif, struct net_attachment *out,
		 struct cs_err *err);
int net_att_save(const struct net_net *n, const struct net_attachment *a, struct cs_err *err);
int net_att_drop(const struct net_net *n, const char *hostif, struct cs_err *err);

/*
 * The gate between those who publish ports, each by a record and then an element, and one who makes
 * the firewall anew from all records: shared for the first, exclusive for the other. Taken before
 * any other lock but .lock. The fd lets go of it.
 */
int net_store_gate(const struct net_store *st, bool exclusive, struct cs_err *err);

/* Is it there yet? For one that has its lock: it is removed with that held. */
bool net_net_exists(const struct net_net *n);
/* The network's lock of the state folder; the fd lets go of it. */
int net_net_lock(const struct net_net *n, struct cs_err *err);
/* The folder for names.h, made if need be. Returns an fd. */
int net_net_names(const struct net_net *n, struct cs_err *err);

#endif
