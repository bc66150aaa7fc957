#include "netns/ipam.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/proc.h"
#include "netns/addr.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static void subnet(struct net_subnet *s, const char *prefix, const char *gateway, const char *first,
		   const char *last)
{
	ck_assert_int_eq(net_prefix_parse(prefix, &s->subnet), 0);
	ck_assert_int_eq(net_addr_parse(gateway, &s->gateway), 0);
	ck_assert_int_eq(net_addr_parse(first, &s->first), 0);
	ck_assert_int_eq(net_addr_parse(last, &s->last), 0);
}

static struct net_config config(const char *first, const char *last)
{
	struct net_config c = { .name = "n" };

	subnet(&c.v4, "10.0.0.0/24", "10.0.0.1", first, last);
	return c;
}

/* Chooses and puts it in the table, which has room. */
static int choose(struct net_ipam *t, const struct net_config *c, const char *ip, const char *mac,
		  char *got)
{
	struct net_lease l = { .state = NET_LEASE_UP, .hostif = "cv" };
	struct net_ipam_want want = { 0 };
	struct cs_err err = CS_ERR_INIT;
	struct net_addr a = { .family = AF_INET };
	size_t slot;
	int ret;

	if (ip)
		ck_assert_int_eq(net_addr_parse(ip, &want.ip4), 0);
	if (mac)
		ck_assert_int_eq(net_mac_parse(mac, &want.mac), 0);
	ret = net_ipam_choose(t, c, &want, &l, &slot, &err);
	ck_assert_int_eq(ret, -err.code);
	if (ret < 0)
		return ret;
	if (slot == t->n)
		t->n++;
	t->v[slot] = l;
	memcpy(a.b, l.ip4, sizeof(l.ip4));
	net_addr_text(&a, got);
	return (int)slot;
}

START_TEST(test_ring)
{
	struct net_lease v[16] = { 0 };
	struct net_ipam t = { .fd = -EBADF, .v = v };
	const struct net_config c = config("10.0.0.0", "10.0.0.4");
	char got[NET_ADDR_TEXT];

	/* neither the subnet's first address nor the gateway's */
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), 0);
	ck_assert_str_eq(got, "10.0.0.2");
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), 1);
	ck_assert_str_eq(got, "10.0.0.3");
	/* one that was given back is not the next */
	t.v[0].state = NET_LEASE_FREE;
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), 0);
	ck_assert_str_eq(got, "10.0.0.4");
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), 2);
	ck_assert_str_eq(got, "10.0.0.2");
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), -ENOSPC);
	t.v[1].state = NET_LEASE_FREE;
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), 1);
	ck_assert_str_eq(got, "10.0.0.3");
}
END_TEST

/* The broadcast address is never given; a range that holds only what is never given has none. */
START_TEST(test_reserved)
{
	struct net_lease v[16] = { 0 };
	struct net_ipam t = { .fd = -EBADF, .v = v };
	const struct net_config last = config("10.0.0.254", "10.0.0.255");
	const struct net_config none = config("10.0.0.0", "10.0.0.1");
	char got[NET_ADDR_TEXT];

	ck_assert_int_eq(choose(&t, &last, NULL, NULL, got), 0);
	ck_assert_str_eq(got, "10.0.0.254");
	ck_assert_int_eq(choose(&t, &last, NULL, NULL, got), -ENOSPC);
	ck_assert_int_eq(choose(&t, &none, NULL, NULL, got), -ENOSPC);
}
END_TEST

START_TEST(test_asked)
{
	struct net_lease v[16] = { 0 };
	struct net_ipam t = { .fd = -EBADF, .v = v };
	const struct net_config c = config("10.0.0.2", "10.0.0.9");
	char got[NET_ADDR_TEXT];

	/* outside of the range, inside of the subnet */
	ck_assert_int_eq(choose(&t, &c, "10.0.0.77", "02:00:00:00:00:07", got), 0);
	ck_assert_str_eq(got, "10.0.0.77");
	ck_assert_int_eq(choose(&t, &c, "10.0.0.77", NULL, got), -EADDRINUSE);
	ck_assert_int_eq(choose(&t, &c, NULL, "02:00:00:00:00:07", got), -EADDRINUSE);
	ck_assert_int_eq(choose(&t, &c, "10.0.0.1", NULL, got), -EINVAL);
	ck_assert_int_eq(choose(&t, &c, "10.0.0.0", NULL, got), -EINVAL);
	ck_assert_int_eq(choose(&t, &c, "10.0.0.255", NULL, got), -EINVAL);
	ck_assert_int_eq(choose(&t, &c, "10.0.1.2", NULL, got), -EINVAL);
	/* one of the range is passed over by the ring */
	ck_assert_int_eq(choose(&t, &c, "10.0.0.2", NULL, got), 1);
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), 2);
	ck_assert_str_eq(got, "10.0.0.3");
}
END_TEST

