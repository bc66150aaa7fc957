#include "runtime/ns/netdev.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/ns/rtnl.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

/* Two network namespaces of the test's own: the first is the host's, the second the container's. */
struct world {
	int host, inside;
	struct ctr_rtnl nl; /* in the host's */
};

static int failed(const struct cs_err *err)
{
	fprintf(stderr, "%s\n", err->msg);
	return 90;
}

static int world_init(struct world *w)
{
	struct cs_err err = CS_ERR_INIT;

	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	w->inside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	w->host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return ctr_rtnl_open(&w->nl, &err);
}

static int link_add(struct ctr_rtnl *nl, const char *kind, const char *name)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_rtnl_req req;
	struct {
		struct nlattr head;
		char kind[12];
	} info = { { (uint16_t)(sizeof(info.head) + strlen(kind)), IFLA_INFO_KIND }, "" };

	memcpy(info.kind, kind, strlen(kind));
	ctr_rtnl_init(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	ctr_rtnl_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	ctr_rtnl_put(&req, IFLA_LINKINFO, &info, sizeof(info));
	return ctr_rtnl_call(nl, &req, NULL, NULL, &err);
}

static int addr_add(struct ctr_rtnl *nl, const char *name, const char *text, unsigned char prefix,
		    unsigned char scope)
{
	struct ifaddrmsg body = { .ifa_family = strchr(text, ':') ? AF_INET6 : AF_INET,
				  .ifa_prefixlen = prefix,
				  .ifa_scope = scope,
				  .ifa_index = if_nametoindex(name) };
	size_t len = body.ifa_family == AF_INET6 ? 16 : 4;
	struct cs_err err = CS_ERR_INIT;
	struct ctr_rtnl_req req;
	unsigned char bytes[16];

	if (inet_pton(body.ifa_family, text, bytes) != 1)
		return -1;
	ctr_rtnl_init(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	ctr_rtnl_put(&req, IFA_LOCAL, bytes, len);
	ctr_rtnl_put(&req, IFA_ADDRESS, bytes, len);
	return ctr_rtnl_call(nl, &req, NULL, NULL, &err);
}

static int with_ifreq(const char *name, unsigned long call, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	rc = ioctl(fd, call, ifr);
	close(fd);
	return rc;
}

static int flags_of(const char *name)
{
	struct ifreq ifr = { 0 };

	return with_ifreq(name, SIOCGIFFLAGS, &ifr) < 0 ? -1 : ifr.ifr_flags;
}

static bool is_up(const char *name)
{
	return flags_of(name) > 0 && (flags_of(name) & IFF_UP);
}

static int set_up(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };

	return with_ifreq(name, SIOCSIFFLAGS, &ifr);
}

static bool exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

/* The addresses of @name, sorted by family and order, as "10.0.0.1/24 fd00::1/64 ". */
static void addresses(const char *name, char *out, size_t size)
{
	struct ifaddrs *list = NULL;
	size_t len = 0;

	*out = '\0';
	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		const unsigned char *mask;
		const void *bytes;
		int bits = 0, n;

		if (strcmp(a->ifa_name, name) || !a->ifa_addr)
			continue;
		n = a->ifa_addr->sa_family == AF_INET6 ? 16 : 4;
		if (a->ifa_addr->sa_family == AF_INET) {
			bytes = (const char *)a->ifa_addr + offsetof(struct sockaddr_in, sin_addr);
			mask = (const unsigned char *)a->ifa_netmask +
			       offsetof(struct sockaddr_in, sin_addr);
		} else if (a->ifa_addr->sa_family == AF_INET6) {
			bytes = (const char *)a->ifa_addr +
				offsetof(struct sockaddr_in6, sin6_addr);
			mask = (const unsigned char *)a->ifa_netmask +
			       offsetof(struct sockaddr_in6, sin6_addr);
		} else {
			continue;
		}
		for (int i = 0; i < n; i++)
			bits += __builtin_popcount(mask[i]);
		inet_ntop(a->ifa_addr->sa_family, bytes, text, sizeof(text));
		if (!strncmp(text, "fe80:", 5))
			continue; /* the kernel's own, of every interface that is up */
		len += (size_t)snprintf(out + len, size - len, "%s/%d ", text, bits);
	}
	freeifaddrs(list);
}

static int move(const struct world *w, const struct ctr_net_device *devices, size_t n,
		struct cs_err *err)
{
	const struct ctr_spec spec = { .net_devices = devices, .n_net_devices = n };

	return ctr_netdev_move(&spec, w->inside, err);
}

static int enter(const struct world *w)
{
	return setns(w->inside, CLONE_NEWNET);
}

