#ifndef CS_KVM_VIRTIO_FS_JAIL_H
#define CS_KVM_VIRTIO_FS_JAIL_H

#include <stdint.h>

struct cs_err;

/*
 * The jail of a folder's server: every fd but the standard ones, @sock and @root_fd is closed, the
 * folder is its root, network, IPC and mount namespaces are its own; of root's capabilities it
 * keeps those that files of other users need, as another user it has none; no_new_privs; a filter
 * of system calls. *@proc_fd becomes an fd of its /proc/self/fd.
 */
int vio_fs_jail(int sock, int root_fd, int *proc_fd, struct cs_err *err);

/* How many fds it may keep open for the guest. */
uint32_t vio_fs_jail_fds(void);

#endif
