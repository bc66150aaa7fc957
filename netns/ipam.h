#ifndef CS_NETNS_IPAM_H
#define CS_NETNS_IPAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netns/ns.h"
#include "netns/types.h"

struct cs_err;

/*
 * Who has which address: one file a network, "leases", of records of one size behind a head of that
 * size. It is read and changed with an exclusive flock(2) on it. A record is written by one
 * write(2) within a page, so a killed writer leaves the old one or the new one. The file stays
 * when the host reboots, for the place in the ring; the leases of another boot count as free.
 *
 * A lease goes FREE -> PENDING -> UP -> LEAVING -> FREE. PENDING and LEAVING name the process that
 * is at work on it: when that one is gone, whoever comes by undoes what it did, and frees it. UP
 * ones live as long as their owner: a process, or a namespace pinned on a path.
 */

enum { NET_LEASE_SIZE = 512, NET_LEASES_MAX = 65536 };

enum net_lease_state {
	NET_LEASE_FREE,
	NET_LEASE_PENDING,
	NET_LEASE_UP,
	NET_LEASE_LEAVING,
};

/* What lets a lease live. Both may be set: then the process counts. */
struct net_life {
	uint32_t pid; /* 0: none */
	uint32_t unused;
	uint64_t start; /* its start time, proc(5) field 22 */
	struct net_ns_id ns;
	char path[224]; /* where the namespace is pinned; "": it is not */
};

/* A record as it is on disk, in the machine's byte order. */
struct net_lease {
	uint32_t state;
	uint32_t busy_pid;   /* at work on it */
	uint64_t busy_start; /* its start time */
	struct net_life life;
	char owner[NET_OWNER_MAX + 1];
	char ifname[IF_NAMESIZE];
	char hostif[IF_NAMESIZE]; /* random: names the lease for good */
	uint8_t mac[6];
	uint8_t has4, has6;
	uint8_t ip4[4];
	uint8_t ip6[16];
	uint8_t unused[44];
};
_Static_assert(sizeof(struct net_lease) == NET_LEASE_SIZE, "a lease has one size");

struct net_ipam_head {
	char magic[16];
	char boot[40];	       /* boot_id of the host the leases are from */
	uint64_t next4, next6; /* offset in the range to begin at */
	uint8_t unused[440];
};
_Static_assert(sizeof(struct net_ipam_head) == NET_LEASE_SIZE, "the head has the same");

/* The table in memory. */
struct net_ipam {
	int fd; /* owned; locked while it is open. -EBADF: pure use */
	struct net_ipam_head head;
	struct net_lease *v; /* owned; by slot */
	size_t n;
};
#define NET_IPAM_INIT ((struct net_ipam){ .fd = -EBADF }) /* needs errno.h */

/* Opens, locks and reads "leases" of the network's folder, which is made if need be; @boot is the
 * host's boot_id. ENOENT when the network was removed meanwhile. */
int net_ipam_open(struct net_ipam *t, int dir, const char *boot, struct cs_err *err);
/* Lets go of the lock and of the memory; idempotent. */
void net_ipam_close(struct net_ipam *t);
#define net_auto_ipam CS_CLEANUP(net_ipam_close) /* needs base/cleanup.h */

/* The file's @len bytes as a table. Leases of another boot than @boot are made free. EBADMSG when
 * it is no such file. Pure. */
int net_ipam_parse(const void *buf, size_t len, const char *boot, struct net_ipam *out,
		   struct cs_err *err);

/* What is wanted: addresses and MAC may be given; others are chosen. */
struct net_ipam_want {
	struct net_addr ip4, ip6;
	struct net_mac mac;
	struct net_mac bridge; /* the bridge's own, which no member gets */
};
/*
 * Chooses the slot and what is not given, and fills ip4, ip6 and mac of @l; moves the ring on.
 * Pure: net_ipam_write() puts both on disk. EADDRINUSE for a given address or MAC that another has,
 * *@slot then being whose (for other errors SIZE_MAX); EINVAL for one outside of the subnet, or the
 * bridge's; ENOSPC when the range has no more.
 */
int net_ipam_choose(struct net_ipam *t, const struct net_config *net,
		    const struct net_ipam_want *want, struct net_lease *l, size_t *slot,
		    struct cs_err *err);
/* Writes the lease to its slot, then the head if @head. */
int net_ipam_write(struct net_ipam *t, size_t slot, const struct net_lease *l, bool head,
		   struct cs_err *err);

/* Writes @l, or a free record, in place of the lease @hostif, if that one is in @slot yet: 1; else
 * 0. The file need not be open, and nothing else of it is read. */
int net_ipam_replace(int dir, size_t slot, const char *hostif, const struct net_lease *l,
		     struct cs_err *err);

/* Is the one that a lease lives by, or that is at work on it, there? Asks the kernel. @procfd is
 * /proc. */
bool net_lease_lives(const struct net_lease *l, int procfd);

/* The slot of an owner's interface, or of a namespace's; SIZE_MAX when there is none. NULL and ""
 * match everything; one that is LEAVING is found when there is no other. By @ns only leases whose
 * owner lives are found: a namespace may have the inode number of one that is gone. By @path (@ns
 * is NULL) those of dead ones are, too. */
size_t net_ipam_find(const struct net_ipam *t, const char *owner, const char *ifname);
size_t net_ipam_find_ns(const struct net_ipam *t, const struct net_ns_id *ns, const char *path,
			const char *ifname, int procfd);

#endif
