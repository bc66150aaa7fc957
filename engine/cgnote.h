#ifndef CS_ENGINE_CGNOTE_H
#define CS_ENGINE_CGNOTE_H

#include <stddef.h>

struct cs_err;
struct eng;
struct eng_record;

/* Where the cgroups of containers are that were given a parent for it (--cgroup-parent), so that
 * one that is left over is found when nothing else tells of its container:
 * <root>/containers/.cgroups/ID, a symlink whose text is the parent. */

/* Before the record is written. */
int eng_cgnote_make(const struct eng *e, const struct eng_record *r, struct cs_err *err);
/* Once the container is gone; there need not be one. */
void eng_cgnote_drop(const struct eng *e, const char *id);
/* Opens the folder of notes; ENOENT without an error: there is none. */
int eng_cgnote_dir(const struct eng *e, struct cs_err *err);

#endif
