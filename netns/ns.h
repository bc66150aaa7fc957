#ifndef CS_NETNS_NS_H
#define CS_NETNS_NS_H

#include <stdbool.h>
#include <stdint.h>

struct cs_err;
struct net_nl;

/* Network namespaces (network_namespaces(7)) by fd. */

/* Which one it is. As long as it is pinned on a path its inode lives, and the three together name
 * it for good: inode numbers are given out again, the time the inode was made is not. */
struct net_ns_id {
	uint64_t dev, ino;
	uint64_t ctime_ns; /* 0 for one named by a process: its inode may be made anew */
};

/* Are they the same one, as far as each says? */
bool net_ns_same(const struct net_ns_id *a, const struct net_ns_id *b);

/* Is it the one the calling thread is in? False also when that cannot be told. */
bool net_ns_is_own(const struct net_ns_id *id);

/* Opens the namespace at @path. EINVAL when that is something else. *@id may be NULL. */
int net_ns_open(const char *path, struct net_ns_id *id, struct cs_err *err);

/* Is the namespace at @path, pinned there by a mount, @id still? No error: false then. */
bool net_ns_is(const char *path, const struct net_ns_id *id);

/* Makes a new network namespace and pins it on @path, a file that is made (0444) if it is not
 * there. EEXIST when one is pinned there. The caller's own stays what it was. */
int net_ns_pin(const char *path, struct cs_err *err);
/* Lets go of it: with nobody in it, the kernel takes it down with all its links in its own time.
 * Success when there is none. */
int net_ns_unpin(const char *path, struct cs_err *err);

/* Returns 0, or what it set @err to. */
typedef int (*net_ns_fn)(void *arg, struct cs_err *err);

/*
 * Calls @fn inside the namespace @ns. Only the calling thread enters it, for the time of a system
 * call or a few, and nothing of what is in there can reach it meanwhile.
 * ENOTRECOVERABLE when it cannot come back: the thread must end then (seen only where setns(2) is
 * filtered).
 */
int net_ns_run(int ns, net_ns_fn fn, void *arg, struct cs_err *err);

/* Opens a netlink conversation inside the namespace @ns, by net_ns_run(). */
int net_ns_nl_open(int ns, struct net_nl *nl, int bus, struct cs_err *err);

#endif
