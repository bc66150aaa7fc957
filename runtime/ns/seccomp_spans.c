#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/ns/seccomp_int.h"

/*
 * A filter looks at the architecture and the number first, and only compares them with constants.
 * So between two neighbouring constants of its code all numbers are treated alike: it is enough to
 * run it for one of them, up to the end or to where it looks at anything else (an argument).
 */

enum { SPANS_STEP = 64 };

int ctr_seccomp_spans_add(struct ctr_seccomp_spans *s, struct ctr_seccomp_span span,
			  struct cs_err *err)
{
	struct ctr_seccomp_span *last = s->n ? &s->v[s->n - 1] : NULL;

	if (last && last->fixed == span.fixed && last->action == span.action &&
	    last->code == span.code && last->pc == span.pc)
		return 0;
	if (!s->v || s->n % SPANS_STEP == 0) {
		struct ctr_seccomp_span *v = reallocarray(s->v, s->n + SPANS_STEP, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "linux.seccomp: out of memory");
		s->v = v;
	}
	s->v[s->n++] = span;
	return 0;
}

static int not_understood(const struct sock_filter *i, size_t pc, struct cs_err *err)
{
	return cs_err_set(err, EPROTO, "linux.seccomp: unexpected code %#x from libseccomp at %zu",
			  i->code, pc);
}

/* Does the jump compare the accumulator with its constant, and what comes out? -1: no such jump. */
static int compare(const struct sock_filter *i, uint32_t a)
{
	switch (i->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		return a == i->k;
	case BPF_JMP | BPF_JGT | BPF_K:
		return a > i->k;
	case BPF_JMP | BPF_JGE | BPF_K:
		return a >= i->k;
	default:
		return -1;
	}
}

/* Runs the code for one number of one architecture. */
static int run(const struct ctr_seccomp_code *code, uint32_t audit_arch, uint32_t nr,
	       struct ctr_seccomp_span *out, struct cs_err *err)
{
	bool loaded = false;
	uint32_t a = 0;

	for (size_t pc = 0; pc < code->n; pc++) {
		const struct sock_filter *i = &code->v[pc];
		int taken;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			loaded = true;
			if (i->k == offsetof(struct seccomp_data, nr)) {
				a = nr;
			} else if (i->k == offsetof(struct seccomp_data, arch)) {
				a = audit_arch;
			} else {
				out->fixed = false;
				out->pc = pc;
				return 0;
			}
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_RET | BPF_K:
			out->fixed = true;
			out->action = i->k;
			return 0;
		default:
			taken = loaded ? compare(i, a) : -1;
			if (taken < 0)
				return not_understood(i, pc, err);
			pc += taken ? i->jt : i->jf;
		}
	}
	return cs_err_set(err, EPROTO, "linux.seccomp: code from libseccomp without an end");
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Every number from which on a comparison of the code may come out another way, in order. (Those of
 * arguments are among them, and only cost a run.) */
static uint32_t *turning_points(const struct ctr_seccomp_code *code, uint32_t first, size_t *n)
{
	uint32_t *v = reallocarray(NULL, 2 * code->n + 1, sizeof(*v));

	if (!v)
		return NULL;
	*n = 0;
	v[(*n)++] = first;
	for (size_t pc = 0; pc < code->n; pc++) {
		uint32_t k = code->v[pc].k;

		if (BPF_CLASS(code->v[pc].code) != BPF_JMP)
			continue;
		v[(*n)++] = k;
		if (k != UINT32_MAX)
			v[(*n)++] = k + 1;
	}
	qsort(v, *n, sizeof(*v), by_value);
	return v;
}

int ctr_seccomp_spans_of(const struct ctr_seccomp_code *code, size_t index, uint32_t audit_arch,
			 uint32_t first, uint32_t last, struct ctr_seccomp_spans *out,
			 struct cs_err *err)
{
	cs_auto_free uint32_t *v = NULL;
	size_t n = 0;
	int rc = 0;

	v = turning_points(code, first, &n);
	if (!v)
		return cs_err_set(err, ENOMEM, "linux.seccomp: out of memory");
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct ctr_seccomp_span span = { .first = v[i] };

		if (v[i] < first || v[i] > last || (i && v[i] == v[i - 1]))
			continue;
		rc = run(code, audit_arch, v[i], &span, err);
		if (!span.fixed)
			span.code = index;
		if (rc == 0)
			rc = ctr_seccomp_spans_add(out, span, err);
	}
	return rc;
}
