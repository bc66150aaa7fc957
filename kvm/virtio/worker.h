#ifndef CS_KVM_VIRTIO_WORKER_H
#define CS_KVM_VIRTIO_WORKER_H

/*
 * A thread that serves one queue, for work that blocks: it waits for the queue's kicks by itself
 * (vio_ops.own_kicks) and runs @handle on each buffer.
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "kvm/virtio/dev.h"

struct vio_worker {
	struct vio_dev *dev;
	uint16_t qi;
	bool running;
	bool stop;   /* atomic */
	int wake_fd; /* owned eventfd */
	pthread_t thread;
	pthread_mutex_t busy; /* held while the queue is touched */
	vio_handle_fn handle;
	uint64_t wait_ns; /* set by a handler that returns VIO_STOP: try again then */
};

/* Starts the thread; signals are blocked in it. */
int vio_worker_start(struct vio_worker *w, struct vio_dev *dev, uint16_t qi, vio_handle_fn handle,
		     struct cs_err *err);

/* After the device's status was changed: waits until the thread has seen it and leaves the queue
 * alone. That is as long as the request in its hands takes. */
void vio_worker_barrier(struct vio_worker *w);

/* Ends the thread. Idempotent, also for one never started (zeroed). */
void vio_worker_stop(struct vio_worker *w);

#endif
