/* Names in folders: finding, making, moving and removing them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "kvm/virtio/fuse_int.h"

enum {
	NAME_MOST = 255,
	FD_TEXT = 16,
	CACHE_SECONDS = 1, /* how long a guest believes what it was told, for the host changes it */
};

const char *vio_fuse_name(const struct vio_fuse_req *r, size_t *off)
{
	const char *name = (const char *)r->body + *off;
	size_t len;

	if (*off >= r->len)
		return NULL;
	len = strnlen(name, r->len - *off);
	/* the NUL is the guest's own */
	if (!len || len > NAME_MOST || len == r->len - *off || memchr(name, '/', len) ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NULL;
	*off += len + 1;
	return name;
}

void vio_fuse_attr(const struct stat *st, struct fuse_attr *a)
{
	*a = (struct fuse_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		/* the kernel's new_encode_dev() */
		.rdev = (minor(st->st_rdev) & 0xff) | (major(st->st_rdev) & 0xfff) << 8 |
			(minor(st->st_rdev) & ~0xffU) << 12,
		.blksize = (uint32_t)st->st_blksize,
	};
}

int vio_fuse_lookup(struct vio_fuse *f, const struct vio_fuse_node *parent, const char *name,
		    struct fuse_entry_out *out)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	cs_auto_fd int fd = cs_sys_openat2(parent->fd, name, &how);
	struct vio_fuse_node *n;
	struct stat st;
	int ret;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	ret = vio_fuse_node_add(f, &fd, &st, &n);
	if (ret < 0)
		return ret;
	*out = (struct fuse_entry_out){
		.nodeid = vio_fuse_node_id(n),
		.generation = n->gen,
		.entry_valid = CACHE_SECONDS,
		.attr_valid = CACHE_SECONDS,
	};
	vio_fuse_attr(&st, &out->attr);
	return 0;
}

int vio_fuse_reopen(const struct vio_fuse_node *n, int flags)
{
	char text[FD_TEXT];
	int ret;

	/* anything else would be the host's device or pipe; the guest's kernel has its own */
	if (n->type != S_IFREG && n->type != S_IFDIR)
		return -EPERM;
	(void)snprintf(text, sizeof(text), "%d", n->fd);
	ret = open(text, flags | O_CLOEXEC);
	if (ret < 0)
		return -errno;
	return ret;
}

/* setfsuid(2) takes the capabilities to override permissions away; they are checked in the guest.
 */
static void raise_caps(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &h, d) < 0)
		return;
	d[0].effective = d[0].permitted;
	d[1].effective = d[1].permitted;
	(void)syscall(SYS_capset, &h, d);
}

int vio_fuse_user_begin(const struct vio_fuse *f, const struct vio_fuse_req *r)
{
	if (!f->own_users || (!r->h.uid && !r->h.gid))
		return 0;
	setfsgid(r->h.gid);
	setfsuid(r->h.uid);
	/* they do not report errors, but the current one */
	if ((uint32_t)setfsgid((gid_t)-1) != r->h.gid ||
	    (uint32_t)setfsuid((uid_t)-1) != r->h.uid) {
		vio_fuse_user_end(f);
		return -EPERM;
	}
	raise_caps();
	return 0;
}

void vio_fuse_user_end(const struct vio_fuse *f)
{
	int saved = errno;

	if (f->own_users) {
		setfsuid(0);
		setfsgid(0);
	}
	errno = saved;
}

/* Node of the request, or -ESTALE for one that was not handed out. */
static int node_of(const struct vio_fuse *f, uint64_t id, const struct vio_fuse_node **out)
{
	*out = vio_fuse_node_get(f, id);
	return *out ? 0 : -ESTALE;
}

/* The parent and the name behind the fixed arguments. */
static int place(const struct vio_fuse *f, const struct vio_fuse_req *r, size_t *off,
		 const struct vio_fuse_node **parent, const char **name)
{
	int ret = node_of(f, r->h.nodeid, parent);

	if (ret < 0)
		return ret;
	*name = vio_fuse_name(r, off);
	return *name ? 0 : -EINVAL;
}

/* The answer of what made @name. */
static int answer_entry(struct vio_fuse *f, struct vio_fuse_req *r,
			const struct vio_fuse_node *parent, const char *name)
{
	struct fuse_entry_out out;
	int ret = vio_fuse_lookup(f, parent, name, &out);

	return ret < 0 ? ret : vio_fuse_put(r, &out, sizeof(out));
}

static int op_lookup(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *parent;
	const char *name;
	size_t off = 0;
	int ret = place(f, r, &off, &parent, &name);

	if (ret == 0 && r->room < sizeof(struct fuse_entry_out))
		ret = -EIO;
	return ret < 0 ? ret : answer_entry(f, r, parent, name);
}

static int op_mkdir(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *parent;
	struct fuse_mkdir_in in;
	const char *name;
	size_t off = sizeof(in);
	int ret = place(f, r, &off, &parent, &name);

	if (ret < 0)
		return ret;
	memcpy(&in, r->body, sizeof(in));
	ret = vio_fuse_user_begin(f, r);
	if (ret < 0)
		return ret;
	if (mkdirat(parent->fd, name, in.mode & 07777) < 0)
		ret = -errno;
	vio_fuse_user_end(f);
	return ret < 0 ? ret : answer_entry(f, r, parent, name);
}

