#include "images/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/sys.h"
#include "images/limits.h"

enum {
	PATH_SIZE = IMG_DEPTH_MAX * 8,
	OPEN_DIR = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
};

struct img_unpack {
	int root; /* owned */
	bool userxattr;
	struct img_limits lim;
	uint64_t written;
	const struct img_dir *cached; /* whose fd is kept */
	int cached_fd;		      /* owned */
	int file;		      /* being written; owned */
	struct img_entry e;	      /* its attributes; the pointers last until end() */
};

int img_unpack_new(int parent, const char *name, bool userxattr, const struct img_limits *limits,
		   struct img_unpack **out, struct cs_err *err)
{
	struct img_unpack *u = calloc(1, sizeof(*u));
	int ret = 0;

	if (!u)
		return cs_err_set(err, ENOMEM, "unpack a layer: out of memory");
	*u = (struct img_unpack){
		.root = -EBADF,
		.userxattr = userxattr,
		.lim = img_limits_fill(limits),
		.cached_fd = -EBADF,
		.file = -EBADF,
	};
	if (mkdirat(parent, name, 0700) < 0)
		ret = cs_err_sys(err, "make folder %s", name);
	if (ret == 0) {
		u->root = openat(parent, name, OPEN_DIR);
		if (u->root < 0)
			ret = cs_err_sys(err, "open folder %s", name);
	}
	if (ret < 0) {
		img_unpack_free(u);
		return ret;
	}
	*out = u;
	return 0;
}

void img_unpack_free(struct img_unpack *u)
{
	if (!u)
		return;
	cs_close_fd(&u->root);
	cs_close_fd(&u->cached_fd);
	cs_close_fd(&u->file);
	free(u);
}

/* Borrowed: good until the next call. The path is far from the host's: it begins at the root
 * and nothing in it is followed. A very long one is gone down in steps. */
