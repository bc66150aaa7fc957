#include "images/limits.h"

#include <stddef.h>

#include "images/inflate.h"

/* What the kernel takes of one entry's attributes is 64 KiB of names and each value up to 64 KiB.
 * An entry costs some 150 bytes of memory while a layer is made. */
const struct img_limits img_limits_default = {
	.max_tar = IMG_INFLATE_MAX,
	.max_image = 1ULL << 42,
	.max_entries = 4U << 20,
	.max_xattrs = 256U << 10,
	.max_sparse = 256U << 10,
	.max_memory = 1ULL << 30,
	.max_implied = IMG_IMPLIED_MAX,
};

struct img_limits img_limits_fill(const struct img_limits *l)
{
	struct img_limits r = img_limits_default;

	if (!l)
		return r;
	if (l->max_tar)
		r.max_tar = l->max_tar;
	if (l->max_image)
		r.max_image = l->max_image;
	if (l->max_entries)
		r.max_entries = l->max_entries;
	if (l->max_xattrs)
		r.max_xattrs = l->max_xattrs;
	if (l->max_sparse)
		r.max_sparse = l->max_sparse;
	if (l->max_memory)
		r.max_memory = l->max_memory;
	if (l->max_implied)
		r.max_implied = l->max_implied;
	return r;
}
