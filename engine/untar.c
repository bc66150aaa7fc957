#include "engine/untar.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/ctrroot.h"
#include "images/tar.h"

/* Owner, mode and times of an entry. */
struct attrs {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct timespec times[2];
};

/* A folder whose attributes are set at the end. */
struct folder {
	char *path; /* owned */
	struct attrs a;
};

struct eng_untar {
	struct eng_untar_opts o;
	struct img_tar *tar; /* owned */
	int base;	     /* owned */
	struct folder *dirs; /* owned */
	size_t n_dirs, cap_dirs;
	char last[PATH_MAX]; /* the folder that @parent is */
	int parent;	     /* owned; -EBADF: none */
	/* the file being written */
	int file; /* owned */
	uint64_t size;
	struct attrs attrs;
	unsigned char cap[64]; /* its capabilities; set last: a write takes them away */
	size_t n_cap;
	char path[PATH_MAX];
	uint64_t bytes;
	unsigned int skipped;
};

static struct attrs attrs_of(const struct eng_untar *u, const struct img_entry *e)
{
	struct attrs a = { .uid = u->o.uid, .gid = u->o.gid, .mode = e->mode & 07777 };

	if (u->o.owners) {
		a.uid = e->uid;
		a.gid = e->gid;
	}
	if (!u->o.special)
		a.mode &= 01777;
	a.times[0] = a.times[1] =
		(struct timespec){ .tv_sec = e->mtime, .tv_nsec = (long)e->mtime_nsec };
	return a;
}

/* "/a/b" of an entry's name. */
static int clean(const char *name, char *out, size_t size, struct cs_err *err)
{
	if (eng_path_tidy(name, out, size, err) < 0)
		return -err->code;
	for (const char *p = out; (p = strstr(p, "/..")); p += 3)
		if (p[3] == '/' || !p[3])
			return cs_err_set(err, EINVAL, "tar: \"%.200s\" leads upwards", name);
	return 0;
}

/* The next folder down, made if it is missing; no link. */
static int step(int dir, const char *name, struct cs_err *err)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make folder %s", name);
		fd = openat(dir, name, flags);
	}
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return cs_err_set(err, ENOTDIR, "%s is in the way: no folder", name);
	if (fd < 0)
		return cs_err_sys(err, "open folder %s", name);
	return fd;
}

static int open_folder(struct eng_untar *u, const char *path, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char full[2 * PATH_MAX], name[NAME_MAX + 1];

	if (u->o.follow) {
		if (cs_str_fmt(full, sizeof(full), err, "%s%s", u->o.base, path) < 0)
			return -err->code;
		return cs_path_mkdirs(u->o.root, full, 0755, err);
	}
	fd = fcntl(u->base, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return cs_err_sys(err, "duplicate a descriptor");
	for (const char *p = path; *p;) {
		size_t n = strcspn(++p, "/");
		int next;

		if (n == 0)
			break;
		if (n >= sizeof(name))
			return cs_err_errno(err, ENAMETOOLONG, "%.60s", p);
		memcpy(name, p, n);
		name[n] = '\0';
		p += n;
		next = step(fd, name, err);
		if (next < 0)
			return next;
		close(fd);
		fd = next;
	}
	return cs_take_fd(&fd);
}

/* The folder that @path ("/a/b") is in, and its name there. Borrowed. */
static int parent_of(struct eng_untar *u, const char *path, const char **name, struct cs_err *err)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int fd;

	*name = slash + 1;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (u->parent >= 0 && strcmp(dir, u->last) == 0)
		return u->parent;
	fd = open_folder(u, dir, err);
	if (fd < 0)
		return fd;
	cs_close_fd(&u->parent);
	u->parent = fd;
	memcpy(u->last, dir, strlen(dir) + 1);
	return fd;
}

