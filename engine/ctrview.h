#ifndef CS_ENGINE_CTRVIEW_H
#define CS_ENGINE_CTRVIEW_H

struct cs_err;
struct eng;
struct eng_record;

/*
 * A container's files with its volumes and bound folders on them, as a start would mount them, for
 * who looks from outside: in a mount namespace that nobody lives in. Links lead where they lead in
 * the container.
 */
struct eng_ctrview {
	int root; /* owned; its root directory, O_PATH */
	int ns;	  /* owned; what keeps the mounts */
};
#define ENG_CTRVIEW_INIT                                                        \
	((struct eng_ctrview){ .root = -EBADF, .ns = -EBADF }) /* needs errno.h \
								*/

/* Puts them on @root, a detached mount of its root filesystem, which stays the caller's; nothing is
 * mounted for the host. For @path, tidy: what it lies in must be mounted, and its mount point is
 * made if need be. Another that cannot be mounted is an empty folder that takes nothing. */
int eng_ctrview_open(const struct eng *e, const struct eng_record *r, int root, const char *path,
		     struct eng_ctrview *out, struct cs_err *err);
void eng_ctrview_close(struct eng_ctrview *v); /* idempotent */

#endif
