#ifndef CS_IMAGES_INDEX_H
#define CS_IMAGES_INDEX_H

#include <stddef.h>

#include "images/store.h"

struct cs_err;

/*
 * The store's index.json: an OCI index of a manifest a name, with what a list of images shows in
 * the annotations, so that it alone is read for that. Other programs see names in
 * org.opencontainers.image.ref.name, as in any image layout.
 */

/* Parses it: records in no order. Pure. */
int img_index_parse(const char *buf, size_t len, struct img_list *out, struct cs_err *err);
/* Its text from records; the caller frees *@out. */
int img_index_text(const struct img_record *v, size_t n, char **out, size_t *len,
		   struct cs_err *err);

/* As img_list_find(); *@by_id: the text was an id or a digest, not a name. */
int img_list_resolve(const struct img_list *l, const char *text, const struct img_record **out,
		     bool *by_id, struct cs_err *err);

/* Enters @r (there must be room for one more): in place of a record of the same name, or of one
 * without a name, of the same image. A name that meant another image is taken from that. */
void img_list_enter(struct img_list *l, const struct img_record *r);
/* Takes the name off record @i: an image that has no other stays, without a name. */
void img_list_unname(struct img_list *l, size_t i);
void img_list_drop(struct img_list *l, size_t i);

/* A change of the index under index.lock. The records may be changed and reordered in place; there
 * is room for one more; strings they point to must live until the end. */
struct img_edit {
	struct img_list list;
	int lock; /* owned */
};
#define IMG_EDIT_INIT ((struct img_edit){ .list = IMG_LIST_INIT, .lock = -EBADF })

int img_edit_begin(const struct img_store *st, struct img_edit *out, struct cs_err *err);
/* Writes it, synced, and its folder; lets the lock go. */
int img_edit_commit(const struct img_store *st, struct img_edit *e, struct cs_err *err);
/* Lets the lock go without a change, and frees. Idempotent. */
void img_edit_fini(struct img_edit *e);
#define img_auto_edit CS_CLEANUP(img_edit_fini) /* needs base/cleanup.h and errno.h */

#endif
