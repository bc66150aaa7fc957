#ifndef CS_KVM_VIRTIO_QUEUE_H
#define CS_KVM_VIRTIO_QUEUE_H

/*
 * Virtqueues, split (virtio 1.2, 2.7) and packed (2.8), the device's side. Everything in guest
 * memory is hostile and may change at any time: a descriptor is copied once, the copy checked and
 * used. What is trusted (size, addresses, positions) lives here.
 *
 * A queue a driver breaks stays broken: vio_queue_pop() returns -EINVAL and @why says what was
 * wrong, until vio_queue_reset(). Nothing here blocks or loops longer than the queue is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/virtio/chain.h"

struct cs_err;
struct vm_mem;

enum {
	VIO_QUEUE_STATE_VERSION = 1,
};

/* All that must be known to go on with a queue elsewhere. */
struct vio_queue_state {
	uint32_t version; /* VIO_QUEUE_STATE_VERSION */
	uint16_t size;	  /* entries; what the driver chose, at most vio_queue.max */
	bool ready;
	bool packed;
	bool event_idx;
	bool avail_wrap; /* packed: the ring wrap counters */
	bool used_wrap;
	uint16_t next_avail; /* split: a free-running index; packed: a place in the ring */
	uint16_t next_used;
	uint16_t held;	  /* entries popped and not pushed */
	uint32_t pending; /* entries pushed since the driver was last told */
	uint64_t desc;	  /* guest addresses of the three areas */
	uint64_t driver;
	uint64_t device;
};

struct vio_queue {
	uint16_t max; /* most entries offered to the driver */
	struct vio_queue_state s;
	const struct vm_mem *mem; /* from vio_queue_enable() on */
	const char *why;	  /* broken: the reason; else NULL */
	void *desc_p;		  /* the three areas, in guest memory */
	void *driver_p;
	void *device_p;
	uint64_t popped; /* buffers taken, ever */
};

/* One buffer to give back. */
struct vio_used {
	uint16_t id;
	uint16_t n_desc;
	uint32_t len; /* bytes written into its writable part */
};

/* An empty queue of at most @max entries (a power of two up to VIO_CHAIN_MAX). */
void vio_queue_init(struct vio_queue *q, uint16_t max);

/* Back to after vio_queue_init(). */
void vio_queue_reset(struct vio_queue *q);

/* Takes what the driver set in q->s (size, addresses) into use, or fails with EINVAL. */
int vio_queue_enable(struct vio_queue *q, const struct vm_mem *mem, bool packed, bool event_idx,
		     struct cs_err *err);

/* Goes on with a queue from a saved state, which is as hostile as the guest that made it. */
int vio_queue_restore(struct vio_queue *q, const struct vm_mem *mem,
		      const struct vio_queue_state *s, struct cs_err *err);

/* Takes the next buffer: 1, 0 when there is none, -EINVAL when the queue is broken. */
int vio_queue_pop(struct vio_queue *q, struct vio_chain *c);

/* Puts back the buffer popped last; nothing may have been pushed since. */
void vio_queue_unpop(struct vio_queue *q, const struct vio_chain *c);

/* Gives @n buffers back at once: the driver sees all or none. */
void vio_queue_push(struct vio_queue *q, const struct vio_used *u, unsigned int n);

/* The same with one. @len is cut to what fits the field. */
void vio_queue_push_one(struct vio_queue *q, const struct vio_chain *c, uint64_t len);

/* Asks the driver for a kick when it adds buffers. True if some are there already: pop again. */
bool vio_queue_arm(struct vio_queue *q);

/* Asks for a kick when it adds more than those that are there now and are too few. Look once more
 * afterwards: what was added before is seen then. */
void vio_queue_arm_more(struct vio_queue *q);

/* Tells the driver that no kick is needed for now: a hint. */
void vio_queue_disarm(struct vio_queue *q);

/* Does the driver want to be told of what was pushed since the last call? */
bool vio_queue_should_raise(struct vio_queue *q);

#endif
