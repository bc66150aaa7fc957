#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/ns/seccomp.h"
#include "runtime/ns/seccomp_int.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/bpf.h"
#include "tests/unit/unit.h"

/* The code itself, run by an interpreter: every system call of every architecture. */

enum {
	X32_BIT = 0x40000000,
	MAX_NR = 700,
	ALLOW = SCMP_ACT_ALLOW,
	EPERM_ACTION = SCMP_ACT_ERRNO(EPERM),
	ENOSYS_ACTION = SCMP_ACT_ERRNO(ENOSYS),
};

static struct ctr_seccomp_prog compiled(const struct ctr_seccomp *sc)
{
	struct ctr_seccomp_prog prog = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(ctr_seccomp_compile(sc, -EBADF, &prog, &err) == 0, "%s", err.msg);
	return prog;
}

static uint32_t run_arg(const struct ctr_seccomp_prog *p, uint32_t audit_arch, int nr, uint64_t arg)
{
	const struct seccomp_data d = { .nr = nr, .arch = audit_arch, .args = { arg } };

	return bpf_run(p->insns, p->n, &d);
}

static uint32_t run(const struct ctr_seccomp_prog *p, uint32_t audit_arch, int nr)
{
	return run_arg(p, audit_arch, nr, 0);
}

/* Every name of the native architecture whose number gives a remainder of 0 to 3 by 5 is allowed,
 * the one with 3 only for a first argument above 9. */
struct big {
	char *names[3][MAX_NR];
	size_t n[3];
	int top; /* greatest native number named */
	struct ctr_seccomp_arg above;
	struct ctr_seccomp_rule rules[3];
	struct ctr_seccomp sc;
};

static bool allowed(int native_nr, uint64_t arg)
{
	return native_nr % 5 < 3 || (native_nr % 5 == 3 && arg > 9);
}

static void big_init(struct big *b, const uint32_t *archs, size_t n_archs, uint32_t deny)
{
	static const uint32_t actions[3] = { ALLOW, ALLOW, SCMP_ACT_LOG };

	memset(b, 0, sizeof(*b));
	b->above = (struct ctr_seccomp_arg){ .index = 0, .value = 9, .op = SCMP_CMP_GT };
	for (int nr = 0; nr < MAX_NR; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
		int set = nr % 5 < 2 ? 0 : nr % 5 == 3 ? 1 : 2;

		if (!name)
			continue;
		if (nr % 5 == 4) {
			free(name);
			continue;
		}
		b->names[set][b->n[set]++] = name;
		b->top = nr;
	}
	for (int i = 0; i < 3; i++)
		b->rules[i] = (struct ctr_seccomp_rule){
			.names = (const char *const *)b->names[i],
			.n_names = b->n[i],
			.action = actions[i],
			.args = &b->above,
			.n_args = i == 1,
		};
	b->sc = (struct ctr_seccomp){
		.present = true,
		.default_action = deny,
		.archs = archs,
		.n_archs = n_archs,
		.rules = b->rules,
		.n_rules = 3,
	};
}

static void big_fini(struct big *b)
{
	for (size_t set = 0; set < 3; set++)
		for (size_t i = 0; i < b->n[set]; i++)
			free(b->names[set][i]);
}

/* What the profile says of the call with number @nr of @arch: looked up by name. */
static uint32_t expected(const struct big *b, uint32_t arch, int nr, uint64_t arg)
{
	char *name = seccomp_syscall_resolve_num_arch(arch, nr);
	uint32_t want = b->sc.default_action;
	int native;

	if (!name)
		return want;
	native = seccomp_syscall_resolve_name(name);
	free(name);
	if (native >= 0 && allowed(native, arg))
		want = native % 5 == 2 ? SCMP_ACT_LOG : ALLOW;
	return want;
}

/* Greatest number of @arch among the names. */
static int top_of(const struct big *b, uint32_t arch)
{
	int top = -1;

	for (size_t set = 0; set < 3; set++)
		for (size_t i = 0; i < b->n[set]; i++) {
			int nr = seccomp_syscall_resolve_name_arch(arch, b->names[set][i]);

			top = nr > top ? nr : top;
		}
	return top;
}

