/* kvm/virtio/pmem: requests that are none, or cut short. */
#include "kvm/virtio/pmem.h"
#include "tests/fuzz/vio_fuzz.h"

static struct fuzz f;
static struct vio_pmem pmem;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct cs_err err = CS_ERR_INIT;
	uint32_t mode = fuzz_take(&in, 1);
	uint64_t config[3] = { 0 };
	int qi;

	fuzz_init(&f);
	check(vio_pmem_init(&pmem, -1, true, FUZZ_MEM, FUZZ_MEM, &f.env, &err) == 0);
	fuzz_start(&f, &pmem.dev, mode << 1);
	while ((qi = fuzz_add(&f, &in)) >= 0) {
		vio_dev_kick(&pmem.dev, (uint16_t)qi);
		vio_dev_config_read(&pmem.dev, mode, config, sizeof(config));
		if (!vio_dev_live(&pmem.dev))
			fuzz_start(&f, &pmem.dev, mode << 1);
	}
	check(pmem.s.gpa == FUZZ_MEM && pmem.s.len == FUZZ_MEM);
	fuzz_fini(&f);
	return 0;
}
