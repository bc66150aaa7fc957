#ifndef CS_KVM_VIRTIO_QUEUE_INT_H
#define CS_KVM_VIRTIO_QUEUE_INT_H

/* Shared by queue.c and the two ring formats; for nobody else. */

#include <linux/virtio_ring.h>

#include "kvm/virtio/queue.h"

/* A descriptor copied out of guest memory, in host order. */
struct vio_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t last; /* split: next; packed: id */
};

/* Marks the queue broken for @why (a constant string); returns -EINVAL. */
int vio_queue_broken(struct vio_queue *q, const char *why);

/* Adds the piece of guest memory @d to the chain. */
int vio_queue_add_piece(struct vio_queue *q, struct vio_chain *c, const struct vio_desc *d);

/* Copies entry @i of a table of descriptors, split or packed. */
struct vio_desc vio_split_desc(const void *table, unsigned int i);
struct vio_desc vio_packed_desc(const void *table, unsigned int i);

int vio_split_pop(struct vio_queue *q, struct vio_chain *c);
void vio_split_unpop(struct vio_queue *q, const struct vio_chain *c);
void vio_split_push(struct vio_queue *q, const struct vio_used *u, unsigned int n);
bool vio_split_arm(struct vio_queue *q);
void vio_split_arm_more(struct vio_queue *q);
void vio_split_disarm(struct vio_queue *q);
bool vio_split_should_raise(struct vio_queue *q);

int vio_packed_pop(struct vio_queue *q, struct vio_chain *c);
void vio_packed_unpop(struct vio_queue *q, const struct vio_chain *c);
void vio_packed_push(struct vio_queue *q, const struct vio_used *u, unsigned int n);
bool vio_packed_arm(struct vio_queue *q);
void vio_packed_arm_more(struct vio_queue *q);
void vio_packed_disarm(struct vio_queue *q);
bool vio_packed_should_raise(struct vio_queue *q);

#endif