static void check_arch(const struct big *b, const struct ctr_seccomp_prog *p, uint32_t arch,
		       uint32_t audit_arch, int first)
{
	static const uint64_t args[] = { 0, 9, 10, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX };
	/* a 32-bit call has no upper halves */
	size_t n_args = arch & __AUDIT_ARCH_64BIT ? CS_LEN(args) : 4;
	int top = top_of(b, arch);

	ck_assert_int_gt(top, first + 300);
	for (int nr = first; nr < first + MAX_NR; nr++)
		for (size_t i = 0; i < n_args; i++) {
			uint32_t want = expected(b, arch, nr, args[i]);
			uint32_t got = run_arg(p, audit_arch, nr, args[i]);

			if (nr > top)
				want = ENOSYS_ACTION;
			ck_assert_msg(got == want, "arch %#x nr %d arg %#llx: %#x, want %#x", arch,
				      nr, (unsigned long long)args[i], got, want);
		}
}

/* A profile of hundreds of names (a binary tree) does what it says, on each architecture. */
START_TEST(test_big)
{
#if defined(__x86_64__)
	static const uint32_t archs[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };
#else
	static const uint32_t archs[] = { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM };
#endif
	struct ctr_seccomp_prog p;
	struct big b;

	big_init(&b, archs, CS_LEN(archs), EPERM_ACTION);
	p = compiled(&b.sc);
	check_arch(&b, &p, archs[0], archs[0], 0);
	check_arch(&b, &p, archs[1], archs[1], 0);
#if defined(__x86_64__)
	check_arch(&b, &p, SCMP_ARCH_X32, SCMP_ARCH_X86_64, X32_BIT);
#endif
	ck_assert_uint_eq(run(&p, AUDIT_ARCH_S390X, 1), SCMP_ACT_KILL);
	ctr_seccomp_fini(&p);
	big_fini(&b);
}
END_TEST

/* Only the native architecture when none is listed; calls of others are killed. Foreign ones, which
 * cannot run here, are no error. */
START_TEST(test_native)
{
	static const uint32_t foreign[] = { SCMP_ARCH_S390X, SCMP_ARCH_PPC64LE, SCMP_ARCH_MIPS };
	struct ctr_seccomp_prog p, q;
	uint32_t other = AUDIT_ARCH_X86_64 == SCMP_ARCH_NATIVE ? AUDIT_ARCH_I386 : AUDIT_ARCH_ARM;
	uint32_t archs[CTR_SECCOMP_MAX_ARCHS];
	struct big b;

	big_init(&b, NULL, 0, EPERM_ACTION);
	p = compiled(&b.sc);
	check_arch(&b, &p, seccomp_arch_native(), seccomp_arch_native(), 0);
	ck_assert_uint_eq(run(&p, other, 1), SCMP_ACT_KILL);
#if defined(__x86_64__)
	ck_assert_uint_eq(run(&p, AUDIT_ARCH_X86_64, X32_BIT | 1), SCMP_ACT_KILL);
#endif
	b.sc.archs = foreign;
	b.sc.n_archs = CS_LEN(foreign);
	ck_assert_uint_eq(ctr_seccomp_archs(&b.sc, archs), 1);
	q = compiled(&b.sc);
	ck_assert_uint_eq(p.n, q.n);
	ck_assert_mem_eq(p.insns, q.insns, p.n * sizeof(*p.insns));
	ctr_seccomp_fini(&p);
	ctr_seccomp_fini(&q);
	big_fini(&b);
}
END_TEST

static struct ctr_seccomp_prog small(uint32_t deflt, const char *const *names, size_t n,
				     uint32_t action)
{
	const struct ctr_seccomp_rule rule = { .names = names, .n_names = n, .action = action };
	const struct ctr_seccomp sc = {
		.present = true, .default_action = deflt, .rules = &rule, .n_rules = 1
	};

	return compiled(&sc);
}

/* A call younger than the profile is ENOSYS where the profile refuses by default, and as always
 * where it does not. */
