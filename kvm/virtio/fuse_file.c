/* Open files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kvm/virtio/fuse_int.h"

/* What of a guest's open(2) flags means anything for our own. */
static int open_flags(uint32_t guest)
{
	return (int)(guest & (O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC)) | O_NOFOLLOW;
}

static bool wants_write(uint32_t flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
}

/* Opens the node again and gives the fd a name. */
static int open_node(struct vio_fuse *f, const struct vio_fuse_node *n, uint32_t flags,
		     struct fuse_open_out *out)
{
	cs_auto_fd int fd = -EBADF;

	if (n->type != S_IFREG)
		return n->type == S_IFLNK ? -ELOOP : -EPERM;
	if (f->readonly && wants_write(flags))
		return -EROFS;
	/* it is reached by a link of /proc, which O_NOFOLLOW would refuse */
	fd = vio_fuse_reopen(n, open_flags(flags) & ~O_NOFOLLOW);
	if (fd < 0)
		return fd;
	*out = (struct fuse_open_out){ 0 };
	return vio_fuse_handle_add(f, &fd, false, &out->fh);
}

static int op_open(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *n = vio_fuse_node_get(f, r->h.nodeid);
	struct fuse_open_out out;
	struct fuse_open_in in;
	int ret;

	memcpy(&in, r->body, sizeof(in));
	if (!n)
		return -ESTALE;
	ret = open_node(f, n, in.flags, &out);
	return ret < 0 ? ret : vio_fuse_put(r, &out, sizeof(out));
}

/* Makes the file, or finds that it is there: -EEXIST. */
static int make(struct vio_fuse *f, const struct vio_fuse_req *r, int parent, const char *name,
		const struct fuse_create_in *in)
{
	int ret = vio_fuse_user_begin(f, r);

	if (ret < 0)
		return ret;
	/* O_EXCL, for what is there may be a pipe of the host's, or a link */
	ret = openat(parent, name, open_flags(in->flags) | O_CREAT | O_EXCL | O_CLOEXEC,
		     in->mode & 07777);
	if (ret < 0)
		ret = -errno;
	vio_fuse_user_end(f);
	return ret;
}

static int op_create(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct vio_fuse_node *parent = vio_fuse_node_get(f, r->h.nodeid);
	struct fuse_open_out opened = { 0 };
	struct fuse_entry_out entry;
	struct fuse_create_in in;
	cs_auto_fd int fd = -EBADF;
	size_t off = sizeof(in);
	const char *name = vio_fuse_name(r, &off);
	int ret;

	memcpy(&in, r->body, sizeof(in));
	if (!parent || !name)
		return parent ? -EINVAL : -ESTALE;
	if (r->room < sizeof(entry) + sizeof(opened))
		return -EIO;
	fd = make(f, r, parent->fd, name, &in);
	if (fd < 0 && (fd != -EEXIST || in.flags & O_EXCL))
		return fd;
	ret = vio_fuse_lookup(f, parent, name, &entry);
	if (ret < 0)
		return ret;
	if (fd >= 0)
		ret = vio_fuse_handle_add(f, &fd, false, &opened.fh);
	else
		ret = open_node(f, vio_fuse_node_get(f, entry.nodeid), in.flags, &opened);
	if (ret < 0) {
		vio_fuse_node_forget(f, entry.nodeid, 1);
		return ret;
	}
	vio_fuse_put(r, &entry, sizeof(entry));
	return vio_fuse_put(r, &opened, sizeof(opened));
}

static int op_read(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_handle *h;
	struct iovec iov[VIO_CHAIN_MAX];
	struct fuse_read_in in;
	ssize_t n = 0;
	int k;

	memcpy(&in, r->body, sizeof(in));
	h = vio_fuse_handle_get(f, in.fh, false);
	if (!h)
		return -EBADF;
	if (in.size > VIO_FUSE_WRITE_MAX || in.offset > INT64_MAX)
		return -EINVAL;
	k = vio_chain_in_iov(r->c, sizeof(struct fuse_out_header), in.size, iov, NULL);
	if (k)
		n = preadv(h->fd, iov, k, (off_t)in.offset);
	if (n < 0)
		return -errno;
	r->n = (size_t)n;
	r->direct = true;
	return 0;
}

