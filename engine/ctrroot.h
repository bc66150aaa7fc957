#ifndef CS_ENGINE_CTRROOT_H
#define CS_ENGINE_CTRROOT_H

#include <limits.h>
#include <stdbool.h>

#include "engine/ctrview.h"
#include "engine/record.h"

struct cs_err;
struct eng;

/*
 * A container's files, for who looks into it from outside. One that runs: as its own processes see
 * them, volumes and all, by /proc/PID/root. One that does not: its root filesystem mounted for us
 * alone, volumes and bound folders on it (ctrview.h), and its lock held, so that it is not started
 * meanwhile. Whatever is done must stay beneath @fd (base/path.h): what is below is the
 * container's, and changes while one looks.
 */
struct eng_ctrroot {
	struct eng_record r;	 /* owned */
	int fd;			 /* owned; O_PATH */
	struct eng_ctrview view; /* owned; what keeps its mounts */
	int lock;		 /* owned; -EBADF: it runs */
	int folder;		 /* owned; its folder below the root */
	bool mounted;
	char path[PATH_MAX]; /* what was asked for, as it is called beneath @fd */
};
#define ENG_CTRROOT_INIT                                 \
	((struct eng_ctrroot){ .r = ENG_RECORD_INIT,     \
			       .fd = -EBADF,             \
			       .view = ENG_CTRVIEW_INIT, \
			       .lock = -EBADF,           \
			       .folder = -EBADF }) /* needs errno.h */

/* Opens that of container @id for @path. NULL: of one that has no process of its own on the host,
 * what lies beneath its volumes will do. */
int eng_ctrroot_open(const struct eng *e, const char *id, const char *path, struct eng_ctrroot *out,
		     struct cs_err *err);
void eng_ctrroot_close(struct eng_ctrroot *c);	       /* idempotent */
#define eng_auto_ctrroot CS_CLEANUP(eng_ctrroot_close) /* needs base/cleanup.h */

/* @path without doubled slashes and "." in it, from "/"; a slash at its end goes. ".." stays: what
 * it means depends on links. Pure. ENAMETOOLONG. */
int eng_path_tidy(const char *path, char *out, size_t size, struct cs_err *err);

#endif
