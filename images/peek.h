#ifndef CS_IMAGES_PEEK_H
#define CS_IMAGES_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/digest.h"
#include "images/erofs_read.h"
#include "images/tar.h"

struct cs_err;

/* Looks at one path of a layer in the store, an image or a folder. */
struct img_peek {
	int fd; /* owned */
	bool folder;
	struct img_er im;
};
#define IMG_PEEK_INIT ((struct img_peek){ .fd = -EBADF })

int img_peek_init(struct img_peek *p, int root, const struct img_digest *layer, struct cs_err *err);
void img_peek_fini(struct img_peek *p);

struct img_peeked {
	bool found;  /* the layer has it, or has something that is no folder in its way */
	bool is_dir; /* it is a folder, and the rest is set */
	bool hides;  /* a folder above it hides what layers below have here */
	uint32_t mode, uid, gid, mtime_nsec;
	int64_t mtime;
	struct img_xattr *xattrs; /* owned, with names and values; without overlayfs' marks */
	size_t n_xattrs;
};
#define IMG_PEEKED_INIT ((struct img_peeked){ .found = false })

/* @path without slashes at its ends, "" is the root. Symlinks are not followed: they are no
 * folders. */
int img_peek(const struct img_peek *p, const char *path, struct img_peeked *out,
	     struct cs_err *err);
void img_peeked_fini(struct img_peeked *x);

#endif
