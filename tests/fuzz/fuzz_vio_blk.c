/* kvm/virtio/blk: any request is answered, and nothing outside of the disk is touched. */
#include <linux/virtio_blk.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/config.h"
#include "kvm/virtio/blk.h"
#include "tests/fuzz/vio_fuzz.h"

enum {
	DISK = 64 * 1024,
};

static struct fuzz f;
static struct vio_blk blk;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct vm_blk_config conf = { .serial = "fuzz" };
	struct cs_err err = CS_ERR_INIT;
	uint32_t mode = fuzz_take(&in, 1);
	off_t end;
	int qi;

	fuzz_init(&f);
	conf.fd = memfd_create("disk", MFD_CLOEXEC);
	conf.readonly = mode & 1;
	check(ftruncate(conf.fd, DISK) == 0);
	check(vio_blk_init(&blk, &conf, &f.env, &err) == 0);
	fuzz_start(&f, &blk.dev, mode & 2 ? UINT64_MAX : 0);
	while ((qi = fuzz_add(&f, &in)) >= 0) {
		vio_dev_run(&blk.dev, (uint16_t)qi, vio_blk_handle);
		if (!vio_dev_live(&blk.dev))
			fuzz_start(&f, &blk.dev, UINT64_MAX);
	}
	end = lseek(conf.fd, 0, SEEK_END);
	check(end == DISK);
	fuzz_fini(&f);
	close(conf.fd);
	return 0;
}
