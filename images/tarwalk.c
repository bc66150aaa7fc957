#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "images/tarw.h"

enum {
	DEPTH_MAX = 256, /* of some 9 KiB of stack and an fd each */
	CHUNK = 1 << 17,
	XATTRS_MAX = 64, /* of one file */
	XATTR_BYTES = 64 << 10,
};

struct link {
	dev_t dev;
	ino_t ino;
	char *path; /* owned */
};

struct walk {
	struct img_tarw *w;
	dev_t dev; /* of the top: mounts are not entered */
	bool whiteouts;
	bool cross;	    /* mounts are entered, but for those of what the kernel makes up */
	struct link *links; /* owned */
	size_t n_links, cap;
	char *buf; /* owned, CHUNK bytes */
	unsigned int depth;
};

/* Extended attributes of one file. */
struct xattrs {
	struct img_tarw_xattr v[XATTRS_MAX];
	size_t n;
	char names[XATTR_BYTES], values[XATTR_BYTES];
	bool opaque;
};

static bool skip_xattr(const struct walk *k, const char *name)
{
	return strcmp(name, "security.selinux") == 0 ||
	       (k->whiteouts &&
		(cs_str_starts(name, "trusted.overlay.") || cs_str_starts(name, "user.overlay.")));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct img_tarw_xattr *)a)->name,
		      ((const struct img_tarw_xattr *)b)->name);
}

/* Into the room left behind @used bytes of values. Its length. */
static ssize_t read_value(const char *path, const char *name, const char *xattr, struct xattrs *x,
			  size_t used, struct cs_err *err)
{
	size_t room = sizeof(x->values) - used;
	ssize_t n = lgetxattr(path, xattr, x->values + used, room);

	/* without any room it only says how long the value is */
	if ((n < 0 && errno == ERANGE) || (n > 0 && (size_t)n > room))
		return cs_err_set(err, E2BIG, "%s has attributes of more than %d bytes", name,
				  XATTR_BYTES);
	return n < 0 ? cs_err_sys(err, "read attribute %.60s of %s", xattr, name) : n;
}

static bool is_opaque_mark(const char *xattr)
{
	return strcmp(xattr, "trusted.overlay.opaque") == 0 ||
	       strcmp(xattr, "user.overlay.opaque") == 0;
}

static int read_xattrs(const struct walk *k, int dir, const char *name, struct xattrs *x,
		       struct cs_err *err)
{
	char path[NAME_MAX + 48];
	size_t used = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	x->n = 0;
	x->opaque = false;
	len = llistxattr(path, x->names, sizeof(x->names));
	if (len < 0)
		return errno == ENOTSUP ? 0 : cs_err_sys(err, "list attributes of %s", name);
	for (char *s = x->names; s < x->names + len; s += strlen(s) + 1) {
		ssize_t n = read_value(path, name, s, x, used, err);

		if (n == -ENODATA) { /* taken off meanwhile */
			cs_err_clear(err);
			continue;
		}
		if (n < 0)
			return (int)n;
		if (is_opaque_mark(s))
			x->opaque = n == 1 && x->values[used] == 'y';
		if (skip_xattr(k, s))
			continue;
		if (x->n == XATTRS_MAX)
			return cs_err_set(err, E2BIG, "%s has too many attributes", name);
		x->v[x->n++] = (struct img_tarw_xattr){ s, x->values + used, (size_t)n };
		used += (size_t)n;
	}
	qsort(x->v, x->n, sizeof(*x->v), by_name);
	return 0;
}

/* A file met before by another name: that name, else NULL and it is noted. */
static int find_link(struct walk *k, const struct stat *sb, const char *path, const char **out,
		     struct cs_err *err)
{
	*out = NULL;
	if (sb->st_nlink < 2)
		return 0;
	for (size_t i = 0; i < k->n_links; i++) {
		if (k->links[i].ino == sb->st_ino && k->links[i].dev == sb->st_dev) {
			*out = k->links[i].path;
			return 0;
		}
	}
	if (k->n_links == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 64;
		struct link *v = reallocarray(k->links, cap, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		k->links = v;
		k->cap = cap;
	}
	k->links[k->n_links] = (struct link){ sb->st_dev, sb->st_ino, strdup(path) };
	if (!k->links[k->n_links].path)
		return cs_err_set(err, ENOMEM, "out of memory");
	k->n_links++;
	return 0;
}

/* What is swapped for a device or a fifo meanwhile is not opened: that alone may do something. */
static int open_regular(int dir, const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[40];
	struct stat sb;
	int ret;

	if (fd < 0 || fstat(fd, &sb) < 0)
		return cs_err_sys(err, "open %s", name);
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EAGAIN, "%s became something else while it was read", name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (ret < 0)
		return cs_err_sys(err, "open %s", name);
	return ret;
}

/* A regular file's bytes, exactly as many as its header says. */
static int put_content(struct walk *k, int fd, const char *path, uint64_t size, struct cs_err *err)
{
	bool shrank = false;
	int ret = 0;

	while (size > 0 && ret == 0) {
		size_t want = size < CHUNK ? (size_t)size : CHUNK;
		ssize_t n = shrank ? (ssize_t)want : read(fd, k->buf, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "read %s", path);
		if (n == 0) {
			cs_log(CS_LOG_WARN,
			       "%s became shorter while it was read: zeros are in place of its "
			       "last %llu bytes",
			       path, (unsigned long long)size);
			memset(k->buf, 0, CHUNK);
			shrank = true;
			continue;
		}
		ret = img_tarw_data(k->w, k->buf, (size_t)n, err);
		size -= (uint64_t)n;
	}
	return ret;
}

static int put_marker(struct walk *k, const char *path, const char *prefix, const char *name,
		      struct cs_err *err)
{
	char marker[PATH_MAX + 32];
	size_t dir = strlen(path) - strlen(name);
	int ret = cs_str_fmt(marker, sizeof(marker), err, "%.*s%s%s", (int)dir, path, prefix, name);