static int dir_fd(struct img_unpack *u, const struct img_dir *d, struct cs_err *err)
{
	struct open_how how = {
		.flags = OPEN_DIR,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	char path[PATH_SIZE], *at = path;
	cs_auto_fd int from = -EBADF;

	if (!d->node)
		return u->root;
	if (u->cached == d)
		return u->cached_fd;
	if (img_tree_path(d, path, sizeof(path), err) < 0)
		return -err->code;
	cs_close_fd(&u->cached_fd);
	u->cached = NULL;
	while (at) {
		char *cut = strlen(at) > IMG_PATH_MAX - 1 - IMG_NAME_MAX
				    ? strchr(at + IMG_PATH_MAX - (size_t)2 * IMG_NAME_MAX, '/')
				    : NULL;
		int fd;

		if (cut)
			*cut = '\0';
		fd = cs_sys_openat2(from < 0 ? u->root : from, at, &how);
		if (fd < 0)
			return cs_err_sys(err, "open folder %.200s", at);
		cs_close_fd(&from);
		from = fd;
		at = cut ? cut + 1 : NULL;
	}
	u->cached = d;
	u->cached_fd = cs_take_fd(&from);
	return u->cached_fd;
}

/* Room for a new thing of this name. */
static int clear_name(struct img_unpack *u, int dir, const char *name, const struct img_inode *was,
		      struct cs_err *err)
{
	if (!was)
		return 0;
	if (was->type == IMG_TYPE_DIR) {
		int ret = cs_file_rmtree(dir, name, err); /* @dir may be the cached one */

		cs_close_fd(&u->cached_fd); /* perhaps one below it */
		u->cached = NULL;
		return ret;
	}
	if (unlinkat(dir, name, 0) < 0)
		return cs_err_sys(err, "remove");
	return 0;
}

static int set_xattrs(const char *proc, const struct img_xattr *x, size_t n, struct cs_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (lsetxattr(proc, x[i].name, x[i].value, x[i].len, 0) < 0)
			return cs_err_sys(err, "set extended attribute %.100s", x[i].name);
	return 0;
}

/* Owner, mode, attributes, time of @name in @dir, which was made here and is in a folder that is
 * nobody else's. Attributes of what cannot be opened go by the folder's own path in /proc. */
static int set_meta(int dir, const char *name, const struct img_entry *e, struct cs_err *err)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
				  { .tv_sec = e->mtime, .tv_nsec = e->mtime_nsec } };
	char proc[IMG_NAME_MAX + 40];
	int ret = 0;

	if (fchownat(dir, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return cs_err_sys(err, "set its owner to %u:%u", e->uid, e->gid);
	if (e->type != IMG_TYPE_SYM && fchmodat(dir, name, e->mode & 07777, 0) < 0)
		return cs_err_sys(err, "set its mode");
	if (e->n_xattrs > 0) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dir, name);
		ret = set_xattrs(proc, e->xattrs, e->n_xattrs, err);
	}
	if (ret == 0 && utimensat(dir, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		ret = cs_err_sys(err, "set its time");
	return ret;
}

static int make_special(int dir, const char *name, const struct img_entry *e,
			const struct img_inode *inode, struct cs_err *err)
{
	mode_t type = e->type == IMG_TYPE_CHR	? S_IFCHR
		      : e->type == IMG_TYPE_BLK ? S_IFBLK
						: S_IFIFO;

	if (e->type == IMG_TYPE_SYM) {
		if (symlinkat(e->link, dir, name) < 0)
			return cs_err_sys(err, "make symlink");
	} else if (mknodat(dir, name, type | 0600, makedev(e->major, e->minor)) < 0) {
		return cs_err_sys(err, "make device or fifo");
	}
	return inode->whiteout ? 0 : set_meta(dir, name, e, err);
}

static int sink_make(void *ctx, struct img_dir *d, const char *name, const struct img_inode *was,
		     const struct img_entry *e, struct img_inode *inode, struct cs_err *err)
{
	struct img_unpack *u = ctx;
	int dir = dir_fd(u, d, err);
	int ret = dir < 0 ? dir : clear_name(u, dir, name, was, err);

	if (ret < 0)
		return ret;
	dir = dir_fd(u, d, err);
	if (dir < 0)
		return dir;
	if (e->type != IMG_TYPE_REG)
		return make_special(dir, name, e, inode, err);
	u->file = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (u->file < 0)
		return cs_err_sys(err, "make file");
	if (e->sparse && ftruncate(u->file, (off_t)e->size) < 0)
		return cs_err_sys(err, "set its size");
	u->e = *e;
	return 0;
}

static int sink_data(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err)
{
	struct img_unpack *u = ctx;
	const char *p = buf;

	u->written += len;
	if (u->written > u->lim.max_image)
		return cs_err_set(err, EFBIG,
				  "the layer's files are more than %llu bytes, the limit",
				  (unsigned long long)u->lim.max_image);
	while (len > 0) {
		ssize_t n = pwrite(u->file, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "write file");
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int sink_end(void *ctx, struct cs_err *err)
{
	struct img_unpack *u = ctx;
	const struct img_entry *e = &u->e;
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
				  { .tv_sec = e->mtime, .tv_nsec = e->mtime_nsec } };
	int ret = 0;

	if (fchown(u->file, e->uid, e->gid) < 0)
		ret = cs_err_sys(err, "set its owner to %u:%u", e->uid, e->gid);
	if (ret == 0 && fchmod(u->file, e->mode & 07777) < 0)
		ret = cs_err_sys(err, "set its mode");
	for (size_t i = 0; ret == 0 && i < e->n_xattrs; i++)
		if (fsetxattr(u->file, e->xattrs[i].name, e->xattrs[i].value, e->xattrs[i].len, 0) <
		    0)
			ret = cs_err_sys(err, "set extended attribute %.100s", e->xattrs[i].name);
	if (ret == 0 && futimens(u->file, ts) < 0)
		ret = cs_err_sys(err, "set its time");
	cs_close_fd(&u->file);
	return ret;
}

static int sink_link(void *ctx, struct img_dir *d, const char *name, const struct img_inode *was,
		     const struct img_node *to, struct cs_err *err)
{
	struct img_unpack *u = ctx;
	cs_auto_fd int from = -EBADF;
	int dir = dir_fd(u, to->parent, err), ret;

	if (dir < 0)
		return dir;
	from = openat(dir, ".", OPEN_DIR);
	if (from < 0)
		return cs_err_sys(err, "open folder");
	dir = dir_fd(u, d, err);
	ret = dir < 0 ? dir : clear_name(u, dir, name, was, err);
	if (ret < 0)
		return ret;
	dir = dir_fd(u, d, err);
	if (dir < 0)
		return dir;
	if (linkat(from, to->name, dir, name, 0) < 0)
		return cs_err_sys(err, "link to %s", to->name);
	return 0;
}

static int sink_mkdir(void *ctx, struct img_dir *d, const struct img_inode *was, struct cs_err *err)
{
	struct img_unpack *u = ctx;
	int dir = dir_fd(u, d->parent, err);
	int ret = dir < 0 ? dir : clear_name(u, dir, d->node->name, was, err);

	if (ret < 0)
		return ret;
	if (mkdirat(dir, d->node->name, 0700) < 0)
		return cs_err_sys(err, "make folder");
	return 0;
}

const struct img_sink_ops img_unpack_sink = {
	.make = sink_make,
	.data = sink_data,
	.end = sink_end,
	.link = sink_link,
	.mkdir = sink_mkdir,
};

static int finish_dir(struct img_unpack *u, const struct img_dir *d, struct cs_err *err)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
				  { .tv_sec = d->mtime, .tv_nsec = d->mtime_nsec } };
	const char *opaque = u->userxattr ? "user.overlay.opaque" : "trusted.overlay.opaque";
	int fd = dir_fd(u, d, err);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < d->n_xattrs; i++)
		if (fsetxattr(fd, d->xattrs[i].name, d->xattrs[i].value, d->xattrs[i].len, 0) < 0)
			return cs_err_sys(err, "set extended attribute %.100s", d->xattrs[i].name);
	if (d->opaque && fsetxattr(fd, opaque, "y", 1, 0) < 0)
		return cs_err_sys(err, "set extended attribute %s", opaque);
	if (fchown(fd, d->uid, d->gid) < 0)
		return cs_err_sys(err, "set its owner to %u:%u", d->uid, d->gid);
	if (fchmod(fd, d->mode & 07777) < 0)
		return cs_err_sys(err, "set its mode");
	if (futimens(fd, ts) < 0)
		return cs_err_sys(err, "set its time");
	return 0;
}

/* The folders in the order in which they are reached, each before those in it. */
static void reach(struct img_tree *t)
{
	struct img_dir *last = t->root;

	t->root->next = NULL;
	for (struct img_dir *d = t->root; d; d = d->next)
		for (const struct img_node *c = d->children; c; c = c->sibling) {
			if (c->inode->type != IMG_TYPE_DIR)
				continue;
			c->inode->dir->next = NULL;
			last->next = c->inode->dir;
			last = c->inode->dir;
		}
}

int img_unpack_finish(struct img_unpack *u, struct img_tree *t, uint64_t *size, struct cs_err *err)
{
	reach(t);
	for (const struct img_dir *d = t->root; d; d = d->next)
		if (finish_dir(u, d, err) < 0) {
			char path[256];

			if (img_tree_path(d, path, sizeof(path), &(struct cs_err){ 0 }) == 0)
				cs_err_wrap(err, "folder %s", path);
			return -err->code;
		}
	*size = u->written;
	return 0;
}
