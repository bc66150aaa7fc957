#ifndef CS_KVM_VIRTIO_BLK_H
#define CS_KVM_VIRTIO_BLK_H

/*
 * Block device (virtio 1.2, 5.2) on a raw file or block device. Each queue has a thread, which does
 * the work with blocking system calls. Without the driver's consent to a write cache
 * (VIRTIO_BLK_F_FLUSH) every write is on stable storage before it is answered.
 */

#include <pthread.h>

#include "kvm/virtio/dev.h"
#include "kvm/virtio/rate.h"
#include "kvm/virtio/worker.h"

struct vm_blk_config;

enum {
	VIO_BLK_SEGMENTS = 16, /* ranges in one discard or write-zeroes request */
	VIO_BLK_STATE_VERSION = 1,
	/* bytes of one request and of one range: nobody waits longer for a thread's end */
	VIO_BLK_LEN_MAX = 64 << 20,
	VIO_BLK_RANGE_MAX = 1 << 30,
};

/* What the guest asks for, checked. */
struct vio_blk_req {
	uint32_t type;	/* VIRTIO_BLK_T_* */
	uint8_t status; /* VIRTIO_BLK_S_OK: to be done; else the answer */
	uint64_t off;	/* bytes, in the disk */
	uint64_t len;	/* bytes of data */
	unsigned int n_seg;
	struct {
		uint64_t off;
		uint64_t len;
		bool unmap;
	} seg[VIO_BLK_SEGMENTS];
};

/* All that must be known to go on elsewhere, beside the queues. */
struct vio_blk_state {
	uint32_t version; /* VIO_BLK_STATE_VERSION */
	uint32_t n_queues;
	uint64_t sectors; /* of 512 bytes */
	bool readonly;
	char serial[20]; /* padded with NULs, not ended by one */
};

struct vio_blk {
	struct vio_dev dev;
	struct vio_blk_state s;
	int fd; /* borrowed */
	uint32_t block_size;
	struct vio_worker worker[VIO_QUEUES_MAX];
	pthread_mutex_t rate_lock;
	struct vio_rate bytes;
	struct vio_rate ops;
	/* counters, atomic */
	uint64_t n_read;
	uint64_t n_written;
	uint64_t n_requests;
	uint64_t n_errors;
};

/* The size of the disk is the file's at this time, in whole sectors. */
int vio_blk_init(struct vio_blk *blk, const struct vm_blk_config *conf, const struct vio_env *env,
		 struct cs_err *err);

/* Reads the request in @c for a disk like @s. -EINVAL when it cannot even be answered. */
int vio_blk_parse(const struct vio_blk_state *s, const struct vio_chain *c,
		  struct vio_blk_req *req);

/* Serves the request in @c: what the threads do. */
int64_t vio_blk_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c);

#endif
