#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/ns/seccomp_int.h"

/*
 * The program made:
 *
 *	     ld arch
 *	     jeq <arch 1>, 0, 1
 *	     ja section 1
 *	     …
 *	     ret <other>
 *	section 1:
 *	     ld nr
 *	     a binary tree of jge <first of a span>, down to blocks
 *	     block: a tree of jge, then its leaves, each once: ret <action>, or ja to
 *	…
 *	what of the given programs looks at arguments, copied.
 */

enum {
	JUMP_MAX = 255, /* of a conditional jump; that of ja is any */
	BLOCK = 96,	/* spans at most, so that every jump in a block is short enough */
};

/* A jump into a copied program, whose place is not known yet. */
struct fixup {
	size_t at;   /* of the ja */
	size_t code; /* program */
	size_t pc;   /* in it */
};

struct packer {
	const struct ctr_seccomp_code *codes;
	struct sock_filter *v; /* owned */
	size_t n, cap;
	struct fixup *fixups; /* owned */
	size_t n_fixups, cap_fixups;
	bool failed; /* out of memory; sticks */
};

static bool grow(void **v, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? 2 * *cap : 256;
	void *p;

	if (n < *cap)
		return true;
	p = reallocarray(*v, want, size);
	if (!p)
		return false;
	*v = p;
	*cap = want;
	return true;
}

static void emit(struct packer *p, struct sock_filter insn)
{
	void *v = p->v;

	if (!grow(&v, p->n, &p->cap, sizeof(insn))) {
		p->failed = true;
		return;
	}
	p->v = v;
	p->v[p->n++] = insn;
}

static struct sock_filter stmt(unsigned int code, uint32_t k)
{
	return (struct sock_filter){ .code = (uint16_t)code, .k = k };
}

