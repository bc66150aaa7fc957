#ifndef CS_TESTS_UNIT_KVM_VIO_DRIVER_H
#define CS_TESTS_UNIT_KVM_VIO_DRIVER_H

/*
 * A small virtio driver in plain memory, written from the specification and not from the code
 * under test: it finds the device behind its registers, sets queues up in either format, adds
 * buffers and takes used ones. Failures fail the test.
 */

#include <check.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/err.h"
#include "kvm/bus.h"
#include "kvm/layout.h"
#include "kvm/loop.h"
#include "kvm/mem.h"
#include "kvm/virtio/mmio.h"

#define DRV_MEM (4ULL << 20)

enum {
	DRV_QUEUE = 16, /* entries we use of a queue, if it has as many */
	DRV_SPLIT = 0,	/* bits of drv_init()'s mode: a loop test's _i of 0 to 3 is every one */
	DRV_PACKED = 1,
	DRV_EVENT_IDX = 2,
	DRV_SHARED = 4, /* memory that another process can have */
};

struct drv_queue {
	uint16_t size;
	uint64_t desc, driver, device;
	uint16_t next_desc; /* split: next free descriptor, in turns */
	uint16_t avail;	    /* split: index; packed: place */
	uint16_t used;
	bool avail_wrap, used_wrap;
	uint16_t n_desc[256]; /* packed: of each id */
	uint16_t next_id;
};

struct drv {
	struct vm_mem mem;
	struct vm_loop loop;
	struct vm_bus bus;
	struct vio_mmio mmio;
	struct vio_dev *dev;
	struct vio_env env;
	int mode;
	uint64_t heap;
	struct drv_queue q[VIO_QUEUES_MAX];
};

struct drv_piece {
	uint64_t gpa;
	uint32_t len;
	bool in; /* the device writes it */
};

/* A memory and a loop; d->env is what the device under test is made with. */
static inline void drv_init(struct drv *d, int mode)
{
	const struct vm_mem_opts o = { .size = DRV_MEM, .shared = mode & DRV_SHARED };
	struct cs_err err = CS_ERR_INIT;

	memset(d, 0, sizeof(*d));
	d->mode = mode;
	d->heap = 0x10000;
	d->mem = VM_MEM_INIT;
	ck_assert_msg(vm_mem_init(&d->mem, &o, &err) == 0, "%s", err.msg);
	ck_assert_msg(vm_loop_init(&d->loop, &err) == 0, "%s", err.msg);
	d->env = (struct vio_env){ .mem = &d->mem, .loop = &d->loop, .name = "test0" };
}

static inline void drv_attach(struct drv *d, struct vio_dev *dev)
{
	struct cs_err err = CS_ERR_INIT;

	d->dev = dev;
	ck_assert_msg(
		vio_mmio_init(&d->mmio, dev, &d->bus, -EBADF, VM_MMIO_BASE, VM_GSI_BASE, &err) == 0,
		"%s", err.msg);
	ck_assert_msg(vio_dev_start(dev, &err) == 0, "%s", err.msg);
}

static inline void drv_fini(struct drv *d)
{
	if (d->dev) {
		vio_mmio_fini(&d->mmio);
		vio_dev_fini(d->dev);
	}
	vm_loop_fini(&d->loop);
	vm_mem_fini(&d->mem);
}

static inline uint64_t drv_alloc(struct drv *d, uint64_t len)
{
	uint64_t at = d->heap;

	d->heap += (len + 63) / 64 * 64;
	ck_assert_uint_le(d->heap, DRV_MEM);
	return at;
}

static inline void *drv_ptr(struct drv *d, uint64_t gpa, uint64_t len)
{
	void *p = vm_mem_ptr(&d->mem, gpa, len, true);

	ck_assert_ptr_nonnull(p);
	return p;
}

static inline void drv_io(struct drv *d, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	ck_assert(vm_bus_io(&d->bus, VM_MMIO_BASE + off, data, len, write));
}

static inline uint32_t drv_read(struct drv *d, uint64_t off)
{
	uint8_t data[4] = { 0xff, 0xff, 0xff, 0xff };

	drv_io(d, off, data, 4, false);
	return (uint32_t)vm_bus_get(data, 4);
}