	return ret < 0 ? ret : img_tarw_file(k->w, marker, "", 0, err);
}

static int put_folder(struct walk *k, int dir, const char *name, const char *path,
		      struct cs_err *err);

/* Is the folder @name, a mount, to be left out? */
static bool leave_out(const struct walk *k, int dir, const char *name)
{
	static const long made_up[] = { PROC_SUPER_MAGIC,    SYSFS_MAGIC,	 CGROUP_SUPER_MAGIC,
					CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, TRACEFS_MAGIC,
					DEBUGFS_MAGIC,	     SECURITYFS_MAGIC };
	cs_auto_fd int fd = -EBADF;
	struct statfs sf;

	if (!k->cross)
		return true;
	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &sf) < 0)
		return true;
	for (size_t i = 0; i < CS_LEN(made_up); i++)
		if ((long)sf.f_type == made_up[i])
			return true;
	return false;
}

/* What an entry is made of. All of it is had before its header is written: what vanishes while the
 * folder is read leaves nothing behind. */
struct found {
	struct stat sb;
	int fd;	      /* owned; of a regular file */
	char *target; /* owned; of a symlink */
	bool skip, whiteout;
	struct xattrs x;
};

static void found_free(struct found **f)
{
	if (*f) {
		cs_close_fd(&(*f)->fd);
		free((*f)->target);
	}
	free(*f);
	*f = NULL;
}
#define auto_found CS_CLEANUP(found_free)

static int read_target(int dir, const char *name, const char *path, char **out, struct cs_err *err)
{
	cs_auto_free char *target = calloc(1, PATH_MAX);

	if (!target)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (readlinkat(dir, name, target, PATH_MAX - 1) < 0)
		return cs_err_sys(err, "read symlink %s", path);
	*out = cs_take_ptr(&target);
	return 0;
}

/* ENOENT: it is gone. */
static int look_at(const struct walk *k, int dir, const char *name, const char *path,
		   struct found *f, struct cs_err *err)
{
	int ret = 0;

	if (fstatat(dir, name, &f->sb, AT_SYMLINK_NOFOLLOW) < 0)
		return cs_err_sys(err, "stat %s", path);
	f->skip = S_ISSOCK(f->sb.st_mode) ||
		  (S_ISDIR(f->sb.st_mode) && f->sb.st_dev != k->dev && leave_out(k, dir, name));
	f->whiteout = k->whiteouts && S_ISCHR(f->sb.st_mode) && f->sb.st_rdev == 0;
	if (f->skip || f->whiteout)
		return 0;
	if (S_ISREG(f->sb.st_mode)) {
		f->fd = open_regular(dir, name, err);
		if (f->fd < 0)
			return f->fd;
		if (fstat(f->fd, &f->sb) < 0)
			return cs_err_sys(err, "stat %s", path);
	}
	if (S_ISLNK(f->sb.st_mode))
		ret = read_target(dir, name, path, &f->target, err);
	if (ret == 0)
		ret = read_xattrs(k, dir, name, &f->x, err);
	return ret < 0 ? cs_err_wrap(err, "%.200s", path) : 0;
}

static int put_found(struct walk *k, const struct found *f, const char *path, struct cs_err *err)
{
	const struct stat *sb = &f->sb;
	struct img_tarw_entry e = {
		.path = path,
		.mode = sb->st_mode,
		.uid = sb->st_uid,
		.gid = sb->st_gid,
		.size = (uint64_t)sb->st_size,
		.rdev = sb->st_rdev,
		.mtime = sb->st_mtim,
		.xattrs = f->x.v,
		.n_xattrs = f->x.n,
	};
	int ret = 0;

	if (!S_ISDIR(sb->st_mode))
		ret = find_link(k, sb, path, &e.target, err);
	e.hardlink = e.target != NULL;
	if (!e.hardlink)
		e.target = f->target;
	if (ret == 0)
		ret = img_tarw_entry(k->w, &e, err);
	if (ret == 0 && S_ISREG(sb->st_mode) && !e.hardlink)
		ret = put_content(k, f->fd, path, e.size, err);
	return ret;
}

