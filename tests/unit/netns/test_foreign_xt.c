#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter_ipv4/ip_tables.h>

#include "base/err.h"
#include "netns/foreign_int.h"

/* Two entries: a policy that drops, and a rule for a bridge. */
static struct {
	struct {
		struct ipt_entry entry;
		struct xt_standard_target target;
	} policy, rule;
	struct {
		struct ipt_entry entry;
		struct xt_error_target target;
	} chain;
} blob;

static void fill(int verdict)
{
	memset(&blob, 0, sizeof(blob));
	blob.policy.entry.target_offset = sizeof(struct ipt_entry);
	blob.policy.entry.next_offset = sizeof(blob.policy);
	blob.policy.target.verdict = -NF_DROP - 1;
	blob.rule = blob.policy;
	blob.rule.target.verdict = verdict;
	memcpy(blob.rule.entry.ip.iniface, "br0", 4);
	blob.chain.entry.target_offset = sizeof(struct ipt_entry);
	blob.chain.entry.next_offset = sizeof(blob.chain);
	memcpy(blob.chain.target.target.u.user.name, "ERROR", 6);
	memcpy(blob.chain.target.errorname, "DOCKER-USER", 12);
}

static int parse(size_t len, const char *bridge, struct foreign_table *t)
{
	const uint32_t policies[2] = { 0, 100000 };
	struct cs_err err = CS_ERR_INIT;

	return net_foreign_xt_parse(false, &blob, len, policies, bridge, t, &err);
}

START_TEST(test_parse)
{
	struct foreign_table t;

	fill(-NF_ACCEPT - 1);
	ck_assert_int_eq(parse(sizeof(blob), "br0", &t), 0);
	ck_assert_str_eq(t.forward, "FORWARD");
	ck_assert_str_eq(t.input, "");
	ck_assert(t.docker && t.lets_forward && t.names_bridge && t.legacy && !t.ufw);
	ck_assert_int_eq(parse(sizeof(blob), "br", &t), 0);
	ck_assert(!t.lets_forward && !t.names_bridge);
	fill(-NF_DROP - 1);
	ck_assert_int_eq(parse(sizeof(blob), "br0", &t), 0);
	ck_assert(!t.lets_forward && t.names_bridge);
}
END_TEST

START_TEST(test_hostile)
{
	struct foreign_table t;
	int bad = 0;

	for (size_t len = 0; len < sizeof(blob); len++) {
		fill(0);
		bad += parse(len, "br0", &t) == -EINVAL;
	}
	/* whole entries alone are no error */
	ck_assert_int_eq(bad, (int)sizeof(blob) - 3);
	fill(0);
	blob.policy.entry.next_offset = 0;
	ck_assert_int_eq(parse(sizeof(blob), "br0", &t), -EINVAL);
	fill(0);
	blob.policy.entry.target_offset = 0;
	ck_assert_int_eq(parse(sizeof(blob), "br0", &t), -EINVAL);
	fill(0);
	blob.chain.entry.next_offset = UINT16_MAX;
	ck_assert_int_eq(parse(sizeof(blob), "br0", &t), -EINVAL);
}
END_TEST

UNIT_MAIN("netns/foreign_xt", test_parse, test_hostile)
