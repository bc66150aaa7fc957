#ifndef CS_IMAGES_RING_H
#define CS_IMAGES_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;

/*
 * Bytes from one thread to another, in order, at most so many at a time. The reader works on them
 * where they are.
 */
struct img_ring {
	uint8_t *buf; /* owned */
	size_t cap, at, used;
	bool closed;  /* the writer has no more */
	bool broken;  /* one side gave up: both end */
	bool starved; /* a try_write() took less than it was offered */
	int event;    /* eventfd, owned; negative: none */
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

/* @event: with an eventfd that becomes readable after a starved try_write() once there is room, or
 * when the ring breaks. */
int img_ring_init(struct img_ring *r, size_t cap, bool event, struct cs_err *err);
void img_ring_fini(struct img_ring *r);

/* All of it, waiting for room: 0, or -EPIPE when the ring is broken. */
int img_ring_write(struct img_ring *r, const void *buf, size_t len);
/* What there is room for: how much, or -EPIPE. */
ssize_t img_ring_try_write(struct img_ring *r, const void *buf, size_t len);
void img_ring_close(struct img_ring *r);

/* Waits for bytes: how many are at *@p; 0 at the end, -EPIPE when the ring is broken. */
ssize_t img_ring_peek(struct img_ring *r, const uint8_t **p);
/* The first @n of them are done with. */
void img_ring_consume(struct img_ring *r, size_t n);

/* Either side gives up. */
void img_ring_break(struct img_ring *r);

#endif
