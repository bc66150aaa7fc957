#ifndef CS_IMAGES_DIFFID_H
#define CS_IMAGES_DIFFID_H

#include <stdint.h>

#include "images/digest.h"

struct cs_err;

/*
 * Is a blob a layer? A manifest and a config say so side by side, and both are their author's: a
 * blob is only taken for the layer of a diffID when its tar has that digest. img_layer_commit()
 * checks that of what it unpacks; here is the check for a layer that is there already, which may
 * have been made from another blob.
 */

/* Was the layer @diff_id of the store @root made from @blob? 1, or 0: not, or it is not there. */
int img_diffid_known(int root, const struct img_digest *diff_id, const struct img_digest *blob,
		     struct cs_err *err);

/* Reads the blob @fd from its beginning, undoes its compression and compares. EBADMSG: it is
 * another tar, or damaged. */
int img_diffid_check(int fd, const struct img_digest *diff_id, struct cs_err *err);

#endif
