#ifndef CS_IMAGES_ROOTFS_H
#define CS_IMAGES_ROOTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/store.h"

struct cs_err;
struct img_layer_opts;

/*
 * Root filesystems out of an image's layers, for the floors above.
 *
 * For a container: an overlay of the read-only layers and a private upper. An EROFS layer is
 * mounted from its file where the kernel can (Linux 6.12), else through a loop device; a folder
 * layer is bound. All by the new mount API: nothing appears anywhere in the file system until the
 * caller puts it there, and when the last mount goes the loop devices go with it. With a user
 * namespace the layers are id-mapped mounts (overlay takes them from Linux 5.19): files are never
 * copied to change their owner.
 *
 * For a VM: the list of the EROFS files, lowest first.
 */

struct img_lowers {
	int *fds;      /* owned; files (layer.erofs) or folders (fs/), the lowest first */
	bool *folders; /* owned; which of them are fs/ */
	char **paths;  /* owned; absolute, of the same, for a VM's disks */
	size_t n;
};
#define IMG_LOWERS_INIT ((struct img_lowers){ 0 })

/* Opens every layer of an image, and the one made for implied folders on top of them. Holding the
 * fds keeps the content, whatever is removed meanwhile. */
int img_rootfs_lowers(const struct img_store *st, const struct img_image *im,
		      struct img_lowers *out, struct cs_err *err);
void img_lowers_fini(struct img_lowers *l);
#define img_auto_lowers CS_CLEANUP(img_lowers_fini) /* needs base/cleanup.h */

struct img_rootfs {
	const struct img_lowers *lowers;
	/* The writable layer's folder: "upper" and "work" are made in it when they are missing,
	 * upper with owner and mode of the image's own root. -EBADF: read-only. Borrowed. */
	int dir;
	int userns; /* fd of the user namespace whose ids the files shall have; -EBADF: none */
	/* Never sync the upper: for what is thrown away at the end. Can be mounted once. */
	bool volatile_upper;
};
#define IMG_ROOTFS_INIT ((struct img_rootfs){ .dir = -EBADF, .userns = -EBADF })

/* Mounts it detached; returns an fd for move_mount(2) (or openat() below it). The mount is gone
 * when the fd is closed and it was not moved anywhere. EOPNOTSUPP names what the kernel cannot. */
int img_rootfs_mount(const struct img_rootfs *r, struct cs_err *err);

/* Mounts it on the folder @path (no symlink at its end). */
int img_rootfs_mount_at(const struct img_rootfs *r, const char *path, struct cs_err *err);
/* Unmounts what is on @path; not mounted is no error. */
int img_rootfs_unmount(const char *path, struct cs_err *err);

/* One read-only layer, detached: EROFS from a file (or loop device), or a folder bound. */
int img_rootfs_layer_mount(int fd, bool folder, int userns, struct cs_err *err);

/* Can this kernel mount EROFS for this process? Decides whether new layers are unpacked to fs/. */
bool img_rootfs_can_erofs(void);
/* Sets what follows from that: .folder and .userxattr. */
void img_rootfs_layer_opts(struct img_layer_opts *o);

#endif
