#ifndef CS_ENGINE_DIFF_H
#define CS_ENGINE_DIFF_H

#include <stddef.h>

struct cs_err;
struct eng;
struct eng_record;

/* What a container changed in its image's files. */
struct eng_change {
	char kind;  /* 'A' added, 'C' changed, 'D' deleted */
	char *path; /* owned; from "/" */
};
struct eng_changes {
	struct eng_change *v; /* owned; sorted by path */
	size_t n, cap;
};

/* From its writable layer. What was only made as a place to mount on is left out, and so are
 * folders that are there for that alone. */
int eng_diff(const struct eng *e, const struct eng_record *r, struct eng_changes *out,
	     struct cs_err *err);
void eng_changes_fini(struct eng_changes *c);
#define eng_auto_changes CS_CLEANUP(eng_changes_fini) /* needs base/cleanup.h */

/* Its writable layer's files, for reading; -ENOENT without a message: it has none yet. */
int eng_upper_open(const struct eng *e, const char *id, struct cs_err *err);

#endif