/* A veth with addresses of several kinds. */
static int veth(struct world *w, const char *name)
{
	struct ifreq mtu = { .ifr_mtu = 1400 };

	if (link_add(&w->nl, "veth", name) < 0 ||
	    addr_add(&w->nl, name, "10.9.8.7", 24, RT_SCOPE_UNIVERSE) < 0 ||
	    addr_add(&w->nl, name, "10.9.8.8", 24, RT_SCOPE_UNIVERSE) < 0 ||
	    addr_add(&w->nl, name, "169.254.3.4", 16, RT_SCOPE_LINK) < 0 ||
	    addr_add(&w->nl, name, "fd00:1::7", 64, RT_SCOPE_UNIVERSE) < 0)
		return -1;
	return with_ifreq(name, SIOCSIFMTU, &mtu);
}

static const char kept[] = "10.9.8.7/24 10.9.8.8/24 fd00:1::7/64 ";

static int moved(void *arg)
{
	static const struct ctr_net_device devices[] = { { "hostif", "eth0" } };
	struct ifreq mac = { 0 }, mac_inside = { 0 }, mtu = { 0 };
	struct cs_err err = CS_ERR_INIT;
	struct world w;
	char text[512];

	(void)arg;
	if (world_init(&w) < 0 || veth(&w, "hostif") < 0 || set_up("hostif") < 0 ||
	    with_ifreq("hostif", SIOCGIFHWADDR, &mac) < 0)
		return CHILD_SETUP;
	if (move(&w, devices, 1, &err) < 0)
		return failed(&err);
	if (exists("hostif") || exists("eth0"))
		return 1;
	if (enter(&w) < 0)
		return CHILD_SETUP;
	if (!is_up("eth0"))
		return 2;
	addresses("eth0", text, sizeof(text));
	if (strcmp(text, kept) != 0) {
		fprintf(stderr, "%s\n", text);
		return 3;
	}
	if (with_ifreq("eth0", SIOCGIFHWADDR, &mac_inside) < 0 ||
	    memcmp(&mac.ifr_hwaddr, &mac_inside.ifr_hwaddr, sizeof(mac.ifr_hwaddr)) != 0)
		return 4;
	return with_ifreq("eth0", SIOCGIFMTU, &mtu) == 0 && mtu.ifr_mtu == 1400 ? 0 : 5;
}

START_TEST(test_moved)
{
	ck_assert_child_ok(moved, NULL);
}
END_TEST

/* An interface inside has the name that this one has outside: no conflict, the new one is free.
 * Also it was down, and has the same index as one inside. */
static int other_name_taken(void *arg)
{
	static const struct ctr_net_device devices[] = { { "eth0", "net1" } };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_rtnl nl;
	struct world w;
	char text[512];

	(void)arg;
	if (world_init(&w) < 0 || veth(&w, "eth0") < 0 || enter(&w) < 0 ||
	    ctr_rtnl_open(&nl, &err) < 0 || link_add(&nl, "veth", "eth0") < 0 ||
	    setns(w.host, CLONE_NEWNET) < 0)
		return CHILD_SETUP;
	if (move(&w, devices, 1, &err) < 0)
		return failed(&err);
	if (exists("eth0") || enter(&w) < 0 || !exists("eth0") || !is_up("net1"))
		return 1;
	addresses("net1", text, sizeof(text));
	return strcmp(text, kept) == 0 ? 0 : 2;
}

START_TEST(test_other_name_taken)
{
	ck_assert_child_ok(other_name_taken, NULL);
}
END_TEST

/* The name is taken inside: nothing has changed, neither for this interface nor for the one that
 * was moved before it. */
static int conflict(void *arg)
{
	static const struct ctr_net_device devices[] = { { "first", "net0" },
							 { "second", "taken" } };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_rtnl nl;
	struct world w;
	char text[512];

	(void)arg;
	if (world_init(&w) < 0 || veth(&w, "first") < 0 || set_up("first") < 0 ||
	    link_add(&w.nl, "veth", "second") < 0 || enter(&w) < 0 ||
	    ctr_rtnl_open(&nl, &err) < 0 || link_add(&nl, "veth", "taken") < 0 ||
	    setns(w.host, CLONE_NEWNET) < 0)
		return CHILD_SETUP;
	if (move(&w, devices, 2, &err) != -EEXIST)
		return failed(&err);
	if (!strstr(err.msg, "linux.netDevices[second]") || !strstr(err.msg, "taken"))
		return failed(&err);
	if (!is_up("first") || !exists("second") || is_up("second"))
		return 1;
	addresses("first", text, sizeof(text));
	if (strcmp(text, kept) != 0)
		return 2;
	return enter(&w) == 0 && exists("taken") && !exists("net0") && !exists("second") ? 0 : 3;
}

START_TEST(test_conflict)
{
	ck_assert_child_ok(conflict, NULL);
}
END_TEST

