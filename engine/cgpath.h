#ifndef CS_ENGINE_CGPATH_H
#define CS_ENGINE_CGPATH_H

#include <stddef.h>

struct cs_err;

/* The folder of containers' cgroups, unless one was given another by --cgroup-parent. */
#define ENG_CGROUP_PARENT "/caisson"

/* Where in each hierarchy the cgroup of container @id is, as the runtime has it: absolute and
 * clean.
 * @parent: what was given, with or without a slash in front; NULL or "": ENG_CGROUP_PARENT. EINVAL
 * or ENAMETOOLONG: @parent cannot be used. */
int eng_cgroup_path(const char *parent, const char *id, char *out, size_t size, struct cs_err *err);

#endif
