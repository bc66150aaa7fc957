#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/devices.h"

/* The rules in three forms (as the spec gives them, as an eBPF program, as v1's exceptions) must
 * answer alike. */

static struct cg_device_rule rule(bool allow, char type, int64_t major, int64_t minor,
				  const char *access)
{
	return (struct cg_device_rule){ .allow = allow,
					.type = type,
					.major = major,
					.minor = minor,
					.read = strchr(access, 'r'),
					.write = strchr(access, 'w'),
					.mknod = strchr(access, 'm') };
}

#define ALL(allow) rule(allow, 'a', -1, -1, "rwm")

/* One access to one device. */
struct ask {
	bool block;
	uint32_t major, minor;
	unsigned int access;
};

/* The kernel's machine, as far as our programs use it. Every step must go forward. */
static unsigned int run(const struct bpf_insn *insns, size_t n, const struct ask *ask)
{
	const uint32_t ctx[3] = { ask->access << 16 | (ask->block ? 1 : 2), ask->major,
				  ask->minor };
	uint32_t reg[11] = { 0 };

	for (size_t pc = 0; pc < n; pc++) {
		const struct bpf_insn *i = &insns[pc];
		uint32_t imm = (uint32_t)i->imm;
		bool jump = false;

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			if (i->src_reg != BPF_REG_1 || i->off < 0 || i->off % 4 || i->off > 8)
				ck_abort_msg("a load from %d", i->off);
			reg[i->dst_reg] = ctx[i->off / 4];
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			reg[i->dst_reg] = reg[i->src_reg];
			break;
		case BPF_ALU | BPF_MOV | BPF_K:
			reg[i->dst_reg] = imm;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			reg[i->dst_reg] &= imm;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			reg[i->dst_reg] >>= imm;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			jump = reg[i->dst_reg] != imm;
			break;
		case BPF_JMP32 | BPF_JSET | BPF_K:
			jump = reg[i->dst_reg] & imm;
			break;
		case BPF_JMP | BPF_JA:
			jump = true;
			break;
		case BPF_JMP | BPF_EXIT:
			return reg[0];
		default:
			ck_abort_msg("instruction %#x", i->code);
		}
		if (jump && i->off < 0)
			ck_abort_msg("a jump by %d", i->off);
		pc += jump ? (size_t)i->off : 0;
	}
	ck_abort_msg("the program runs off its end");
	return 2;
}

/* The spec's words, bit by bit: the last rule that matches. */
static bool expected(const struct cg_device_rule *rules, size_t n, const struct ask *ask)
{
	for (unsigned int bit = 1; bit <= CG_DEV_WRITE; bit <<= 1) {
		bool allow = false;

		if (!(ask->access & bit))
			continue;
		for (size_t i = 0; i < n; i++) {
			const struct cg_device_rule *r = &rules[i];
			bool has = bit == CG_DEV_MKNOD	? r->mknod
				   : bit == CG_DEV_READ ? r->read
							: r->write;

			if (has && (r->type == 'a' || (r->type == 'b') == ask->block) &&
			    (r->major == -1 || r->major == ask->major) &&
			    (r->minor == -1 || r->minor == ask->minor))
				allow = r->allow;
		}
		if (!allow)
			return false;
	}
	return true;
}

/* How cgroup v1 answers: an exception decides alone. Only for one bit of access. */
static bool by_exceptions(const struct cg_devset *flat, const struct ask *ask)
{
	for (size_t i = 0; i < flat->n; i++) {
		const struct cg_devrule *e = &flat->v[i];

		if (e->allow == flat->allow)
			ck_abort_msg("an exception that is none");
		if (e->block == ask->block && (e->major == -1 || e->major == ask->major) &&
		    (e->minor == -1 || e->minor == ask->minor) && (e->access & ask->access))
			return e->allow;
	}
	return flat->allow;
}

static void check_ask(const struct cg_device_rule *rules, size_t n, const struct bpf_insn *prog,
		      size_t len, const struct cg_devset *flat, const struct ask *ask)
{
	bool want = expected(rules, n, ask);
	unsigned int got = run(prog, len, ask);

	/* no ck_assert(): it writes a message each time */
	if (got != want)
		ck_abort_msg("eBPF: %c %u:%u %u is %u", ask->block ? 'b' : 'c', ask->major,
			     ask->minor, ask->access, got);
	if (flat && !(ask->access & (ask->access - 1)) && by_exceptions(flat, ask) != want)
		ck_abort_msg("v1: %c %u:%u %u is not %d", ask->block ? 'b' : 'c', ask->major,
			     ask->minor, ask->access, want);
}

