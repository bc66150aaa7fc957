#ifndef CS_IMAGES_TXN_H
#define CS_IMAGES_TXN_H

#include <stddef.h>
#include <stdint.h>

#include "images/store.h"

struct cs_err;
struct img_digest;

/*
 * Adding to the store. A transaction is a folder of staging/ and a list in it of the digests (blobs
 * and diffIDs) it leans on: what is on the list of a living process is never removed, whether
 * something refers to it or not. The order of a pull:
 *
 *	img_txn_begin
 *	img_txn_put_blob            the manifest (and the index it is of), then the config
 *	for each layer, in parallel, from any thread:
 *		img_txn_pin         its blob and its diffID, before looking whether they are there
 *		img_layer_have and img_txn_blob: both there, done
 *		img_txn_lock        waits for another process that is fetching the same blob
 *		img_layer_have      again: the other one may have brought it
 *		img_layer_open, ..., img_layer_commit: the bytes kept in a file of the folder
 *		img_txn_blob_commit moves that file into place
 *		close the lock
 *	img_txn_image               checks that all of it is there, then index.json
 *	img_txn_end
 *
 * Functions on one transaction may be called from several threads at once.
 */
struct img_txn;

int img_txn_begin(struct img_store *st, struct img_txn **out, struct cs_err *err);
/* Removes what was not committed; never fails. NULL is allowed. */
void img_txn_end(struct img_txn *t);
static inline void img_txn_cleanup(struct img_txn **t)
{
	img_txn_end(*t);
}
#define img_auto_txn CS_CLEANUP(img_txn_cleanup) /* needs base/cleanup.h */

/* The transaction's own folder, 0700, on the store's file system; borrowed. "lease" in it is ours,
 * every other name is the caller's. */
int img_txn_dirfd(const struct img_txn *t);
struct img_store *img_txn_store(const struct img_txn *t);

/* A lock on a digest (of a blob or a diffID), for as long as the returned fd is open: who holds it
 * is the one that fetches. Waits; then look again whether it is there. */
int img_txn_lock(struct img_txn *t, const char *digest, struct cs_err *err);
/* The same without waiting: EWOULDBLOCK when another one has it. */
int img_txn_trylock(struct img_txn *t, const char *digest, struct cs_err *err);

/* Leans on @digest (a blob, a diffID or both of that digest), there or not, until the end. */
int img_txn_pin(struct img_txn *t, const char *digest, struct cs_err *err);

/* The same for @n of them at once. */
int img_txn_pin_all(struct img_txn *t, const struct img_digest *v, size_t n, struct cs_err *err);

/* Is the blob there, with that size (UINT64_MAX: any)? 1 or 0. Pins it. */
int img_txn_blob(struct img_txn *t, const char *digest, uint64_t size, struct cs_err *err);
/* Stores @len bytes as a blob; if @digest is not NULL they must have it (EBADMSG), else @made
 * (IMG_DIGEST_TEXT bytes) says what it is. One that is there already is left alone, unless it
 * is damaged. Synced. */
int img_txn_put_blob(struct img_txn *t, const void *buf, size_t len, const char *digest, char *made,
		     struct cs_err *err);
/* Moves the file @name of the transaction's folder into place as the blob @digest. The caller has
 * checked that it has that digest and that it is whole; it is synced here. */
int img_txn_blob_commit(struct img_txn *t, const char *name, const char *digest,
			struct cs_err *err);

/* What to enter in index.json. */
struct img_new_image {
	const char *name;   /* normal form (img_ref_format()); NULL or "": dangling */
	const char *digest; /* of the manifest, which is a blob of the store by now */
	const char *source; /* digest of the index it was found in, a blob by now; NULL: none */
};
/* Checks that manifest, config and every layer are there (ENOENT names what is not), makes the
 * layer for implied folders if one is needed, and enters the image. A name that meant another image
 * is taken from it; if that was its last one it stays as a dangling image. An artifact is entered
 * with its blobs alone. EINVAL: @name is none by the grammar. @id (IMG_DIGEST_TEXT bytes, NULL
 * allowed) becomes the image's id. */
int img_txn_image(struct img_txn *t, const struct img_new_image *im, char *id, struct cs_err *err);

#endif
