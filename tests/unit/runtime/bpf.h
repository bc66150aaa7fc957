#ifndef CS_TESTS_UNIT_RUNTIME_BPF_H
#define CS_TESTS_UNIT_RUNTIME_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What a seccomp filter returns for @d, as the kernel would run it: the instructions that
 * seccomp(2) allows and libseccomp uses. BPF_BAD for a program that is none. */
enum { BPF_BAD = 0x1badbadU };

static inline int bpf_taken(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == i->k;
	case BPF_JGT:
		return a > i->k;
	case BPF_JGE:
		return a >= i->k;
	default: /* BPF_JSET */
		return (a & i->k) != 0;
	}
}

static inline uint32_t bpf_run(const struct sock_filter *v, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0, mem[BPF_MEMWORDS] = { 0 };

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &v[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k + sizeof(a) > sizeof(*d))
				return BPF_BAD;
			memcpy(&a, (const char *)d + i->k, sizeof(a));
			break;
		case BPF_LD | BPF_MEM:
			a = mem[i->k % BPF_MEMWORDS];
			break;
		case BPF_ST:
			mem[i->k % BPF_MEMWORDS] = a;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += bpf_taken(i, a) ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			return BPF_BAD;
		}
	}
	return BPF_BAD;
}

#endif