static int put_opaque(struct walk *k, const char *path, struct cs_err *err)
{
	char marker[PATH_MAX + 32];
	int ret = cs_str_fmt(marker, sizeof(marker), err, "%s/.wh..wh..opq", path);

	return ret < 0 ? ret : img_tarw_file(k->w, marker, "", 0, err);
}

static int put_entry(struct walk *k, int dir, const char *name, const char *path,
		     struct cs_err *err)
{
	auto_found struct found *f = malloc(sizeof(*f));
	int ret;

	if (!f)
		return cs_err_set(err, ENOMEM, "out of memory");
	f->fd = -EBADF;
	f->target = NULL;
	ret = look_at(k, dir, name, path, f, err);
	/* gone since its folder was read; but what was asked for by name must be there */
	if (ret == -ENOENT && k->depth > 0) {
		cs_err_clear(err);
		return 0;
	}
	if (ret < 0 || f->skip)
		return ret;
	if (f->whiteout)
		return put_marker(k, path, ".wh.", name, err);
	ret = put_found(k, f, path, err);
	if (ret < 0 || !S_ISDIR(f->sb.st_mode))
		return ret;
	if (k->whiteouts && f->x.opaque && put_opaque(k, path, err) < 0)
		return -err->code;
	return put_folder(k, dir, name, path, err);
}

static void free_names(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sorted names in a folder. */
static int list(DIR *d, char ***out, size_t *n, struct cs_err *err)
{
	const struct dirent *e;
	char **v = NULL;
	size_t used = 0, cap = 0;

	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (used == cap) {
			char **more = reallocarray(v, cap ? 2 * cap : 32, sizeof(*v));

			if (!more)
				break;
			v = more;
			cap = cap ? 2 * cap : 32;
		}
		v[used] = strdup(e->d_name);
		if (!v[used])
			break;
		used++;
	}
	if (e) {
		free_names(v, used);
		return cs_err_set(err, ENOMEM, "out of memory");
	}
	if (used)
		qsort(v, used, sizeof(*v), compare_names);
	*out = v;
	*n = used;
	return 0;
}

/* What is in the folder @name ("" is @dir itself). */
static int put_folder(struct walk *k, int dir, const char *name, const char *path,
		      struct cs_err *err)
{
	cs_auto_dir DIR *d = NULL;
	char child[PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	int fd, ret;

	if (k->depth >= DEPTH_MAX)
		return cs_err_set(err, ELOOP, "%.100s: more than %d folders deep", path, DEPTH_MAX);
	fd = openat(dir, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		/* removed, or something else by now: then it is an empty one */
		if (fd < 0 && *name && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			return 0;
		ret = cs_err_sys(err, "read folder %.200s", path);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	ret = list(d, &names, &n, err);
	k->depth++;
	for (size_t i = 0; i < n && ret == 0; i++) {
		ret = cs_str_fmt(child, sizeof(child), err, "%s%s%s", path, *path ? "/" : "",
				 names[i]);
		if (ret == 0)
			ret = put_entry(k, dirfd(d), names[i], child, err);
	}
	k->depth--;
	free_names(names, n);
	return ret;
}

/* The folder @dirfd itself, as ".", and what is in it. */
static int put_top(struct walk *k, int dirfd, struct cs_err *err)
{
	struct stat sb;
	int ret;

	if (fstat(dirfd, &sb) < 0)
		return cs_err_sys(err, "stat the folder");
	const struct img_tarw_entry top = {
		.path = ".",
		.mode = sb.st_mode,
		.uid = sb.st_uid,
		.gid = sb.st_gid,
		.mtime = sb.st_mtim,
	};

	k->dev = sb.st_dev;
	ret = img_tarw_entry(k->w, &top, err);
	return ret < 0 ? ret : put_folder(k, dirfd, "", "", err);
}

static void walk_fini(struct walk *k)
{
	for (size_t i = 0; i < k->n_links; i++)
		free(k->links[i].path);
	free(k->links);
	free(k->buf);
}
#define auto_walk CS_CLEANUP(walk_fini)

int img_tarw_folder(struct img_tarw *w, int dirfd, bool whiteouts, struct cs_err *err)
{
	auto_walk struct walk k = { .w = w, .whiteouts = whiteouts };

	k.buf = malloc(CHUNK);
	if (!k.buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	return put_top(&k, dirfd, err);
}

int img_tarw_tree(struct img_tarw *w, int dirfd, const char *name, const char *as,
		  struct cs_err *err)
{
	auto_walk struct walk k = { .w = w, .cross = true };
	struct stat sb;

	k.buf = malloc(CHUNK);
	if (!k.buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (strcmp(name, ".") == 0 && strcmp(as, ".") == 0)
		return put_top(&k, dirfd, err);
	if (fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return cs_err_sys(err, "stat %s", name);
	k.dev = sb.st_dev;
	return put_entry(&k, dirfd, name, as, err);
}
