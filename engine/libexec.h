#ifndef CS_ENGINE_LIBEXEC_H
#define CS_ENGINE_LIBEXEC_H

#include <stddef.h>

struct cs_err;

/* The path of one of our own programs: ../libexec/caisson/ beside the folder of the one that runs
 * (so that a tree may be moved), or beside it (a build tree). ENOENT when it is in neither. */
int eng_libexec(const char *name, char *out, size_t size, struct cs_err *err);

#endif