/* A MAC address that is chosen is nobody's: no member's who asked for it, and not the bridge's. */
START_TEST(test_mac)
{
	static const uint8_t of_2[] = { 2, 0xca, 10, 0, 0, 2 }, of_3[] = { 2, 0xca, 10, 0, 0, 3 };
	struct net_lease v[4] = { 0 }, l = { 0 };
	struct net_ipam t = { .fd = -EBADF, .v = v };
	struct net_ipam_want want = { .bridge = { { 2, 0xca, 10, 0, 0, 3 } } };
	const struct net_config c = config("10.0.0.2", "10.0.0.9");
	struct cs_err err = CS_ERR_INIT;
	char got[NET_ADDR_TEXT];
	size_t slot;

	ck_assert_int_eq(choose(&t, &c, "10.0.0.77", "02:ca:0a:00:00:02", got), 0);
	ck_assert_int_eq(net_ipam_choose(&t, &c, &want, &l, &slot, &err), 0);
	ck_assert_mem_eq(l.ip4, of_2 + 2, 4);
	ck_assert_mem_ne(l.mac, of_2, 6);
	ck_assert_int_eq(l.mac[0], 2);
	ck_assert_int_eq(net_ipam_choose(&t, &c, &want, &l, &slot, &err), 0);
	ck_assert_mem_eq(l.ip4, of_3 + 2, 4);
	ck_assert_mem_ne(l.mac, of_3, 6);
	want.mac = want.bridge;
	ck_assert_int_eq(net_ipam_choose(&t, &c, &want, &l, &slot, &err), -EINVAL);
	/* one that nobody has is made of the address */
	cs_err_clear(&err);
	want = (struct net_ipam_want){ 0 };
	ck_assert_int_eq(net_ipam_choose(&t, &c, &want, &l, &slot, &err), 0);
	ck_assert_mem_eq(l.mac + 2, l.ip4, 4);
}
END_TEST

/* Every address of a range once, whatever the size of the table. */
START_TEST(test_many)
{
	enum { N = 2000 };
	static struct net_lease v[N];
	static bool seen[1 << 16];
	struct net_ipam t = { .fd = -EBADF, .v = v };
	struct net_config c = { .name = "n" };
	char got[NET_ADDR_TEXT];

	subnet(&c.v4, "10.0.0.0/16", "10.0.0.1", "10.0.1.0", "10.0.8.207"); /* 2000 */
	for (int i = 0; i < N; i++) {
		struct net_addr a;
		int at;

		ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), i);
		ck_assert_int_eq(net_addr_parse(got, &a), 0);
		at = a.b[2] << 8 | a.b[3];
		ck_assert(!seen[at]);
		seen[at] = true;
	}
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), -ENOSPC);
	t.v[1234].state = NET_LEASE_FREE;
	ck_assert_int_eq(choose(&t, &c, NULL, NULL, got), 1234);
}
END_TEST

START_TEST(test_v6)
{
	struct net_lease v[4] = { 0 }, l = { 0 };
	struct net_ipam t = { .fd = -EBADF, .v = v };
	const struct net_ipam_want want = { 0 };
	struct cs_err err = CS_ERR_INIT;
	struct net_config c = { .name = "n" };
	size_t slot;

	subnet(&c.v6, "fd00::/64", "fd00::1", "fd00::1", "fd00::ffff:ffff:ffff:ffff");
	ck_assert_int_eq(net_ipam_choose(&t, &c, &want, &l, &slot, &err), 0);
	ck_assert_int_eq(l.has4, 0);
	ck_assert_int_eq(l.has6, 1);
	ck_assert_int_eq(l.ip6[15], 2);
	ck_assert_int_eq(l.mac[0] & 1, 0);
	/* no family at all: the link alone, with a MAC */
	c = (struct net_config){ .name = "n" };
	l = (struct net_lease){ 0 };
	ck_assert_int_eq(net_ipam_choose(&t, &c, &want, &l, &slot, &err), 0);
	ck_assert_int_eq(l.has4 | l.has6, 0);
	ck_assert_int_eq(l.mac[0], 2);
}
END_TEST

static struct net_lease lease(enum net_lease_state state, const char *hostif)
{
	struct net_lease l = { .state = state, .owner = "o", .ifname = "eth0" };

	snprintf(l.hostif, sizeof(l.hostif), "%s", hostif);
	return l;
}