/* Asks everything about devices with small numbers; returns whether v1 can express the rules. */
static bool agree(const struct cg_device_rule *given, size_t n)
{
	/* the default devices, as they are appended */
	static const struct {
		char type;
		int64_t major, minor;
		const char *access;
	} defaults[] = {
		{ 'c', -1, -1, "m" },	 { 'b', -1, -1, "m" }, { 'c', 1, 3, "rwm" },
		{ 'c', 1, 5, "rwm" },	 { 'c', 1, 7, "rwm" }, { 'c', 1, 8, "rwm" },
		{ 'c', 1, 9, "rwm" },	 { 'c', 5, 0, "rwm" }, { 'c', 5, 2, "rwm" },
		{ 'c', 136, -1, "rwm" },
	};
	cg_auto_devset struct cg_devset set = { 0 }, flat = { 0 };
	struct cg_device_rule rules[64];
	cs_auto_free struct bpf_insn *prog = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t len = 0;
	bool is_flat;

	memcpy(rules, given, n * sizeof(rules[0]));
	for (size_t i = 0; i < CS_LEN(defaults); i++)
		rules[n + i] = rule(true, defaults[i].type, defaults[i].major, defaults[i].minor,
				    defaults[i].access);
	ck_assert_int_eq(cg_devset_build(given, n, &set, &err), 0);
	ck_assert_int_eq(cg_devbpf_build(&set, &prog, &len, &err), 0);
	is_flat = !cg_devset_flatten(&set, &flat, &err);
	ck_assert(is_flat || err.code == ENOTSUP);
	n += CS_LEN(defaults);
	for (uint32_t i = 0; i < 2 * 8 * 12 * 8; i++) {
		struct ask ask = {
			.block = i & 1, .access = i >> 1 & 7, .major = i / 16 % 8, .minor = i / 128
		};

		if (ask.access)
			check_ask(rules, n, prog, len, is_flat ? &flat : NULL, &ask);
	}
	for (unsigned int access = 1; access < 8; access++)
		check_ask(rules, n, prog, len, is_flat ? &flat : NULL,
			  &(struct ask){ .major = 136, .minor = 4294967295U, .access = access });
	return is_flat;
}

START_TEST(test_usual)
{
	const struct cg_device_rule none[] = { ALL(false) };
	const struct cg_device_rule all[] = { ALL(true) };
	const struct cg_device_rule fuse[] = { ALL(false), rule(true, 'c', 6, 7, "rwm"),
					       rule(true, 'b', 2, -1, "r") };
	const struct cg_device_rule reset[] = { rule(true, 'c', 6, 7, "rwm"), ALL(false) };

	ck_assert(agree(none, 0));
	ck_assert(agree(none, 1));
	ck_assert(agree(all, 1));
	ck_assert(agree(fuse, CS_LEN(fuse)));
	ck_assert(agree(reset, CS_LEN(reset)));
}
END_TEST

START_TEST(test_order)
{
	const struct cg_device_rule bits[] = { ALL(false), rule(true, 'c', 2, 3, "rwm"),
					       rule(false, 'c', 2, 3, "w") };
	const struct cg_device_rule wider[] = { ALL(false), rule(true, 'c', 2, 3, "rw"),
						rule(true, 'c', 4, 3, "r"),
						rule(false, 'c', -1, 3, "r") };
	const struct cg_device_rule deny[] = { ALL(true), rule(false, 'b', 2, -1, "rwm"),
					       rule(false, 'c', 1, 3, "w") };

	ck_assert(agree(bits, CS_LEN(bits)));
	ck_assert(agree(wider, CS_LEN(wider)));
	ck_assert(agree(deny, CS_LEN(deny)));
}
END_TEST

/* What v1 cannot say is an error there, and right in eBPF. */
START_TEST(test_hole)
{
	const struct cg_device_rule hole[] = { ALL(false), rule(true, 'c', 2, -1, "rwm"),
					       rule(false, 'c', 2, 3, "w") };
	const struct cg_device_rule cross[] = { ALL(false), rule(true, 'b', -1, 3, "rw"),
						rule(false, 'b', 2, -1, "r") };

	ck_assert(!agree(hole, CS_LEN(hole)));
	ck_assert(!agree(cross, CS_LEN(cross)));
}
END_TEST

