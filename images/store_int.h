#ifndef CS_IMAGES_STORE_INT_H
#define CS_IMAGES_STORE_INT_H

#include <stdatomic.h>
#include <stddef.h>

#include "images/digest.h"

struct cs_err;

/* What the files of the store share. */

struct img_store {
	int fd;			   /* owned: the folder, readable */
	int blobs, locks, partial; /* owned: blobs/sha256, locks, partial */
};

enum img_gate {
	IMG_GATE_USE, /* look, pin, add */
	IMG_GATE_REMOVE,
};
/* Takes the store's lock; closing the fd lets go. Milliseconds only. */
int img_store_gate(const struct img_store *st, enum img_gate how, struct cs_err *err);

/* Is there a blob? 1, 0 or -errno. *@size if not NULL. */
int img_store_blob_stat(const struct img_store *st, const struct img_digest *d, uint64_t *size,
			struct cs_err *err);

/* Name of a transaction's list of digests in its staging folder: hex digits, a line each. */
#define IMG_LEASE "lease"

#endif