START_TEST(test_file)
{
	struct unit_tmp tmp = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	struct net_ipam t = NET_IPAM_INIT;
	struct net_lease l = lease(NET_LEASE_UP, "cv1");
	int fds = unit_fd_count();

	ck_assert_int_eq(net_ipam_open(&t, tmp.fd, "this", &err), 0);
	ck_assert_uint_eq(t.n, 0);
	t.head.next4 = 7;
	ck_assert_int_eq(net_ipam_write(&t, 0, &l, true, &err), 0);
	l = lease(NET_LEASE_PENDING, "cv2");
	ck_assert_int_eq(net_ipam_write(&t, 1, &l, false, &err), 0);
	net_ipam_close(&t);
	net_ipam_close(&t);
	ck_assert_int_eq(net_ipam_open(&t, tmp.fd, "this", &err), 0);
	ck_assert_uint_eq(t.n, 2);
	ck_assert_uint_eq(t.head.next4, 7);
	ck_assert_uint_eq(net_ipam_find(&t, "o", ""), 0);
	ck_assert_uint_eq(net_ipam_find(&t, "o", "eth1"), SIZE_MAX);
	ck_assert_uint_eq(net_ipam_find(&t, "p", NULL), SIZE_MAX);
	net_ipam_close(&t);
	/* of another boot: the ring stays, the leases are nobody's */
	ck_assert_int_eq(pwrite(openat(tmp.fd, "leases", O_WRONLY | O_CLOEXEC), "x", 1, 16), 1);
	ck_assert_int_eq(net_ipam_open(&t, tmp.fd, "this", &err), 0);
	ck_assert_uint_eq(t.head.next4, 7);
	ck_assert_uint_eq(net_ipam_find(&t, NULL, NULL), SIZE_MAX);
	net_ipam_close(&t);
	ck_assert_int_eq(unit_fd_count(), fds + 1);
	unit_tmp_fini(&tmp);
}
END_TEST

START_TEST(test_damaged)
{
	struct {
		struct net_ipam_head head;
		struct net_lease l;
	} f = { .head = { .magic = "caisson leases1", .boot = "b" },
		.l = lease(NET_LEASE_UP, "cv1") };
	struct net_ipam t = NET_IPAM_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(net_ipam_parse(&f, sizeof(f), "b", &t, &err), 0);
	ck_assert_uint_eq(t.n, 1);
	net_ipam_close(&t);
	/* what a killed writer left at the end */
	ck_assert_int_eq(net_ipam_parse(&f, sizeof(f) - 1, "b", &t, &err), 0);
	ck_assert_uint_eq(t.n, 0);
	net_ipam_close(&t);
	f.l.state = 9;
	ck_assert_int_eq(net_ipam_parse(&f, sizeof(f), "b", &t, &err), -EBADMSG);
	cs_err_clear(&err);
	f.l = lease(NET_LEASE_UP, "");
	ck_assert_int_eq(net_ipam_parse(&f, sizeof(f), "b", &t, &err), -EBADMSG);
	cs_err_clear(&err);
	f.l = lease(NET_LEASE_UP, "cv1");
	memset(f.l.owner, 'x', sizeof(f.l.owner));
	ck_assert_int_eq(net_ipam_parse(&f, sizeof(f), "b", &t, &err), -EBADMSG);
	cs_err_clear(&err);
	f.head.magic[0] = 'C';
	ck_assert_int_eq(net_ipam_parse(&f, sizeof(f), "b", &t, &err), -EBADMSG);
}
END_TEST

/* A namespace has the inode number of a dead member's. */
START_TEST(test_namespace)
{
	struct unit_tmp tmp = unit_tmp_init();
	struct net_lease v[4] = { 0 };
	struct net_ipam t = { .fd = -EBADF, .v = v, .n = 4 };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cs_err err = CS_ERR_INIT;
	struct net_ns_id ns;
	struct stat sb;
	pid_t gone;

	unit_write_str(tmp.fd, "ns", "");
	ck_assert_int_eq(fstatat(tmp.fd, "ns", &sb, 0), 0);
	ns = (struct net_ns_id){ sb.st_dev, sb.st_ino,
				 (uint64_t)sb.st_ctim.tv_sec * 1000000000 +
					 (uint64_t)sb.st_ctim.tv_nsec };
	for (int i = 0; i < 4; i++) {
		v[i] = lease(NET_LEASE_UP, "cv");
		v[i].life.ns = ns;
	}
	/* 0: another time on the same path; 1: a process that has ended; 2: its number again */
	v[0].life.ns.ctime_ns--;
	snprintf(v[0].life.path, sizeof(v[0].life.path), "%s/ns", tmp.path);
	gone = fork();
	if (gone == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
	v[1].life.ns.ctime_ns = v[2].life.ns.ctime_ns = 0;
	v[1].life.pid = (uint32_t)gone;
	v[2].life.pid = (uint32_t)getpid();
	snprintf(v[3].life.path, sizeof(v[3].life.path), "%s/ns", tmp.path);
	ck_assert_uint_eq(net_ipam_find_ns(&t, &ns, NULL, "eth0", proc), 3);
	ck_assert_uint_eq(net_ipam_find_ns(&t, &ns, NULL, "eth1", proc), SIZE_MAX);
	ck_assert_uint_eq(net_ipam_find_ns(&t, NULL, v[0].life.path, NULL, proc), 0);
	/* the process and not another of its number */
	ck_assert_int_eq(cs_proc_start_time(proc, getpid(), true, &v[2].life.start, &err), 0);
	ck_assert_uint_eq(net_ipam_find_ns(&t, &ns, NULL, NULL, proc), 2);
	close(proc);
	unit_tmp_fini(&tmp);
}
END_TEST

UNIT_MAIN("netns/ipam", test_ring, test_reserved, test_asked, test_mac, test_many, test_v6,
	  test_file, test_damaged, test_namespace)
