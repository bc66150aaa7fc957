#ifndef CS_IMAGES_TAR_H
#define CS_IMAGES_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct img_limits;

/*
 * A streaming tar reader: bytes are pushed in, entries come out. It touches no file. Known are v7,
 * ustar, star, pax (POSIX.1-2017 pax(1); global headers give owner, time and attributes), GNU's
 * long names and links, base-256 numbers, sparse files in GNU's old form and pax forms 0.0, 0.1
 * and 1.0, attributes as SCHILY.xattr.* and LIBARCHIVE.xattr.*. Names are given as they stand;
 * what they mean is img_apply's business. Refused: damaged headers, a stream that stops in
 * the middle, kinds of entry nobody knows, and what is past the limits.
 */

struct img_xattr {
	const char *name;
	const void *value;
	size_t len;
};

struct img_extent {
	uint64_t off, len;
};

enum img_type {
	IMG_TYPE_REG,
	IMG_TYPE_LINK, /* hard link to .link, nothing else of the entry matters */
	IMG_TYPE_SYM,  /* to .link */
	IMG_TYPE_CHR,
	IMG_TYPE_BLK,
	IMG_TYPE_DIR,
	IMG_TYPE_FIFO,
	IMG_TYPE_SOCK, /* never in a tar */
};

struct img_entry {
	enum img_type type;
	const char *path; /* not empty, less than IMG_PATH_MAX bytes */
	const char *link; /* "" for all but links */
	uint32_t mode;	  /* permission bits, 07777 */
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t major, minor; /* devices */
	uint64_t size;	       /* regular files: of the file, holes included */
	const struct img_xattr *xattrs;
	size_t n_xattrs;
	bool sparse; /* only @extents hold data; ascending, not empty, within @size */
	const struct img_extent *extents;
	size_t n_extents;
};

/* Each returns 0 or -errno with @err set, which ends the reading. What is passed is borrowed. */
struct img_tar_ops {
	int (*entry)(void *ctx, const struct img_entry *e, struct cs_err *err);
	/* A regular file's bytes at @off, ascending; between entry() and end(). */
	int (*data)(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err);
	int (*end)(void *ctx, struct cs_err *err); /* for every entry that is a regular file */
};

struct img_tar;

int img_tar_new(const struct img_tar_ops *ops, void *ctx, const struct img_limits *limits,
		struct img_tar **out, struct cs_err *err);
void img_tar_free(struct img_tar *t);

/* Takes all @len bytes. What follows the two empty blocks at the end is ignored. After a failure
 * only img_tar_free() may follow. EBADMSG: no tar, or damaged; EFBIG, ENAMETOOLONG: past a limit.
 */
int img_tar_write(struct img_tar *t, const void *buf, size_t len, struct cs_err *err);

/* The input is over. EBADMSG if that is in the middle of an entry. (An end without empty blocks is
 * not, and no bytes at all are an empty tar.) */
int img_tar_end(struct img_tar *t, struct cs_err *err);

uint64_t img_tar_entries(const struct img_tar *t);

#endif
