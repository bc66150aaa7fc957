/*
 * kvm/virtio/mmio: any access to the window, at any offset and width, with queues anywhere. The
 *input is a list of accesses:
 *
 *	u16 offset; u8: 1, 2, 4 or 8 bytes (the low two bits), 0x80 for a write, 0x40 for a kick of
 *queue 0; for a write its bytes
 */
#include "kvm/bus.h"
#include "kvm/config.h"
#include "kvm/virtio/balloon.h"
#include "kvm/virtio/mmio.h"
#include "tests/fuzz/vio_fuzz.h"

enum { WINDOW = 0xd0000000, GSI = 5 };

static struct fuzz f;
static struct vio_balloon b; /* has a configuration space that is written to, and most queues */
static struct vio_mmio m;
static struct vm_bus bus;

static void access_one(struct fuzz_input *in)
{
	uint32_t off = fuzz_take(in, 2), how = fuzz_take(in, 1), len = 1U << (how & 3);
	uint8_t data[8] = { 0 };

	for (uint32_t i = 0; how & 0x80 && i < len; i++)
		data[i] = (uint8_t)fuzz_take(in, 1);
	vm_bus_io(&bus, WINDOW + off, data, len, how & 0x80);
	if (how & 0x40)
		vio_dev_kick(&b.dev, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vm_balloon_config conf = { true, true, 1 };
	struct fuzz_input in = { data, size };
	struct cs_err err = CS_ERR_INIT;

	fuzz_init(&f);
	bus = (struct vm_bus){ .n = 0 };
	check(vio_balloon_init(&b, &conf, &f.env, &err) == 0);
	check(vio_mmio_init(&m, &b.dev, &bus, -EBADF, WINDOW, GSI, &err) == 0);
	while (in.left)
		access_one(&in);
	check(m.s.version == VIO_MMIO_STATE_VERSION && b.dev.n_queues <= VIO_QUEUES_MAX);
	vio_mmio_fini(&m);
	vio_dev_fini(&b.dev);
	vm_loop_fini(&f.loop);
	return 0;
}