static int op_write(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const uint64_t off = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in);
	struct fuse_write_out out = { 0 };
	const struct vio_fuse_handle *h;
	struct iovec iov[VIO_CHAIN_MAX];
	struct fuse_write_in in;
	uint64_t got;
	ssize_t n = 0;
	int k;

	memcpy(&in, r->body, sizeof(in));
	h = vio_fuse_handle_get(f, in.fh, false);
	if (!h)
		return -EBADF;
	if (in.size > VIO_FUSE_WRITE_MAX || in.offset > INT64_MAX)
		return -EINVAL;
	k = vio_chain_out_iov(r->c, off, in.size, iov, &got);
	if (got < in.size)
		return -EINVAL;
	if (k)
		n = pwritev(h->fd, iov, k, (off_t)in.offset);
	if (n < 0)
		return -errno;
	out.size = (uint32_t)n;
	return vio_fuse_put(r, &out, sizeof(out));
}

static int op_flush(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_flush_in in;

	memcpy(&in, r->body, sizeof(in));
	return vio_fuse_handle_get(f, in.fh, false) ? 0 : -EBADF;
}

static int op_release(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_release_in in;

	memcpy(&in, r->body, sizeof(in));
	vio_fuse_handle_close(f, in.fh);
	return 0;
}

static int op_fsync(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_handle *h;
	struct fuse_fsync_in in;
	int ret;

	memcpy(&in, r->body, sizeof(in));
	h = vio_fuse_handle_get(f, in.fh, r->h.opcode == FUSE_FSYNCDIR);
	if (!h)
		return -EBADF;
	ret = in.fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(h->fd) : fsync(h->fd);
	return ret < 0 ? -errno : 0;
}

static int op_fallocate(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	const struct vio_fuse_handle *h;
	struct fuse_fallocate_in in;

	memcpy(&in, r->body, sizeof(in));
	h = vio_fuse_handle_get(f, in.fh, false);
	if (!h)
		return -EBADF;
	if (in.mode & ~known)
		return -EOPNOTSUPP;
	if (in.offset > INT64_MAX || in.length > INT64_MAX)
		return -EINVAL;
	return fallocate(h->fd, (int)in.mode, (off_t)in.offset, (off_t)in.length) < 0 ? -errno : 0;
}

static int op_lseek(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_handle *h;
	struct fuse_lseek_out out;
	struct fuse_lseek_in in;
	off_t at;

	memcpy(&in, r->body, sizeof(in));
	h = vio_fuse_handle_get(f, in.fh, false);
	if (!h)
		return -EBADF;
	/* all else the guest knows by itself */
	if ((in.whence != SEEK_DATA && in.whence != SEEK_HOLE) || in.offset > INT64_MAX)
		return -EINVAL;
	at = lseek(h->fd, (off_t)in.offset, (int)in.whence);
	if (at < 0)
		return -errno;
	out.offset = (uint64_t)at;
	return vio_fuse_put(r, &out, sizeof(out));
}

const struct vio_fuse_op vio_fuse_file_ops[] = {
	{ FUSE_READ, false, sizeof(struct fuse_read_in), op_read },
	{ FUSE_WRITE, true, sizeof(struct fuse_write_in), op_write },
	{ FUSE_OPEN, false, sizeof(struct fuse_open_in), op_open },
	{ FUSE_CREATE, true, sizeof(struct fuse_create_in), op_create },
	{ FUSE_FLUSH, false, sizeof(struct fuse_flush_in), op_flush },
	{ FUSE_RELEASE, false, sizeof(struct fuse_release_in), op_release },
	{ FUSE_RELEASEDIR, false, sizeof(struct fuse_release_in), op_release },
	{ FUSE_FSYNC, false, sizeof(struct fuse_fsync_in), op_fsync },
	{ FUSE_FSYNCDIR, false, sizeof(struct fuse_fsync_in), op_fsync },
	{ FUSE_FALLOCATE, true, sizeof(struct fuse_fallocate_in), op_fallocate },
	{ FUSE_LSEEK, false, sizeof(struct fuse_lseek_in), op_lseek },
};
const size_t vio_fuse_n_file_ops = CS_LEN(vio_fuse_file_ops);
