#ifndef CS_IMAGES_SOURCE_H
#define CS_IMAGES_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/store.h"

struct cs_err;

/*
 * Sources and sinks that are files: OCI layouts (folder or tar), docker's archives (both layouts of
 * them), skopeo's dir:, and root filesystems. All content is checked by digest before it is
 * entered; a layer that is in the store already is not read again.
 */

struct img_load {
	const struct img_location *from; /* IMG_T_NONE: a tar or folder whose kind is found out */
	int fd;		      /* the archive itself (a pipe: stdin); -EBADF: from->path */
	const char *platform; /* of a multi-platform index; NULL: this host's */
	const char *name; /* instead of the name in it; NULL: that. Only if it holds one image */
	/* Called for each image that was entered; NULL allowed. @name is "" without one. */
	void (*loaded)(void *ctx, const char *name, const char *id);
	void *ctx;
};
/* Loads every image in it. EINVAL: it holds none, or is no archive we know. */
int img_load(struct img_store *st, const struct img_load *l, struct cs_err *err);

enum img_save_format {
	IMG_SAVE_DOCKER, /* docker-archive, uncompressed layers */
	IMG_SAVE_OCI,	 /* oci-archive */
	IMG_SAVE_OCI_DIR,
	IMG_SAVE_DIR, /* skopeo's */
};
struct img_save {
	enum img_save_format format;
	int fd;		  /* the archives: written here */
	const char *path; /* the folders */
	char *const *names;
	size_t n_names;
};
int img_save(struct img_store *st, const struct img_save *s, struct cs_err *err);

/* A root filesystem, a tar (maybe compressed) or a folder, becomes an image of one layer. */
struct img_import {
	const char *path; /* "-": @fd */
	int fd;
	const char *name; /* NULL: dangling */
	const char *message;
	const char *platform;
	const char *const *changes; /* Dockerfile instructions: "CMD [\"sh\"]", "ENV A=b", ... */
	size_t n_changes;
};
int img_import(struct img_store *st, const struct img_import *im, char *id, struct cs_err *err);

#endif