/* On an open file. What the file system has no room for is left out. */
static void put_xattrs(struct eng_untar *u, int fd, const struct img_entry *e)
{
	u->n_cap = 0;
	for (size_t i = 0; u->o.xattrs && i < e->n_xattrs; i++) {
		const struct img_xattr *x = &e->xattrs[i];

		if (strcmp(x->name, "security.capability") == 0 && x->len <= sizeof(u->cap)) {
			memcpy(u->cap, x->value, x->len);
			u->n_cap = x->len;
		} else if (cs_str_starts(x->name, "user.") ||
			   cs_str_starts(x->name, "system.posix_acl_")) {
			(void)fsetxattr(fd, x->name, x->value, x->len, 0);
		}
	}
}

/* Owner before mode: a change of owner takes setuid away. */
static int put_attrs(int fd, const char *path, const struct attrs *a, struct cs_err *err)
{
	if (fchown(fd, a->uid, a->gid) < 0 && errno != EPERM)
		return cs_err_sys(err, "set the owner of %s", path);
	if (fchmod(fd, a->mode) < 0)
		return cs_err_sys(err, "set the mode of %s", path);
	if (futimens(fd, a->times) < 0)
		return cs_err_sys(err, "set the time of %s", path);
	return 0;
}

static int note_folder(struct eng_untar *u, const char *path, const struct attrs *a,
		       struct cs_err *err)
{
	if (u->n_dirs == u->cap_dirs) {
		size_t cap = u->cap_dirs ? 2 * u->cap_dirs : 32;
		struct folder *v = reallocarray(u->dirs, cap, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		u->dirs = v;
		u->cap_dirs = cap;
	}
	u->dirs[u->n_dirs] = (struct folder){ .path = strdup(path), .a = *a };
	if (!u->dirs[u->n_dirs].path)
		return cs_err_set(err, ENOMEM, "out of memory");
	u->n_dirs++;
	return 0;
}

/* Is the link @name one to a folder, beneath the root? */
static bool links_to_folder(const struct eng_untar *u, const char *path)
{
	struct cs_err ignored = CS_ERR_INIT;
	char full[2 * PATH_MAX];
	int fd;

	if (!u->o.follow || cs_str_fmt(full, sizeof(full), &ignored, "%s%s", u->o.base, path) < 0)
		return false;
	fd = cs_path_open(u->o.root, full, O_PATH | O_DIRECTORY, &ignored);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int make_folder(struct eng_untar *u, int dir, const char *name, const struct img_entry *e,
		       struct cs_err *err)
{
	const struct attrs a = attrs_of(u, e);
	cs_auto_fd int fd = -EBADF;
	struct stat sb;

	if (mkdirat(dir, name, 0700) < 0) {
		if (errno != EEXIST)
			return cs_err_sys(err, "make folder %s", u->path);
		if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
			return cs_err_sys(err, "look at %s", u->path);
		if (S_ISLNK(sb.st_mode) && links_to_folder(u, u->path))
			return 0;
		if (!S_ISDIR(sb.st_mode))
			return cs_err_set(err, EEXIST,
					  "cannot overwrite %s, which is no folder, by a folder",
					  u->path);
	}
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open folder %s", u->path);
	put_xattrs(u, fd, e);
	return note_folder(u, u->path, &a, err);
}

/* Makes room for what is no folder. 1: it is a mount and stays. */
static int make_room(const struct eng_untar *u, int dir, const char *name, struct cs_err *err)
{
	struct stat sb;

	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "look at %s", u->path);
	if (S_ISDIR(sb.st_mode))
		return cs_err_set(err, EISDIR, "cannot overwrite folder %s by a file", u->path);
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	return errno == EBUSY ? 1 : cs_err_sys(err, "replace %s", u->path);
}

/* Opens for writing what is there, if it is a regular file. */
static int open_in_place(int dir, const char *name, const char *path, struct cs_err *err)
{
	cs_auto_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char self[40];
	struct stat sb;
	int out;

	if (fd < 0 || fstat(fd, &sb) < 0)
		return cs_err_sys(err, "open %s", path);
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EBUSY, "cannot replace %s: something is mounted there",
				  path);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	out = open(self, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	if (out < 0)
		return cs_err_sys(err, "write %s", path);
	return out;
}

static int begin_file(struct eng_untar *u, int fd, const struct img_entry *e)
{
	u->file = fd;
	u->size = e->size;
	u->attrs = attrs_of(u, e);
	u->n_cap = 0;
	return 0;
}

static int make_file(struct eng_untar *u, int dir, const char *name, const struct img_entry *e,
		     struct cs_err *err)
{
	int ret = make_room(u, dir, name, err), fd;

