#ifndef CS_TESTS_UNIT_FIXTURE_H
#define CS_TESTS_UNIT_FIXTURE_H

/* What many unit tests need: a folder of their own, a count of fds, a mount namespace. Written
 * without the code under test. Failures fail the test. */

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder that unit_tmp_fini() removes with all that is in it. */
struct unit_tmp {
	char path[64];
	int fd;
};

static inline struct unit_tmp unit_tmp_init(void)
{
	struct unit_tmp t = { .path = "/tmp/caisson-unit.XXXXXX", .fd = -1 };

	ck_assert_ptr_nonnull(mkdtemp(t.path));
	t.fd = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(t.fd, 0);
	return t;
}

static inline int unit_tmp_remove(const char *path, const struct stat *sb, int flag, struct FTW *f)
{
	(void)sb;
	(void)flag;
	(void)f;
	return remove(path);
}

static inline void unit_tmp_fini(struct unit_tmp *t)
{
	close(t->fd);
	ck_assert_int_eq(nftw(t->path, unit_tmp_remove, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
}

/* How many fds this process has open. */
static inline int unit_fd_count(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 3; /* ".", ".." and the folder's own */
}

static inline void unit_write(int dirfd, const char *name, const void *buf, size_t len)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, buf, len), (ssize_t)len);
	close(fd);
}

static inline void unit_write_str(int dirfd, const char *name, const char *s)
{
	unit_write(dirfd, name, s, strlen(s));
}

/* Is @name a file with exactly this text? */
static inline bool unit_has_text(int dirfd, const char *name, const char *s)
{
	char buf[4096];
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n == (ssize_t)strlen(s) && memcmp(buf, s, (size_t)n) == 0;
}

static inline bool unit_exists(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Names in a folder, less "." and "..". */
static inline int unit_entries(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *d = fdopendir(fd);

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Puts this process (Check runs each test in its own) in a private mount namespace where it may
 * mount. False where that is not allowed at all, and a test has nothing to try. */
static inline bool unit_mount_ns(void)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	return true;
}

#endif
