/* The smaller devices: console, balloon, pmem; and net on a tap of its own. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_console.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pmem.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kvm/config.h"
#include "kvm/virtio/balloon.h"
#include "kvm/virtio/console.h"
#include "kvm/virtio/net.h"
#include "kvm/virtio/pmem.h"
#include "tests/unit/kvm/vio_driver.h"
#include "tests/unit/unit.h"

static struct drv d;

START_TEST(console_talks)
{
	static struct vio_console con;
	struct vm_console_config conf;
	struct cs_err err = CS_ERR_INIT;
	struct drv_piece p = { 0, 64, true };
	uint16_t size[2], id;
	char buf[256];
	uint32_t len;
	int in[2], out[2], n = 0;

	drv_init(&d, _i);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	conf = (struct vm_console_config){ in[0], out[1] };
	ck_assert_msg(vio_console_init(&con, &conf, &d.env, &err) == 0, "%s", err.msg);
	drv_attach(&d, &con.dev);
	/* an emergency write needs no driver */
	drv_io(&d, VIRTIO_MMIO_CONFIG + 8, (uint8_t *)(char[]){ "!\0\0" }, 4, true);
	ck_assert(read(out[0], buf, sizeof(buf)) == 1 && buf[0] == '!');
	drv_start(&d, 1ULL << VIRTIO_CONSOLE_F_SIZE);
	vio_console_resize(&con, 132, 43);
	ck_assert_uint_eq(drv_interrupts(&d), 1);
	drv_config(&d, 0, size, 4);
	ck_assert(size[0] == 132 && size[1] == 43);
	/* input waits for a buffer, a buffer for input */
	p.gpa = drv_alloc(&d, 4096);
	ck_assert_int_eq(write(in[1], "abc", 3), 3);
	ck_assert_int_eq(vm_loop_once(&d.loop, 0, &err), 0);
	ck_assert_uint_eq(drv_round(&d, 0, &p, 1), 3);
	ck_assert(memcmp(drv_ptr(&d, p.gpa, 3), "abc", 3) == 0);
	drv_add(&d, 0, &p, 1);
	drv_kick(&d, 0);
	ck_assert_int_eq(write(in[1], "de", 2), 2);
	ck_assert(drv_wait_used(&d, 0, &id, &len) && len == 2);
	/* output, more than the pipe takes */
	p = (struct drv_piece){ p.gpa, 4096, false };
	memset(drv_ptr(&d, p.gpa, 4096), 'x', 4096);
	for (int i = 0; i < 40; i++) {
		drv_add(&d, 1, &p, 1);
		drv_kick(&d, 1);
		while (!drv_used(&d, 1, &id, &len)) {
			ssize_t got = read(out[0], buf, sizeof(buf));

			n += got > 0 ? (int)got : 0;
			vm_loop_once(&d.loop, 0, &err);
		}
	}
	for (ssize_t got; (got = read(out[0], buf, sizeof(buf))) > 0;)
		n += (int)got;
	ck_assert_int_eq(n, 40 * 4096);
	/* nobody reads, nobody writes any more: no spin, no stop */
	signal(SIGPIPE, SIG_IGN);
	close(out[0]);
	close(in[1]);
	drv_round(&d, 1, &p, 1);
	drv_add(&d, 0, &(struct drv_piece){ p.gpa, 64, true }, 1);
	drv_kick(&d, 0);
	vm_loop_once(&d.loop, 0, &err);
	ck_assert_int_eq(vm_loop_once(&d.loop, 0, &err), 0);
	drv_fini(&d);
	close(in[0]);
	close(out[1]);
}
END_TEST

