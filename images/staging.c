#include "images/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

#define STAGING "staging"

enum {
	NAME_TRIES = 100, /* a name taken, or swept between mkdir and lock */
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

static int open_staging(int root, bool make, struct cs_err *err)
{
	int fd = openat(root, STAGING, DIR_FLAGS);

	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(root, STAGING, 0700) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make folder " STAGING);
		fd = openat(root, STAGING, DIR_FLAGS);
	}
	if (fd < 0)
		return cs_err_sys(err, "open folder " STAGING);
	return fd;
}

/* Is @name still the folder that @fd is? */
static bool still_there(int dir, const char *name, int fd)
{
	struct stat a, b;

	return fstatat(dir, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* One try: 1 when there is a locked folder in *@fd, 0 when the name was taken or a sweep was
 * quicker than our lock. */
static int try_make(int dir, const char *name, int *fd, struct cs_err *err)
{
	cs_auto_fd int made = -EBADF;

	if (mkdirat(dir, name, 0700) < 0)
		return errno == EEXIST ? 0 : cs_err_sys(err, "make folder " STAGING "/%s", name);
	made = openat(dir, name, DIR_FLAGS);
	if (made < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "open folder " STAGING "/%s", name);
	if (flock(made, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : cs_err_sys(err, "lock " STAGING "/%s", name);
	if (!still_there(dir, name, made))
		return 0;
	*fd = cs_take_fd(&made);
	return 1;
}

int img_staging_make(int root, struct img_staging *out, struct cs_err *err)
{
	struct img_staging s = { .root = root, .fd = -EBADF };
	cs_auto_fd int dir = -EBADF;
	int ret = 0;

	dir = open_staging(root, true, err);
	if (dir < 0)
		return dir;
	for (int i = 0; i < NAME_TRIES && ret == 0; i++) {
		uint64_t r = 0;

		if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
			return cs_err_sys(err, "get random bytes");
		snprintf(s.name, sizeof(s.name), "%d.%016llx", (int)getpid(),
			 (unsigned long long)r);
		ret = try_make(dir, s.name, &s.fd, err);
	}
	if (ret < 0)
		return ret;
	if (ret == 0)
		return cs_err_set(err, EAGAIN, "make a folder in " STAGING ": every name is taken");
	*out = s;
	return 0;
}

void img_staging_fini(struct img_staging *s)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int dir = -EBADF;
	int saved = errno;

	if (s->fd < 0)
		return;
	/* What cannot be removed now is swept later, when the lock is gone. */
	dir = open_staging(s->root, false, &err);
	if (dir >= 0 && still_there(dir, s->name, s->fd))
		cs_file_rmtree(dir, s->name, &err);
	cs_close_fd(&s->fd);
	errno = saved;
}

/* Opens the folder that holds @path, beneath @root, and points @name at its last component. */
static int open_parent(int root, const char *path, const char **name, struct cs_err *err)
{
	const char *slash = strrchr(path, '/');
	char parent[256];
	int fd, ret;

	if (!slash || slash == path || !slash[1])
		return cs_err_set(err, EINVAL, "\"%s\" is no place in the store", path);
	ret = cs_str_fmt(parent, sizeof(parent), err, "%.*s", (int)(slash - path), path);
	if (ret < 0)
		return ret;
	if (mkdirat(root, parent, 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make folder %s", parent);
	fd = openat(root, parent, DIR_FLAGS);
	if (fd < 0)
		return cs_err_sys(err, "open folder %s", parent);
	*name = slash + 1;
	return fd;
}

int img_staging_publish(struct img_staging *s, const char *path, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF, to = -EBADF;
	const char *name = NULL;

	dir = open_staging(s->root, false, err);
	if (dir < 0)
		return dir;
	to = open_parent(s->root, path, &name, err);
	if (to < 0)
		return to;
	if (fsync(s->fd) < 0)
		return cs_err_sys(err, "sync " STAGING "/%s", s->name);
	if (renameat2(dir, s->name, to, name, RENAME_NOREPLACE) < 0)
		return cs_err_sys(err, "rename " STAGING "/%s to %s", s->name, path);
	if (fsync(to) < 0)
		return cs_err_sys(err, "sync the folder of %s", path);
	return 0;
}

/* Removes one folder of @dir if nobody holds its lock. */
static int sweep_one(int dir, const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;

	fd = openat(dir, name, DIR_FLAGS);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return unlinkat(dir, name, 0) < 0 ? cs_err_sys(err, "remove " STAGING "/%s", name)
						  : 0;
	if (fd < 0)
		return cs_err_sys(err, "open folder " STAGING "/%s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : cs_err_sys(err, "lock " STAGING "/%s", name);
	return cs_file_rmtree(dir, name, err);
}

int img_staging_sweep(int root, struct cs_err *err)
{
	struct cs_err first = CS_ERR_INIT;
	const struct dirent *e;
	cs_auto_dir DIR *d = NULL;
	int fd;

	fd = openat(root, STAGING, DIR_FLAGS);
	if (fd < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "open folder " STAGING);
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return cs_err_set(err, ENOMEM, "read folder " STAGING ": out of memory");
	}
	while ((e = readdir(d))) {
		struct cs_err one = CS_ERR_INIT;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (sweep_one(dirfd(d), e->d_name, &one) < 0 && !first.code)
			first = one;
	}
	if (!first.code)
		return 0;
	*err = first;
	return -first.code;
}