START_TEST(test_younger)
{
	static const char *const names[] = { "openat2", "read", "no_such_call" };
	static const uint32_t refusing[] = { EPERM_ACTION, SCMP_ACT_KILL_PROCESS, SCMP_ACT_TRAP };
	static const uint32_t passing[] = { SCMP_ACT_LOG, SCMP_ACT_TRACE(1) };
	const uint32_t arch = seccomp_arch_native();
	struct ctr_seccomp_prog p;

	for (size_t i = 0; i < CS_LEN(refusing); i++) {
		p = small(refusing[i], names, CS_LEN(names), ALLOW);
		ck_assert_uint_eq(run(&p, arch, SYS_openat2), ALLOW);
		ck_assert_uint_eq(run(&p, arch, SYS_openat2 - 1), refusing[i]);
		ck_assert_uint_eq(run(&p, arch, SYS_openat2 + 1), ENOSYS_ACTION);
		ck_assert_uint_eq(run(&p, arch, 100000), ENOSYS_ACTION);
		ctr_seccomp_fini(&p);
	}
	for (size_t i = 0; i < CS_LEN(passing); i++) {
		p = small(passing[i], names, CS_LEN(names), ALLOW);
		ck_assert_uint_eq(run(&p, arch, SYS_openat2), ALLOW);
		ck_assert_uint_eq(run(&p, arch, SYS_openat2 + 1), passing[i]);
		ctr_seccomp_fini(&p);
	}
	p = small(ALLOW, names, CS_LEN(names), EPERM_ACTION);
	ck_assert_uint_eq(run(&p, arch, SYS_openat2), EPERM_ACTION);
	ck_assert_uint_eq(run(&p, arch, SYS_openat2 + 1), ALLOW);
	ctr_seccomp_fini(&p);
}
END_TEST

/* No rule at all, or only such as say what the default says. */
START_TEST(test_no_rules)
{
	static const char *const names[] = { "read", "write" };
	const uint32_t arch = seccomp_arch_native();
	struct ctr_seccomp_prog p = small(EPERM_ACTION, NULL, 0, ALLOW);

	ck_assert_uint_eq(run(&p, arch, 0), EPERM_ACTION);
	ck_assert_uint_eq(run(&p, arch, 450), EPERM_ACTION);
	ctr_seccomp_fini(&p);
	p = small(EPERM_ACTION, names, 2, EPERM_ACTION);
	ck_assert_uint_eq(run(&p, arch, SYS_read), EPERM_ACTION);
	ctr_seccomp_fini(&p);
}
END_TEST

/* Any number of names does what it says. */
START_TEST(test_sizes)
{
	const uint32_t arch = seccomp_arch_native();

	for (size_t n = 1; n < 150; n += n < 5 ? 1 : 37) {
		const char *names[300];
		bool named[MAX_NR] = { false };
		struct ctr_seccomp_prog p;
		size_t k = 0;
		int top = 0;

		for (int nr = 0; k < n; nr += 1 + nr % 3) {
			names[k] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
			if (!names[k])
				continue;
			k++;
			named[nr] = true;
			top = nr;
		}
		p = small(EPERM_ACTION, names, n, ALLOW);
		for (int nr = 0; nr <= top; nr++)
			ck_assert_uint_eq(run(&p, arch, nr), named[nr] ? ALLOW : EPERM_ACTION);
		ck_assert_uint_eq(run(&p, arch, top + 1), ENOSYS_ACTION);
		ctr_seccomp_fini(&p);
		while (k)
			free((void *)(uintptr_t)names[--k]);
	}
}
END_TEST

static uint32_t seed = 1;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static uint64_t random_value(void)
{
	static const uint64_t odd[] = {
		0, 1, 2, 255, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX
	};

	return dice(3) ? odd[dice(CS_LEN(odd))] : (uint64_t)dice(1 << 20) << dice(44);
}

/* Rules of all kinds on random calls; several on one call, also with different actions. */
enum { N_RANDOM = 60 };

