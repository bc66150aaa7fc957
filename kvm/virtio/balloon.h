#ifndef CS_KVM_VIRTIO_BALLOON_H
#define CS_KVM_VIRTIO_BALLOON_H

/*
 * Memory balloon (virtio 1.2, 5.5): takes memory from the guest and gives it back to the host, is
 * told of free memory (free page reporting), and asks for statistics.
 */

#include "kvm/virtio/dev.h"

struct vm_balloon_config;

enum {
	VIO_BALLOON_STATE_VERSION = 1,
	VIO_BALLOON_STATS = 10, /* VIRTIO_BALLOON_S_NR of Linux 6.1 */
};

/* All that must be known to go on elsewhere, beside the queues. */
struct vio_balloon_state {
	uint32_t version; /* VIO_BALLOON_STATE_VERSION */
	uint32_t target;  /* pages of 4 KiB the guest is asked for */
	uint32_t actual;  /* and has given, as it says */
	bool has_stats_buffer;
	struct vio_used stats_buffer;	   /* ours until new statistics are wanted */
	uint32_t stats_have;		   /* bit i: stats[i] is known */
	uint64_t stats[VIO_BALLOON_STATS]; /* by VIRTIO_BALLOON_S_*, as the guest says */
};

struct vio_balloon {
	struct vio_dev dev;
	struct vio_balloon_state s;
	int stats_qi; /* queues that features move, -1: not there */
	int reporting_qi;
	uint32_t work; /* done since the last kick */
	/* counters, bytes given back to the host */
	uint64_t inflated;
	uint64_t reported;
	uint64_t stats_updates; /* times statistics came */
};

int vio_balloon_init(struct vio_balloon *b, const struct vm_balloon_config *conf,
		     const struct vio_env *env, struct cs_err *err);

/* Asks the guest to give @pages of 4 KiB in all. */
void vio_balloon_set_target(struct vio_balloon *b, uint32_t pages);

/* Asks the guest for new statistics, which change s.stats when they come. EAGAIN when it has not
 * answered yet, or cannot. No message: the caller knows best. */
int vio_balloon_ask_stats(struct vio_balloon *b);

#endif
