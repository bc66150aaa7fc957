/* kvm/virtio/balloon: whatever pages, ranges and statistics a guest names. */
#include "kvm/config.h"
#include "kvm/virtio/balloon.h"
#include "tests/fuzz/vio_fuzz.h"

static struct fuzz f;
static struct vio_balloon b;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vm_balloon_config conf = { true, true, 1 };
	struct fuzz_input in = { data, size };
	struct cs_err err = CS_ERR_INIT;
	uint32_t mode = fuzz_take(&in, 1);
	int qi;

	fuzz_init(&f);
	check(vio_balloon_init(&b, &conf, &f.env, &err) == 0);
	fuzz_start(&f, &b.dev, mode << 1);
	while ((qi = fuzz_add(&f, &in)) >= 0) {
		vio_dev_kick(&b.dev, (uint16_t)qi);
		if (mode & 0x80)
			(void)vio_balloon_ask_stats(&b);
		/* what it gave back may have been rings: begin again */
		if (!vio_dev_live(&b.dev))
			fuzz_start(&f, &b.dev, mode << 1);
	}
	check(b.s.stats_have < 1U << VIO_BALLOON_STATS);
	fuzz_fini(&f);
	return 0;
}
