#ifndef CS_KVM_VIRTIO_MMIO_H
#define CS_KVM_VIRTIO_MMIO_H

/*
 * Virtio over MMIO, register layout version 2 (virtio 1.2, 4.2). One window of 4 KiB and one
 * edge-triggered interrupt line a device; each queue's kick is an eventfd, which KVM signals
 * without an exit to user space.
 */

#include <stdint.h>

#include "kvm/bus.h"
#include "kvm/irq.h"
#include "kvm/loop.h"
#include "kvm/virtio/dev.h"

struct cs_err;

enum {
	VIO_MMIO_STATE_VERSION = 1,
};

/* What the driver selected and was told. */
struct vio_mmio_state {
	uint32_t version;
	uint32_t isr; /* VIRTIO_MMIO_INT_*; atomic */
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint32_t shm_sel;
};

struct vio_mmio {
	struct vio_dev *dev; /* borrowed */
	struct vm_irq irq;
	uint64_t gpa;
	int vm_fd;
	struct vio_mmio_state s;
	struct vio_mmio_kick {
		struct vm_watch w;
		struct vio_mmio *m;
		uint16_t qi;
	} kick[VIO_QUEUES_MAX];
};

/* Puts @dev at @gpa of @bus, on the line @gsi of the machine @vm_fd (-EBADF: none, for tests).
 * @m must stay where it is. */
int vio_mmio_init(struct vio_mmio *m, struct vio_dev *dev, struct vm_bus *bus, int vm_fd,
		  uint64_t gpa, uint32_t gsi, struct cs_err *err);

/* Resets the device and unties it from the machine; the device is ended by its owner, afterwards.
 * Idempotent after init. */
void vio_mmio_fini(struct vio_mmio *m);

/* One access to the window: what the bus calls. */
void vio_mmio_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write);

#endif
