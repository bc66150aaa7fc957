#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"

/*
 * The source belongs to the image and may change while it is read: nothing in it is followed, every
 * file is looked at again after it is opened, and it is read over a clone of its mount without
 * device access, so that a device node slipped in cannot be opened. What it can do at worst is to
 * fill the tmpfs.
 */

enum {
	DEPTH_MAX = 100,
	XATTRS_MAX = 4096, /* bytes of names */
	XATTR_MAX = 65536, /* bytes of a value, as the kernel has it */
	CHUNK = 1 << 30,
};

static int copy_dir(int from, int to, int depth, struct cs_err *err);

static int copy_xattr(int from, int to, const char *name, struct cs_err *err)
{
	cs_auto_free char *value = malloc(XATTR_MAX);
	ssize_t n;

	if (!value)
		return cs_err_set(err, ENOMEM, "copy attribute %s", name);
	n = fgetxattr(from, name, value, XATTR_MAX);
	if (n < 0 || fsetxattr(to, name, value, (size_t)n, 0) == 0)
		return 0;
	/* A tmpfs has not every kind, and in a user namespace not every kind may be set. */
	if (errno == EOPNOTSUPP || errno == EPERM || errno == EINVAL)
		return 0;
	return cs_err_sys(err, "copy attribute %s", name);
}

static int copy_xattrs(int from, int to, struct cs_err *err)
{
	char names[XATTRS_MAX];
	ssize_t n = flistxattr(from, names, sizeof(names) - 1);

	if (n > 0)
		names[n] = '\0';
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		int r = copy_xattr(from, to, names + i, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* chown(2) clears the set-user-ID bit: the mode comes after it. An owner that the user namespace
 * does not map (EINVAL) becomes its root. */
static int copy_meta(int from, int to, const struct stat *sb, bool mode, struct cs_err *err)
{
	const struct timespec times[] = { sb->st_atim, sb->st_mtim };
	int r;

	if (fchown(to, sb->st_uid, sb->st_gid) < 0 && errno != EINVAL)
		return cs_err_sys(err, "chown");
	if (mode && fchmod(to, sb->st_mode & 07777) < 0)
		return cs_err_sys(err, "chmod");
	r = copy_xattrs(from, to, err);
	if (r == 0 && futimens(to, times) < 0)
		return cs_err_sys(err, "set the times");
	return r;
}

static int copy_file(int from, int to, const char *name, struct cs_err *err)
{
	cs_auto_fd int in =
		openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	cs_auto_fd int out = -EBADF;
	struct stat sb;
	ssize_t n;

	if (in < 0 || fstat(in, &sb) < 0)
		return cs_err_sys(err, "open");
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EAGAIN, "it was changed while it was copied");
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return cs_err_sys(err, "make");
	do {
		n = sendfile(out, in, NULL, CHUNK);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return cs_err_sys(err, "copy");
	return copy_meta(in, out, &sb, true, err);
}

static int copy_link(int from, int to, const char *name, const struct stat *sb, struct cs_err *err)
{
	const struct timespec times[] = { sb->st_atim, sb->st_mtim };
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return cs_err_sys(err, "read the symlink");
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0)
		return cs_err_sys(err, "make the symlink");
	if (fchownat(to, name, sb->st_uid, sb->st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL)
		return cs_err_sys(err, "chown the symlink");
	if (utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return cs_err_sys(err, "set the times of the symlink");
	return 0;
}

static int copy_folder(int from, int to, const char *name, int depth, struct cs_err *err)
{
	cs_auto_fd int out = -EBADF;
	cs_auto_fd int in = -EBADF;
	struct stat sb;
	int r;

	in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0 || fstat(in, &sb) < 0)
		return cs_err_sys(err, "open");
	if (mkdirat(to, name, 0700) < 0)
		return cs_err_sys(err, "make");
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return cs_err_sys(err, "open the copy");
	r = copy_dir(in, out, depth + 1, err);
	return r == 0 ? copy_meta(in, out, &sb, true, err) : r;
}

static int copy_entry(int from, int to, const char *name, int depth, struct cs_err *err)
{
	struct stat sb;
	int r = 0;

	if (fstatat(from, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "stat %s", name);
	if (S_ISDIR(sb.st_mode))
		r = copy_folder(from, to, name, depth, err);
	else if (S_ISREG(sb.st_mode))
		r = copy_file(from, to, name, err);
	else if (S_ISLNK(sb.st_mode))
		r = copy_link(from, to, name, &sb, err);
	return r < 0 ? cs_err_wrap(err, "%s", name) : 0;
}

/* Devices, fifos and sockets are left out. */
static int copy_dir(int from, int to, int depth, struct cs_err *err)
{
	cs_auto_fd int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *dir = NULL;
	const struct dirent *e;

	if (depth > DEPTH_MAX)
		return cs_err_set(err, ELOOP, "folders nest deeper than %d", DEPTH_MAX);
	if (fd >= 0)
		dir = fdopendir(fd);
	if (!dir)
		return cs_err_sys(err, "read folder");
	cs_take_fd(&fd);
	for (errno = 0; (e = readdir(dir)); errno = 0) {
		int r;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = copy_entry(from, to, e->d_name, depth, err);
		if (r < 0)
			return r;
	}
	return errno ? cs_err_sys(err, "read folder") : 0;
}

static int copy_tree(int from, int tree, bool with_mode, struct cs_err *err)
{
	const struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID };
	cs_auto_fd int clone = -EBADF;
	cs_auto_fd int out = -EBADF;
	cs_auto_fd int in = -EBADF;
	struct stat sb;
	int r;

	clone = cs_sys_open_tree(
		from, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
	if (clone < 0 || cs_sys_mount_setattr(clone, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return cs_err_sys(err, "clone the mount of the folder");
	in = openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	out = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in < 0 || out < 0 || fstat(in, &sb) < 0)
		return cs_err_sys(err, "open the folder");
	r = copy_dir(in, out, 0, err);
	return r == 0 ? copy_meta(in, out, &sb, with_mode, err) : r;
}

int ctr_tmpcopyup(int from, int tree, bool with_mode, struct cs_err *err)
{
	int r = copy_tree(from, tree, with_mode, err);

	return r < 0 ? cs_err_wrap(err, "tmpcopyup") : 0;
}
