#ifndef CS_IMAGES_EROFS_H
#define CS_IMAGES_EROFS_H

#include <stdint.h>

#include "images/apply.h"

struct cs_err;
struct img_limits;
struct img_erofs;

/*
 * Writes an EROFS image in one pass, without knowing what comes: a file's blocks go to the end of
 * the image as they arrive, its inode with the last part of it into a run of metadata blocks kept
 * in memory and written when full; folders and the superblock come at the end. Uncompressed,
 * blocks of 4 KiB, every inode extended (times in ns, ids of 32 bits), sparse files by chunks, so
 * holes stay holes. The same calls make the same bytes. What it needs of memory besides the tree is
 * some 600 KiB.
 *
 * Layout: block 0 has the superblock and the root's inode; metadata and data alternate after that,
 * nids and shared attributes count from block 0.
 */

/* @fd: an empty regular file, read-write; borrowed. */
int img_erofs_new(int fd, const struct img_limits *limits, struct img_erofs **out,
		  struct cs_err *err);
void img_erofs_free(struct img_erofs *w);

/* For img_apply_init(); the context is the struct img_erofs. */
extern const struct img_sink_ops img_erofs_sink;

/* Writes the folders and the superblock. *@size is the image's size in bytes. Nothing is synced. */
int img_erofs_finish(struct img_erofs *w, struct img_tree *t, const uint8_t uuid[16],
		     uint64_t *size, struct cs_err *err);

#endif
