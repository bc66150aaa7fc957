#ifndef CS_KVM_VIRTIO_FS_H
#define CS_KVM_VIRTIO_FS_H

/*
 * File system device (virtio 1.2, 5.11): a folder of the host's, served by a process of its own
 * (vio_fs_serve()), which is jailed to that folder and knows of the guest only its memory and the
 * device's queues. The VMM's side keeps the registers and hands the queues over when the driver is
 * ready, over a SOCK_SEQPACKET socket, and takes them back at a reset. The server checks all that
 * comes over it; the VMM believes nothing but that it came.
 */

#include <stdbool.h>

#include "kvm/loop.h"
#include "kvm/mem.h"
#include "kvm/virtio/dev.h"

struct vm_fs_config;

enum {
	VIO_FS_STATE_VERSION = 1,
	VIO_FS_QUEUES = 2, /* requests that may not wait, and all other */
	VIO_FS_QUEUE_MAX = 256,
};

enum vio_fs_type {
	VIO_FS_START = 1,   /* to the server, with fds: memory, kicks, calls */
	VIO_FS_STOP = 2,    /* to the server */
	VIO_FS_STOPPED = 3, /* its answer: it touches neither queues nor memory any more */
	VIO_FS_BROKEN = 4,  /* from the server: the guest's driver is wrong */
};

struct vio_fs_msg {
	uint32_t type;
	uint32_t n_regions;
	uint64_t acked; /* features */
	struct {
		uint64_t gpa, len, fd_at;
	} region[VM_MEM_REGIONS];
	struct vio_queue_state q[VIO_FS_QUEUES];
};

/* All that must be known to go on elsewhere, beside the queues; open files do not move. */
struct vio_fs_state {
	uint32_t version; /* VIO_FS_STATE_VERSION */
	char tag[36];	  /* padded with NULs, not ended by one */
};

struct vio_fs {
	struct vio_dev dev;
	struct vio_fs_state s;
	struct vm_watch server;		     /* fd borrowed */
	struct vm_watch call[VIO_FS_QUEUES]; /* fds owned */
	bool running;
};

/* The device; @server_fd is the other end of what its server was given. Guest memory has to be
 * shared (struct vm_mem_opts). */
int vio_fs_init(struct vio_fs *fs, const struct vm_fs_config *conf, int server_fd,
		const struct vio_env *env, struct cs_err *err);

/* Serves the folder @root_fd to the device behind @sock until that closes it; owns both. For a
 * process that does nothing else, without threads: it closes every other fd but the standard ones
 * and goes to jail (kvm/virtio/fs_jail.h) first. Returns 0 when the device has gone. */
int vio_fs_serve(int sock, int root_fd, bool readonly, struct cs_err *err);

#endif