static inline void drv_write(struct drv *d, uint64_t off, uint32_t v)
{
	uint8_t data[4];

	vm_bus_put(data, 4, v);
	drv_io(d, off, data, 4, true);
}

static inline void drv_config(struct drv *d, uint64_t off, void *buf, uint32_t len)
{
	drv_io(d, VIRTIO_MMIO_CONFIG + off, buf, len, false);
}

static inline bool drv_broken(struct drv *d)
{
	return drv_read(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static inline uint64_t drv_offered(struct drv *d)
{
	uint64_t f;

	drv_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	f = (uint64_t)drv_read(d, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	drv_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return f | drv_read(d, VIRTIO_MMIO_DEVICE_FEATURES);
}

/* Up to FEATURES_OK, with @features and those of the mode. */
static inline void drv_features(struct drv *d, uint64_t features)
{
	features |= 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	if (d->mode & DRV_PACKED)
		features |= 1ULL << VIRTIO_F_RING_PACKED;
	if (d->mode & DRV_EVENT_IDX)
		features |= 1ULL << VIRTIO_RING_F_EVENT_IDX;
	drv_write(d, VIRTIO_MMIO_STATUS, 0);
	drv_write(d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	for (uint32_t i = 0; i < 2; i++) {
		drv_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		drv_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * i));
	}
	drv_write(d, VIRTIO_MMIO_STATUS,
		  VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			  VIRTIO_CONFIG_S_FEATURES_OK);
}

static inline void drv_set_queue(struct drv *d, uint32_t qi)
{
	struct drv_queue *q = &d->q[qi];
	uint32_t max;

	drv_write(d, VIRTIO_MMIO_QUEUE_SEL, qi);
	max = drv_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX);
	if (!q->size)
		q->size = (uint16_t)(max < DRV_QUEUE ? max : DRV_QUEUE);
	if (!q->desc) {
		q->desc = drv_alloc(d, (uint64_t)q->size * 16);
		q->driver = drv_alloc(d, 6 + (uint64_t)q->size * 2);
		q->device = drv_alloc(d, 6 + (uint64_t)q->size * 8);
	}
	memset(drv_ptr(d, q->desc, q->size * 16ULL), 0, q->size * 16ULL);
	memset(drv_ptr(d, q->driver, 6 + q->size * 2ULL), 0, 6 + q->size * 2ULL);
	memset(drv_ptr(d, q->device, 6 + q->size * 8ULL), 0, 6 + q->size * 8ULL);
	q->avail = q->used = q->next_desc = 0;
	q->avail_wrap = q->used_wrap = true;
	drv_write(d, VIRTIO_MMIO_QUEUE_NUM, q->size);
	drv_write(d, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)q->desc);
	drv_write(d, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(q->desc >> 32));
	drv_write(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)q->driver);
	drv_write(d, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(q->driver >> 32));
	drv_write(d, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)q->device);
	drv_write(d, VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(q->device >> 32));
	drv_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

