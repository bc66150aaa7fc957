/*
 * kvm/virtio/queue and mmio: an image of guest memory, then register accesses and kicks, on a
 * device that copies what it reads to what it writes. Rings may lie anywhere, over each other as
 * well.
 */
#include <linux/virtio_mmio.h>

#include "kvm/layout.h"
#include "kvm/virtio/mmio.h"
#include "tests/fuzz/vio_fuzz.h"

enum {
	IMAGE = 0x2000, /* bytes of memory that the input fills, at 0x1000 */
	STEPS = 64,
};

static struct fuzz f;

static int64_t echo(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	static char buf[4096];
	size_t n = vio_chain_read(c, 0, buf, sizeof(buf));
	uint64_t out = 0, in = 0;

	(void)dev;
	for (int i = 0; i < c->n_out + c->n_in; i++) {
		const uint8_t *p = c->iov[i].iov_base;

		check(c->iov[i].iov_len && p >= f.mem.r[0].host &&
		      p + c->iov[i].iov_len <= f.mem.r[0].host + f.mem.r[0].len);
		*(i < c->n_out ? &out : &in) += c->iov[i].iov_len;
	}
	check(out == c->out_len && in == c->in_len);
	if (qi && !(c->id & 3))
		return VIO_STOP;
	return (int64_t)vio_chain_write(c, 0, buf, n);
}

static void kick(struct vio_dev *dev, uint16_t qi)
{
	vio_dev_run(dev, qi, echo);
}

static const struct vio_ops ops = { .name = "fuzz", .id = 1, .kick = kick };

static void set(struct vio_mmio *m, uint64_t off, uint32_t v)
{
	uint8_t data[4];

	vm_bus_put(data, 4, v);
	vio_mmio_io(m, off, data, 4, true);
}

/* A queue whose rings are in the image, somewhere. */
static void start(struct vio_mmio *m, struct fuzz_input *in, bool packed, bool event_idx)
{
	set(m, VIRTIO_MMIO_STATUS, 0);
	set(m, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(m, VIRTIO_MMIO_DRIVER_FEATURES, packed ? 5 : 1);
	set(m, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	set(m, VIRTIO_MMIO_DRIVER_FEATURES, event_idx ? 3U << 28 : 1U << 28);
	set(m, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK);
	for (uint32_t i = 0; i < 2; i++) {
		set(m, VIRTIO_MMIO_QUEUE_SEL, i);
		set(m, VIRTIO_MMIO_QUEUE_NUM, 1U << fuzz_take(in, 1) % 7);
		set(m, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000 + fuzz_take(in, 1) * 16);
		set(m, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x1000 + fuzz_take(in, 1) * 16);
		set(m, VIRTIO_MMIO_QUEUE_USED_LOW, 0x1000 + fuzz_take(in, 1) * 16);
		set(m, VIRTIO_MMIO_QUEUE_READY, 1);
	}
	set(m, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void step(struct vio_mmio *m, struct vio_dev *dev, struct fuzz_input *in)
{
	struct cs_err err = CS_ERR_INIT;
	uint32_t what = fuzz_take(in, 1), off;
	uint8_t data[8] = { 0 };

	switch (what & 3) {
	case 0:
		vio_dev_kick(dev, what >> 2 & 1);
		break;
	case 1: /* the guest changes a word of its memory */
		off = fuzz_take(in, 2) % (IMAGE - 4);
		*(uint32_t *)fuzz_ptr(&f, 0x1000 + (off & ~3U), 4) = fuzz_take(in, 4);
		break;
	case 2: /* and a register, of any width */
		off = fuzz_take(in, 1);
		vm_bus_put(data, 4, fuzz_take(in, 4));
		vio_mmio_io(m, off, data, 1U << (what >> 2 & 3), what & 16);
		break;
	default:
		set(m, VIRTIO_MMIO_QUEUE_NOTIFY, what >> 2 & 1);
		check(vm_loop_once(&f.loop, 0, &err) >= 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct vm_bus bus = { 0 };
	struct cs_err err = CS_ERR_INIT;
	uint32_t mode = fuzz_take(&in, 1);
	struct vio_mmio m;
	struct vio_dev dev;
	uint8_t *image;
	size_t n;

	fuzz_init(&f);
	check(vio_dev_init(&dev, &ops, &f.env, 2, 64, 0, &err) == 0);
	check(vio_mmio_init(&m, &dev, &bus, -EBADF, VM_MMIO_BASE, 5, &err) == 0);
	start(&m, &in, mode & 1, mode & 2);
	n = in.left > 300 ? in.left - 300 : in.left / 2;
	n = n < IMAGE ? n : IMAGE;
	image = fuzz_ptr(&f, 0x1000, IMAGE);
	memset(image, 0, IMAGE);
	memcpy(image, in.p, n);
	in.p += n;
	in.left -= n;
	for (int i = 0; i < STEPS && in.left; i++)
		step(&m, &dev, &in);
	vio_mmio_fini(&m);
	vio_dev_fini(&dev);
	vm_loop_fini(&f.loop);
	return 0;
}