struct random_profile {
	char *names[N_RANDOM][2];
	struct ctr_seccomp_arg args[N_RANDOM][3];
	struct ctr_seccomp_rule rules[N_RANDOM];
	struct ctr_seccomp sc;
};

static void random_rule(struct random_profile *r, size_t i)
{
	static const int ops[] = { SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,	SCMP_CMP_EQ,
				   SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ };
	static const uint32_t actions[] = { ALLOW, SCMP_ACT_KILL_PROCESS, SCMP_ACT_TRAP,
					    SCMP_ACT_ERRNO(ENOENT) };
	struct ctr_seccomp_rule *rule = &r->rules[i];
	uint32_t index = dice(3);

	while (!r->names[i][0])
		r->names[i][0] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
								  (int)dice(dice(4) ? 450 : 40));
	rule->names = (const char *const *)r->names[i];
	rule->n_names = 1;
	rule->action = actions[dice(CS_LEN(actions))];
	rule->args = r->args[i];
	rule->n_args = dice(2) ? 0 : 1 + dice(3);
	for (size_t k = 0; k < rule->n_args; k++)
		r->args[i][k] = (struct ctr_seccomp_arg){ .index = index + (uint32_t)k,
							  .op = ops[dice(CS_LEN(ops))],
							  .value = random_value(),
							  .value_two = random_value() };
}

/* The same rules by libseccomp alone, for all architectures at once. */
static struct ctr_seccomp_code reference(struct random_profile *r)
{
	scmp_filter_ctx ctx = seccomp_init(r->sc.default_action);
	struct ctr_seccomp_code code = { .v = calloc(65536, sizeof(struct sock_filter)) };
	int fd = memfd_create("reference", MFD_CLOEXEC);
	ssize_t n;

	for (size_t i = 0; i < r->sc.n_archs; i++)
		seccomp_arch_add(ctx, r->sc.archs[i]);
	for (size_t i = 0; i < N_RANDOM; i++) {
		const struct ctr_seccomp_rule *rule = &r->rules[i];
		struct scmp_arg_cmp cmp[3];

		for (size_t k = 0; k < rule->n_args; k++)
			cmp[k] = (struct scmp_arg_cmp){ rule->args[k].index,
							(enum scmp_compare)rule->args[k].op,
							rule->args[k].value,
							rule->args[k].value_two };
		/* a rule that contradicts an earlier one is left out of both */
		if (seccomp_rule_add_array(ctx, rule->action,
					   seccomp_syscall_resolve_name(rule->names[0]),
					   (unsigned int)rule->n_args, cmp) < 0)
			r->rules[i].n_names = 0;
	}
	ck_assert_int_eq(seccomp_export_bpf(ctx, fd), 0);
	n = pread(fd, code.v, 65536 * sizeof(struct sock_filter), 0);
	ck_assert_int_gt(n, 0);
	code.n = (size_t)n / sizeof(struct sock_filter);
	seccomp_release(ctx);
	close(fd);
	return code;
}

static void compare_at(const struct random_profile *r, const struct ctr_seccomp_prog *p,
		       const struct ctr_seccomp_code *ref, uint32_t audit_arch, int nr)
{
	for (int i = 0; i < 12; i++) {
		struct seccomp_data d = { .nr = nr, .arch = audit_arch };
		const struct ctr_seccomp_rule *rule = &r->rules[dice(N_RANDOM)];

		/* near the values of some rule, or anywhere */
		for (size_t k = 0; k < 6; k++)
			d.args[k] = random_value();
		for (size_t k = 0; k < rule->n_args; k++)
			d.args[rule->args[k].index] = rule->args[k].value + dice(3) - 1;
		if (!(audit_arch & __AUDIT_ARCH_64BIT) || (nr & X32_BIT))
			for (size_t k = 0; k < 6; k++)
				d.args[k] = (uint32_t)d.args[k];
		ck_assert_uint_eq(bpf_run(p->insns, p->n, &d), bpf_run(ref->v, ref->n, &d));
	}
}

