#include "netns/addr.h"

#include <errno.h>

#include "tests/unit/unit.h"

static struct net_addr addr(const char *s)
{
	struct net_addr a = { 0 };

	ck_assert_int_eq(net_addr_parse(s, &a), 0);
	return a;
}

static struct net_prefix prefix(const char *s)
{
	struct net_prefix p = { 0 };

	ck_assert_int_eq(net_prefix_parse(s, &p), 0);
	return p;
}

START_TEST(test_addr_text)
{
	static const char *const good[] = { "0.0.0.0", "10.88.0.2", "255.255.255.255",
					    "::",      "::1",	    "fd00:1:2::ff" };
	static const char *const bad[] = { "",		 "10.88.0",  "10.88.0.256",
					   "10.88.0.2 ", "fd00:::1", "1.2.3.4/8",
					   "localhost",	 "::1%lo",   "010.1.1.1" };
	struct net_addr a = { .family = 7 };
	char text[NET_ADDR_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		a = addr(good[i]);
		ck_assert_str_eq(net_addr_text(&a, text), good[i]);
	}
	a.family = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(net_addr_parse(bad[i], &a), -EINVAL);
	ck_assert_uint_eq(a.family, 7);
	a = (struct net_addr){ 0 };
	ck_assert_str_eq(net_addr_text(&a, text), "");
}
END_TEST

START_TEST(test_prefix)
{
	static const char *const bad[] = { "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129",
					   "/8",       "x/8",	    "10.0.0.0/-1", "1.1.1.1/8/8" };
	struct net_prefix p, q;
	struct net_addr a;
	char text[NET_PREFIX_TEXT];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(net_prefix_parse(bad[i], &p), -EINVAL);
	p = prefix("10.88.3.4/22");
	ck_assert_str_eq(net_prefix_text(&p, text), "10.88.3.4/22");
	a = net_addr_mask(&p.addr, p.len);
	ck_assert_str_eq(net_addr_text(&a, text), "10.88.0.0");
	a = net_addr_fill(&p.addr, p.len);
	ck_assert_str_eq(net_addr_text(&a, text), "10.88.3.255");
	ck_assert(net_prefix_has(&p, &a));
	a = addr("10.88.4.0");
	ck_assert(!net_prefix_has(&p, &a));
	a = addr("::1");
	ck_assert(!net_prefix_has(&p, &a));
	p = prefix("0.0.0.0/0");
	ck_assert(!net_prefix_has(&p, &a));
	q = prefix("10.0.0.0/8");
	ck_assert(net_prefix_overlap(&p, &q) && net_prefix_overlap(&q, &p));
	p = prefix("11.0.0.0/24");
	ck_assert(!net_prefix_overlap(&p, &q) && !net_prefix_overlap(&q, &p));
	p = prefix("::/0");
	ck_assert(!net_prefix_overlap(&p, &q) && !net_prefix_overlap(&q, &p));
	p = prefix("fd00:0:0:1::/64");
	a = net_addr_fill(&p.addr, p.len);
	ck_assert_str_eq(net_addr_text(&a, text), "fd00::1:ffff:ffff:ffff:ffff");
}
END_TEST

START_TEST(test_count)
{
	struct net_addr a = addr("10.0.0.250"), b, c;
	char text[NET_ADDR_TEXT];

	ck_assert(net_addr_add(&a, 10, &b));
	ck_assert_str_eq(net_addr_text(&b, text), "10.0.1.4");
	ck_assert_uint_eq(net_addr_sub(&b, &a), 10);
	ck_assert_int_gt(net_addr_cmp(&b, &a), 0);
	a = addr("255.255.255.255");
	ck_assert(!net_addr_add(&a, 1, &b));
	ck_assert_str_eq(net_addr_text(&b, text), "10.0.1.4");
	a = addr("fd00::");
	ck_assert(net_addr_add(&a, UINT64_MAX, &b));
	ck_assert_str_eq(net_addr_text(&b, text), "fd00::ffff:ffff:ffff:ffff");
	ck_assert_uint_eq(net_addr_sub(&b, &a), UINT64_MAX);
	ck_assert(net_addr_add(&b, 1, &c));
	ck_assert_str_eq(net_addr_text(&c, text), "fd00:0:0:1::");
	ck_assert_uint_eq(net_addr_sub(&c, &a), UINT64_MAX);
	ck_assert_uint_eq(net_addr_sub(&c, &b), 1);
	a = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	ck_assert(!net_addr_add(&a, 1, &b));
}
END_TEST

START_TEST(test_mac)
{
	static const char *const bad[] = { "",
					   "52:54:00:12:34",
					   "52:54:00:12:34:5g",
					   "52-54-00-12-34-56",
					   "01:00:00:00:00:00",
					   "00:00:00:00:00:00",
					   "52:54:00:12:34:56:78",
					   "525:4:00:12:34:56" };
	struct net_mac m = { { 0 } };
	char text[NET_MAC_TEXT];

	ck_assert_str_eq(net_mac_text(&m, text), "");
	ck_assert_int_eq(net_mac_parse("52:54:00:aB:34:56", &m), 0);
	ck_assert_str_eq(net_mac_text(&m, text), "52:54:00:ab:34:56");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(net_mac_parse(bad[i], &m), -EINVAL);
	ck_assert(net_mac_is_set(&m));
}
END_TEST

UNIT_MAIN("netns/addr", test_addr_text, test_prefix, test_count, test_mac)