START_TEST(balloon_gives_back)
{
	static struct vio_balloon b;
	const struct vm_balloon_config conf = { true, true, 5 };
	struct virtio_balloon_stat st[2] = { { 4, 1234567 }, { 999, 1 } };
	struct cs_err err = CS_ERR_INIT;
	uint64_t list = 0;
	struct drv_piece p, stats;
	uint32_t n, pfn[4] = { 0x300, 0x301, 0x303, 0x7fffffff };
	uint16_t id;
	uint8_t *page;

	drv_init(&d, _i);
	ck_assert_int_eq(vio_balloon_init(&b, &conf, &d.env, &err), 0);
	drv_attach(&d, &b.dev);
	drv_start(&d, 1ULL << VIRTIO_BALLOON_F_STATS_VQ | 1ULL << VIRTIO_BALLOON_F_REPORTING);
	drv_config(&d, 0, &n, 4);
	ck_assert_uint_eq(n, 5);
	vio_balloon_set_target(&b, 9);
	ck_assert_uint_eq(drv_interrupts(&d), 1);
	list = drv_alloc(&d, 4096);
	page = drv_ptr(&d, 0x300000, 0x5000);
	memset(page, 0xaa, 0x5000);
	memcpy(drv_ptr(&d, list, 16), pfn, 16);
	p = (struct drv_piece){ list, 16, false };
	drv_round(&d, 0, &p, 1);
	ck_assert(page[0] == 0 && page[0x1fff] == 0 && page[0x2000] == 0xaa && page[0x3000] == 0);
	ck_assert_uint_eq(b.inflated, 3 * 4096);
	drv_round(&d, 1, &p, 1);
	n = 3;
	drv_io(&d, VIRTIO_MMIO_CONFIG + 4, (uint8_t *)&n, 4, true);
	ck_assert_uint_eq(b.s.actual, 3);
	/* reporting: whole pages of what it names */
	memset(page, 0xaa, 0x5000);
	p = (struct drv_piece){ 0x301000, 0x2000, true };
	drv_round(&d, 3, &p, 1);
	ck_assert(page[0xfff] == 0xaa && page[0x1000] == 0 && page[0x2fff] == 0 &&
		  page[0x3000] == 0xaa);
	ck_assert_uint_eq(b.reported, 0x2000);
	/* statistics */
	ck_assert_int_eq(vio_balloon_ask_stats(&b), -EAGAIN);
	memcpy(drv_ptr(&d, list, 20), st, 20);
	stats = (struct drv_piece){ list, 20, false };
	drv_add(&d, 2, &stats, 1);
	drv_kick(&d, 2);
	ck_assert(!drv_used(&d, 2, &id, &n));
	ck_assert_uint_eq(b.s.stats[4], 1234567);
	ck_assert_uint_eq(b.s.stats_have, 1 << 4);
	ck_assert_int_eq(vio_balloon_ask_stats(&b), 0);
	ck_assert(drv_used(&d, 2, &id, &n));
	ck_assert_int_eq(vio_balloon_ask_stats(&b), -EAGAIN);
	drv_add(&d, 2, &stats, 1);
	drv_kick(&d, 2);
	ck_assert(!drv_broken(&d));
	drv_add(&d, 2, &stats, 1);
	drv_kick(&d, 2);
	ck_assert(drv_broken(&d));
	/* without statistics, reporting is the third queue */
	drv_start(&d, 1ULL << VIRTIO_BALLOON_F_REPORTING);
	drv_round(&d, 2, &p, 1);
	ck_assert_uint_eq(b.reported, 0x4000);
	drv_fini(&d);
}
END_TEST

