#ifndef CS_KVM_LOOP_H
#define CS_KVM_LOOP_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * An event loop over epoll: one thread waits for the fds of its devices and calls them. The loop's
 * lock is the lock of everything that belongs to its devices: each callback runs with it held, and
 * so does each access of a vCPU to one of their registers (kvm/bus.h). Device code therefore needs
 * no lock of its own unless it starts threads of its own, and must not block while it holds this
 * one: for slow work there is io_uring, or a worker that reports by an eventfd.
 *
 * Level-triggered: a callback that leaves something unread is called again.
 */

enum {
	VM_LOOP_BATCH = 16,
};

struct vm_watch {
	int fd; /* borrowed */
	/* @events: what epoll_wait(2) says (EPOLLIN, …). May add, change and remove watches, its
	 * own as well, and free itself after it has removed itself. */
	void (*ready)(struct vm_watch *w, uint32_t events);
	bool added;	 /* private */
	uint32_t events; /* private: watched for */
};
#define VM_WATCH_INIT ((struct vm_watch){ .fd = -EBADF })

struct vm_loop {
	pthread_mutex_t lock;
	int epfd;   /* owned */
	int wakefd; /* owned eventfd */
	bool stop;
	int n_batch; /* the events being handled, so that a removed watch is not called */
	struct vm_watch *batch[VM_LOOP_BATCH];
	uint64_t wakeups; /* returns of epoll_wait(2) */
};

int vm_loop_init(struct vm_loop *loop, struct cs_err *err);
/* All watches must be gone or not be used again. Idempotent after an init. */
void vm_loop_fini(struct vm_loop *loop);

void vm_loop_lock(struct vm_loop *loop);
void vm_loop_unlock(struct vm_loop *loop);

/* Watches w->fd for @events (EPOLLIN, EPOLLOUT, 0: errors and hang-up only) and keeps @w until it
 * is removed. With the lock held, or before the loop runs; so also the next two. */
int vm_loop_add(struct vm_loop *loop, struct vm_watch *w, uint32_t events, struct cs_err *err);
/* Changes what is watched for. Cannot fail for a watch that was added. */
void vm_loop_mod(struct vm_loop *loop, struct vm_watch *w, uint32_t events);
/* Afterwards @w is not called any more, not even for what epoll has reported already. Idempotent,
 * and allowed for a watch that was never added. */
void vm_loop_del(struct vm_loop *loop, struct vm_watch *w);

/* Waits and calls until vm_loop_stop(). Without the lock. */
int vm_loop_run(struct vm_loop *loop, struct cs_err *err);
/* One round: waits up to @timeout_ms (-1: for ever) and handles what is there. Returns how many
 * callbacks ran. For tests, and for threads that have something else to do as well. */
int vm_loop_once(struct vm_loop *loop, int timeout_ms, struct cs_err *err);
/* Makes vm_loop_run() return after the round it is in. From any thread, with or without the
 * lock; async-signal-safe. */
void vm_loop_stop(struct vm_loop *loop);

/* A timer: a timerfd whose watch reads it and calls @fire with the lock held. */
struct vm_timer {
	struct vm_watch w; /* private */
	void (*fire)(struct vm_timer *t);
};
#define VM_TIMER_INIT ((struct vm_timer){ .w = VM_WATCH_INIT })

int vm_timer_init(struct vm_timer *t, struct vm_loop *loop, void (*fire)(struct vm_timer *t),
		  struct cs_err *err);
void vm_timer_fini(struct vm_timer *t, struct vm_loop *loop);
/* Fires once after @first_ns, then every @every_ns (0: no more); @first_ns 0 switches it off. */
void vm_timer_set(struct vm_timer *t, uint64_t first_ns, uint64_t every_ns);

#endif