/* With "%d" the kernel finds a number that is free inside. */
static int template(void *arg)
{
	static const struct ctr_net_device devices[] = { { "first", "eth%d" },
							 { "second", "eth%d" } };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_rtnl nl;
	struct world w;
	char text[512];

	(void)arg;
	if (world_init(&w) < 0 || veth(&w, "first") < 0 || link_add(&w.nl, "veth", "second") < 0 ||
	    enter(&w) < 0 || ctr_rtnl_open(&nl, &err) < 0 || link_add(&nl, "veth", "eth0") < 0 ||
	    setns(w.host, CLONE_NEWNET) < 0)
		return CHILD_SETUP;
	if (move(&w, devices, 2, &err) < 0)
		return failed(&err);
	if (enter(&w) < 0 || is_up("eth0") || !is_up("eth1") || !is_up("eth2"))
		return 1;
	addresses("eth1", text, sizeof(text));
	return strcmp(text, kept) == 0 ? 0 : 2;
}

START_TEST(test_template)
{
	ck_assert_child_ok(template, NULL);
}
END_TEST

static int refused(void *arg)
{
	static const struct {
		struct ctr_net_device device;
		int code;
	} wrong[] = {
		{ { "lo", "lo1" }, EINVAL },
		{ { "nosuch", "nosuch" }, ENODEV },
		{ { "bridge", "bridge" }, EINVAL }, /* bound to its namespace */
		{ { "good", "a/b" }, EINVAL },
	};
	const struct ctr_net_device good = { "good", "good" };
	struct cs_err err = CS_ERR_INIT;
	struct world w;
	char text[512];

	(void)arg;
	if (world_init(&w) < 0 || link_add(&w.nl, "bridge", "bridge") < 0 || veth(&w, "good") < 0)
		return CHILD_SETUP;
	for (size_t i = 0; i < CS_LEN(wrong); i++) {
		char field[64];

		snprintf(field, sizeof(field), "linux.netDevices[%s]", wrong[i].device.host_name);
		if (move(&w, &wrong[i].device, 1, &err) != -wrong[i].code ||
		    !strstr(err.msg, field))
			return failed(&err) + (int)i;
		cs_err_clear(&err);
	}
	if (!exists("lo") || !exists("bridge"))
		return 1;
	/* a name that the kernel refuses when the interface is inside already */
	addresses("good", text, sizeof(text));
	if (strcmp(text, kept) != 0 || is_up("good"))
		return 2;
	w.inside = w.host;
	if (move(&w, &good, 1, &err) != -EINVAL || !strstr(err.msg, "of its own"))
		return failed(&err);
	return 0;
}

START_TEST(test_refused)
{
	ck_assert_child_ok(refused, NULL);
}
END_TEST

static int lo_up(void *arg)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr = { htonl(INADDR_LOOPBACK) },
				    .sin_port = htons(9) };
	int fd = -1;
	struct cs_err err = CS_ERR_INIT;

	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		return CHILD_SETUP;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 1;
	if (ctr_netdev_lo_up(&err) < 0)
		return failed(&err);
	if (!is_up("lo") || !(flags_of("lo") & IFF_LOOPBACK))
		return 2;
	return connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 ? 0 : 3;
}

START_TEST(test_lo_up)
{
	ck_assert_child_ok(lo_up, NULL);
}
END_TEST

/* Attributes that lie about their length end the walk. */
START_TEST(test_attributes)
{
	static const uint16_t good[] = { 8, 3, 0x1234, 0x5678, 5, 4, 0x9a, 0 };
	static const uint16_t wrong[][2] = { { 9, 1 }, { 3, 1 }, { 0, 1 }, { 65535, 1 } };
	struct ctr_rtnl_attr a;
	size_t pos = 0;

	ck_assert(ctr_rtnl_next(good, sizeof(good), &pos, &a));
	ck_assert_uint_eq(a.type, 3);
	ck_assert_uint_eq(a.len, 4);
	ck_assert(ctr_rtnl_next(good, sizeof(good), &pos, &a));
	ck_assert_uint_eq(a.type, 4);
	ck_assert_uint_eq(a.len, 1);
	ck_assert(!ctr_rtnl_next(good, sizeof(good), &pos, &a));
	for (size_t i = 0; i < CS_LEN(wrong); i++) {
		pos = 0;
		ck_assert(!ctr_rtnl_next(wrong[i], sizeof(wrong[i]), &pos, &a));
	}
	pos = 0;
	ck_assert(!ctr_rtnl_next(good, 3, &pos, &a));
}
END_TEST

CHILD_MAIN("runtime/netdev", test_moved, test_other_name_taken, test_conflict, test_template,
	   test_refused, test_lo_up, test_attributes)
