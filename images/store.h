#ifndef CS_IMAGES_STORE_H
#define CS_IMAGES_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/config.h"
#include "images/manifest.h"
#include "images/ref.h"

struct cs_err;

/*
 * The image store: <root>/images/, an OCI image layout that has more beside it.
 *
 *	oci-layout            {"imageLayoutVersion": "1.0.0"}
 *	index.json            one entry a name; the only list of what there is
 *	blobs/sha256/<hex>    manifests, indexes, configs, layers as they came: push and save give
 *	                      back the very same bytes
 *	layers/<hex>/         a layer unpacked, by its diffID (images/layer.h)
 *	staging/<name>/       what a living process is making (images/staging.h)
 *	locks/<hex>           who holds the flock is fetching that digest
 *	partial/<hex>...      downloads that broke off (the registry's)
 *	lock                  shared: looks or adds, milliseconds; exclusive: removes
 *	index.lock            exclusive: changes index.json, milliseconds
 *
 * A file appears whole under its name or not at all: written in staging/, synced, renamed, the
 * folder synced; index.json last. So a process may be killed at any moment, and what it leaves is
 * in staging/ without an owner, or a blob or layer that nothing refers to. No lock is held while
 * anything slow happens.
 */
struct img_store;

/* Opens the store in the folder @path, making it (0700) if it is not there. *@out is the caller's.
 */
int img_store_open(const char *path, struct img_store **out, struct cs_err *err);
void img_store_close(struct img_store *st); /* NULL is allowed */
static inline void img_store_cleanup(struct img_store **st)
{
	img_store_close(*st);
}
#define img_auto_store CS_CLEANUP(img_store_cleanup) /* needs base/cleanup.h */

/* The store's folder, and partial/ in it; borrowed. */
int img_store_fd(const struct img_store *st);
int img_store_partial_fd(const struct img_store *st);

/* --- blobs ------------------------------------------------------------------------------------ */

/* Opens a blob: a regular file, of @size bytes unless that is UINT64_MAX. Returns the fd. ENOENT:
 * it is not there. */
int img_store_blob_open(const struct img_store *st, const char *digest, uint64_t size,
			struct cs_err *err);
/* Reads a small one (IMG_MANIFEST_MAX) whole and checks its digest; the caller frees *@out. */
int img_store_blob_read(const struct img_store *st, const char *digest, char **out, size_t *len,
			struct cs_err *err);

/* --- images ----------------------------------------------------------------------------------- */

/* A name in the store (or an image without one): an entry of index.json. */
struct img_record {
	const char *name;   /* normal form, "host/path:tag" or "host/path@digest"; "" = dangling */
	const char *digest; /* of the manifest */
	const char *media_type;
	uint64_t manifest_size;
	const char *source; /* digest it was pulled by: the index's it is in; "" = the manifest's */
	const char *id;	    /* digest of the config */
	const char
		*fix;  /* digest naming the layer made for implied folders (implied.h); "" = none */
	uint64_t size; /* bytes of its unpacked layers */
	int64_t created; /* of the config, seconds since 1970; 0 = not said */
	struct img_platform platform;
};

struct img_list {
	struct img_record *v;
	size_t n;
	void *mem; /* owned; what all of it is made of */
};
#define IMG_LIST_INIT ((struct img_list){ 0 })

/* Every image, the newest first, then by name. Reads index.json alone: 500 images are quick. */
int img_store_list(const struct img_store *st, struct img_list *out, struct cs_err *err);
void img_list_fini(struct img_list *l);
#define img_auto_list CS_CLEANUP(img_list_fini) /* needs base/cleanup.h */

/* The record that @text means: a name (as given, then with "localhost/", then the only one that
 * ends in "/<text>"; tag "latest" if none), "name@digest", an id or its beginning (2 or more hex
 * digits, with or without "sha256:"), or a manifest's digest. An exact name comes before an id.
 * ENOENT: there is none; EEXIST-like ambiguity is EINVAL. Borrowed from @l. */
int img_list_find(const struct img_list *l, const char *text, const struct img_record **out,
		  struct cs_err *err);

/* All that is known of an image. */
struct img_image {
	struct img_list list;	      /* owned; holds *rec */
	const struct img_record *rec; /* the one that was asked for */
	struct img_manifest manifest;
	struct img_config config;
	char *manifest_text, *config_text; /* owned, as stored */
	size_t manifest_len, config_len;
};
#define IMG_IMAGE_INIT ((struct img_image){ 0 })

int img_store_image(const struct img_store *st, const char *text, struct img_image *out,
		    struct cs_err *err);
void img_image_fini(struct img_image *im);
#define img_auto_image CS_CLEANUP(img_image_fini) /* needs base/cleanup.h */

#endif