START_TEST(pmem_flushes)
{
	static struct vio_pmem pm;
	struct cs_err err = CS_ERR_INIT;
	struct drv_piece p[] = { { 0, 4, false }, { 0, 4, true } };
	uint64_t place[2];
	uint32_t *v;
	int fd = memfd_create("pmem", MFD_CLOEXEC);

	for (int readonly = 0; readonly < 2; readonly++) {
		drv_init(&d, _i);
		ck_assert_int_eq(
			vio_pmem_init(&pm, fd, readonly, 1ULL << 32, 0x200000, &d.env, &err), 0);
		drv_attach(&d, &pm.dev);
		drv_start(&d, 0);
		drv_config(&d, 0, &place[0], 8);
		drv_config(&d, 8, &place[1], 8);
		ck_assert(place[0] == 1ULL << 32 && place[1] == 0x200000);
		p[0].gpa = drv_alloc(&d, 4);
		p[1].gpa = drv_alloc(&d, 4);
		v = drv_ptr(&d, p[1].gpa, 4);
		*v = 77;
		ck_assert_uint_eq(drv_round(&d, 0, p, 2), 4);
		ck_assert_uint_eq(*v, 0);
		*(uint32_t *)drv_ptr(&d, p[0].gpa, 4) = 9;
		drv_round(&d, 0, p, 2);
		ck_assert_uint_eq(*v, 1);
		drv_fini(&d);
	}
	close(fd);
}
END_TEST

/* A tap in a network namespace of this test's own, up; -1 where that is not allowed. */
static int make_tap(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, .ifr_name = "t0" };
	int fd, s;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -1;
	/* no packets but ours */
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ck_assert_int_eq(write(fd, "1", 1), 1);
		close(fd);
	}
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -1;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_flags = IFF_UP;
	ck_assert_int_eq(ioctl(s, SIOCSIFFLAGS, &ifr), 0);
	close(s);
	return fd;
}

/* A raw socket on the other side of the tap. */
static int other_side(void)
{
	/* struct sockaddr_ll, whose header does not go with linux/if.h */
	struct {
		uint16_t family, protocol;
		int index;
		uint8_t rest[12];
	} ll = { AF_PACKET, htobe16(0x88b5), 0, { 0 } };
	struct ifreq ifr = { .ifr_name = "t0" };
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htobe16(0x88b5));

	ck_assert_int_ge(s, 0);
	ck_assert_int_eq(ioctl(s, SIOCGIFINDEX, &ifr), 0);
	ll.index = ifr.ifr_ifindex;
	ck_assert_int_eq(bind(s, (struct sockaddr *)(void *)&ll, sizeof(ll)), 0);
	return s;
}

