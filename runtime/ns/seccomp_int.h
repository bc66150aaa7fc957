#ifndef CS_RUNTIME_NS_SECCOMP_INT_H
#define CS_RUNTIME_NS_SECCOMP_INT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_buf;
struct cs_err;
struct ctr_seccomp;

/*
 * The parts of the seccomp step, for its own files and their tests.
 *
 * libseccomp turns the rules into one program an architecture (seccomp_build.c); each is reduced to
 * what it does for which system call numbers (seccomp_spans.c); from that one small program for all
 * architectures is made (seccomp_pack.c). A filter costs at every container's start: the kernel
 * translates it, and runs it for every number to learn which calls need no filtering. Numbers come
 * in runs that are treated alike, so a search tree over the runs is a fraction of libseccomp's
 * code, which tests for each number.
 */

/* The code of a filter. */
struct ctr_seccomp_code {
	struct sock_filter *v; /* owned */
	size_t n;
};

enum {
	CTR_SECCOMP_MAX_ARCHS = 32,
	CTR_SECCOMP_X32_BIT = 0x40000000, /* in numbers of x32, which has no audit arch */
};

/* The architectures (SCMP_ARCH_*) a filter of @sc is for: the native one and those listed which can
 * run on this machine (a foreign one never makes a system call here). Returns their number. */
size_t ctr_seccomp_archs(const struct ctr_seccomp *sc, uint32_t *out);

/* libseccomp's work: the rules for @arch alone. */
int ctr_seccomp_build(const struct ctr_seccomp *sc, uint32_t arch, struct ctr_seccomp_code *out,
		      struct cs_err *err);

/* The greatest number of a system call that @sc names on @arch; -1 if it names none, or lets calls
 * through by default. Greater ones, which are younger than the profile, get ENOSYS. */
int64_t ctr_seccomp_newest(const struct ctr_seccomp *sc, uint32_t arch);

/* What is done to the calls from @first up to the next span's first. */
struct ctr_seccomp_span {
	uint32_t first;
	bool fixed;	 /* the same for all of them, whatever their arguments: */
	uint32_t action; /* this SECCOMP_RET_* */
	size_t code;	 /* otherwise the program with this index says, from */
	size_t pc;	 /* here on */
};

struct ctr_seccomp_spans {
	struct ctr_seccomp_span *v; /* owned */
	size_t n;
};

/* Appends a span; one that continues the last one extends it. */
int ctr_seccomp_spans_add(struct ctr_seccomp_spans *s, struct ctr_seccomp_span span,
			  struct cs_err *err);

/* Appends what @code (its index @index) does for calls of @audit_arch with numbers from @first to
 * @last. EPROTO where the code is of another kind than libseccomp's. Pure. */
int ctr_seccomp_spans_of(const struct ctr_seccomp_code *code, size_t index, uint32_t audit_arch,
			 uint32_t first, uint32_t last, struct ctr_seccomp_spans *out,
			 struct cs_err *err);

/* The spans of one audit arch: from 0 on, without gap. */
struct ctr_seccomp_section {
	uint32_t audit_arch;
	struct ctr_seccomp_spans spans; /* owned */
};

/* One program of all sections; @codes is what their spans point into. Other architectures get
 * @other. Pure. */
int ctr_seccomp_pack(const struct ctr_seccomp_section *sections, size_t n,
		     const struct ctr_seccomp_code *codes, uint32_t other,
		     struct ctr_seccomp_code *out, struct cs_err *err);

/* All that decides what code @sc compiles to, as bytes. */
void ctr_seccomp_key(const struct ctr_seccomp *sc, struct cs_buf *key);

/* The code stored for the @len bytes of @key in the folder @dir. False when there is none that is
 * whole, of exactly this key, and in a file that only we can have written. */
bool ctr_seccomp_cache_get(int dir, const void *key, size_t len, struct ctr_seccomp_code *out);

/* Stores it and removes what is too much; a failure is logged at debug level only. */
void ctr_seccomp_cache_put(int dir, const void *key, size_t len,
			   const struct ctr_seccomp_code *code);

enum { CTR_SECCOMP_CACHE_MAX = 64 }; /* entries kept */

#endif
