#ifndef CS_KVM_VIRTIO_FS_JAIL_H
#define CS_KVM_VIRTIO_FS_JAIL_H

#include <stdbool.h>
#include <stdint.h>

struct cs_err;

/* What a server has in its jail. */
struct vio_fs_jail {
	int root_fd;	  /* owned; the folder, as the root of the only mount there is */
	int proc_fd;	  /* owned; its /proc/self/fd, and nothing of /proc beside it */
	uint32_t max_fds; /* how many it may keep open for the guest */
};

/*
 * The jail of a folder's server: every fd but the standard ones, @sock and the folder's is closed;
 * the folder, read-only if @readonly, is the only mount of a namespace of its own, without
 * set-user-id programs, devices and execution; network and IPC namespaces are its own; of root's
 * capabilities it keeps those that files of other users need, as another user it has none;
 * no_new_privs; a filter of system calls. Takes *@root_fd.
 */
int vio_fs_jail(int sock, int *root_fd, bool readonly, struct vio_fs_jail *out, struct cs_err *err);

#endif
