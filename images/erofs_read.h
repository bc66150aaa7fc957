#ifndef CS_IMAGES_EROFS_READ_H
#define CS_IMAGES_EROFS_READ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;

/*
 * Reads images of the kind img_erofs writes (extended inodes, no compression), from a file or from
 * memory. Whatever the bytes are, nothing outside of them is read: EBADMSG.
 */
struct img_er {
	int fd;		    /* borrowed; negative: in memory */
	const uint8_t *mem; /* borrowed */
	uint64_t size;
	uint64_t root;	 /* nid */
	uint64_t inodes; /* as the superblock says */
};

struct img_er_inode {
	uint64_t nid, size;
	uint32_t mode; /* st_mode's */
	uint32_t uid, gid, nlink, mtime_nsec, rdev;
	int64_t mtime;
	uint32_t u;
	uint8_t layout;
	uint64_t xattrs, xattrs_len; /* where */
};

/* The superblock is checked with its checksum; @size is the file's. */
int img_er_open(struct img_er *im, int fd, uint64_t size, struct cs_err *err);
int img_er_open_mem(struct img_er *im, const void *mem, size_t size, struct cs_err *err);

int img_er_inode(const struct img_er *im, uint64_t nid, struct img_er_inode *out,
		 struct cs_err *err);

/* Bytes of a file, a symlink or a folder from @off on; holes are zeros. Returns how many (up to
 * @len, fewer at the end). */
ssize_t img_er_read(const struct img_er *im, const struct img_er_inode *i, uint64_t off, void *buf,
		    size_t len, struct cs_err *err);

/* Each entry of a folder, "." and ".." too. @fn returns 0 to go on, another number to stop with it.
 */
typedef int (*img_er_dirent_fn)(void *ctx, const char *name, size_t len, uint64_t nid,
				struct cs_err *err);
int img_er_dir(const struct img_er *im, const struct img_er_inode *i, img_er_dirent_fn fn,
	       void *ctx, struct cs_err *err);

/* Each extended attribute; @name is NUL-terminated, at most 280 bytes. */
typedef int (*img_er_xattr_fn)(void *ctx, const char *name, const void *value, size_t len,
			       struct cs_err *err);
int img_er_xattrs(const struct img_er *im, const struct img_er_inode *i, img_er_xattr_fn fn,
		  void *ctx, struct cs_err *err);

/* @name in the folder @dir: 1 and its inode, 0 when it is not there. */
int img_er_lookup(const struct img_er *im, const struct img_er_inode *dir, const char *name,
		  size_t len, struct img_er_inode *out, struct cs_err *err);

/* Reads everything that is reached from the root: 0 when all of it is well formed. */
int img_er_check(const struct img_er *im, struct cs_err *err);

#endif
