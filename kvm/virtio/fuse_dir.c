/* Reading folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kvm/virtio/fuse_int.h"

enum {
	DENTS = 32 * 1024, /* bytes of the kernel's own entries read at once */
};

static int op_opendir(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *n = vio_fuse_node_get(f, r->h.nodeid);
	struct fuse_open_out out = { 0 };
	cs_auto_fd int fd = -EBADF;
	int ret;

	if (!n)
		return -ESTALE;
	if (n->type != S_IFDIR)
		return -ENOTDIR;
	fd = vio_fuse_reopen(n, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	ret = vio_fuse_handle_add(f, &fd, true, &out.fh);
	return ret < 0 ? ret : vio_fuse_put(r, &out, sizeof(out));
}

/* Bytes of an entry in the answer. */
static size_t entry_len(size_t name_len, bool plus)
{
	return (plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET) +
	       FUSE_DIRENT_ALIGN(name_len);
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Adds an entry that fits. */
static void add(struct vio_fuse *f, struct vio_fuse_req *r, const struct vio_fuse_node *dir,
		const struct dirent64 *e, bool plus)
{
	const size_t name_len = strlen(e->d_name);
	const size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	struct fuse_direntplus p = { 0 };
	const struct fuse_dirent d = {
		.ino = e->d_ino,
		.off = (uint64_t)e->d_off,
		.namelen = (uint32_t)name_len,
		.type = e->d_type,
	};
	uint8_t *at = r->reply + r->n;

	/* an entry that cannot be looked up has node 0: the guest will ask again */
	if (plus && (is_dot(e->d_name) || vio_fuse_lookup(f, dir, e->d_name, &p.entry_out) < 0))
		memset(&p.entry_out, 0, sizeof(p.entry_out));
	memset(at, 0, entry_len(name_len, plus));
	if (plus)
		memcpy(at, &p.entry_out, sizeof(p.entry_out));
	memcpy(at + head - FUSE_NAME_OFFSET, &d, FUSE_NAME_OFFSET);
	memcpy(at + head, e->d_name, name_len);
	r->n += entry_len(name_len, plus);
}

/* Where the fd stands afterwards is known again by the offset asked for next. */
static int fill(struct vio_fuse *f, struct vio_fuse_req *r, struct vio_fuse_handle *h,
		const struct vio_fuse_node *dir, size_t most, bool plus)
{
	union {
		struct dirent64 align;
		char buf[DENTS];
	} u;

	for (;;) {
		ssize_t got = getdents64(h->fd, u.buf, sizeof(u.buf));

		if (got < 0)
			return r->n ? 0 : -errno;
		if (!got)
			return 0;
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *e = (const void *)(u.buf + at);

			if (entry_len(strlen(e->d_name), plus) > most - r->n) {
				h->pos = -1;
				return r->n ? 0 : -EINVAL;
			}
			add(f, r, dir, e, plus);
			h->pos = e->d_off;
			at += e->d_reclen;
		}
	}
}

static int op_readdir(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *dir = vio_fuse_node_get(f, r->h.nodeid);
	struct vio_fuse_handle *h;
	struct fuse_read_in in;

	memcpy(&in, r->body, sizeof(in));
	h = vio_fuse_handle_get(f, in.fh, true);
	if (!h || !dir)
		return h ? -ESTALE : -EBADF;
	if (in.offset > INT64_MAX)
		return -EINVAL;
	if (h->pos != (int64_t)in.offset || !in.offset) {
		if (lseek(h->fd, (off_t)in.offset, SEEK_SET) < 0)
			return -errno;
		h->pos = (int64_t)in.offset;
	}
	return fill(f, r, h, dir, in.size < r->room ? in.size : r->room,
		    r->h.opcode == FUSE_READDIRPLUS);
}

const struct vio_fuse_op vio_fuse_dir_ops[] = {
	{ FUSE_OPENDIR, false, sizeof(struct fuse_open_in), op_opendir },
	{ FUSE_READDIR, false, sizeof(struct fuse_read_in), op_readdir },
	{ FUSE_READDIRPLUS, false, sizeof(struct fuse_read_in), op_readdir },
};
const size_t vio_fuse_n_dir_ops = CS_LEN(vio_fuse_dir_ops);
