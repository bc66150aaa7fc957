#ifndef CS_IMAGES_GC_H
#define CS_IMAGES_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/store.h"

struct cs_err;

/* Names come and go, and content with them. */

/* Gives the image that @text means the name @name as well (normal form). */
int img_tag(struct img_store *st, const char *text, const struct img_ref *name, struct cs_err *err);

/* Who uses an image: fills @who ("container web", "a mount") and returns true. Given by the floor
 * above. */
typedef bool (*img_in_use_fn)(void *ctx, const char *id, char *who, size_t size);

enum img_gone_kind {
	IMG_GONE_NAME,	/* "Untagged: NAME" */
	IMG_GONE_IMAGE, /* "Deleted: ID" */
};
struct img_remove {
	bool force;	      /* also the other names of an image given by id, also if in use */
	bool keep_last;	      /* only names (untag): an image that loses its last one is dangling */
	img_in_use_fn in_use; /* NULL: nothing is */
	img_in_use_fn needed; /* the same of what @force does not overcome; NULL: nothing is */
	void *ctx;
	void (*gone)(void *gone_ctx, enum img_gone_kind kind, const char *what); /* NULL allowed */
	void *gone_ctx;
	uint64_t *freed; /* set to the bytes that were freed; NULL allowed */
};
/* Takes the name @text away; the image goes with its last name, and its content with that. By id:
 * all names of it, if there is one or @force. EBUSY: in use. */
int img_remove(struct img_store *st, const char *text, const struct img_remove *r,
	       struct cs_err *err);

/* Takes names and images without a name away by a filter: the caller has chosen the records (of a
 * list of this store, by their digest and name) that go. */
int img_remove_records(struct img_store *st, const struct img_record *const *v, size_t n,
		       const struct img_remove *r, struct cs_err *err);

/* Removes what nothing refers to and no transaction leans on: blobs, layers, dead transactions'
 * folders, downloads broken off more than @partial_age seconds ago (0: all). *@freed: bytes. */
int img_gc(struct img_store *st, int64_t partial_age, uint64_t *freed, struct cs_err *err);

enum img_problem_kind {
	IMG_PROBLEM_MISSING,
	IMG_PROBLEM_DAMAGED,
};
/* Reads all of an image (NULL: of every one) and compares: blobs with their digests, layer.erofs
 * with the recorded one. Calls @problem for each difference; returns how many there were. */
int img_verify(const struct img_store *st, const char *text,
	       void (*problem)(void *ctx, enum img_problem_kind kind, const char *what), void *ctx,
	       struct cs_err *err);

#endif
