#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

enum {
	OWN_SIZE = 8192,    /* what cs_file_read_own() reads at once */
	RM_DEPTH = 128,	    /* levels held open at once; what is deeper is moved up first */
	RM_MOVES = 1 << 24, /* folders moved up before it is taken for a game */
	RM_AGAIN = 256,	    /* folders read again because others write to them */
};

/* A name of something in a folder, not a way to somewhere else. */
static bool plain_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Makes the temporary file. One of that name was left by a process killed half way which had
 * this pid: nobody else writes it. */
static int open_temp(int dirfd, const char *tmp, mode_t mode, struct cs_err *err)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dirfd, tmp, flags, mode);

	if (fd < 0 && errno == EEXIST && unlinkat(dirfd, tmp, 0) == 0)
		fd = openat(dirfd, tmp, flags, mode);
	if (fd < 0)
		return cs_err_sys(err, "make %s", tmp);
	return fd;
}

int cs_file_replace(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		    bool sync, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char tmp[NAME_MAX + 1];
	int ret;

	if (!plain_name(name))
		return cs_err_set(err, EINVAL, "\"%s\" is not the name of a file", name);
	ret = cs_str_fmt(tmp, sizeof(tmp), err, ".%s.%d", name, (int)getpid());
	if (ret < 0)
		return ret;
	fd = open_temp(dirfd, tmp, mode, err);
	if (fd < 0)
		return fd;
	ret = cs_fd_write_all(fd, buf, len, err);
	if (ret < 0)
		cs_err_wrap(err, "%s", tmp);
	else if (sync && fdatasync(fd) < 0)
		ret = cs_err_sys(err, "sync %s", tmp);
	else if (renameat(dirfd, tmp, dirfd, name) < 0)
		ret = cs_err_sys(err, "rename %s to %s", tmp, name);
	if (ret < 0)
		unlinkat(dirfd, tmp, 0);
	return ret;
}

int cs_file_read(int dirfd, const char *name, size_t max, char **out, size_t *len,
		 struct cs_err *err)
{
	cs_auto_free char *buf = NULL;
	cs_auto_fd int fd = -EBADF;
	struct stat sb;
	int ret;

	/* O_NONBLOCK: a planted FIFO must not hang the open. */
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return cs_err_sys(err, "open %s", name);
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat %s", name);
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EINVAL, "%s is not a regular file", name);
	if (sb.st_size == 0) { /* or it is one of procfs and sysfs, which tell no size */
		ret = cs_fd_read_all(fd, max, out, len, err);
		return ret < 0 ? cs_err_wrap(err, "read %s", name) : 0;
	}
	if ((uint64_t)sb.st_size > max)
		return cs_err_set(err, EFBIG, "read %s: more than %zu bytes", name, max);
	buf = malloc((size_t)sb.st_size + 1);
	if (!buf)
		return cs_err_set(err, ENOMEM, "read %s: out of memory", name);
	ret = cs_fd_read_exact(fd, buf, (size_t)sb.st_size, err);
	if (ret < 0)
		return cs_err_wrap(err, "read %s", name);
	buf[sb.st_size] = '\0';
	*out = cs_take_ptr(&buf);
	*len = (size_t)sb.st_size;
	return 0;
}

int cs_file_read_own(int dirfd, const char *path, size_t max, char **out, size_t *len,
		     struct cs_err *err)
{
	cs_auto_free char *buf = malloc(OWN_SIZE);
	cs_auto_fd int fd = -EBADF;
	ssize_t n;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return cs_err_sys(err, "open %s", path);
	n = buf ? read(fd, buf, OWN_SIZE) : -1;
	/* all of it, or not: then in the general way */
	if (n <= 0 || n == OWN_SIZE || (size_t)n > max)
		return cs_file_read(dirfd, path, max, out, len, err);
	buf[n] = '\0';
	*out = cs_take_ptr(&buf);
	*len = (size_t)n;
	return 0;
}

