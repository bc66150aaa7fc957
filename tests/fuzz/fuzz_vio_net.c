/* kvm/virtio/net on a tap in a network namespace of its own; nothing to do where that cannot be. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kvm/config.h"
#include "kvm/virtio/net.h"
#include "tests/fuzz/vio_fuzz.h"

static struct fuzz f;
static struct vio_net net;
static int tap = -1, tried;

static void make_tap(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, .ifr_name = "t0" };
	int fd, s;

	if (tried++ || (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0))
		return;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		return;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_flags = IFF_UP | IFF_PROMISC;
	check(ioctl(s, SIOCSIFFLAGS, &ifr) == 0);
	close(s);
	tap = fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_net_config conf = { .vhost_fd = -1, .mtu = 1500 };
	struct fuzz_input in = { data, size };
	struct cs_err err = CS_ERR_INIT;
	uint64_t features;
	int qi;

	make_tap();
	if (tap < 0)
		return 0;
	features = fuzz_take(&in, 3);
	fuzz_init(&f);
	conf.fd = tap;
	check(vio_net_init(&net, &conf, &f.env, &err) == 0);
	fuzz_start(&f, &net.dev, features);
	while ((qi = fuzz_add(&f, &in)) >= 0) {
		vio_dev_kick(&net.dev, (uint16_t)qi);
		check(vm_loop_once(&f.loop, 0, &err) >= 0);
		if (!vio_dev_live(&net.dev))
			fuzz_start(&f, &net.dev, features);
	}
	fuzz_fini(&f);
	return 0;
}
