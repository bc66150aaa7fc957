#ifndef CS_TESTS_FUZZ_VIO_FUZZ_H
#define CS_TESTS_FUZZ_VIO_FUZZ_H

/*
 * What the fuzzers of virtio devices share. The input is a list of buffers for the device's queues:
 *
 *	u8 queue; u8 cut; u16 out; u16 in; the first bytes of the readable part, up to @out of them
 *
 * Each is added to its queue as one to three pieces (bits of @cut) and the queue is kicked. The
 * first byte of all chooses features. A device may be broken by it, and is then reset.
 */

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "kvm/loop.h"
#include "kvm/mem.h"
#include "kvm/virtio/dev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok) ((ok) ? (void)0 : abort())

enum {
	FUZZ_MEM = 2 << 20,
	FUZZ_QUEUE = 16,
	FUZZ_DATA = 0x20000, /* where buffers are, 0x20000 bytes for each slot */
	FUZZ_SLOT = 0x10000,
};

struct fuzz_input {
	const uint8_t *p;
	size_t left;
};

struct fuzz {
	struct vm_mem mem;
	struct vm_loop loop;
	struct vio_env env;
	struct vio_dev *dev;
	uint64_t raised;
	uint16_t avail[VIO_QUEUES_MAX];
};

static inline uint32_t fuzz_take(struct fuzz_input *in, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n && in->left; i++, in->p++, in->left--)
		v |= (uint32_t)*in->p << 8 * i;
	return v;
}

static inline void fuzz_raise_queue(struct vio_dev *dev, uint16_t qi)
{
	(void)qi;
	((struct fuzz *)dev->transport)->raised++;
}

static inline void fuzz_raise_config(struct vio_dev *dev)
{
	((struct fuzz *)dev->transport)->raised++;
}

static const struct vio_link fuzz_link = { fuzz_raise_queue, fuzz_raise_config };

/* A memory, once a process, and a loop. */
static inline void fuzz_init(struct fuzz *f)
{
	const struct vm_mem_opts o = { .size = FUZZ_MEM, .shared = true };
	struct cs_err err = CS_ERR_INIT;

	if (!f->mem.n) {
		cs_log_setup(2, CS_LOG_TEXT, CS_LOG_ERROR, "fuzz");
		f->mem = VM_MEM_INIT;
		check(vm_mem_init(&f->mem, &o, &err) == 0);
		f->env = (struct vio_env){ .mem = &f->mem, .loop = &f->loop, .name = "fuzz0" };
	}
	check(vm_loop_init(&f->loop, &err) == 0);
}

static inline void *fuzz_ptr(struct fuzz *f, uint64_t gpa, uint64_t len)
{
	void *p = vm_mem_ptr(&f->mem, gpa, len, true);

	check(p);
	return p;
}

/* The driver's start, with the features of @mask that the device has. */
static inline void fuzz_start(struct fuzz *f, struct vio_dev *dev, uint64_t mask)
{
	f->dev = dev;
	dev->transport = f;
	dev->link = &fuzz_link;
	vio_dev_set_status(dev, 0);
	mask &= dev->offered & ~(1ULL << VIRTIO_F_RING_PACKED);
	mask |= 1ULL << VIRTIO_F_VERSION_1;
	vio_dev_ack_features(dev, 0, (uint32_t)mask);
	vio_dev_ack_features(dev, 1, (uint32_t)(mask >> 32));
	vio_dev_set_status(dev, VIRTIO_CONFIG_S_FEATURES_OK);
	for (uint16_t i = 0; i < dev->n_queues; i++) {
		struct vio_queue *q = &dev->q[i];

		q->s.size = q->max < FUZZ_QUEUE ? q->max : FUZZ_QUEUE;
		q->s.desc = 0x1000 + i * 0x1000ULL;
		q->s.driver = q->s.desc + 0x400;
		q->s.device = q->s.desc + 0x800;
		memset(fuzz_ptr(f, q->s.desc, 0x1000), 0, 0x1000);
		f->avail[i] = 0;
		vio_dev_enable_queue(dev, i);
	}
	vio_dev_set_status(dev, VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Adds the next buffer of the input; its queue, or -1 at the end. */
static inline int fuzz_add(struct fuzz *f, struct fuzz_input *in)
{
	uint16_t qi = (uint16_t)(fuzz_take(in, 1) % f->dev->n_queues);
	uint32_t cut = fuzz_take(in, 1), out = fuzz_take(in, 2), room = fuzz_take(in, 2), first;
	struct vio_queue *q = &f->dev->q[qi];
	struct vring_desc *d = fuzz_ptr(f, q->s.desc, 16ULL * FUZZ_QUEUE);
	uint16_t *a = fuzz_ptr(f, q->s.driver, 6 + 2 * FUZZ_QUEUE), n = 0;
	uint16_t head = (uint16_t)(f->avail[qi] * 4 % q->s.size);
	uint64_t at = FUZZ_DATA + (f->avail[qi] % 8) * (uint64_t)(2 * FUZZ_SLOT);
	uint8_t *p = fuzz_ptr(f, at, 2 * FUZZ_SLOT);

	if (!in->left)
		return -1;
	for (uint32_t i = 0; i < out && in->left; i++)
		p[i] = (uint8_t)fuzz_take(in, 1);
	first = out / (1 + (cut & 7));
	d[head + n++] = (struct vring_desc){ at, first, VRING_DESC_F_NEXT, (uint16_t)(head + 1) };
	d[head + n] = (struct vring_desc){ at + first, out - first, VRING_DESC_F_NEXT,
					   (uint16_t)(head + n + 1) };
	n++;
	first = room / (1 + (cut >> 3 & 7));
	d[head + n] =
		(struct vring_desc){ at + FUZZ_SLOT, first, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE,
				     (uint16_t)(head + n + 1) };
	n++;
	d[head + n] =
		(struct vring_desc){ at + FUZZ_SLOT + first, room - first, VRING_DESC_F_WRITE, 0 };
	a[2 + f->avail[qi] % q->s.size] = head;
	a[1] = ++f->avail[qi];
	return qi;
}

static inline void fuzz_fini(struct fuzz *f)
{
	if (f->dev)
		vio_dev_fini(f->dev);
	f->dev = NULL;
	vm_loop_fini(&f->loop);
}

#endif
