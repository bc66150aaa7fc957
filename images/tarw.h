#ifndef CS_IMAGES_TARW_H
#define CS_IMAGES_TARW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "images/inflate.h"

struct cs_err;

/* A tar writer: ustar, with pax records where ustar has no room (long names, large sizes and ids,
 * nanoseconds, extended attributes). The same calls make the same bytes. */

struct img_tarw {
	img_bytes_fn fn;
	void *ctx;
	uint64_t left; /* private: bytes of the entry's data still to come */
	uint64_t pad;  /* private */
};

struct img_tarw_xattr {
	const char *name;
	const void *value;
	size_t len;
};

struct img_tarw_entry {
	const char *path;   /* relative, no "/" at its end */
	const char *target; /* of a symlink or hard link; else NULL */
	mode_t mode;	    /* with its type */
	bool hardlink;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	dev_t rdev;
	struct timespec mtime;
	const struct img_tarw_xattr *xattrs;
	size_t n_xattrs;
};

/* Begins an entry; a regular file's data follow in any number of calls. */
int img_tarw_entry(struct img_tarw *w, const struct img_tarw_entry *e, struct cs_err *err);
int img_tarw_data(struct img_tarw *w, const void *buf, size_t len, struct cs_err *err);
/* The two empty blocks at the end. */
int img_tarw_end(struct img_tarw *w, struct cs_err *err);

/* A file of that name with these bytes, mode 0644, time 0: what archives are made of. */
int img_tarw_file(struct img_tarw *w, const char *path, const void *buf, size_t len,
		  struct cs_err *err);

/* All that is below the folder @dirfd, names sorted, hard links kept, without crossing mounts. An
 * overlay's whiteouts (0:0 devices) and opaque folders become ".wh." files if @whiteouts. Sockets
 * are left out. What vanishes meanwhile is left out, too; a file that became shorter is filled up
 * with zeros, and a warning is logged. */
int img_tarw_folder(struct img_tarw *w, int dirfd, bool whiteouts, struct cs_err *err);

/* What @name of the folder @dirfd is, as the entry @as, and all that is below it as "@as/...". "."
 * and ".": the folder itself, and what is in it without its name. As above, but mounts are entered,
 * unless the kernel makes up what is in them (procfs, sysfs, cgroups). No link is followed. */
int img_tarw_tree(struct img_tarw *w, int dirfd, const char *name, const char *as,
		  struct cs_err *err);

#endif
