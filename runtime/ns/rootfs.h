#ifndef CS_RUNTIME_NS_ROOTFS_H
#define CS_RUNTIME_NS_ROOTFS_H

struct cs_err;
struct ctr_ns_setup;

/* The root of the container, in three steps. All run inside, in the new mount namespace. */

/* Cuts propagation to the host (rootfsPropagation, default rslave), makes root.path a mount of its
 * own and sets s->root and s->host_null. Without a new mount namespace root.path is only opened. */
int ctr_rootfs_attach(struct ctr_ns_setup *s, struct cs_err *err);

/* pivot_root (or MS_MOVE + chroot with no_pivot; chroot without a mount namespace) into s->root and
 * lets go of the old root. "/" and the working folder are the container's afterwards. */
int ctr_rootfs_pivot(struct ctr_ns_setup *s, struct cs_err *err);

/* After the pivot and the masking: root.readonly and a shared/unbindable rootfsPropagation. */
int ctr_rootfs_seal(struct ctr_ns_setup *s, struct cs_err *err);

#endif