	if (ret < 0)
		return ret;
	if (ret > 0) {
		fd = open_in_place(dir, name, u->path, err);
	} else {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return cs_err_sys(err, "make %s", u->path);
	}
	if (fd < 0)
		return fd;
	begin_file(u, fd, e);
	put_xattrs(u, fd, e);
	return 0;
}

/* What has no content of its own: links, fifos, devices. Attributes are never set through a name
 * that could be a link by then. */
static int finish_node(const struct eng_untar *u, int dir, const char *name,
		       const struct img_entry *e, struct cs_err *err)
{
	const struct attrs a = attrs_of(u, e);
	cs_auto_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char self[40];
	struct stat sb;

	if (fd < 0 || fstat(fd, &sb) < 0)
		return cs_err_sys(err, "open %s", u->path);
	if (fchownat(fd, "", a.uid, a.gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EPERM)
		return cs_err_sys(err, "set the owner of %s", u->path);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (!S_ISLNK(sb.st_mode) && chmod(self, a.mode) < 0)
		return cs_err_sys(err, "set the mode of %s", u->path);
	if (utimensat(fd, "", a.times, AT_EMPTY_PATH) < 0 && errno != EINVAL)
		return cs_err_sys(err, "set the time of %s", u->path);
	return 0;
}

static int make_node(struct eng_untar *u, int dir, const char *name, const struct img_entry *e,
		     struct cs_err *err)
{
	int ret = make_room(u, dir, name, err);
	mode_t type = e->type == IMG_TYPE_CHR	? S_IFCHR
		      : e->type == IMG_TYPE_BLK ? S_IFBLK
						: S_IFIFO;

	if (ret > 0)
		return cs_err_set(err, EBUSY, "cannot replace %s: something is mounted there",
				  u->path);
	if (ret < 0)
		return ret;
	if (e->type == IMG_TYPE_SYM)
		ret = symlinkat(e->link, dir, name);
	else
		ret = mknodat(dir, name, type | 0600, makedev(e->major, e->minor));
	return ret < 0 ? cs_err_sys(err, "make %s", u->path) : finish_node(u, dir, name, e, err);
}

static int make_link(struct eng_untar *u, int dir, const char *name, const struct img_entry *e,
		     struct cs_err *err)
{
	cs_auto_fd int to = -EBADF;
	char path[PATH_MAX];
	const char *old;
	int ret = make_room(u, dir, name, err);

	if (ret > 0)
		return cs_err_set(err, EBUSY, "cannot replace %s: something is mounted there",
				  u->path);
	if (ret < 0 || clean(e->link, path, sizeof(path), err) < 0)
		return -err->code;
	/* parent_of() may close the folder that we have from it */
	to = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	if (to < 0)
		return cs_err_sys(err, "duplicate a descriptor");
	ret = parent_of(u, path, &old, err);
	if (ret < 0)
		return ret;
	if (linkat(ret, old, to, name, 0) < 0)
		return cs_err_sys(err, "link %s to %s", u->path, path);
	return 0;
}

static int on_entry(void *ctx, const struct img_entry *e, struct cs_err *err)
{
	struct eng_untar *u = ctx;
	const char *name;
	int dir;

	cs_close_fd(&u->file);
	if (clean(e->path, u->path, sizeof(u->path), err) < 0)
		return -err->code;
	if (u->o.file >= 0) {
		int fd = e->type == IMG_TYPE_REG ? fcntl(u->o.file, F_DUPFD_CLOEXEC, 0) : -1;

		return fd < 0 ? cs_err_set(err, EINVAL, "%s is no regular file any more", e->path)
			      : begin_file(u, fd, e);
	}
	if (strcmp(u->path, "/") == 0)
		return 0; /* the folder itself stays as it is */
	dir = parent_of(u, u->path, &name, err);
	if (dir < 0)
		return dir;
	switch (e->type) {
	case IMG_TYPE_DIR:
		return make_folder(u, dir, name, e, err);
	case IMG_TYPE_REG:
		return make_file(u, dir, name, e, err);
	case IMG_TYPE_LINK:
		return make_link(u, dir, name, e, err);
	case IMG_TYPE_CHR:
	case IMG_TYPE_BLK:
		if (!u->o.special) {
			u->skipped++;
			return 0;
		}
		return make_node(u, dir, name, e, err);
	case IMG_TYPE_SYM:
	case IMG_TYPE_FIFO:
		return make_node(u, dir, name, e, err);
	case IMG_TYPE_SOCK:
	default:
		return 0;
	}
}

static int on_data(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err)
{
	struct eng_untar *u = ctx;
	const char *p = buf;

	u->bytes += len;
	while (len > 0 && u->file >= 0) {
		ssize_t n = pwrite(u->file, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cs_err_sys(err, "write %s", u->path);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int on_end(void *ctx, struct cs_err *err)
{
	struct eng_untar *u = ctx;
	int ret;

	if (u->file < 0)
		return 0;
	if (ftruncate(u->file, (off_t)u->size) < 0)
		return cs_err_sys(err, "set the size of %s", u->path);
	ret = put_attrs(u->file, u->path, &u->attrs, err);
	if (ret == 0 && u->n_cap > 0)
		(void)fsetxattr(u->file, "security.capability", u->cap, u->n_cap, 0);
	cs_close_fd(&u->file);
	return ret;
}

static const struct img_tar_ops tar_ops = { .entry = on_entry, .data = on_data, .end = on_end };

int eng_untar_new(const struct eng_untar_opts *o, struct eng_untar **out, struct cs_err *err)
{
	eng_auto_untar struct eng_untar *u = calloc(1, sizeof(*u));

	if (!u)
		return cs_err_set(err, ENOMEM, "out of memory");
	u->o = *o;
	u->base = u->parent = u->file = -EBADF;
	if (o->file < 0) {
		u->base = cs_path_open(o->root, o->base, O_PATH | O_DIRECTORY, err);
		if (u->base < 0)
			return u->base;
	}
	if (img_tar_new(&tar_ops, u, NULL, &u->tar, err) < 0)
		return -err->code;
	*out = cs_take_ptr(&u);
	return 0;
}

int eng_untar_write(struct eng_untar *u, const void *buf, size_t len, struct cs_err *err)
{
	return img_tar_write(u->tar, buf, len, err);
}

int eng_untar_end(struct eng_untar *u, struct cs_err *err)
{
	int ret = img_tar_end(u->tar, err);

	/* from the deepest up: a folder's time changes with what is made in it */
	for (size_t i = u->n_dirs; ret == 0 && i-- > 0;) {
		const struct folder *d = &u->dirs[i];
		cs_auto_fd int fd = -EBADF;
		const char *name;

		ret = parent_of(u, d->path, &name, err);
		if (ret < 0)
			break;
		fd = openat(ret, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ret = fd < 0 ? cs_err_sys(err, "open folder %s", d->path)
			     : put_attrs(fd, d->path, &d->a, err);
	}
	return ret;
}

void eng_untar_free(struct eng_untar *u)
{
	if (!u)
		return;
	img_tar_free(u->tar);
	cs_close_fd(&u->base);
	cs_close_fd(&u->parent);
	cs_close_fd(&u->file);
	for (size_t i = 0; i < u->n_dirs; i++)
		free(u->dirs[i].path);
	free(u->dirs);
	free(u);
}

uint64_t eng_untar_bytes(const struct eng_untar *u)
{
	return u->bytes;
}

unsigned int eng_untar_skipped(const struct eng_untar *u)
{
	return u->skipped;
}
