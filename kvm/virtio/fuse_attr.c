/* What is known about a file and its file system, and changes to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kvm/virtio/fuse_int.h"

static int answer_attr(struct vio_fuse_req *r, const struct vio_fuse_node *n)
{
	struct fuse_attr_out out = { .attr_valid = 1 };
	struct stat st;

	if (fstat(n->fd, &st) < 0)
		return -errno;
	vio_fuse_attr(&st, &out.attr);
	return vio_fuse_put(r, &out, sizeof(out));
}

static int op_getattr(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *n = vio_fuse_node_get(f, r->h.nodeid);

	return n ? answer_attr(r, n) : -ESTALE;
}

static int set_mode(const struct vio_fuse_node *n, uint32_t mode)
{
	char text[16];

	if (n->type == S_IFLNK)
		return -EOPNOTSUPP;
	(void)snprintf(text, sizeof(text), "%d", n->fd);
	return chmod(text, mode & 07777) < 0 ? -errno : 0;
}

static int set_owner(const struct vio_fuse_node *n, const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	return fchownat(n->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_size(struct vio_fuse *f, const struct vio_fuse_node *n,
		    const struct fuse_setattr_in *in)
{
	const struct vio_fuse_handle *h = NULL;
	cs_auto_fd int fd = -EBADF;

	if (n->type != S_IFREG || in->size > INT64_MAX)
		return -EINVAL;
	if (in->valid & FATTR_FH) {
		h = vio_fuse_handle_get(f, in->fh, false);
		if (!h)
			return -EBADF;
		return ftruncate(h->fd, (off_t)in->size) < 0 ? -errno : 0;
	}
	fd = vio_fuse_reopen(n, O_WRONLY);
	if (fd < 0)
		return fd;
	return ftruncate(fd, (off_t)in->size) < 0 ? -errno : 0;
}

static struct timespec new_time(uint32_t valid, uint32_t set, uint32_t now, uint64_t s, uint32_t ns)
{
	struct timespec t = { .tv_nsec = UTIME_OMIT };

	if (valid & now)
		t.tv_nsec = UTIME_NOW;
	else if (valid & set)
		t = (struct timespec){ (time_t)s, ns };
	return t;
}

static int set_times(const struct vio_fuse_node *n, const struct fuse_setattr_in *in)
{
	const struct timespec t[2] = {
		new_time(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
		new_time(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec),
	};

	return utimensat(n->fd, "", t, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int op_setattr(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *n = vio_fuse_node_get(f, r->h.nodeid);
	struct fuse_setattr_in in;
	int ret = 0;

	memcpy(&in, r->body, sizeof(in));
	if (!n)
		return -ESTALE;
	/* the owner first: it takes set-user-id bits away */
	if (in.valid & (FATTR_UID | FATTR_GID))
		ret = set_owner(n, &in);
	if (ret == 0 && in.valid & FATTR_MODE)
		ret = set_mode(n, in.mode);
	if (ret == 0 && in.valid & FATTR_SIZE)
		ret = set_size(f, n, &in);
	if (ret == 0 && in.valid & (FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW))
		ret = set_times(n, &in);
	return ret < 0 ? ret : answer_attr(r, n);
}

static int op_statfs(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *n = vio_fuse_node_get(f, r->h.nodeid);
	struct fuse_statfs_out out = { 0 };
	struct statfs s;

	if (!n)
		return -ESTALE;
	if (fstatfs(n->fd, &s) < 0)
		return -errno;
	out.st = (struct fuse_kstatfs){
		.blocks = s.f_blocks,
		.bfree = s.f_bfree,
		.bavail = s.f_bavail,
		.files = s.f_files,
		.ffree = s.f_ffree,
		.bsize = (uint32_t)s.f_bsize,
		.namelen = (uint32_t)s.f_namelen,
		.frsize = (uint32_t)s.f_frsize,
	};
	return vio_fuse_put(r, &out, sizeof(out));
}

static int op_syncfs(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *n = vio_fuse_node_get(f, r->h.nodeid);
	cs_auto_fd int fd = -EBADF;

	if (!n)
		return -ESTALE;
	fd = vio_fuse_reopen(n, O_RDONLY);
	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? -errno : 0;
}

const struct vio_fuse_op vio_fuse_attr_ops[] = {
	{ FUSE_GETATTR, false, 0, op_getattr },
	{ FUSE_SETATTR, true, sizeof(struct fuse_setattr_in), op_setattr },
	{ FUSE_STATFS, false, 0, op_statfs },
	{ FUSE_SYNCFS, false, sizeof(struct fuse_syncfs_in), op_syncfs },
};
const size_t vio_fuse_n_attr_ops = CS_LEN(vio_fuse_attr_ops);