START_TEST(net_carries_packets)
{
	static struct vio_net net;
	struct vm_net_config conf = { .mac = { 2, 0, 0, 1, 2, 3 }, .mtu = 1500, .vhost_fd = -1 };
	const uint64_t features = 1ULL << VIRTIO_NET_F_MRG_RXBUF | 1ULL << VIRTIO_NET_F_MAC |
				  1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_CSUM;
	struct cs_err err = CS_ERR_INIT;
	uint8_t frame[1000], got[2000], mac[8];
	uint32_t len, sum = 0;
	struct drv_piece p = { 0, 600, true };
	struct virtio_net_hdr_v1 *h;
	uint16_t id, want[2];
	int s;

	conf.fd = make_tap();
	if (conf.fd < 0)
		return; /* no tap here: nothing to try */
	s = other_side();
	drv_init(&d, _i);
	ck_assert_msg(vio_net_init(&net, &conf, &d.env, &err) == 0, "%s", err.msg);
	drv_attach(&d, &net.dev);
	drv_start(&d, features);
	drv_config(&d, 0, mac, 6);
	ck_assert(memcmp(mac, conf.mac, 6) == 0);
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)i;
	memcpy(frame, "\2\0\0\1\2\3\2\0\0\1\2\4\x88\xb5", 14);
	/* out */
	p.gpa = drv_alloc(&d, 4096);
	memset(drv_ptr(&d, p.gpa, 12), 0, 12);
	memcpy(drv_ptr(&d, p.gpa + 12, 1000), frame, 1000);
	{
		struct drv_piece tx[] = { { p.gpa, 12, false }, { p.gpa + 12, 1000, false } };

		drv_round(&d, 1, tx, 2);
		ck_assert_int_eq(recv(s, got, sizeof(got), 0), 1000);
		ck_assert(memcmp(got, frame, 1000) == 0);
		tx[1].len = 5; /* no packet */
		drv_round(&d, 1, tx, 2);
		ck_assert_uint_eq(net.tx_dropped, 1);
	}
	/* in, before there are buffers, into two of 600 bytes */
	ck_assert_int_eq(send(s, frame, 1000, 0), 1000);
	vm_loop_once(&d.loop, 0, &err);
	want[0] = drv_add(&d, 0, &p, 1);
	drv_kick(&d, 0);
	ck_assert(!drv_used(&d, 0, &id, &len));
	p.gpa += 600;
	want[1] = drv_add(&d, 0, &p, 1);
	ck_assert_msg(drv_wants_kick(&d, 0), "a packet waits, and no kick is asked for");
	drv_kick(&d, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert(drv_wait_used(&d, 0, &id, &len));
		ck_assert_uint_eq(id, want[i]);
		sum += len;
	}
	ck_assert_uint_eq(sum, 1012);
	h = drv_ptr(&d, p.gpa - 600, 12);
	ck_assert_uint_eq(h->num_buffers, 2);
	ck_assert(memcmp(drv_ptr(&d, p.gpa - 600 + 12, 1000), frame, 1000) == 0);
	/* without merging, a packet that does not fit is lost and the next is not */
	drv_start(&d, features & ~(1ULL << VIRTIO_NET_F_MRG_RXBUF));
	drv_add(&d, 0, &p, 1);
	drv_kick(&d, 0);
	ck_assert_int_eq(send(s, frame, 1000, 0), 1000);
	ck_assert_int_eq(send(s, frame, 500, 0), 500);
	ck_assert(drv_wait_used(&d, 0, &id, &len));
	ck_assert_uint_eq(len, 512);
	ck_assert_uint_eq(net.rx_dropped, 1);
	drv_fini(&d);
	close(s);
	close(conf.fd);
}
END_TEST

START_TEST(net_keeps_to_its_rate)
{
	static struct vio_net net;
	struct vm_net_config conf = { .vhost_fd = -1,
				      .tx_bytes = { .per_second = 20000, .burst = 1000 },
				      .rx_bytes = { .per_second = 20000, .burst = 1000 } };
	struct cs_err err = CS_ERR_INIT;
	struct drv_piece p[] = { { 0, 12, false }, { 0, 1000, false } };
	struct drv_piece in = { 0, 2000, true };
	uint8_t frame[1000] = { 2 };
	uint64_t from, took;
	uint16_t id;
	uint32_t len;
	int s;

	conf.fd = make_tap();
	if (conf.fd < 0)
		return;
	s = other_side();
	drv_init(&d, _i);
	ck_assert_int_eq(vio_net_init(&net, &conf, &d.env, &err), 0);
	drv_attach(&d, &net.dev);
	drv_start(&d, 0);
	p[0].gpa = drv_alloc(&d, 2000);
	p[1].gpa = in.gpa = p[0].gpa + 12;
	memset(drv_ptr(&d, p[0].gpa, 1012), 0, 1012);
	for (int dir = 0; dir < 2; dir++) {
		from = vio_now_ns();
		for (int i = 0; i < 6; i++) {
			if (dir)
				ck_assert_int_eq(send(s, frame, sizeof(frame), 0), 1000);
			drv_add(&d, dir ? 0 : 1, dir ? &in : p, dir ? 1 : 2);
			drv_kick(&d, dir ? 0 : 1);
			ck_assert(drv_wait_used(&d, dir ? 0 : 1, &id, &len));
		}
		took = vio_now_ns() - from;
		ck_assert_msg(took > 150000000, "6000 bytes in %lu us", took / 1000);
	}
	drv_fini(&d);
	close(s);
	close(conf.fd);
}
END_TEST

DRV_MAIN("kvm/virtio/devs", console_talks, balloon_gives_back, pmem_flushes, net_carries_packets,
	 net_keeps_to_its_rate)
