#ifndef CS_IMAGES_IMPLIED_H
#define CS_IMAGES_IMPLIED_H

#include <stddef.h>

#include "images/digest.h"

struct cs_err;

/*
 * A tar may hold "a/b" without "a/". Such an implied folder has 0755, root and no time in its
 * layer, and overlayfs takes a merged folder's owner, mode and extended attributes from the
 * uppermost layer that has it: they would hide those of the layers below. For an image where that
 * happens a small layer is made that holds only the folders concerned, with the right
 * attributes; it is mounted above the image's own layers (below the container's writable one).
 * It is stored as layers/<hex>/ like any other, its name being the sha256 of the list of layers it
 * was made for: images of the same layers share it.
 */

/* @layers are the image's @n diffIDs, the lowest first, all in the store @root. Returns 1 and sets
 * *@fix when a fix layer is needed (it is made and synced, or was there), 0 when none is. Layers
 * in folder mode are read as well, and make the fix a folder. */
int img_implied_fix(int root, const struct img_digest *layers, size_t n, struct img_digest *fix,
		    struct cs_err *err);

#endif
