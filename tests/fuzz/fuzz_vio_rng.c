/* kvm/virtio/rng: buffers of any shape. */
#include "kvm/virtio/rng.h"
#include "tests/fuzz/vio_fuzz.h"

static struct fuzz f;
static struct vio_rng rng;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct cs_err err = CS_ERR_INIT;
	uint32_t mode = fuzz_take(&in, 1);
	int qi;

	fuzz_init(&f);
	check(vio_rng_init(&rng, &f.env, &err) == 0);
	fuzz_start(&f, &rng.dev, mode << 1);
	while ((qi = fuzz_add(&f, &in)) >= 0) {
		vio_dev_kick(&rng.dev, (uint16_t)qi);
		if (!vio_dev_live(&rng.dev))
			fuzz_start(&f, &rng.dev, mode << 1);
	}
	fuzz_fini(&f);
	return 0;
}
