#ifndef CS_IMAGES_APPLY_H
#define CS_IMAGES_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/tar.h"
#include "images/tree.h"

struct cs_err;
struct img_limits;

/*
 * What a layer's entries mean (OCI image-spec, layer.md), whatever they are written to:
 *
 * - A name is taken from the layer's root, with or without slashes in front; ".." in it is refused.
 *   Symlinks in its folders are followed inside the layer, as if its root were "/", and never
 *   outside: a symlink is looked at in the tree in memory only.
 * - A later entry of the same name replaces the earlier one; a folder again changes its
 *   attributes and keeps what is in it.
 * - A hard link's target is a name in the same layer, no folder. (One in a layer below cannot be
 *   linked to; tools that make layers put the file in again.)
 * - ".wh.NAME" hides NAME of the layers below, ".wh..wh..opq" all of its folder; other names
 *   beginning with ".wh..wh." are aufs' own and left out. They never hide what is in the same
 *   layer, whatever comes first. They become what overlayfs takes: a 0:0 character device, and
 *   trusted.overlay.opaque=y on the folder.
 * - Attributes kept: user.*, trusted.*, security.* and POSIX ACLs. Not kept: overlayfs' own (they
 *   would steer the host's), security.selinux (a label of another host), and other systems'.
 */
struct img_sink_ops {
	/* @name of @dir is something new that is no folder and no hard link; @was is what it was
	 * before or NULL. A regular file's data() and end() follow. */
	int (*make)(void *ctx, struct img_dir *dir, const char *name, const struct img_inode *was,
		    const struct img_entry *e, struct img_inode *inode, struct cs_err *err);
	int (*data)(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err);
	int (*end)(void *ctx, struct cs_err *err);
	/* @name of @dir is a further name of @to; NULL: nothing to do. */
	int (*link)(void *ctx, struct img_dir *dir, const char *name, const struct img_inode *was,
		    const struct img_node *to, struct cs_err *err);
	/* @dir is new (its attributes are known at the end); NULL: nothing to do. */
	int (*mkdir)(void *ctx, struct img_dir *dir, const struct img_inode *was,
		     struct cs_err *err);
};

struct img_apply {
	struct img_tree tree;
	const struct img_sink_ops *sink;
	void *sink_ctx;
	struct img_xattr *xattrs; /* owned: those kept of an entry */
	size_t cap_xattrs;
	bool skip; /* the present entry's data is left out */
	bool file; /* between entry and end of a regular file */
};

int img_apply_init(struct img_apply *a, const struct img_sink_ops *sink, void *sink_ctx,
		   const struct img_limits *limits, struct cs_err *err);
void img_apply_fini(struct img_apply *a);

/* The tar reader's calls; their context is the struct img_apply. */
extern const struct img_tar_ops img_apply_tar;

#endif
