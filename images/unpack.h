#ifndef CS_IMAGES_UNPACK_H
#define CS_IMAGES_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "images/apply.h"

struct cs_err;
struct img_limits;
struct img_unpack;

/*
 * A layer as a folder, where EROFS cannot be mounted. Only the tree in memory says what is a
 * folder; each parent is opened beneath the root without following anything (openat2,
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS), and kept open while entries for it come. What the
 * kernel refuses to somebody who is not root (device nodes, other owners, trusted.* and security.*
 * attributes) is an error, but that whiteouts are marked with user.overlay.* attributes when
 * @userxattr is set.
 */

/* Makes the folder @name in @parent (borrowed), 0700 until the end. */
int img_unpack_new(int parent, const char *name, bool userxattr, const struct img_limits *limits,
		   struct img_unpack **out, struct cs_err *err);
void img_unpack_free(struct img_unpack *u);

/* For img_apply_init(); the context is the struct img_unpack. */
extern const struct img_sink_ops img_unpack_sink;

/* Sets the folders' attributes. *@size is the sum of the files' sizes. Nothing is synced. */
int img_unpack_finish(struct img_unpack *u, struct img_tree *t, uint64_t *size, struct cs_err *err);

#endif
