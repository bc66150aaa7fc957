#include "netns/pool.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/addr.h"
#include "netns/route.h"
#include "tests/unit/unit.h"

static void use(struct net_used *u, const char *prefix)
{
	struct cs_err err = CS_ERR_INIT;
	struct net_prefix p;

	ck_assert_int_eq(net_prefix_parse(prefix, &p), 0);
	ck_assert_int_eq(net_used_add(u, &p, &err, "%s has it", "it"), 0);
}

static const char *next(const struct net_used *u, char *text)
{
	struct cs_err err = CS_ERR_INIT;
	struct net_prefix p;
	int ret = net_pool_v4(u, &p, &err);

	ck_assert_int_eq(ret, -err.code);
	return ret < 0 ? "none" : net_prefix_text(&p, text);
}

START_TEST(test_v4)
{
	net_auto_used struct net_used u = NET_USED_INIT;
	char text[NET_PREFIX_TEXT];

	ck_assert_str_eq(next(&u, text), "10.201.0.0/22");
	use(&u, "10.201.2.7/32");
	ck_assert_str_eq(next(&u, text), "10.201.4.0/22");
	use(&u, "10.201.0.0/16");
	ck_assert_str_eq(next(&u, text), "10.202.0.0/22");
	/* a VPN that routes all of it */
	use(&u, "10.0.0.0/8");
	ck_assert_str_eq(next(&u, text), "192.168.200.0/22");
	use(&u, "192.168.200.0/21");
	ck_assert_str_eq(next(&u, text), "192.168.208.0/22");
	use(&u, "192.168.0.0/16");
	ck_assert_str_eq(next(&u, text), "none");
}
END_TEST

START_TEST(test_v6)
{
	static const unsigned char random[7] = { 1, 2, 3, 4, 5, 6, 7 };
	net_auto_used struct net_used u = NET_USED_INIT;
	struct cs_err err = CS_ERR_INIT;
	char text[NET_PREFIX_TEXT];
	struct net_prefix p;

	ck_assert_int_eq(net_pool_v6(&u, random, &p, &err), 0);
	ck_assert_str_eq(net_prefix_text(&p, text), "fd01:203:405:607::/64");
	use(&u, "fd01:203:405:607::9/128");
	ck_assert_int_eq(net_pool_v6(&u, random, &p, &err), -EADDRINUSE);
}
END_TEST

START_TEST(test_resolv_conf)
{
	static const char text[] = "# nameserver 1.1.1.1\n"
				   "search a.example\n"
				   "nameserver 10.201.0.5\n"
				   "nameserver\tfe80::1%eth0\n"
				   "nameserverx 10.202.0.1\n"
				   "nameserver not.an.address\n"
				   "nameserver   10.203.0.9 # home";
	net_auto_used struct net_used u = NET_USED_INIT;
	struct cs_err err = CS_ERR_INIT;
	char out[NET_PREFIX_TEXT];
	const char *why;

	ck_assert_int_eq(net_used_resolv_conf(&u, text, &err), 0);
	ck_assert_uint_eq(u.n, 3);
	ck_assert_str_eq(net_prefix_text(&u.v[0], out), "10.201.0.5/32");
	ck_assert_str_eq(net_prefix_text(&u.v[1], out), "fe80::1/128");
	ck_assert_str_eq(net_prefix_text(&u.v[2], out), "10.203.0.9/32");
	ck_assert_ptr_nonnull(net_used_find(&u, &u.v[2], &why));
	ck_assert_str_eq(why, "it is the host's name server");
	ck_assert_str_eq(next(&u, out), "10.201.4.0/22");
}
END_TEST

UNIT_MAIN("netns/pool", test_v4, test_v6, test_resolv_conf)
