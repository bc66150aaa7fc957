#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/ns/seccomp_int.h"
#include "runtime/spec.h"

/*
 * A profile that refuses by default refuses every system call younger than itself with EPERM, and
 * a libc that would fall back on an older call if it got ENOSYS fails instead. The profile's age
 * shows in the newest call it names.
 */

enum {
	X32_BIT = 0x40000000, /* __X32_SYSCALL_BIT; x32 has no audit arch of its own */
	STUB_MAX = 8,	      /* instructions per architecture */
};

static bool lets_through(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	/* a tracer emulates calls, and can say ENOSYS by itself */
	return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
}

/* The greatest number that @sc names on @arch, or -1 if it has none. */
static int newest(const struct ctr_seccomp *sc, uint32_t arch)
{
	int top = -1;

	for (size_t i = 0; i < sc->n_rules; i++)
		for (size_t k = 0; k < sc->rules[i].n_names; k++) {
			int nr = seccomp_syscall_resolve_name_arch(arch, sc->rules[i].names[k]);

			/* unknown ones and those of other architectures are negative */
			if (nr > top)
				top = nr;
		}
	return top;
}

/*
 * One architecture. Skips itself if the call is of another one:
 *
 *	     ld arch
 *	     jne <audit arch>, out
 *	     ld nr
 *	     jset <x32 bit>, out		(x86-64; x32: jset 0, out)
 *	     jgt <top>, 0, out
 *	     ret ENOSYS
 *	out:
 */
static size_t stub(struct sock_filter *v, uint32_t arch, int top)
{
	static const struct sock_filter ld_arch =
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	static const struct sock_filter ld_nr =
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	bool x32 = arch == SCMP_ARCH_X32;
	bool two_abis = x32 || arch == SCMP_ARCH_X86_64;
	uint8_t tail = two_abis ? 4 : 3; /* from behind jne to out */
	size_t n = 0;

	v[n++] = ld_arch;
	v[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					      x32 ? (uint32_t)SCMP_ARCH_X86_64 : arch, 0, tail);
	v[n++] = ld_nr;
	if (two_abis)
		v[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, X32_BIT,
						      x32 ? 0 : 2, x32 ? 2 : 0);
	v[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)top, 0, 1);
	v[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	return n;
}

int ctr_seccomp_add_enosys(const struct ctr_seccomp *sc, struct ctr_seccomp_code *code,
			   struct cs_err *err)
{
	uint32_t archs[CTR_SECCOMP_MAX_ARCHS];
	struct sock_filter head[CTR_SECCOMP_MAX_ARCHS * STUB_MAX];
	struct sock_filter *v;
	size_t n_archs, n = 0;

	if (lets_through(sc->default_action))
		return 0;
	/* The code behind must not count on registers: libseccomp's begins by loading the arch. */
	if (!code->n || code->v[0].code != (BPF_LD | BPF_W | BPF_ABS))
		return cs_err_set(err, EPROTO, "linux.seccomp: unexpected code from libseccomp");
	n_archs = ctr_seccomp_archs(sc, archs);
	for (size_t i = 0; i < n_archs; i++) {
		int top = newest(sc, archs[i]);

		if (top >= 0)
			n += stub(head + n, archs[i], top);
	}
	if (!n)
		return 0;
	v = reallocarray(NULL, n + code->n, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "linux.seccomp: out of memory");
	memcpy(v, head, n * sizeof(*v));
	memcpy(v + n, code->v, code->n * sizeof(*v));
	free(code->v);
	code->v = v;
	code->n += n;
	return 0;
}