/* Everything up to DRIVER_OK. */
static inline void drv_start(struct drv *d, uint64_t features)
{
	drv_features(d, features);
	for (uint32_t i = 0; i < d->dev->n_queues; i++)
		drv_set_queue(d, i);
	drv_write(d, VIRTIO_MMIO_STATUS,
		  VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			  VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert_msg(!drv_broken(d), "broken before the first buffer");
}

/* Writes a split table's entry. */
static inline void drv_desc(struct drv *d, uint64_t table, unsigned int i, struct drv_piece p,
			    uint16_t flags, uint16_t next)
{
	const struct vring_desc v = { p.gpa, p.len,
				      (uint16_t)(flags | (p.in ? VRING_DESC_F_WRITE : 0)), next };

	memcpy(drv_ptr(d, table + i * 16ULL, 16), &v, 16);
}

static inline void drv_avail_split(struct drv *d, uint16_t qi, uint16_t head)
{
	struct drv_queue *q = &d->q[qi];
	uint16_t *a = drv_ptr(d, q->driver, 6 + q->size * 2ULL);

	a[2 + q->avail % q->size] = head;
	q->avail++;
	__atomic_store_n(&a[1], q->avail, __ATOMIC_RELEASE);
}

static inline uint16_t drv_add_split(struct drv *d, uint16_t qi, const struct drv_piece *p, int n)
{
	struct drv_queue *q = &d->q[qi];
	uint16_t head = q->next_desc;

	for (int i = 0; i < n; i++) {
		uint16_t at = q->next_desc, next = (uint16_t)((at + 1) % q->size);

		drv_desc(d, q->desc, at, p[i], i + 1 < n ? VRING_DESC_F_NEXT : 0, next);
		q->next_desc = next;
	}
	drv_avail_split(d, qi, head);
	return head;
}

/* Writes one packed descriptor at the ring's end; the flags of a chain's first go last. */
static inline void drv_put_packed(struct drv *d, uint16_t qi, struct drv_piece p, uint16_t id,
				  uint16_t flags, uint16_t *keep)
{
	struct drv_queue *q = &d->q[qi];
	struct vring_packed_desc *v = drv_ptr(d, q->desc + q->avail * 16ULL, 16);

	v->addr = p.gpa;
	v->len = p.len;
	v->id = id;
	flags |= q->avail_wrap ? 1 << VRING_PACKED_DESC_F_AVAIL : 1 << VRING_PACKED_DESC_F_USED;
	flags |= p.in ? VRING_DESC_F_WRITE : 0;
	if (keep)
		*keep = flags;
	else
		__atomic_store_n(&v->flags, flags, __ATOMIC_RELEASE);
	if (++q->avail == q->size) {
		q->avail = 0;
		q->avail_wrap = !q->avail_wrap;
	}
}

static inline uint16_t drv_add_packed(struct drv *d, uint16_t qi, const struct drv_piece *p, int n)
{
	struct drv_queue *q = &d->q[qi];
	struct vring_packed_desc *first = drv_ptr(d, q->desc + q->avail * 16ULL, 16);
	uint16_t id = q->next_id++ % 256, flags = 0;

	for (int i = 0; i < n; i++)
		drv_put_packed(d, qi, p[i], id, i + 1 < n ? VRING_DESC_F_NEXT : 0,
			       i ? NULL : &flags);
	__atomic_store_n(&first->flags, flags, __ATOMIC_RELEASE);
	q->n_desc[id] = (uint16_t)n;
	return id;
}

/* Adds a buffer; returns its name, which drv_used() gives back. */
static inline uint16_t drv_add(struct drv *d, uint16_t qi, const struct drv_piece *p, int n)
{
	return d->mode & DRV_PACKED ? drv_add_packed(d, qi, p, n) : drv_add_split(d, qi, p, n);
}

/* The same through an indirect table. */
static inline uint16_t drv_add_indirect(struct drv *d, uint16_t qi, const struct drv_piece *p,
					int n)
{
	uint64_t table = drv_alloc(d, 16ULL * (unsigned int)n);
	struct drv_piece ind = { table, 16U * (unsigned int)n, false };
	struct drv_queue *q = &d->q[qi];
	uint16_t head = q->next_desc, flags = VRING_DESC_F_INDIRECT;

	if (d->mode & DRV_PACKED) {
		for (int i = 0; i < n; i++) {
			const struct vring_packed_desc v = { p[i].gpa, p[i].len, 0,
							     p[i].in ? VRING_DESC_F_WRITE : 0 };

			memcpy(drv_ptr(d, table + (unsigned int)i * 16ULL, 16), &v, 16);
		}
		head = q->next_id++ % 256;
		q->n_desc[head] = 1;
		drv_put_packed(d, qi, ind, head, flags, NULL);
		return head;
	}
	for (int i = 0; i < n; i++)
		drv_desc(d, table, (unsigned int)i, p[i], i + 1 < n ? VRING_DESC_F_NEXT : 0,
			 (uint16_t)(i + 1));
	drv_desc(d, q->desc, head, ind, flags, 0);
	q->next_desc = (uint16_t)((head + 1) % q->size);
	drv_avail_split(d, qi, head);
	return head;
}

/* Does the device want a kick for the buffer added last, which has one descriptor? */
static inline bool drv_wants_kick(struct drv *d, uint16_t qi)
{
	struct drv_queue *q = &d->q[qi];
	const uint16_t *used = drv_ptr(d, q->device, 6 + q->size * 8ULL);
	uint16_t place, wrap;

	if ((d->mode & DRV_PACKED) && used[1] == VRING_PACKED_EVENT_FLAG_DESC) {
		place = (uint16_t)((q->avail + q->size - 1) % q->size);
		wrap = q->avail ? q->avail_wrap : !q->avail_wrap;
		return used[0] == (place | wrap << VRING_PACKED_EVENT_F_WRAP_CTR);
	}
	if (d->mode & DRV_PACKED)
		return used[1] == VRING_PACKED_EVENT_FLAG_ENABLE;
	if (d->mode & DRV_EVENT_IDX)
		return used[2 + q->size * 4] == (uint16_t)(q->avail - 1);
	return !(used[0] & VRING_USED_F_NO_NOTIFY);
}

/* Notifies the device and lets the loop do what there is to do. */
static inline void drv_kick(struct drv *d, uint16_t qi)
{
	struct cs_err err = CS_ERR_INIT;

	drv_write(d, VIRTIO_MMIO_QUEUE_NOTIFY, qi);
	while (vm_loop_once(&d->loop, 0, &err) > 0)
		;
}

/* Takes the next used buffer, if there is one. */
static inline bool drv_used(struct drv *d, uint16_t qi, uint16_t *id, uint32_t *len)
{
	struct drv_queue *q = &d->q[qi];

	if (d->mode & DRV_PACKED) {
		const struct vring_packed_desc *v = drv_ptr(d, q->desc + q->used * 16ULL, 16);
		uint16_t flags = __atomic_load_n(&v->flags, __ATOMIC_ACQUIRE);
		bool avail = flags >> VRING_PACKED_DESC_F_AVAIL & 1;
		bool used = flags >> VRING_PACKED_DESC_F_USED & 1;

		if (avail != used || used != q->used_wrap)
			return false;
		*id = v->id;
		*len = v->len;
		ck_assert_uint_gt(q->n_desc[v->id], 0);
		q->used = (uint16_t)(q->used + q->n_desc[v->id]);
		if (q->used >= q->size) {
			q->used = (uint16_t)(q->used - q->size);
			q->used_wrap = !q->used_wrap;
		}
	} else {
		const uint32_t *u = drv_ptr(d, q->device, 6 + q->size * 8ULL);
		const uint16_t *idx = (const uint16_t *)u + 1;

		if (__atomic_load_n(idx, __ATOMIC_ACQUIRE) == q->used)
			return false;
		*id = (uint16_t)u[1 + 2 * (q->used % q->size)];
		*len = u[2 + 2 * (q->used % q->size)];
		q->used++;
		if (d->mode & DRV_EVENT_IDX) {
			uint16_t *a = drv_ptr(d, q->driver, 6 + q->size * 2ULL);

			a[2 + q->size] = q->used;
		}
	}
	return true;
}

/* The same, for what another thread of the device or a file descriptor takes its time for. */
static inline bool drv_wait_used(struct drv *d, uint16_t qi, uint16_t *id, uint32_t *len)
{
	struct cs_err err = CS_ERR_INIT;
	time_t end = time(NULL) + 20;

	while (!drv_used(d, qi, id, len)) {
		if (time(NULL) > end)
			return false;
		vm_loop_once(&d->loop, 1, &err);
	}
	return true;
}

/* One buffer there and back; returns the bytes written to it. */
static inline uint32_t drv_round(struct drv *d, uint16_t qi, const struct drv_piece *p, int n)
{
	uint16_t want = drv_add(d, qi, p, n), id = 0;
	uint32_t len = 0;

	drv_kick(d, qi);
	ck_assert_msg(drv_wait_used(d, qi, &id, &len), "the device does not answer");
	ck_assert_uint_eq(id, want);
	return len;
}

/* How many interrupts came since the last call, 0 or more. */
static inline uint64_t drv_interrupts(struct drv *d)
{
	eventfd_t n = 0;

	if (eventfd_read(d->mmio.irq.fd, &n) < 0)
		return 0;
	return n;
}

/* Runs each test with split and packed queues, with and without event indexes. */
#define DRV_MAIN(name, ...)                                                              \
	int main(void)                                                                   \
	{                                                                                \
		const TTest *const tests[] = { __VA_ARGS__ };                            \
		return unit_run_times(name, tests, sizeof(tests) / sizeof(tests[0]), 4); \
	}

#endif
