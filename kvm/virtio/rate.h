#ifndef CS_KVM_VIRTIO_RATE_H
#define CS_KVM_VIRTIO_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct vm_rate;

/* A token bucket. Something that is larger than the bucket passes when the bucket is not empty and
 * leaves a debt, so that sizes need no bound and the rate holds over time. */
struct vio_rate {
	uint64_t per_second; /* 0: no limit */
	int64_t burst;
	int64_t tokens;
	uint64_t at_ns; /* when the tokens were counted */
};

/* @conf NULL: no limit. Starts full. */
void vio_rate_init(struct vio_rate *r, const struct vm_rate *conf, uint64_t now_ns);

/* Nanoseconds to wait until something may pass: 0, now. */
uint64_t vio_rate_wait(struct vio_rate *r, uint64_t now_ns);

/* Takes @n tokens for what passes. */
void vio_rate_take(struct vio_rate *r, uint64_t n);

/* CLOCK_MONOTONIC, for the functions above. */
uint64_t vio_now_ns(void);

#endif
