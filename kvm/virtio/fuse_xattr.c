/* Extended attributes. They cannot be had by an O_PATH fd, but by its name in /proc/self/fd, which
 * is the working folder; what they may be called is the host kernel's to say. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "kvm/virtio/fuse_int.h"

enum {
	NAME_MOST = 255,
	FD_TEXT = 16,
};

/* Only files and folders: for links it would be asked of what they name. */
static int fd_path(const struct vio_fuse *f, const struct vio_fuse_req *r, char text[FD_TEXT])
{
	const struct vio_fuse_node *n = vio_fuse_node_get(f, r->h.nodeid);

	if (!n)
		return -ESTALE;
	if (n->type != S_IFREG && n->type != S_IFDIR)
		return -EOPNOTSUPP;
	(void)snprintf(text, FD_TEXT, "%d", n->fd);
	return 0;
}

static const char *attr_name(const struct vio_fuse_req *r, size_t *off)
{
	const char *name = (const char *)r->body + *off;
	size_t len;

	if (*off >= r->len)
		return NULL;
	len = strnlen(name, r->len - *off);
	if (!len || len > NAME_MOST || len == r->len - *off)
		return NULL;
	*off += len + 1;
	return name;
}

static int op_setxattr(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_setxattr_in in = { 0 };
	/* the shorter form: FUSE_SETXATTR_EXT is not agreed on */
	size_t off = FUSE_COMPAT_SETXATTR_IN_SIZE;
	char path[FD_TEXT];
	const char *name;
	int ret = fd_path(f, r, path);

	memcpy(&in, r->body, FUSE_COMPAT_SETXATTR_IN_SIZE);
	name = attr_name(r, &off);
	if (ret < 0 || !name || in.size > r->len - off)
		return ret < 0 ? ret : -EINVAL;
	if (in.flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	return setxattr(path, name, r->body + off, in.size, (int)in.flags) < 0 ? -errno : 0;
}

/* The answer to "how much", or the bytes themselves. */
static int answer(struct vio_fuse_req *r, ssize_t n, uint32_t size)
{
	const struct fuse_getxattr_out out = { .size = (uint32_t)n };

	if (n < 0)
		return -errno;
	if (!size)
		return vio_fuse_put(r, &out, sizeof(out));
	r->n = (size_t)n;
	return 0;
}

static int op_getxattr(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_getxattr_in in;
	size_t off = sizeof(in);
	char path[FD_TEXT];
	const char *name;
	int ret = fd_path(f, r, path);

	memcpy(&in, r->body, sizeof(in));
	name = attr_name(r, &off);
	if (ret < 0 || !name)
		return ret < 0 ? ret : -EINVAL;
	if (in.size > r->room)
		in.size = (uint32_t)r->room;
	return answer(r, getxattr(path, name, in.size ? r->reply : NULL, in.size), in.size);
}

static int op_listxattr(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_getxattr_in in;
	char path[FD_TEXT];
	int ret = fd_path(f, r, path);

	memcpy(&in, r->body, sizeof(in));
	if (ret < 0)
		return ret;
	if (in.size > r->room)
		in.size = (uint32_t)r->room;
	return answer(r, listxattr(path, in.size ? (char *)r->reply : NULL, in.size), in.size);
}

static int op_removexattr(struct vio_fuse *f, struct vio_fuse_req *r)
{
	char path[FD_TEXT];
	const char *name;
	size_t off = 0;
	int ret = fd_path(f, r, path);

	name = attr_name(r, &off);
	if (ret < 0 || !name)
		return ret < 0 ? ret : -EINVAL;
	return removexattr(path, name) < 0 ? -errno : 0;
}

const struct vio_fuse_op vio_fuse_xattr_ops[] = {
	{ FUSE_GETXATTR, false, sizeof(struct fuse_getxattr_in), op_getxattr },
	{ FUSE_LISTXATTR, false, sizeof(struct fuse_getxattr_in), op_listxattr },
	{ FUSE_SETXATTR, true, FUSE_COMPAT_SETXATTR_IN_SIZE, op_setxattr },
	{ FUSE_REMOVEXATTR, true, 0, op_removexattr },
};
const size_t vio_fuse_n_xattr_ops = CS_LEN(vio_fuse_xattr_ops);
