#ifndef CS_KVM_VIRTIO_FUSE_INT_H
#define CS_KVM_VIRTIO_FUSE_INT_H

/* Shared by the files of the FUSE server; for nobody else. */

#include <linux/fuse.h>
#include <sys/stat.h>

#include "kvm/virtio/fuse.h"

struct vio_fuse_node {
	int fd;		/* owned, O_PATH; -EBADF: free */
	uint32_t gen;	/* changes with each use of the index */
	uint32_t index; /* in vio_fuse.node */
	uint32_t next_free;
	mode_t type; /* S_IFMT bits */
	uint64_t dev, ino;
	uint64_t lookups;
	struct vio_fuse_node *next; /* in its bucket */
};

struct vio_fuse_handle {
	int fd; /* owned; -EBADF: free */
	uint32_t gen;
	bool dir;
	int64_t pos; /* dir: where the fd stands; -1: anywhere */
};

/* The request at hand. */
struct vio_fuse_req {
	struct fuse_in_header h;
	const uint8_t *body; /* what follows the header, ended by a NUL of ours */
	size_t len;	     /* bytes of it, without the NUL */
	const struct vio_chain *c;
	uint8_t *reply; /* put the answer here, up to @room bytes */
	size_t room;
	size_t n;    /* bytes of the answer */
	bool direct; /* it is in the chain already */
	bool no_reply;
};

/* An operation: 0 or -errno. */
typedef int (*vio_fuse_fn)(struct vio_fuse *f, struct vio_fuse_req *r);

struct vio_fuse_op {
	uint32_t opcode;
	bool changes;  /* refused in read-only mode */
	uint32_t args; /* bytes of the fixed part of its body */
	vio_fuse_fn fn;
};

/* One list a file, joined in fuse.c. */
extern const struct vio_fuse_op vio_fuse_node_ops[], vio_fuse_file_ops[], vio_fuse_dir_ops[],
	vio_fuse_attr_ops[], vio_fuse_xattr_ops[];
extern const size_t vio_fuse_n_node_ops, vio_fuse_n_file_ops, vio_fuse_n_dir_ops,
	vio_fuse_n_attr_ops, vio_fuse_n_xattr_ops;

/* fuse_table.c */

/* The node of an id, NULL when it was not handed out. */
struct vio_fuse_node *vio_fuse_node_get(const struct vio_fuse *f, uint64_t id);
uint64_t vio_fuse_node_id(const struct vio_fuse_node *n);
/* The node of the O_PATH fd *@fd, which it takes, with one lookup more. */
int vio_fuse_node_add(struct vio_fuse *f, int *fd, const struct stat *st,
		      struct vio_fuse_node **out);
void vio_fuse_node_forget(struct vio_fuse *f, uint64_t id, uint64_t lookups);
struct vio_fuse_handle *vio_fuse_handle_get(struct vio_fuse *f, uint64_t fh, bool dir);
/* Takes *@fd; *@fh is its name. */
int vio_fuse_handle_add(struct vio_fuse *f, int *fd, bool dir, uint64_t *fh);
void vio_fuse_handle_close(struct vio_fuse *f, uint64_t fh);

/* fuse_node.c */

/* The next name of the body at *@off, checked to be one component; NULL: it is not. */
const char *vio_fuse_name(const struct vio_fuse_req *r, size_t *off);
/* Looks @name up in @parent and fills @out; adds a lookup. */
int vio_fuse_lookup(struct vio_fuse *f, const struct vio_fuse_node *parent, const char *name,
		    struct fuse_entry_out *out);
void vio_fuse_attr(const struct stat *st, struct fuse_attr *a);
/* Opens a node's file again, for reading or writing. */
int vio_fuse_reopen(const struct vio_fuse_node *n, int flags);
/* Become the request's user for what is created, and ourselves again. */
int vio_fuse_user_begin(const struct vio_fuse *f, const struct vio_fuse_req *r);
void vio_fuse_user_end(const struct vio_fuse *f);
/* Moves @len bytes to the answer; -EIO when there is no room. */
int vio_fuse_put(struct vio_fuse_req *r, const void *p, size_t len);

#endif
