/* kvm/virtio/console: buffers of any kind on both queues, with input and an output that fills. */
#include <fcntl.h>
#include <unistd.h>

#include "kvm/config.h"
#include "kvm/virtio/console.h"
#include "tests/fuzz/vio_fuzz.h"

static struct fuzz f;
static struct vio_console con;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct vm_console_config conf;
	struct cs_err err = CS_ERR_INIT;
	uint32_t mode = fuzz_take(&in, 1);
	int to[2], from[2], qi;
	char buf[4096];

	fuzz_init(&f);
	check(pipe2(to, O_CLOEXEC | O_NONBLOCK) == 0 && pipe2(from, O_CLOEXEC | O_NONBLOCK) == 0);
	conf = (struct vm_console_config){ to[0], from[1] };
	check(vio_console_init(&con, &conf, &f.env, &err) == 0);
	fuzz_start(&f, &con.dev, UINT64_MAX);
	while ((qi = fuzz_add(&f, &in)) >= 0) {
		check(write(to[1], "some more input!", mode & 15) >= 0 || mode);
		vio_dev_kick(&con.dev, (uint16_t)qi);
		check(vm_loop_once(&f.loop, 0, &err) >= 0);
		if (mode & 16)
			check(read(from[0], buf, sizeof(buf)) != 0);
		if (!vio_dev_live(&con.dev))
			fuzz_start(&f, &con.dev, UINT64_MAX);
	}
	fuzz_fini(&f);
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
	return 0;
}
