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
static int put_content(struct walk *k, int dir, const char *name, uint64_t size, struct cs_err *err)
{
	cs_auto_fd int fd = open_regular(dir, name, err);
	int ret = 0;

	if (fd < 0)
		return fd;
	while (size > 0 && ret == 0) {
		ssize_t n = read(fd, k->buf, size < CHUNK ? (size_t)size : CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? cs_err_sys(err, "read %s", name)
				     : cs_err_set(err, EAGAIN,
						  "%s became shorter while it was read", name);
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

static int put_entry(struct walk *k, int dir, const char *name, const char *path,
		     struct cs_err *err)
{
	cs_auto_free struct xattrs *x = malloc(sizeof(*x));
	struct img_tarw_entry e = { .path = path };
	cs_auto_free char *target = NULL;
	struct stat sb;
	int ret;

	if (!x)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return cs_err_sys(err, "stat %s", path);
	if (sb.st_dev != k->dev && S_ISDIR(sb.st_mode) && leave_out(k, dir, name))
		return 0;
	if (S_ISSOCK(sb.st_mode))
		return 0;
	if (k->whiteouts && S_ISCHR(sb.st_mode) && sb.st_rdev == 0)
		return put_marker(k, path, ".wh.", name, err);
	ret = read_xattrs(k, dir, name, x, err);
	if (ret == 0 && !S_ISDIR(sb.st_mode))
		ret = find_link(k, &sb, path, &e.target, err);
	if (ret < 0)
		return cs_err_wrap(err, "%.200s", path);
	e.hardlink = e.target != NULL;
	if (S_ISLNK(sb.st_mode) && !e.hardlink) {
		ssize_t n;

		target = calloc(1, PATH_MAX);
		n = target ? readlinkat(dir, name, target, PATH_MAX - 1) : -1;
		if (n < 0)
			return cs_err_sys(err, "read symlink %s", path);
		e.target = target;
	}
	e.mode = sb.st_mode;
	e.uid = sb.st_uid;
	e.gid = sb.st_gid;
	e.size = (uint64_t)sb.st_size;
	e.rdev = sb.st_rdev;
	e.mtime = sb.st_mtim;
	e.xattrs = x->v;
	e.n_xattrs = x->n;
	ret = img_tarw_entry(k->w, &e, err);
	if (ret == 0 && S_ISREG(sb.st_mode) && !e.hardlink)
		ret = put_content(k, dir, name, e.size, err);
	if (ret < 0 || !S_ISDIR(sb.st_mode))
		return ret;
	if (k->whiteouts && x->opaque) {
		char marker[PATH_MAX + 32];

		ret = cs_str_fmt(marker, sizeof(marker), err, "%s/.wh..wh..opq", path);
		if (ret == 0)
			ret = img_tarw_file(k->w, marker, "", 0, err);
	}
	return ret < 0 ? ret : put_folder(k, dir, name, path, err);
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
