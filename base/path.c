#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"

enum {
	/* EAGAIN means that somewhere in the system something was renamed or mounted while ".."
	 * was being resolved: each further try is independent. */
	OPEN_TRIES = 128,
	SYMLINKS_MAX = 40, /* as the kernel's own limit */
	PROC_ROOT_INODE = 1,
};

/* openat2(2) through EINTR and EAGAIN. Returns the fd or -1 and errno. */
static int open_how(int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
				.resolve = resolve };
	int fd;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = cs_sys_openat2(dirfd, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

static int open_in_root(int root, const char *path, int flags)
{
	return open_how(root, *path ? path : ".", flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int cs_path_open(int root, const char *path, int flags, struct cs_err *err)
{
	int fd;

	/* A mode could not be given; what is to be made has its own functions. */
	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
		return cs_err_set(err, EINVAL, "open %s: flags that would make it", path);
	fd = open_in_root(root, path, flags);
	if (fd < 0)
		return cs_err_sys(err, "open %s", path);
	return fd;
}

/* A path being made beneath @root. Every step resolves "<done>/<next>" anew from @root by
 * openat2(), so that whatever is swapped meanwhile, each thing made and the fd returned are
 * beneath it. */
struct walk {
	int root;
	mode_t mode;	     /* of new folders */
	bool file;	     /* the last component is a file, not a folder */
	unsigned int links;  /* symlinks to nothing met so far */
	char done[PATH_MAX]; /* is there (or was a moment ago); "" is the root */
	char rest[PATH_MAX]; /* still to do */
};

/* Moves the first component of the rest to @out ("" when there is none). */
static void walk_next(struct walk *w, char out[NAME_MAX + 2])
{
	size_t skip = strspn(w->rest, "/");
	size_t len = strcspn(w->rest + skip, "/");
	size_t copy = len > NAME_MAX + 1 ? NAME_MAX + 1 : len; /* too long stays too long */

	memcpy(out, w->rest + skip, copy);
	out[copy] = '\0';
	skip += len;
	skip += strspn(w->rest + skip, "/");
	memmove(w->rest, w->rest + skip, strlen(w->rest + skip) + 1);
}

/* @name in @parent is there after all: mostly a symlink to nothing. What it points to goes in
 * front of the rest, and so is made as if the root were "/". Another one was made by somebody
 * else a moment ago and goes back to the rest. */
static int walk_follow(struct walk *w, int parent, const char *name, struct cs_err *err)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n;
	int ret;

	if (++w->links > SYMLINKS_MAX)
		return cs_err_errno(err, ELOOP, "follow %s/%s", w->done, name);
	n = readlinkat(parent, name, target, sizeof(target) - 1);
	if (n < 0 && errno != EINVAL && errno != ENOENT)
		return cs_err_sys(err, "read symlink %s/%s", w->done, name);
	if (n < 0)
		n = snprintf(target, sizeof(target), "%s", name);
	target[n] = '\0';
	ret = cs_str_fmt(rest, sizeof(rest), err, "%s/%s", target, w->rest);
	if (ret < 0)
		return ret;
	memcpy(w->rest, rest, strlen(rest) + 1);
	if (target[0] == '/')
		w->done[0] = '\0';
	return 0;
}

/* Makes @name in the folder done so far. Returns 1 when it was made, 0 when something of that
 * name came in the way and the rest has changed. */
static int walk_make(struct walk *w, const char *name, struct cs_err *err)
{
	cs_auto_fd int parent = -EBADF;
	int ret;

	parent = open_in_root(w->root, w->done, O_PATH | O_DIRECTORY);
	if (parent < 0)
		return cs_err_sys(err, "open folder %s", w->done);
	if (w->file && !*w->rest)
		ret = mknodat(parent, name, S_IFREG | 0644, 0);
	else
		ret = mkdirat(parent, name, w->mode);
	if (ret == 0)
		return 1;
	if (errno != EEXIST)
		return cs_err_sys(err, "make %s/%s", w->done, name);
	return walk_follow(w, parent, name, err);
}

/* Goes on to @name, the next component, and makes it when it is missing. */
static int walk_step(struct walk *w, const char *name, struct cs_err *err)
{
	int flags = w->file && !*w->rest ? O_PATH : O_PATH | O_DIRECTORY;
	size_t was = strlen(w->done);
	int fd, ret;

	ret = cs_str_fmt(w->done + was, sizeof(w->done) - was, err, "%s%s", was ? "/" : "", name);
	if (ret < 0)
		return ret;
	fd = open_in_root(w->root, w->done, flags);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != ENOENT || strcmp(name, "..") == 0)
		return cs_err_sys(err, "open %s", w->done);
	w->done[was] = '\0';
	ret = walk_make(w, name, err);
	if (ret > 0)
		snprintf(w->done + was, sizeof(w->done) - was, "%s%s", was ? "/" : "", name);
	return ret;
}

/* Opens @path O_PATH, making what is missing. */
static int make_path(int root, const char *path, mode_t mode, bool file, struct cs_err *err)
{
	struct walk w = { .root = root, .mode = mode, .file = file };
	int flags = file ? O_PATH : O_PATH | O_DIRECTORY;
	char name[NAME_MAX + 2];
	int ret, fd;

	fd = open_in_root(root, path, flags);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return cs_err_sys(err, "open %s", path);
	ret = cs_str_fmt(w.rest, sizeof(w.rest), err, "%s", path);
	for (walk_next(&w, name); ret >= 0 && *name; walk_next(&w, name)) {
		if (strcmp(name, ".") != 0)
			ret = walk_step(&w, name, err);
	}
	if (ret < 0)
		return cs_err_wrap(err, "make %s", path);
	fd = open_in_root(root, w.done, flags);
	if (fd < 0)
		return cs_err_sys(err, "open %s", path);
	return fd;
}

int cs_path_mkdirs(int root, const char *path, mode_t mode, struct cs_err *err)
{
	return make_path(root, path, mode, false, err);
}

int cs_path_parent(int root, const char *path, bool make, const char **name, struct cs_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	char dir[PATH_MAX];
	int ret;

	if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		return cs_err_set(err, EINVAL, "\"%s\" does not end in a name", path);
	ret = cs_str_fmt(dir, sizeof(dir), err, "%.*s", (int)(last - path), path);
	if (ret < 0)
		return ret;
	if (make)
		ret = make_path(root, dir, 0755, false, err);
	else
		ret = cs_path_open(root, dir, O_PATH | O_DIRECTORY, err);
	if (ret >= 0)
		*name = last;
	return ret;
}

int cs_path_target(int root, const char *path, bool dir, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct stat sb;

	fd = make_path(root, path, 0755, !dir, err);
	if (fd < 0 || dir)
		return cs_take_fd(&fd);
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat %s", path);
	if (S_ISDIR(sb.st_mode))
		return cs_err_errno(err, EISDIR, "open mount target %s", path);
	return cs_take_fd(&fd);
}

int cs_path_proc_verify(int procfd, struct cs_err *err)
{
	struct statfs fs;
	struct stat sb;

	if (fstatfs(procfd, &fs) < 0 || fstat(procfd, &sb) < 0)
		return cs_err_sys(err, "stat /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return cs_err_set(err, EXDEV, "/proc is not a proc file system");
	if (sb.st_ino != PROC_ROOT_INODE)
		return cs_err_set(err, EXDEV, "/proc is not the root of a proc file system");
	return 0;
}

int cs_path_proc_open(struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	int ret;

	fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open /proc");
	ret = cs_path_proc_verify(fd, err);
	return ret < 0 ? ret : cs_take_fd(&fd);
}

/* "self" and "thread-self" are the only symlinks of a procfs that a path of ours goes through, and
 * what they say is the procfs' own word: numbers of its pid namespace, which getpid() need not
 * know. Any other symlink leads to a place in the same procfs at worst: what leads out of it is a
 * magic link or a mount, also one over a symlink. */
int cs_path_proc_file(int procfd, const char *path, int flags, struct cs_err *err)
{
	int fd = open_how(procfd, path, flags,
			  RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);

	if (fd < 0)
		return cs_err_sys(err, "open /proc/%s", path);
	return fd;
}
