#ifndef CS_IMAGES_EROFS_INT_H
#define CS_IMAGES_EROFS_INT_H

/* What images/erofs*.c share of the writer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/erofs.h"
#include "images/erofs_fmt.h"
#include "images/limits.h"

enum {
	IMG_EROFS_OUT = 256 * 1024, /* data gathered for one write */
	IMG_EROFS_RUN = 64,	    /* blocks of metadata kept in memory */
	/* Most that attributes take behind an inode: header, 255 shared ids, and 2 KiB. */
	IMG_EROFS_IBODY_MAX = 12 + 4 * 255 + 2048,
	IMG_EROFS_CHUNKS_MAX = 65536, /* entries of a sparse file's table */
};

/* An attribute met before: the first bytes of its sha256, and where it is (0: not shared yet). */
struct img_erofs_seen {
	uint8_t sha[24];
	uint64_t id;
};

/* An inode as it is written, its attributes packed. */
struct img_erofs_rec {
	uint16_t mode; /* with the type */
	uint8_t layout;
	uint32_t u;
	uint32_t uid, gid, nsec, nlink;
	int64_t mtime;
	uint64_t size;
	const uint8_t *ibody;
	size_t ibody_len;
	const uint8_t *tail; /* what stands behind the attributes */
	size_t tail_len;
};

struct img_erofs {
	int fd; /* borrowed */
	struct img_limits lim;
	uint64_t next;	 /* first free block */
	uint64_t inodes; /* written so far */
	uint64_t synced; /* up to where the kernel was told to begin writing */
	bool chunks;	 /* there is a file of chunks */
	uint8_t block0[IMG_EROFS_BLOCK];

	uint8_t out[IMG_EROFS_OUT];
	size_t out_used;
	uint64_t out_at; /* byte of the image that out[0] is */

	uint8_t run[IMG_EROFS_RUN * IMG_EROFS_BLOCK];
	uint16_t run_used[IMG_EROFS_RUN];
	uint32_t run_blocks; /* of this run; 0: none begun */
	uint64_t run_at;     /* byte of the image that run[0] is */

	struct img_erofs_seen *seen; /* owned: hash table */
	size_t seen_n, seen_size;

	/* the file being written */
	struct img_inode *inode;
	struct img_erofs_rec rec;
	uint8_t ibody[IMG_EROFS_IBODY_MAX];
	uint8_t tail[IMG_EROFS_BLOCK];
	size_t tail_len;
	uint64_t full; /* bytes of it that go to blocks */
	uint32_t *map; /* owned: table of chunks */
	uint32_t map_n;
	unsigned int chunk_bits;
};

/* --- erofs_out.c: where bytes go --- */

/* @n blocks in a row; *@at is the first. */
int img_erofs_blocks(struct img_erofs *w, uint64_t n, uint64_t *at, struct cs_err *err);
/* Data at byte @at of the image; what is not written stays zero. */
int img_erofs_out(struct img_erofs *w, uint64_t at, const void *buf, size_t len,
		  struct cs_err *err);
int img_erofs_out_flush(struct img_erofs *w, struct cs_err *err);
/* @len (at most a block) bytes of metadata that don't cross a block, at a multiple of @align.
 * *@at is the byte of the image, *@mem (good until the next call) where to write them, zeroed. */
int img_erofs_meta(struct img_erofs *w, size_t len, size_t align, uint64_t *at, uint8_t **mem,
		   struct cs_err *err);
int img_erofs_run_flush(struct img_erofs *w, struct cs_err *err);
/* Changes metadata that was placed before. */
int img_erofs_patch(struct img_erofs *w, uint64_t at, const void *buf, size_t len,
		    struct cs_err *err);
/* An inode with all that follows it (one block at most). *@nid is its number. */
int img_erofs_record(struct img_erofs *w, const struct img_erofs_rec *r, uint64_t *nid,
		     struct cs_err *err);
/* The bytes of an inode, without what follows it. */
void img_erofs_inode(struct img_erofs *w, const struct img_erofs_rec *r,
		     uint8_t out[IMG_EROFS_INODE]);

/* --- erofs_xattr.c --- */

/* Packs attributes to @out; *@len is 0 when there are none. */
int img_erofs_xattrs(struct img_erofs *w, const struct img_xattr *x, size_t n,
		     uint8_t out[IMG_EROFS_IBODY_MAX], size_t *len, struct cs_err *err);

#endif
