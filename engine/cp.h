#ifndef CS_ENGINE_CP_H
#define CS_ENGINE_CP_H

#include <stdbool.h>
#include <stdint.h>

struct cs_err;
struct eng_ctrroot;

/* One side of a copy: a container's files, or the user's own. */
struct eng_cp_side {
	const struct eng_ctrroot *ctr; /* NULL: the user's own; borrowed */
	const char *text;	       /* the path as it was given, "/." at its end and all */
};

struct eng_cp {
	struct eng_cp_side from, to;
	bool archive; /* owners, special files and bits, xattrs are kept */
	bool follow;  /* a link as the source: what it points to */
	/* out */
	uint64_t bytes;
	unsigned int skipped; /* device nodes left out */
};

/*
 * Copies as docker does: a folder's name goes along, unless it ends in "/.", or unless there is no
 * folder of the target's name. Owners without @archive: a container's root in a container, the
 * caller outside. ENOENT, ENOTDIR, EEXIST, EISDIR say what does not fit.
 */
int eng_cp(struct eng_cp *cp, struct cs_err *err);
/* The source as a tar to @fd. */
int eng_cp_out(struct eng_cp *cp, int fd, struct cs_err *err);
/* The tar on @fd into the target, which is a folder; with its owners. */
int eng_cp_in(struct eng_cp *cp, int fd, struct cs_err *err);

#endif
