#ifndef CS_IMAGES_USAGE_H
#define CS_IMAGES_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "images/store.h"

struct cs_err;

/* How much of the disk images take: blobs as they came and layers as they are unpacked, each
 * counted once however many images have it. */

/* Of one record of a list. Several names of one image have the same. */
struct img_usage_one {
	bool active;	 /* in: somebody uses the image */
	uint64_t size;	 /* all of its content */
	uint64_t unique; /* what no other image has */
};

struct img_usage {
	uint64_t total;	 /* of all images */
	uint64_t unused; /* what only images that are not active have */
};

/* @v: one for each record of @l. Content that is not there, or damaged, counts for nothing. */
int img_usage(const struct img_store *st, const struct img_list *l, struct img_usage_one *v,
	      struct img_usage *out, struct cs_err *err);

#endif
