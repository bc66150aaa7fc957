#include "engine/copytree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"

/* A file with several names, and the one it was copied to. */
struct linked {
	dev_t dev;
	ino_t ino;
	char *path; /* owned; from the top */
};

struct copy {
	int top; /* of what is written */
	dev_t dev;
	struct linked *links; /* owned */
	size_t n_links;
	struct cs_buf path; /* owned; where we are, "a/b/" */
};

static void copy_fini(struct copy *c)
{
	for (size_t i = 0; i < c->n_links; i++)
		free(c->links[i].path);
	free(c->links);
	cs_buf_fini(&c->path);
}
#define auto_copy CS_CLEANUP(copy_fini)

static int failed(const struct copy *c, const char *what, const char *name, struct cs_err *err)
{
	return cs_err_sys(err, "copy %.200s%.100s: %s", c->path.s ? c->path.s : "", name, what);
}

static int one_xattr(int from, int to, const char *name)
{
	char value[XATTR_SIZE_MAX];
	ssize_t n = fgetxattr(from, name, value, sizeof(value));

	return n < 0 ? -1 : fsetxattr(to, name, value, (size_t)n, 0);
}

/* What the target's file system does not take is left out, as cp -a does. */
static int xattrs(const struct copy *c, int from, int to, const char *name, struct cs_err *err)
{
	cs_auto_free char *list = NULL;
	ssize_t n = flistxattr(from, NULL, 0);

	if (n <= 0)
		return 0;
	list = malloc((size_t)n + 1);
	if (!list)
		return cs_err_set(err, ENOMEM, "copy: out of memory");
	n = flistxattr(from, list, (size_t)n);
	if (n <= 0)
		return 0;
	list[n] = '\0';
	for (const char *p = list; p < list + n; p += strlen(p) + 1) {
		/* an overlay's own marks, and labels that are the place's */
		if (cs_str_starts(p, "trusted.") || strcmp(p, "security.selinux") == 0)
			continue;
		if (one_xattr(from, to, p) < 0 && errno != EOPNOTSUPP && errno != ENODATA &&
		    errno != EPERM)
			return failed(c, p, name, err);
	}
	return 0;
}

/* Owner before mode: a change of owner takes setuid away; xattrs after both: it takes file
 * capabilities, too. Times last. */
static int attributes(const struct copy *c, int from, int to, const struct stat *sb,
		      const char *name, struct cs_err *err)
{
	const struct timespec times[2] = { sb->st_atim, sb->st_mtim };
	int ret;

	if (fchown(to, sb->st_uid, sb->st_gid) < 0 || fchmod(to, sb->st_mode & 07777) < 0)
		return failed(c, "owner and mode", name, err);
	ret = xattrs(c, from, to, name, err);
	if (ret == 0 && futimens(to, times) < 0)
		return failed(c, "times", name, err);
	return ret;
}

/* The bytes, from wherever both fds are. */
static int by_hand(int from, int to)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(to, buf + done, (size_t)(n - done));

			if (w < 0 && errno != EINTR)
				return -1;
			done += w > 0 ? w : 0;
		}
	}
	return n < 0 ? -1 : 0;
}

static int contents(int from, int to)
{
	enum { STEP = 1 << 30 };
	ssize_t n;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	do {
		n = copy_file_range(from, NULL, to, NULL, STEP, 0);
	} while (n > 0);
	/* between some file systems it cannot be done, and some say 0 for what they make up */
	return by_hand(from, to);
}

enum { FD_PATH = 40 };

/* What O_PATH fd stands for: no name that somebody may swap meanwhile. */
static const char *fd_path(int fd, char out[FD_PATH])
{
	snprintf(out, FD_PATH, "/proc/self/fd/%d", fd);
	return out;
}

/* Only named, and of the kind that it had: opening a device alone may do something. */
static int open_same(int dir, const char *name, const struct stat *sb, struct cs_err *err)
{
	cs_auto_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat now;

	if (fd < 0 || fstat(fd, &now) < 0)
		return cs_err_sys(err, "copy %.100s: open", name);
	if ((now.st_mode & S_IFMT) != (sb->st_mode & S_IFMT) ||
	    ((S_ISCHR(now.st_mode) || S_ISBLK(now.st_mode)) && now.st_rdev != sb->st_rdev))
		return cs_err_set(err, EAGAIN, "copy %.100s: it changes meanwhile", name);
	return cs_take_fd(&fd);
}

static int copy_file(struct copy *c, int from, int to, const char *name, const struct stat *sb,
		     struct cs_err *err)
{
	cs_auto_fd int there = open_same(from, name, sb, err), in = -EBADF, out = -EBADF;
	char path[FD_PATH];

