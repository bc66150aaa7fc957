#ifndef CS_ENGINE_SECCOMP_INT_H
#define CS_ENGINE_SECCOMP_INT_H

#include <stddef.h>

struct cs_jw;

/* What the files of seccomp_default.h share. */

/* "names": [...] */
void eng_seccomp_put_names(struct cs_jw *w, const char *const *names, size_t n);

#endif
