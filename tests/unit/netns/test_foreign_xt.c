#include "tests/unit/unit.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/netfilter_ipv4/ip_tables.h>

#include "base/err.h"
#include "netns/foreign_int.h"

/* Three entries: a policy that drops, a rule for a bridge, and a chain's beginning. */
enum {
	STANDARD = sizeof(struct ipt_entry) + sizeof(struct xt_standard_target),
	ERROR = sizeof(struct ipt_entry) + sizeof(struct xt_error_target),
	RULE = STANDARD,
	CHAIN = 2 * STANDARD,
	ALL = CHAIN + ERROR,
};

static unsigned char blob[ALL];

static void put(size_t at, unsigned int next, const char *in, const void *target, size_t len)
{
	struct ipt_entry e = { .target_offset = sizeof(e), .next_offset = (uint16_t)next };

	memcpy(e.ip.iniface, in, strlen(in));
	memcpy(blob + at, &e, sizeof(e));
	memcpy(blob + at + sizeof(e), target, len);
}

static void fill(int verdict)
{
	struct xt_standard_target drop = { .verdict = -NF_DROP - 1 };
	struct xt_standard_target rule = { .verdict = verdict };
	struct xt_error_target chain = { .errorname = "DOCKER-USER" };

	memcpy(chain.target.u.user.name, "ERROR", 6);
	put(0, STANDARD, "", &drop, sizeof(drop));
	put(RULE, STANDARD, "br0", &rule, sizeof(rule));
	put(CHAIN, ERROR, "", &chain, sizeof(chain));
}

static int parse(size_t len, const char *bridge, struct foreign_table *t)
{
	const uint32_t policies[2] = { 0, 100000 };
	struct cs_err err = CS_ERR_INIT;

	return net_foreign_xt_parse(false, blob, len, policies, bridge, t, &err);
}

START_TEST(test_parse)
{
	struct foreign_table t;

	fill(-NF_ACCEPT - 1);
	ck_assert_int_eq(parse(ALL, "br0", &t), 0);
	ck_assert_str_eq(t.forward, "FORWARD");
	ck_assert_str_eq(t.input, "");
	ck_assert(t.docker && t.lets_forward && t.names_bridge && t.legacy && !t.ufw);
	ck_assert_int_eq(parse(ALL, "br", &t), 0);
	ck_assert(!t.lets_forward && !t.names_bridge);
	fill(-NF_DROP - 1);
	ck_assert_int_eq(parse(ALL, "br0", &t), 0);
	ck_assert(!t.lets_forward && t.names_bridge);
}
END_TEST

START_TEST(test_hostile)
{
	struct foreign_table t;
	int bad = 0;

	for (size_t len = 0; len < ALL; len++) {
		fill(0);
		bad += parse(len, "br0", &t) == -EINVAL;
	}
	/* whole entries alone are no error */
	ck_assert_int_eq(bad, ALL - 3);
	fill(0);
	memset(blob + offsetof(struct ipt_entry, next_offset), 0, 2);
	ck_assert_int_eq(parse(ALL, "br0", &t), -EINVAL);
	fill(0);
	memset(blob + offsetof(struct ipt_entry, target_offset), 0, 2);
	ck_assert_int_eq(parse(ALL, "br0", &t), -EINVAL);
	fill(0);
	memset(blob + CHAIN + offsetof(struct ipt_entry, next_offset), 255, 2);
	ck_assert_int_eq(parse(ALL, "br0", &t), -EINVAL);
}
END_TEST

UNIT_MAIN("netns/foreign_xt", test_parse, test_hostile)
