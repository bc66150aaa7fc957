#ifndef CS_NETNS_ATTACH_H
#define CS_NETNS_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "netns/ipam.h"
#include "netns/types.h"

struct cs_err;
struct net_net;
struct net_store;

/*
 * Workloads on networks: a veth in a namespace, or a tap, on the network's bridge.
 *
 * The order of steps makes a kill at any moment harmless. Attach: the lease (PENDING), the record,
 * the link, what is inside, published ports, names, the lease again (UP). Detach: the lease
 * (LEAVING), names, ports, the link, the record, the lease (FREE). So whatever is there has a
 * record, and a lease that names the process at work on it; the next command that finds that
 * process gone undoes the rest from the record (net_sweep()).
 */

/* Opens the namespace at @path and says what an attachment to it lives by: the process of
 * "/proc/PID/ns/net", or the path where it is pinned (symlinks are resolved). EINVAL for the
 * caller's own. Returns the fd. */
int net_life_of_path(const struct net_store *st, const char *path, struct net_life *out,
		     struct cs_err *err);

/* What a tap's attachment lives by: a process. ESRCH: it is not there. */
int net_life_of_process(const struct net_store *st, pid_t pid, struct net_life *out,
			struct cs_err *err);

/* What is wanted. Everything is borrowed. */
struct net_wish {
	const char *owner; /* the workload's id: letters, digits, "_", ".", "-" */
	const char *name;  /* NULL: none */
	const char *const *aliases;
	size_t n_aliases;
	const char *ifname;	  /* NULL: the first free of eth0, eth1, ... */
	struct net_addr ip4, ip6; /* family 0: the next free */
	struct net_mac mac;	  /* zero: chosen */
	const struct net_port *ports;
	size_t n_ports;
	/* where it goes */
	int ns;		      /* fd of a namespace, or -1 for a tap */
	struct net_life life; /* what the lease lives by; a pid or a path */
	bool ns_is_ours; /* the namespace goes with the workload: detach leaves the link to it */
	uid_t tap_uid;	 /* who may open the tap */
	bool tap_multi_queue;
};

/* Attaches; EEXIST when the owner is on the network already; *@out is the caller's
 * (net_attachment_fini()). *@tap (may be NULL with a namespace) is the tap's fd, the caller's. On
 * failure everything is undone. */
int net_attach(const struct net_store *st, const char *network, const struct net_wish *w,
	       struct net_attachment *out, int *tap, struct cs_err *err);

/* Would net_attach() do that now? Nothing is made but the default network. What may have changed by
 * the time of an attach, or needs the namespace, is told by that: ports, interfaces. @w->ns and
 * @w->life are not looked at. */
int net_attach_check(const struct net_store *st, const char *network, const struct net_wish *w,
		     struct cs_err *err);

/* Whom to detach. NULL: any. Owner, or namespace (by @ns, or by @path alone when it is gone). */
struct net_whom {
	const char *owner;
	const struct net_ns_id *ns;
	const char *path;
	const char *ifname;
	bool ns_is_ours; /* the namespace goes anyway: its port is cut, and nobody waits */
};

/*
 * Detaches one. ENOENT when there is no such member. Nobody waits for the kernel to remove a link
 * (tens of milliseconds): its port is cut at once, and a process of its own, with no open files,
 * removes a link of a namespace that stays, then its record and lease; a command that needs its
 * name meanwhile waits for it.
 */
int net_detach(const struct net_store *st, const char *network, const struct net_whom *whom,
	       struct cs_err *err);

/* Undoes what commands that were killed left of this network, and frees the leases of owners that
 * are gone. @all: looks at each; else at all that are half made, and some of the others, in turn.
 */
int net_sweep(const struct net_store *st, const struct net_net *n, bool all, struct cs_err *err);

#endif