/* No devices: on the host they would be the host's. 0:0 is no device but an overlay's whiteout. */
static int op_mknod(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *parent;
	struct fuse_mknod_in in;
	const char *name;
	size_t off = sizeof(in);
	int ret = place(f, r, &off, &parent, &name);

	if (ret < 0)
		return ret;
	memcpy(&in, r->body, sizeof(in));
	if (!S_ISREG(in.mode) && !S_ISFIFO(in.mode) && !S_ISSOCK(in.mode) &&
	    !(S_ISCHR(in.mode) && !in.rdev))
		return -EPERM;
	ret = vio_fuse_user_begin(f, r);
	if (ret < 0)
		return ret;
	if (mknodat(parent->fd, name, in.mode & (S_IFMT | 07777), 0) < 0)
		ret = -errno;
	vio_fuse_user_end(f);
	return ret < 0 ? ret : answer_entry(f, r, parent, name);
}

static int op_symlink(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *parent;
	const char *name, *target;
	size_t off = 0;
	int ret = place(f, r, &off, &parent, &name);

	if (ret < 0)
		return ret;
	/* the text is for the guest alone: nobody here follows it */
	target = (const char *)r->body + off;
	if (off >= r->len || strnlen(target, r->len - off) == r->len - off || !*target)
		return -EINVAL;
	ret = vio_fuse_user_begin(f, r);
	if (ret < 0)
		return ret;
	if (symlinkat(target, parent->fd, name) < 0)
		ret = -errno;
	vio_fuse_user_end(f);
	return ret < 0 ? ret : answer_entry(f, r, parent, name);
}

static int op_link(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *parent, *old;
	struct fuse_link_in in;
	char text[FD_TEXT];
	const char *name;
	size_t off = sizeof(in);
	int ret = place(f, r, &off, &parent, &name);

	memcpy(&in, r->body, sizeof(in));
	if (ret == 0)
		ret = node_of(f, in.oldnodeid, &old);
	if (ret < 0)
		return ret;
	(void)snprintf(text, sizeof(text), "%d", old->fd);
	if (linkat(AT_FDCWD, text, parent->fd, name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return answer_entry(f, r, parent, name);
}

static int remove_name(const struct vio_fuse *f, const struct vio_fuse_req *r, int flags)
{
	const struct vio_fuse_node *parent;
	const char *name;
	size_t off = 0;
	int ret = place(f, r, &off, &parent, &name);

	if (ret < 0)
		return ret;
	return unlinkat(parent->fd, name, flags) < 0 ? -errno : 0;
}

static int op_unlink(struct vio_fuse *f, struct vio_fuse_req *r)
{
	return remove_name(f, r, 0);
}

static int op_rmdir(struct vio_fuse *f, struct vio_fuse_req *r)
{
	return remove_name(f, r, AT_REMOVEDIR);
}

static int rename_name(const struct vio_fuse *f, const struct vio_fuse_req *r, size_t off,
		       uint64_t newdir, unsigned int flags)
{
	const struct vio_fuse_node *from, *to;
	const char *name, *newname;
	int ret = place(f, r, &off, &from, &name);

	if (ret == 0)
		ret = node_of(f, newdir, &to);
	if (ret < 0)
		return ret;
	newname = vio_fuse_name(r, &off);
	if (!newname)
		return -EINVAL;
	return renameat2(from->fd, name, to->fd, newname, flags) < 0 ? -errno : 0;
}

static int op_rename(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_rename_in in;

	memcpy(&in, r->body, sizeof(in));
	return rename_name(f, r, sizeof(in), in.newdir, 0);
}

static int op_rename2(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_rename2_in in;

	memcpy(&in, r->body, sizeof(in));
	if (in.flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	return rename_name(f, r, sizeof(in), in.newdir, in.flags);
}

static int op_readlink(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_node *n;
	int ret = node_of(f, r->h.nodeid, &n);
	ssize_t len;

	if (ret < 0)
		return ret;
	if (n->type != S_IFLNK)
		return -EINVAL;
	len = readlinkat(n->fd, "", (char *)r->reply, r->room);
	if (len < 0)
		return -errno;
	r->n = (size_t)len;
	return 0;
}

const struct vio_fuse_op vio_fuse_node_ops[] = {
	{ FUSE_LOOKUP, false, 0, op_lookup },
	{ FUSE_READLINK, false, 0, op_readlink },
	{ FUSE_MKDIR, true, sizeof(struct fuse_mkdir_in), op_mkdir },
	{ FUSE_MKNOD, true, sizeof(struct fuse_mknod_in), op_mknod },
	{ FUSE_SYMLINK, true, 0, op_symlink },
	{ FUSE_LINK, true, sizeof(struct fuse_link_in), op_link },
	{ FUSE_UNLINK, true, 0, op_unlink },
	{ FUSE_RMDIR, true, 0, op_rmdir },
	{ FUSE_RENAME, true, sizeof(struct fuse_rename_in), op_rename },
	{ FUSE_RENAME2, true, sizeof(struct fuse_rename2_in), op_rename2 },
};
const size_t vio_fuse_n_node_ops = CS_LEN(vio_fuse_node_ops);
