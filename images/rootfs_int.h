#ifndef CS_IMAGES_ROOTFS_INT_H
#define CS_IMAGES_ROOTFS_INT_H

#include <stdbool.h>
#include <stddef.h>

struct cs_err;

/* An overlay of mounts that are nowhere: what rootfs.c has made, and how it is put together. */
struct img_overlay {
	const int *layers; /* detached mounts, the lowest first */
	size_t n;
	int dir; /* of upper and work; -EBADF: none */
	bool volatile_upper;
	bool userxattr; /* its attributes are user.overlay.*: of who may not set trusted.* */
};

/* Straight from the detached mounts: Linux 6.15. EINVAL: the kernel does not take them. */
int img_overlay_direct(const struct img_overlay *o, struct cs_err *err);
/* In a process and a mount namespace of its own, where they are attached: any kernel. */
int img_overlay_apart(const struct img_overlay *o, struct cs_err *err);

#endif
