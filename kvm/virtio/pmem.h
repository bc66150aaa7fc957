#ifndef CS_KVM_VIRTIO_PMEM_H
#define CS_KVM_VIRTIO_PMEM_H

/*
 * Persistent memory device (virtio 1.2, 5.19): a file that is guest memory (vm_mem_add_file()), the
 * host's page cache itself. The queue carries flush requests only; a thread serves them. A
 * read-only file is always on disk as it is: a flush of it is answered at once.
 */

#include "kvm/virtio/dev.h"
#include "kvm/virtio/worker.h"

enum {
	VIO_PMEM_STATE_VERSION = 1,
};

/* All that must be known to go on elsewhere, beside the queue. */
struct vio_pmem_state {
	uint32_t version; /* VIO_PMEM_STATE_VERSION */
	bool readonly;
	uint64_t gpa;
	uint64_t len; /* bytes */
};

struct vio_pmem {
	struct vio_dev dev;
	struct vio_pmem_state s;
	int fd; /* borrowed */
	struct vio_worker worker;
};

/* The device for the @len bytes of the file @fd that are guest memory at @gpa. */
int vio_pmem_init(struct vio_pmem *pmem, int fd, bool readonly, uint64_t gpa, uint64_t len,
		  const struct vio_env *env, struct cs_err *err);

#endif
