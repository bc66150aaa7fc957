#ifndef CS_IMAGES_LIMITS_H
#define CS_IMAGES_LIMITS_H

#include <stdint.h>

/* What one layer may be at most; what is 0 takes the value of img_limits_default. */
struct img_limits {
	uint64_t max_tar;     /* bytes of the uncompressed tar */
	uint64_t max_image;   /* bytes of layer.erofs, or of the files in folder mode */
	uint32_t max_entries; /* entries, and folders implied by them */
	uint32_t max_xattrs;  /* bytes of an entry's extended attributes, names and values */
	uint32_t max_sparse;  /* pieces of one sparse file */
	/* Bytes of memory while it is made: three quarters for names, links' targets, folders and
	 * their attributes, one for the table of attributes met before. */
	uint64_t max_memory;
	uint32_t max_implied; /* bytes of the list of implied folders */
};

enum {
	IMG_PATH_MAX = 4096,	   /* bytes of a path or a link's target, with the NUL */
	IMG_NAME_MAX = 255,	   /* bytes of one component */
	IMG_DEPTH_MAX = 2048,	   /* folders above each other */
	IMG_PAX_MAX = 1024 * 1024, /* bytes of one extended header */
	IMG_XATTRS_MAX = 255,	   /* extended attributes of an entry: what EROFS can share */
	IMG_IMPLIED_MAX = 64 * 1024 * 1024, /* bytes of a layer's list of implied folders */
};

extern const struct img_limits img_limits_default;

/* @l (NULL: none given) with the defaults filled in. */
struct img_limits img_limits_fill(const struct img_limits *l);

#endif