/* The filter decides as libseccomp's own one for all architectures does. */
START_TEST(test_same_as_libseccomp)
{
#if defined(__x86_64__)
	static const uint32_t archs[] = { SCMP_ARCH_X86, SCMP_ARCH_X32 };
	static const uint32_t audit[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_ARM };
#else
	static const uint32_t archs[] = { SCMP_ARCH_ARM };
	static const uint32_t audit[] = { AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, AUDIT_ARCH_I386 };
#endif

	for (int round = 0; round < 30; round++) {
		struct random_profile r = { 0 };
		struct ctr_seccomp_code ref;
		struct ctr_seccomp_prog p;

		for (size_t i = 0; i < N_RANDOM; i++)
			random_rule(&r, i);
		/* LOG lets younger calls through, so there is no ENOSYS in the way */
		r.sc = (struct ctr_seccomp){ .present = true,
					     .default_action = SCMP_ACT_LOG,
					     .archs = archs,
					     .n_archs = dice((uint32_t)CS_LEN(archs) + 1),
					     .rules = r.rules,
					     .n_rules = N_RANDOM };
		ref = reference(&r);
		p = compiled(&r.sc);
		for (size_t a = 0; a < CS_LEN(audit); a++)
			for (int nr = -3; nr < 560; nr++) {
				compare_at(&r, &p, &ref, audit[a], nr);
				compare_at(&r, &p, &ref, audit[a], nr + X32_BIT);
			}
		ctr_seccomp_fini(&p);
		free(ref.v);
		for (size_t i = 0; i < N_RANDOM; i++)
			free(r.names[i][0]);
	}
}
END_TEST

/* Trees of many spans, where jumps get long. */
START_TEST(test_pack_sizes)
{
	static const size_t sizes[] = { 1, 2, 3, 95, 96, 97, 191, 192, 193, 500, 1000, 1700 };

	for (size_t s = 0; s < CS_LEN(sizes); s++) {
		struct ctr_seccomp_section sections[2] = { { .audit_arch = 7 },
							   { .audit_arch = 9 } };
		struct ctr_seccomp_code out = { 0 };
		struct cs_err err = CS_ERR_INIT;

		for (size_t i = 0; i < sizes[s]; i++) {
			const struct ctr_seccomp_span span = { .first = (uint32_t)(10 * i),
							       .fixed = true,
							       .action = (uint32_t)(i % 5) };

			/* the first has gaps, which its spans before them fill */
			for (size_t k = i % 3 == 1; k < 2; k++)
				ck_assert_int_eq(
					ctr_seccomp_spans_add(&sections[k].spans, span, &err), 0);
		}
		ck_assert_msg(ctr_seccomp_pack(sections, 2, NULL, 0x33, &out, &err) == 0, "%s",
			      err.msg);
		for (size_t a = 0; a < 2; a++)
			for (size_t i = 0; i < sections[a].spans.n; i++) {
				const struct ctr_seccomp_span *v = sections[a].spans.v;
				uint32_t last = i + 1 < sections[a].spans.n ? v[i + 1].first - 1
									    : UINT32_MAX;
				struct seccomp_data d = { .nr = (int)v[i].first,
							  .arch = sections[a].audit_arch };

				ck_assert_uint_eq(bpf_run(out.v, out.n, &d), v[i].action);
				d.nr = (int)last;
				ck_assert_uint_eq(bpf_run(out.v, out.n, &d), v[i].action);
				d.arch = 8;
				ck_assert_uint_eq(bpf_run(out.v, out.n, &d), 0x33);
			}
		free(out.v);
		free(sections[0].spans.v);
		free(sections[1].spans.v);
	}
}
END_TEST

START_TEST(test_too_big)
{
	struct ctr_seccomp_section section = { .audit_arch = 7 };
	struct ctr_seccomp_code out = { 0 };
	struct cs_err err = CS_ERR_INIT;

	for (uint32_t i = 0; i < BPF_MAXINSNS; i++) {
		const struct ctr_seccomp_span span = { .first = i, .fixed = true, .action = i };

		ck_assert_int_eq(ctr_seccomp_spans_add(&section.spans, span, &err), 0);
	}
	ck_assert_int_eq(ctr_seccomp_pack(&section, 1, NULL, 0, &out, &err), -E2BIG);
	ck_assert_ptr_null(out.v);
	free(section.spans.v);
}
END_TEST

