#ifndef CS_IMAGES_LOAD_INT_H
#define CS_IMAGES_LOAD_INT_H

#include "images/bag.h"
#include "images/manifest.h"
#include "images/source.h"
#include "images/txn.h"

/* What the sources share. */
struct img_loader {
	const struct img_load *l;
	struct img_bag bag; /* owned */
	struct img_txn *txn;
	size_t n; /* images entered */
	/* Name of a blob's file in the bag: "blobs/sha256/<hex>", or "<hex>" of dir: */
	const char *blob_prefix;
	bool dir_manifest; /* the manifest is manifest.json, not a blob by its digest */
};

/* A small blob of the bag, checked; the caller frees *@out. */
int img_loader_blob(struct img_loader *ld, const struct img_desc *d, char **out, size_t *len,
		    struct cs_err *err);
/* The layer @diff_id, whose tar (maybe compressed) is the file @name of the bag. With @blob (a
 * descriptor) it must be that; without, the file must be there and *@digest says what it is (of
 * IMG_DIGEST_TEXT bytes), or what the store has already for that layer. *@size is the blob's. */
struct img_loader_layer {
	const char *name;
	const char *diff_id;
	const struct img_desc *blob; /* NULL: not known */
	char digest[IMG_DIGEST_TEXT];
	uint64_t size;
	const char *media_type; /* set when blob is NULL */
};
int img_loader_layer(struct img_loader *ld, struct img_loader_layer *y, struct cs_err *err);
/* All of them, as many at a time as there are processors. */
int img_loader_layers(struct img_loader *ld, struct img_loader_layer *v, size_t n,
		      struct cs_err *err);
/* The image of manifest @d (a blob of the bag), or of the entry of an index for the platform;
 * entered under @name ("": none). */
int img_loader_image(struct img_loader *ld, const struct img_desc *d, const char *name,
		     struct cs_err *err);
/* Enters what is in the store under @name and tells the caller. */
int img_loader_enter(struct img_loader *ld, const char *digest, const char *source,
		     const char *name, struct cs_err *err);

/* The kinds of source. */
int img_load_oci(struct img_loader *ld, struct cs_err *err);
int img_load_docker(struct img_loader *ld, struct cs_err *err);
int img_load_dir(struct img_loader *ld, struct cs_err *err);

#endif