/* 'a' with numbers, or not for all access, is about both types and no reset. */
START_TEST(test_all_types)
{
	const struct cg_device_rule both[] = { ALL(false), rule(true, 'a', 2, 3, "rwm") };
	const struct cg_device_rule read[] = { ALL(true), rule(false, 'a', -1, -1, "w"),
					       rule(true, 'a', 3, -1, "w") };

	ck_assert(agree(both, CS_LEN(both)));
	agree(read, CS_LEN(read));
}
END_TEST

START_TEST(test_random)
{
	static const char *const accesses[] = { "r", "w", "m", "rw", "rm", "wm", "rwm" };
	struct cg_device_rule rules[12];
	unsigned int seed = 1, flat = 0;

	for (int round = 0; round < 400; round++) {
		size_t n = (size_t)rand_r(&seed) % CS_LEN(rules);

		for (size_t i = 0; i < n; i++) {
			int64_t major = rand_r(&seed) % 8 - 1, minor = rand_r(&seed) % 6 - 1;

			rules[i] = rule(rand_r(&seed) % 2, "acb"[rand_r(&seed) % 3], major, minor,
					accesses[rand_r(&seed) % 7]);
		}
		flat += agree(rules, n);
	}
	ck_assert_uint_gt(flat, 20); /* else v1 would hardly have been asked */
}
END_TEST

/* A privileged container's program is none at all. */
START_TEST(test_simplest)
{
	const struct cg_device_rule all[] = { ALL(true), rule(true, 'c', 10, 229, "rwm") };
	const struct cg_device_rule none[] = { ALL(true), ALL(false), rule(false, 'c', 1, 1, "r") };
	const struct cg_device_rule twice[] = { rule(true, 'c', 1, 3, "rwm"),
						rule(true, 'c', 136, -1, "rwm"),
						rule(true, 'c', -1, -1, "m") };
	cg_auto_devset struct cg_devset set = { 0 }, empty = { 0 }, same = { 0 };
	struct cs_err err = CS_ERR_INIT;
	size_t defaults;

	ck_assert_int_eq(cg_devset_build(all, CS_LEN(all), &set, &err), 0);
	ck_assert(set.allow);
	ck_assert_uint_eq(set.n, 0);
	ck_assert_int_eq(cg_devset_build(none, CS_LEN(none), &empty, &err), 0);
	ck_assert(!empty.allow);
	defaults = empty.n;
	ck_assert_int_eq(cg_devset_build(twice, CS_LEN(twice), &same, &err), 0);
	ck_assert_uint_eq(same.n, defaults);
}
END_TEST

START_TEST(test_list)
{
	cg_auto_devset struct cg_devset set = { 0 }, all = { 0 }, none = { 0 }, bad = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cg_devset_parse_list("c *:* m\nb 8:0 rw\nc 136:* rwm", &set, &err), 0);
	ck_assert(!set.allow);
	ck_assert_uint_eq(set.n, 3);
	ck_assert(set.v[1].block && set.v[1].major == 8 && set.v[1].minor == 0);
	ck_assert_uint_eq(set.v[1].access, CG_DEV_READ | CG_DEV_WRITE);
	ck_assert(set.v[2].major == 136 && set.v[2].minor == -1);
	ck_assert_uint_eq(set.v[2].access, CG_DEV_ALL);
	ck_assert_int_eq(cg_devset_parse_list("a *:* rwm", &all, &err), 0);
	ck_assert(all.allow && all.n == 0);
	ck_assert_int_eq(cg_devset_parse_list("", &none, &err), 0);
	ck_assert(!none.allow && none.n == 0);
	ck_assert_int_eq(cg_devset_parse_list("c 1", &bad, &err), -EPROTO);
	cs_err_clear(&err);
	ck_assert_int_eq(cg_devset_parse_list("c x:1 r", &bad, &err), -EPROTO);
}
END_TEST

UNIT_MAIN("cgroups/devrules", test_usual, test_order, test_hole, test_all_types, test_random,
	  test_simplest, test_list)