/* Each kind of comparison turns where it should. */
START_TEST(test_spans)
{
	static const struct {
		uint16_t code;
		uint32_t first[3]; /* of the spans that 10 gives */
		uint32_t action[3];
		size_t n;
	} jumps[] = {
		{ BPF_JMP | BPF_JEQ | BPF_K, { 0, 10, 11 }, { 2, 1, 2 }, 3 },
		{ BPF_JMP | BPF_JGT | BPF_K, { 0, 11 }, { 2, 1 }, 2 },
		{ BPF_JMP | BPF_JGE | BPF_K, { 0, 10 }, { 2, 1 }, 2 },
	};

	for (size_t i = 0; i < CS_LEN(jumps); i++) {
		struct sock_filter v[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
					   BPF_JUMP(jumps[i].code, 10, 0, 1),
					   BPF_STMT(BPF_RET | BPF_K, 1),
					   BPF_STMT(BPF_RET | BPF_K, 2) };
		const struct ctr_seccomp_code code = { .v = v, .n = CS_LEN(v) };
		struct ctr_seccomp_spans spans = { 0 };
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(ctr_seccomp_spans_of(&code, 0, 7, 0, UINT32_MAX, &spans, &err), 0);
		ck_assert_uint_eq(spans.n, jumps[i].n);
		for (size_t k = 0; k < spans.n; k++) {
			ck_assert_uint_eq(spans.v[k].first, jumps[i].first[k]);
			ck_assert_uint_eq(spans.v[k].action, jumps[i].action[k]);
			ck_assert(spans.v[k].fixed);
		}
		free(spans.v);
	}
}
END_TEST

/* Code that does what is not expected of libseccomp is refused, not misread. */
START_TEST(test_not_understood)
{
	const struct sock_filter ld = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	const struct sock_filter wrong[][3] = {
		{ BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0), BPF_STMT(BPF_RET | BPF_K, 1) },
		{ ld, BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 0), BPF_STMT(BPF_RET | BPF_K, 1) },
		{ ld, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1), BPF_STMT(BPF_RET | BPF_K, 1) },
		{ ld, BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_RET | BPF_K, 1) },
		{ ld, BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 1), BPF_STMT(BPF_RET | BPF_K, 1) },
		{ ld, ld, ld },
		{ ld, BPF_JUMP(BPF_JMP | BPF_JA, 4000000000U, 0, 0), ld },
	};

	for (size_t i = 0; i < CS_LEN(wrong); i++) {
		struct sock_filter copy[3];
		const struct ctr_seccomp_code code = { .v = copy, .n = 3 };
		struct ctr_seccomp_spans spans = { 0 };
		struct cs_err err = CS_ERR_INIT;

		memcpy(copy, wrong[i], sizeof(copy));
		ck_assert_int_eq(ctr_seccomp_spans_of(&code, 0, 7, 0, UINT32_MAX, &spans, &err),
				 -EPROTO);
		free(spans.v);
	}
}
END_TEST

/* A part on arguments that runs off its end. */
START_TEST(test_endless_part)
{
	struct sock_filter v[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
				   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
				   BPF_STMT(BPF_RET | BPF_K, 1) };
	const struct ctr_seccomp_code code = { .v = v, .n = 3 };
	struct ctr_seccomp_section section = { .audit_arch = 7 };
	struct ctr_seccomp_code out = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(ctr_seccomp_spans_of(&code, 0, 7, 0, 9, &section.spans, &err), 0);
	ck_assert_int_eq(ctr_seccomp_pack(&section, 1, &code, 0, &out, &err), -EPROTO);
	free(section.spans.v);
}
END_TEST

UNIT_MAIN("runtime/seccomp_code", test_big, test_native, test_younger, test_no_rules, test_sizes,
	  test_same_as_libseccomp, test_pack_sizes, test_too_big, test_spans, test_not_understood,
	  test_endless_part)