	if (there < 0)
		return there;
	in = open(fd_path(there, path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (in < 0)
		return failed(c, "open", name, err);
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return failed(c, "make", name, err);
	if (contents(in, out) < 0)
		return failed(c, "write", name, err);
	return attributes(c, in, out, sb, name, err);
}

static int copy_symlink(struct copy *c, int from, int to, const char *name, const struct stat *sb,
			struct cs_err *err)
{
	const struct timespec times[2] = { sb->st_atim, sb->st_mtim };
	char text[PATH_MAX];
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return failed(c, "read link", name, err);
	text[n] = '\0';
	if (symlinkat(text, to, name) < 0 ||
	    fchownat(to, name, sb->st_uid, sb->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(c, "make link", name, err);
	return 0;
}

static int copy_node(struct copy *c, int to, const char *name, const struct stat *sb,
		     struct cs_err *err)
{
	const struct timespec times[2] = { sb->st_atim, sb->st_mtim };
	cs_auto_fd int fd = -EBADF;
	char path[FD_PATH];

	if (mknodat(to, name, sb->st_mode, sb->st_rdev) < 0)
		return failed(c, "make node", name, err);
	/* another container may have the volume, too, and put a link there by now */
	fd = open_same(to, name, sb, err);
	if (fd < 0)
		return fd;
	fd_path(fd, path);
	if (fchownat(fd, "", sb->st_uid, sb->st_gid, AT_EMPTY_PATH) < 0 ||
	    chmod(path, sb->st_mode & 07777) < 0 || utimensat(AT_FDCWD, path, times, 0) < 0)
		return failed(c, "attributes of node", name, err);
	return 0;
}

/* 1: it was copied under another name, and has this one now, too. */
static int link_again(struct copy *c, int to, const char *name, const struct stat *sb,
		      struct cs_err *err)
{
	const char *old = NULL, *last = NULL;
	cs_auto_fd int dir = -EBADF;

	for (size_t i = 0; i < c->n_links && !old; i++) {
		if (c->links[i].ino == sb->st_ino && c->links[i].dev == sb->st_dev)
			old = c->links[i].path;
	}
	if (!old)
		return 0;
	dir = cs_path_parent(c->top, old, false, &last, err);
	if (dir < 0)
		return dir;
	if (linkat(dir, last, to, name, 0) < 0)
		return failed(c, "link", name, err);
	return 1;
}

static int remember(struct copy *c, const char *name, const struct stat *sb, struct cs_err *err)
{
	struct linked *v = realloc(c->links, (c->n_links + 1) * sizeof(*v));
	char *path = NULL;

	if (v) {
		c->links = v;
		if (asprintf(&path, "%s%s", c->path.s ? c->path.s : "", name) < 0)
			path = NULL;
	}
	if (!path)
		return cs_err_set(err, ENOMEM, "copy: out of memory");
	c->links[c->n_links++] =
		(struct linked){ .dev = sb->st_dev, .ino = sb->st_ino, .path = path };
	return 0;
}

static int copy_folder(struct copy *c, int from, int to, unsigned int depth, struct cs_err *err);

static int enter(struct copy *c, int from, int to, const char *name, unsigned int depth,
		 struct cs_err *err)
{
	cs_auto_fd int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cs_auto_fd int out = -EBADF;
	size_t len = c->path.len;
	int ret;

	if (in < 0)
		return failed(c, "open", name, err);
	if (mkdirat(to, name, 0700) < 0)
		return failed(c, "make", name, err);
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return failed(c, "open", name, err);
	cs_buf_addf(&c->path, "%s/", name);
	ret = cs_buf_ok(&c->path, err);
	if (ret == 0)
		ret = copy_folder(c, in, out, depth + 1, err);
	if (c->path.s && len <= c->path.len) {
		c->path.s[len] = '\0';
		c->path.len = len;
	}
	return ret;
}

static int copy_one(struct copy *c, int from, int to, const char *name, unsigned int depth,
		    struct cs_err *err)
{
	struct stat sb;
	int ret = 0;

	if (fstatat(from, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(c, "look at", name, err);
	if (S_ISDIR(sb.st_mode))
		return sb.st_dev == c->dev ? enter(c, from, to, name, depth, err) : 0;
	if (sb.st_nlink > 1)
		ret = link_again(c, to, name, &sb, err);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	if (S_ISREG(sb.st_mode))
		ret = copy_file(c, from, to, name, &sb, err);
	else if (S_ISLNK(sb.st_mode))
		ret = copy_symlink(c, from, to, name, &sb, err);
	else
		ret = copy_node(c, to, name, &sb, err);
	if (ret == 0 && sb.st_nlink > 1)
		ret = remember(c, name, &sb, err);
	return ret;
}

static int copy_folder(struct copy *c, int from, int to, unsigned int depth, struct cs_err *err)
{
	cs_auto_fd int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *d;
	struct stat sb;
	int ret = 0;

	if (!dir)
		return failed(c, "read", ".", err);
	cs_take_fd(&again);
	if (depth > ENG_COPY_DEPTH)
		return cs_err_set(err, E2BIG, "copy %.200s: deeper than %d folders", c->path.s,
				  ENG_COPY_DEPTH);
	if (fstat(from, &sb) < 0)
		return failed(c, "look at", ".", err);
	while (ret == 0 && (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			ret = copy_one(c, from, to, d->d_name, depth, err);
	}
	return ret == 0 ? attributes(c, from, to, &sb, ".", err) : ret;
}

int eng_copy_tree(int from, int to, struct cs_err *err)
{
	auto_copy struct copy c = { .top = to };
	struct stat sb;

	if (fstat(from, &sb) < 0)
		return cs_err_sys(err, "copy: look at the folder");
	c.dev = sb.st_dev;
	return copy_folder(&c, from, to, 0, err);
}

int eng_copy_folder(int from, int to, struct cs_err *err)
{
	auto_copy struct copy c = { .top = to };
	struct stat sb;

	if (fstat(from, &sb) < 0)
		return cs_err_sys(err, "copy: look at the folder");
	return attributes(&c, from, to, &sb, ".", err);
}
