#ifndef CS_IMAGES_BAG_TAR_H
#define CS_IMAGES_BAG_TAR_H

#include <stdint.h>

struct cs_err;
struct img_bag;

struct img_bag_entry {
	char *name; /* owned; without "./" in front */
	char *link; /* owned; what it is a link to; NULL */
	uint64_t off, size;
};

/* Lists the files of the archive bag->fd by reading its headers alone. EBADMSG: it is no tar, or
 * damaged.
 */
int img_bag_scan(struct img_bag *b, struct cs_err *err);

#endif
