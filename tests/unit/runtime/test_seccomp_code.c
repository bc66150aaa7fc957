#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

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

/* At the limits of the jump offsets the tree and the chain must agree: 31 to 300 names. */
START_TEST(test_tree_sizes)
{
	const uint32_t arch = seccomp_arch_native();

	for (size_t n = 31; n < 300; n += n < 40 ? 1 : 37) {
		const char *names[300];
		bool named[MAX_NR] = { false };
		struct ctr_seccomp_prog p;
		size_t k = 0;
		int top = 0;

		for (int nr = 0; k < n; nr++) {
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

UNIT_MAIN("runtime/seccomp_code", test_big, test_native, test_younger, test_no_rules,
	  test_tree_sizes)
