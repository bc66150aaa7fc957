#ifndef CS_IMAGES_PULL_H
#define CS_IMAGES_PULL_H

#include "images/ref.h"

struct cs_err;
struct img_reg;
struct img_store;
struct img_watch;

/*
 * A pull: manifest, config, then all layers at once, each unpacked as it comes; the name last. It
 * may be killed at any moment: what has come of a layer is in partial/ and is gone on with by the
 * next pull, and nothing refers to what is not whole. Two pulls of one layer share the work.
 */

enum { IMG_PULL_PARALLEL = 8 }; /* layers at once */

struct img_pull_opts {
	const char *platform;	       /* "OS/ARCH[/VARIANT]"; NULL: this host's */
	const struct img_watch *watch; /* NULL: nobody */
};

/* Pulls @ref (img_reg_name()). @id (NULL allowed) becomes the image's id. ENOENT: the registry has
 * no such image, or not for the platform; EBADMSG: what it gave is not what it promised. */
int img_pull(struct img_store *st, struct img_reg *reg, const struct img_ref *ref,
	     const struct img_pull_opts *o, char id[IMG_DIGEST_TEXT], struct cs_err *err);

#endif
