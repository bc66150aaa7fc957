#ifndef CS_RUNTIME_NS_SECCOMP_LOAD_H
#define CS_RUNTIME_NS_SECCOMP_LOAD_H

struct cs_err;
struct ctr;
struct ctr_seccomp_prog;

/* The container's filter, from the cache in the state root or compiled; nothing where it has none.
 * The caller calls ctr_seccomp_fini(). */
int ctr_seccomp_load(const struct ctr *c, struct ctr_seccomp_prog *out, struct cs_err *err);

#endif
