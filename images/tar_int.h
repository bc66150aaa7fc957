#ifndef CS_IMAGES_TAR_INT_H
#define CS_IMAGES_TAR_INT_H

/* What images/tar*.c share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "images/limits.h"
#include "images/tar.h"

enum { IMG_TAR_BLOCK = 512 };

/* Sparse pieces as they are read, checked at the end by img_tar_sparse_check(). */
struct img_tar_sparse {
	struct img_extent *v; /* owned */
	size_t n, cap;
	uint64_t want; /* pax: how many were announced */
	bool half;     /* pax 0.0: an offset without its length so far */
};

/* One of the attributes of an entry: offsets into .text, which may move while it grows. */
struct img_tar_xattr {
	size_t name, value, len;
};

/* What extended headers say. */
struct img_tar_pax {
	struct cs_buf path, link;
	bool has_path, has_link, has_size, has_uid, has_gid, has_mtime, has_real, has_dev;
	uint64_t size, uid, gid;
	uint64_t real; /* GNU.sparse.size, GNU.sparse.realsize */
	uint64_t dev_major, dev_minor;
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t sparse_major, sparse_minor;
	bool sparse_10; /* a map stands before the data */
	bool sparse;
	struct img_tar_sparse map;
	struct cs_buf text;	      /* names and values of xattrs */
	struct img_tar_xattr *xattrs; /* owned */
	size_t n_xattrs, cap_xattrs;
	size_t xattr_bytes;
};

/* One block's meaning. */
struct img_tar_header {
	char type; /* the flag as it stands */
	char path[IMG_TAR_BLOCK], link[IMG_TAR_BLOCK];
	uint32_t mode;
	uint64_t size, uid, gid, major, minor;
	int64_t mtime;
	uint64_t real;	     /* GNU sparse: size of the file */
	bool gnu_sparse_ext; /* more blocks of pieces follow */
};

/* Is the block all zero? */
bool img_tar_is_zero(const uint8_t block[IMG_TAR_BLOCK]);
/* Reads a header block; a GNU sparse one's pieces go to @map. */
int img_tar_header(const uint8_t b[IMG_TAR_BLOCK], struct img_tar_header *h,
		   struct img_tar_sparse *map, const struct img_limits *lim, struct cs_err *err);
/* A further block of GNU sparse pieces; returns 1 when one more follows. */
int img_tar_sparse_block(const uint8_t b[IMG_TAR_BLOCK], struct img_tar_sparse *map,
			 const struct img_limits *lim, struct cs_err *err);

int img_tar_sparse_add(struct img_tar_sparse *map, uint64_t off, uint64_t len,
		       const struct img_limits *lim, struct cs_err *err);
/* Ascending, apart, within @real, and together @stored bytes. Empty pieces are dropped. */
int img_tar_sparse_check(struct img_tar_sparse *map, uint64_t real, uint64_t stored,
			 struct cs_err *err);
void img_tar_sparse_reset(struct img_tar_sparse *map);

/* The text of an extended header. @global: what it may say is less, and what is there stays. */
int img_tar_pax_parse(struct img_tar_pax *p, const char *buf, size_t len, bool global,
		      const struct img_limits *lim, struct cs_err *err);
/* Puts what @global says where @p says nothing. */
int img_tar_pax_inherit(struct img_tar_pax *p, const struct img_tar_pax *global,
			const struct img_limits *lim, struct cs_err *err);
/* Empty again, keeping its memory; fini frees that. */
void img_tar_pax_reset(struct img_tar_pax *p);
void img_tar_pax_fini(struct img_tar_pax *p);

#endif