int cs_file_boot_id(char out[CS_BOOT_ID], struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len;

	if (cs_file_read_own(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &len, err) < 0)
		return -err->code;
	snprintf(out, CS_BOOT_ID, "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}

int cs_file_write_str(int dirfd, const char *name, const char *s, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	size_t len = strlen(s);
	ssize_t n;
	int shown;

	fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return cs_err_sys(err, "open %s to write", name);
	do
		n = write(fd, s, len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n == len)
		return 0;
	/* One line of it, without its end. */
	shown = (int)strcspn(s, "\n");
	if (shown > 100)
		shown = 100;
	if (n < 0)
		return cs_err_sys(err, "write \"%.*s\" to %s", shown, s, name);
	return cs_err_set(err, EIO, "write \"%.*s\" to %s: only %zd of %zu bytes were taken", shown,
			  s, name, n, len);
}

static int open_lock(int dirfd, const char *name, struct cs_err *err)
{
	int fd = openat(dirfd, name,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return cs_err_sys(err, "open lock file %s", name);
	return fd;
}

static int lock(int fd, int how, const char *name, struct cs_err *err)
{
	int ret;

	do
		ret = flock(fd, how);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? cs_err_sys(err, "lock %s", name) : 0;
}

int cs_file_lock(int dirfd, const char *name, bool nowait, struct cs_err *err)
{
	cs_auto_fd int fd = open_lock(dirfd, name, err);

	if (fd < 0 || lock(fd, nowait ? LOCK_EX | LOCK_NB : LOCK_EX, name, err) < 0)
		return -err->code;
	return cs_take_fd(&fd);
}

int cs_file_is_locked(int dirfd, const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = open_lock(dirfd, name, err);
	int ret = fd < 0 ? fd : lock(fd, LOCK_SH | LOCK_NB, name, err);

	if (ret != -EWOULDBLOCK)
		return ret;
	cs_err_clear(err);
	return 1;
}

/* A tree being removed. */
struct rm {
	int top;	     /* the folder itself */
	unsigned int moved;  /* folders moved up to @top so far */
	unsigned int again;  /* times any folder may still be read again */
	struct cs_err first; /* the first failure */
};

enum rm_state {
	RM_STUCK, /* nothing could be removed */
	RM_SOME,  /* something was, not all */
	RM_GONE,
};

static enum rm_state rm_fail(struct rm *rm, const char *what, const char *name)
{
	if (!rm->first.code)
		cs_err_sys(&rm->first, "%s %s", what, name);
	return RM_STUCK;
}

static enum rm_state rm_dir(struct rm *rm, int parent, const char *name, unsigned int depth);

static enum rm_state rm_entry(struct rm *rm, int dirfd, const struct dirent *e, unsigned int depth)
{
	if (e->d_type != DT_DIR) {
		if (unlinkat(dirfd, e->d_name, 0) == 0 || errno == ENOENT)
			return RM_GONE;
		if (errno != EISDIR)
			return rm_fail(rm, "remove", e->d_name);
	}
	return rm_dir(rm, dirfd, e->d_name, depth);
}

/* Reads a folder once and removes what it can: true if anything went. */
static bool rm_pass(struct rm *rm, DIR *d, const char *name, unsigned int depth)
{
	const struct dirent *e;
	bool went = false;

	rewinddir(d);
	for (;;) {
		errno = 0;
		e = readdir(d);
		if (!e)
			break;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (rm_entry(rm, dirfd(d), e, depth + 1) != RM_STUCK)
			went = true;
	}
	if (errno)
		rm_fail(rm, "read folder", name);
	return went;
}

/* Brings a folder too deep for the fds at hand up to the top, where a later pass finds it. */
static enum rm_state rm_move_up(struct rm *rm, int dirfd, const char *name)
{
	char up[sizeof(".rm.4294967295")];

	do {
		snprintf(up, sizeof(up), ".rm.%u", rm->moved++);
		if (renameat2(dirfd, name, rm->top, up, RENAME_NOREPLACE) == 0)
			return RM_GONE;
	} while (errno == EEXIST && rm->moved < RM_MOVES);
	return rm_fail(rm, "move up", name);
}

/* Empties an open folder and removes it. It is read again when it has not become empty though
 * something went: others may be writing to it, folders may have moved up to it, and some file
 * systems skip names while others are removed. */
static enum rm_state rm_open_dir(struct rm *rm, DIR *d, int parent, const char *name,
				 unsigned int depth)
{
	bool went_before = false;

	for (;;) {
		unsigned int moved = rm->moved;
		bool went = rm_pass(rm, d, name, depth);

		if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
			return RM_GONE;
		went_before |= went;
		if ((errno != ENOTEMPTY && errno != EEXIST) || !went || !rm->again) {
			rm_fail(rm, "remove folder", name);
			return went_before ? RM_SOME : RM_STUCK;
		}
		if (moved == rm->moved)
			rm->again--;
	}
}

/* Removes a folder. Whoever may write to the tree can swap it for a symlink or mount over it at
 * any time: openat2() opens only a real folder of this mount, and rmdir and unlink follow
 * nothing. */
static enum rm_state rm_dir(struct rm *rm, int parent, const char *name, unsigned int depth)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	cs_auto_dir DIR *d = NULL;
	cs_auto_fd int fd = -EBADF;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return RM_GONE;
	if (errno == ENOTDIR && unlinkat(parent, name, 0) == 0)
		return RM_GONE;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return rm_fail(rm, "remove", name);
	if (depth > RM_DEPTH)
		return rm_move_up(rm, parent, name);
	fd = cs_sys_openat2(parent, name, &how);
	if (fd < 0)
		return rm_fail(rm, "open folder", name);
	d = fdopendir(fd);
	if (!d)
		return rm_fail(rm, "read folder", name);
	cs_take_fd(&fd);
	if (depth == 0)
		rm->top = dirfd(d);
	return rm_open_dir(rm, d, parent, name, depth);
}

int cs_file_rmtree(int dirfd, const char *name, struct cs_err *err)
{
	struct rm rm = { .top = -EBADF, .again = RM_AGAIN, .first = CS_ERR_INIT };

	if (!plain_name(name))
		return cs_err_set(err, EINVAL, "\"%s\" is not the name of a folder", name);
	if (rm_dir(&rm, dirfd, name, 0) == RM_GONE)
		return 0;
	*err = rm.first;
	return cs_err_wrap(err, "remove %s", name);
}
