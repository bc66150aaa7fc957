#ifndef CS_RUNTIME_NS_SECCOMP_INT_H
#define CS_RUNTIME_NS_SECCOMP_INT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_buf;
struct cs_err;
struct ctr_seccomp;

/* The parts of the seccomp step, for its own files and their tests. */

/* The code of a filter. */
struct ctr_seccomp_code {
	struct sock_filter *v; /* owned */
	size_t n;
};

enum { CTR_SECCOMP_MAX_ARCHS = 32 };

/* The architectures a filter of @sc is for: the native one and those listed which can run on this
 * machine (a foreign one never makes a system call here). Returns their number. */
size_t ctr_seccomp_archs(const struct ctr_seccomp *sc, uint32_t *out);

/* libseccomp's work: rules to code. */
int ctr_seccomp_build(const struct ctr_seccomp *sc, struct ctr_seccomp_code *out,
		      struct cs_err *err);

/* Puts in front of @code, an architecture each: a system call with a greater number than every one
 * that @sc names gets ENOSYS. Does nothing where the default action lets calls through. */
int ctr_seccomp_add_enosys(const struct ctr_seccomp *sc, struct ctr_seccomp_code *code,
			   struct cs_err *err);

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
