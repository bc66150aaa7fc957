#ifndef CS_KVM_VIRTIO_CONSOLE_H
#define CS_KVM_VIRTIO_CONSOLE_H

/*
 * Console device with one port (virtio 1.2, 5.3), the window's size and the emergency write. What
 * the guest writes goes to one fd, what comes from another goes to the guest. Neither end can make
 * the loop wait: a guest that reads nothing is read from no more, a full output stops the queue.
 */

#include "kvm/loop.h"
#include "kvm/virtio/dev.h"

struct vm_console_config;

enum {
	VIO_CONSOLE_STATE_VERSION = 1,
};

/* All that must be known to go on elsewhere, beside the queues. */
struct vio_console_state {
	uint32_t version; /* VIO_CONSOLE_STATE_VERSION */
	uint16_t cols;
	uint16_t rows;
	uint64_t sent; /* bytes of the buffer at the output queue's head that are out already */
};

struct vio_console {
	struct vio_dev dev;
	struct vio_console_state s;
	int in_fd;  /* borrowed */
	int out_fd; /* owned duplicate, or -EBADF */
	struct vm_watch in;
	struct vm_watch out; /* added while the output is full */
	bool reading;
};

int vio_console_init(struct vio_console *con, const struct vm_console_config *conf,
		     const struct vio_env *env, struct cs_err *err);

/* The size of the window has changed. */
void vio_console_resize(struct vio_console *con, uint16_t cols, uint16_t rows);

#endif