static void emit_load(struct packer *p, size_t offset)
{
	emit(p, stmt(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void emit_leaf(struct packer *p, const struct ctr_seccomp_span *span)
{
	void *fixups = p->fixups;

	if (span->fixed) {
		emit(p, stmt(BPF_RET | BPF_K, span->action));
		return;
	}
	if (!grow(&fixups, p->n_fixups, &p->cap_fixups, sizeof(*p->fixups))) {
		p->failed = true;
		return;
	}
	p->fixups = fixups;
	p->fixups[p->n_fixups++] = (struct fixup){ p->n, span->code, span->pc };
	emit(p, stmt(BPF_JMP | BPF_JA, 0));
}

/* Neighbouring spans with their different leaves. */
struct block {
	const struct ctr_seccomp_span *v;
	size_t n;
	uint8_t leaf[BLOCK];	/* of each span: which leaf it has */
	uint8_t leaf_of[BLOCK]; /* of each leaf: a span that has it */
	size_t n_leaves;
};

static bool same_leaf(const struct ctr_seccomp_span *a, const struct ctr_seccomp_span *b)
{
	return a->fixed == b->fixed && a->action == b->action && a->code == b->code &&
	       a->pc == b->pc;
}

static void block_init(struct block *b, const struct ctr_seccomp_span *v, size_t n)
{
	b->v = v;
	b->n = n;
	b->n_leaves = 0;
	for (size_t i = 0; i < n; i++) {
		size_t leaf = 0;

		while (leaf < b->n_leaves && !same_leaf(&v[b->leaf_of[leaf]], &v[i]))
			leaf++;
		if (leaf == b->n_leaves)
			b->leaf_of[b->n_leaves++] = (uint8_t)i;
		b->leaf[i] = (uint8_t)leaf;
	}
}

/* The inner node number @at of a block, for @n (at least 2) spans from @from on: n - 1 nodes,
 * itself, those of the left half, those of the right one. Behind all nodes come the leaves. */
static void emit_node(struct packer *p, const struct block *b, size_t at, size_t from, size_t n)
{
	size_t half = n / 2;
	struct sock_filter jge = stmt(BPF_JMP | BPF_JGE | BPF_K, b->v[from + half].first);
	size_t leaves = b->n - 1 - (at + 1); /* how far away */

	jge.jf = (uint8_t)(half == 1 ? leaves + b->leaf[from] : 0);
	jge.jt = (uint8_t)(n - half == 1 ? leaves + b->leaf[from + half] : half - 1);
	emit(p, jge);
	if (half > 1)
		emit_node(p, b, at + 1, from, half);
	if (n - half > 1)
		emit_node(p, b, at + half, from + half, n - half);
}

static void emit_block(struct packer *p, const struct ctr_seccomp_span *v, size_t n)
{
	struct block b;

	_Static_assert(2 * BLOCK <= JUMP_MAX, "from the first node to the last leaf");
	block_init(&b, v, n);
	if (n > 1)
		emit_node(p, &b, 0, 0, n);
	for (size_t i = 0; i < b.n_leaves; i++)
		emit_leaf(p, &v[b.leaf_of[i]]);
}

/* Instructions of the tree of @n spans. */
static size_t tree_size(const struct ctr_seccomp_span *v, size_t n)
{
	struct block b;
	size_t left;

	if (n <= BLOCK) {
		block_init(&b, v, n);
		return n - 1 + b.n_leaves;
	}
	left = tree_size(v, n / 2);
	return (left > JUMP_MAX ? 2 : 1) + left + tree_size(v + n / 2, n - n / 2);
}

static void emit_tree(struct packer *p, const struct ctr_seccomp_span *v, size_t n)
{
	struct sock_filter jge = stmt(BPF_JMP | BPF_JGE | BPF_K, v[n / 2].first);
	size_t left;

	if (n <= BLOCK) {
		emit_block(p, v, n);
		return;
	}
	left = tree_size(v, n / 2);
	if (left > JUMP_MAX) {
		jge.jf = 1;
		emit(p, jge);
		emit(p, stmt(BPF_JMP | BPF_JA, (uint32_t)left));
	} else {
		jge.jt = (uint8_t)left;
		emit(p, jge);
	}
	emit_tree(p, v, n / 2);
	emit_tree(p, v + n / 2, n - n / 2);
}

static void emit_sections(struct packer *p, const struct ctr_seccomp_section *sections, size_t n,
			  uint32_t other)
{
	size_t skip = 0;

	emit_load(p, offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < n; i++) {
		struct sock_filter jeq = stmt(BPF_JMP | BPF_JEQ | BPF_K, sections[i].audit_arch);

		jeq.jf = 1;
		emit(p, jeq);
		/* over what is left of this list, and the sections before */
		emit(p, stmt(BPF_JMP | BPF_JA, (uint32_t)(2 * (n - i - 1) + 1 + skip)));
		skip += 1 + tree_size(sections[i].spans.v, sections[i].spans.n);
	}
	emit(p, stmt(BPF_RET | BPF_K, other));
	for (size_t i = 0; i < n; i++) {
		emit_load(p, offsetof(struct seccomp_data, nr));
		emit_tree(p, sections[i].spans.v, sections[i].spans.n);
	}
}

/* Marks what the program @c can reach from the places that are jumped to. Jumps go forward, so one
 * pass does. False for code that runs off its end. */
static bool mark(const struct packer *p, size_t c, bool *reached)
{
	const struct ctr_seccomp_code *code = &p->codes[c];

	for (size_t i = 0; i < p->n_fixups; i++)
		if (p->fixups[i].code == c)
			reached[p->fixups[i].pc] = true;
	for (size_t pc = 0; pc < code->n; pc++) {
		const struct sock_filter *i = &code->v[pc];
		size_t a = 0, b = 0;

		if (!reached[pc] || BPF_CLASS(i->code) == BPF_RET)
			continue;
		if (i->code == (BPF_JMP | BPF_JA)) {
			a = b = i->k;
		} else if (BPF_CLASS(i->code) == BPF_JMP) {
			a = i->jt;
			b = i->jf;
		}
		if (a >= code->n - pc - 1 || b >= code->n - pc - 1)
			return false;
		reached[pc + 1 + a] = reached[pc + 1 + b] = true;
	}
	return true;
}

/* Number of reached instructions in [from, to): the distance between two that are kept. */
static size_t distance(const bool *reached, size_t from, size_t to)
{
	size_t n = 0;

	while (from < to)
		n += reached[from++];
	return n;
}

/* Copies what is reached of the program @c, closing the gaps: jumps only get shorter. */
static int copy_reached(struct packer *p, size_t c, struct cs_err *err)
{
	const struct ctr_seccomp_code *code = &p->codes[c];
	cs_auto_free bool *reached = calloc(code->n ? code->n : 1, sizeof(*reached));
	size_t base = p->n;

	if (!reached)
		return cs_err_set(err, ENOMEM, "linux.seccomp: out of memory");
	if (!mark(p, c, reached))
		return cs_err_set(err, EPROTO,
				  "linux.seccomp: code from libseccomp without an end");
	for (size_t pc = 0; pc < code->n; pc++) {
		struct sock_filter i = code->v[pc];
		size_t next = pc + 1;

		if (!reached[pc])
			continue;
		if (i.code == (BPF_JMP | BPF_JA)) {
			i.k = (uint32_t)distance(reached, next, next + i.k);
		} else if (BPF_CLASS(i.code) == BPF_JMP) {
			i.jt = (uint8_t)distance(reached, next, next + i.jt);
			i.jf = (uint8_t)distance(reached, next, next + i.jf);
		}
		emit(p, i);
	}
	for (size_t i = 0; i < p->n_fixups && !p->failed; i++) {
		const struct fixup *f = &p->fixups[i];

		if (f->code == c)
			p->v[f->at].k = (uint32_t)(base + distance(reached, 0, f->pc) - f->at - 1);
	}
	return 0;
}

int ctr_seccomp_pack(const struct ctr_seccomp_section *sections, size_t n,
		     const struct ctr_seccomp_code *codes, uint32_t other,
		     struct ctr_seccomp_code *out, struct cs_err *err)
{
	struct packer p = { .codes = codes };
	size_t n_codes = 0;
	int rc = 0;

	emit_sections(&p, sections, n, other);
	for (size_t i = 0; i < p.n_fixups; i++)
		if (p.fixups[i].code >= n_codes)
			n_codes = p.fixups[i].code + 1;
	for (size_t c = 0; c < n_codes && rc == 0; c++)
		rc = copy_reached(&p, c, err);
	if (rc == 0 && p.failed)
		rc = cs_err_set(err, ENOMEM, "linux.seccomp: out of memory");
	if (rc == 0 && p.n > BPF_MAXINSNS)
		rc = cs_err_set(err, E2BIG,
				"linux.seccomp: the filter has %zu instructions, the kernel takes "
				"%d: name fewer rules with args",
				p.n, BPF_MAXINSNS);
	free(p.fixups);
	if (rc < 0) {
		free(p.v);
		return rc;
	}
	out->v = p.v;
	out->n = p.n;
	return 0;
}
