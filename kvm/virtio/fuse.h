#ifndef CS_KVM_VIRTIO_FUSE_H
#define CS_KVM_VIRTIO_FUSE_H

/*
 * A folder of the host's served by the FUSE protocol (linux/fuse.h, version 7.31 and later). A
 * request comes in a chain and is answered in it.
 *
 * What a guest names is a node (an O_PATH fd of ours, found by index and generation) and one
 * component of a path in it, never more: no "/", no "..", and symlinks are never followed, they are
 * the guest's to read. Files are opened by their O_PATH fd, and regular files and folders only, so
 * that neither devices nor pipes of the host's are ever opened. Ids that were not handed out are
 * refused. Permissions are checked in the guest's kernel, with the folder's own users; what is
 * created belongs to the caller there, if this process may do that.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/virtio/chain.h"

struct cs_err;
struct vio_fuse_node;
struct vio_fuse_handle;

enum {
	VIO_FUSE_WRITE_MAX = 512 * 1024, /* bytes read or written at once */
	VIO_FUSE_BODY_MAX = 80 * 1024,	 /* bytes of a request, but for data to write */
	VIO_FUSE_NODE_BUCKETS = 4096,
};

struct vio_fuse {
	bool readonly;
	bool own_users;		     /* we may become the caller */
	bool began;		     /* INIT was answered */
	struct vio_fuse_node **node; /* owned; by index, 1 is the root */
	uint32_t n_nodes, max_nodes;
	uint32_t free_node;				     /* first of a list of free ones */
	struct vio_fuse_node *bucket[VIO_FUSE_NODE_BUCKETS]; /* by device and inode */
	struct vio_fuse_handle *handle;			     /* owned; open files, by index */
	uint32_t n_handles, max_handles;
	uint8_t *body;		   /* owned, of the request at hand: VIO_FUSE_BODY_MAX + 1 */
	uint8_t *reply;		   /* owned, VIO_FUSE_BODY_MAX */
	uint64_t requests, errors; /* counters */
};

/* Serves the folder @root_fd (borrowed, not needed afterwards). The working folder of the process
 * becomes @proc_fd, an fd of its /proc/self/fd (borrowed). At most @max_fds fds are kept open. */
int vio_fuse_init(struct vio_fuse *f, int root_fd, int proc_fd, uint32_t max_fds, bool readonly,
		  struct cs_err *err);
void vio_fuse_fini(struct vio_fuse *f);

/* Forgets all nodes and open files: the guest has gone. */
void vio_fuse_reset(struct vio_fuse *f);

/* Answers the request in @c. Returns the bytes of the answer, 0 for what has none, or -EINVAL when
 * it is no request or cannot be answered. */
int64_t vio_fuse_request(struct vio_fuse *f, const struct vio_chain *c);

#endif
