#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static int replace(const struct unit_tmp *t, const char *name, const char *text, mode_t mode)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cs_file_replace(t->fd, name, text, strlen(text), mode, true, &err);

	ck_assert_int_eq(ret, -err.code);
	return ret;
}

START_TEST(test_replace)
{
	struct unit_tmp t = unit_tmp_init();
	int fds = unit_fd_count();
	struct stat sb;

	umask(022);
	ck_assert_int_eq(replace(&t, "f", "one", 0666), 0);
	ck_assert(unit_has_text(t.fd, "f", "one"));
	fstatat(t.fd, "f", &sb, 0);
	ck_assert_uint_eq(sb.st_mode, S_IFREG | 0644);
	ck_assert_int_eq(replace(&t, "f", "", 0600), 0);
	ck_assert(unit_has_text(t.fd, "f", ""));
	fstatat(t.fd, "f", &sb, 0);
	ck_assert_uint_eq(sb.st_mode, S_IFREG | 0600);
	/* A symlink is replaced, not followed. */
	unit_write_str(t.fd, "victim", "old");
	ck_assert_int_eq(symlinkat("victim", t.fd, "l"), 0);
	ck_assert_int_eq(replace(&t, "l", "new", 0600), 0);
	ck_assert(unit_has_text(t.fd, "l", "new"));
	ck_assert(unit_has_text(t.fd, "victim", "old"));
	ck_assert_int_eq(unit_entries(t.fd, "."), 3);
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_replace_fails)
{
	struct unit_tmp t = unit_tmp_init();
	const struct rlimit small = { 2, RLIM_INFINITY };
	int fds = unit_fd_count();
	char longest[NAME_MAX + 1];

	ck_assert_int_eq(replace(&t, "", "x", 0600), -EINVAL);
	ck_assert_int_eq(replace(&t, ".", "x", 0600), -EINVAL);
	ck_assert_int_eq(replace(&t, "..", "x", 0600), -EINVAL);
	ck_assert_int_eq(replace(&t, "a/b", "x", 0600), -EINVAL);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(replace(&t, longest, "x", 0600), -ENAMETOOLONG);
	/* The rename fails. */
	ck_assert_int_eq(mkdirat(t.fd, "d", 0755), 0);
	ck_assert_int_eq(replace(&t, "d", "x", 0600), -EISDIR);
	/* The write fails half way: the old file stays, whole. */
	ck_assert_int_eq(replace(&t, "f", "old", 0600), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(replace(&t, "f", "new", 0600), -EFBIG);
	ck_assert(unit_has_text(t.fd, "f", "old"));
	ck_assert_int_eq(unit_entries(t.fd, "."), 2);
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

/* What a killed process of our pid left, or somebody planted, under the temporary name. */
START_TEST(test_replace_leftover)
{
	struct unit_tmp t = unit_tmp_init();
	char tmp[64];

	snprintf(tmp, sizeof(tmp), ".f.%d", (int)getpid());
	unit_write_str(t.fd, tmp, "half of it");
	ck_assert_int_eq(replace(&t, "f", "new", 0600), 0);
	ck_assert(unit_has_text(t.fd, "f", "new"));
	ck_assert_int_eq(unit_entries(t.fd, "."), 1);
	unit_write_str(t.fd, "victim", "old");
	ck_assert_int_eq(symlinkat("victim", t.fd, tmp), 0);
	ck_assert_int_eq(replace(&t, "f", "newer", 0600), 0);
	ck_assert(unit_has_text(t.fd, "f", "newer"));
	ck_assert(unit_has_text(t.fd, "victim", "old"));
	ck_assert_int_eq(unit_entries(t.fd, "."), 2);
	ck_assert_int_eq(mkdirat(t.fd, tmp, 0700), 0);
	ck_assert_int_eq(replace(&t, "f", "newest", 0600), -EISDIR);
	ck_assert(unit_has_text(t.fd, "f", "newer"));
	unit_tmp_fini(&t);
}
END_TEST

/* Killed at any moment, a writer leaves one of the two texts, and nothing that hinders the next. */
START_TEST(test_replace_killed)
{
	enum { SIZE = 256 * 1024 };
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	static char text[2][SIZE];

	memset(text[0], 'a', SIZE);
	memset(text[1], 'b', SIZE);
	ck_assert_int_eq(cs_file_replace(t.fd, "f", text[0], SIZE, 0600, false, &err), 0);
	for (int round = 0; round < 25; round++) {
		cs_auto_free char *buf = NULL;
		pid_t pid = fork();
		size_t len = 0;

		if (pid == 0) {
			for (int i = 1;; i = !i)
				cs_file_replace(t.fd, "f", text[i], SIZE, 0600, false, &err);
		}
		usleep((useconds_t)(500 + round * 130));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		ck_assert_int_eq(cs_file_read(t.fd, "f", SIZE, &buf, &len, &err), 0);
		ck_assert_uint_eq(len, SIZE);
		ck_assert(memcmp(buf, text[0], SIZE) == 0 || memcmp(buf, text[1], SIZE) == 0);
		ck_assert_int_eq(cs_file_replace(t.fd, "f", text[0], SIZE, 0600, true, &err), 0);
	}
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_read)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char *buf = NULL;
	size_t len = 0;
	int fds;

	unit_write_str(t.fd, "f", "text");
	ck_assert_int_eq(symlinkat("f", t.fd, "l"), 0);
	ck_assert_int_eq(mkfifoat(t.fd, "p", 0600), 0);
	fds = unit_fd_count();
	ck_assert_int_eq(cs_file_read(t.fd, "f", 4, &buf, &len, &err), 0);
	ck_assert_str_eq(buf, "text");
	ck_assert_uint_eq(len, 4);
	free(buf);
	buf = NULL;
	ck_assert_int_eq(cs_file_read(t.fd, "f", 3, &buf, &len, &err), -EFBIG);
	ck_assert_str_eq(err.msg, "read f: more than 3 bytes");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_read(t.fd, "l", 4, &buf, &len, &err), -ELOOP);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_read(t.fd, "p", 4, &buf, &len, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "p is not a regular file");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_read(t.fd, ".", 4, &buf, &len, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_read(t.fd, "none", 4, &buf, &len, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "open none: no such file or directory");
	ck_assert_ptr_null(buf);
	cs_err_clear(&err);
	/* A file that does not say how big it is. */
	ck_assert_int_eq(cs_file_read(AT_FDCWD, "/proc/self/stat", 4096, &buf, &len, &err), 0);
	ck_assert_uint_gt(len, 50);
	free(buf);
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_read_own)
{
	static const size_t sizes[] = { 0, 4, 8191, 8192, 8193, 100000 };
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char text[100001];
	char *buf = NULL;
	size_t len = 0;

	for (size_t i = 0; i < CS_LEN(sizes); i++) {
		memset(text, 'x', sizeof(text));
		text[sizes[i]] = '\0';
		unit_write_str(t.fd, "f", text);
		ck_assert_int_eq(cs_file_read_own(t.fd, "f", sizes[i], &buf, &len, &err), 0);
		ck_assert_uint_eq(len, sizes[i]);
		ck_assert_str_eq(buf, text);
		free(buf);
		if (sizes[i] == 0)
			continue;
		ck_assert_int_eq(cs_file_read_own(t.fd, "f", sizes[i] - 1, &buf, &len, &err),
				 -EFBIG);
		cs_err_clear(&err);
	}
	ck_assert_int_eq(cs_file_read_own(t.fd, "none", 4, &buf, &len, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(mkfifoat(t.fd, "p", 0600), 0);
	ck_assert_int_eq(cs_file_read_own(t.fd, "p", 4, &buf, &len, &err), -EINVAL);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_write_str)
{
	struct unit_tmp t = unit_tmp_init();
	cs_auto_fd int dev = open("/dev", O_PATH | O_CLOEXEC);
	struct cs_err err = CS_ERR_INIT;
	int fds;

	unit_write_str(t.fd, "f", "12345");
	ck_assert_int_eq(symlinkat("f", t.fd, "l"), 0);
	fds = unit_fd_count();
	ck_assert_int_eq(cs_file_write_str(t.fd, "f", "ab\n", &err), 0);
	ck_assert(unit_has_text(t.fd, "f", "ab\n45"));
	ck_assert_int_eq(cs_file_write_str(t.fd, "l", "x", &err), -ELOOP);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_write_str(t.fd, "none", "x", &err), -ENOENT);
	ck_assert_str_eq(err.msg, "open none to write: no such file or directory");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_write_str(dev, "full", "max\n", &err), -ENOSPC);
	ck_assert_str_eq(err.msg, "write \"max\" to full: no space left on device");
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_lock)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int a = -EBADF, b = -EBADF;
	struct stat sb;
	int fds;

	umask(0);
	a = cs_file_lock(t.fd, "lock", false, &err);
	ck_assert_int_ge(a, 0);
	ck_assert_int_eq(fcntl(a, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(a, &sb), 0);
	ck_assert_uint_eq(sb.st_mode, S_IFREG | 0600);
	fds = unit_fd_count();
	ck_assert_int_eq(cs_file_lock(t.fd, "lock", true, &err), -EWOULDBLOCK);
	ck_assert_int_eq(unit_fd_count(), fds);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_is_locked(t.fd, "lock", &err), 1);
	ck_assert_int_eq(err.code, 0);
	/* who asks is no holder for who asks at the same time */
	ck_assert_int_eq(flock(a, LOCK_SH), 0);
	ck_assert_int_eq(cs_file_is_locked(t.fd, "lock", &err), 0);
	cs_close_fd(&a);
	ck_assert_int_eq(cs_file_is_locked(t.fd, "lock", &err), 0);
	ck_assert_int_eq(cs_file_is_locked(t.fd, "nowhere/lock", &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(unit_fd_count(), fds - 1);
	b = cs_file_lock(t.fd, "lock", true, &err);
	ck_assert_int_ge(b, 0);
	ck_assert_int_eq(symlinkat("lock", t.fd, "l"), 0);
	ck_assert_int_eq(cs_file_lock(t.fd, "l", true, &err), -ELOOP);
	unit_tmp_fini(&t);
}
END_TEST

/* Waits for a holder, which dies without a word. */
START_TEST(test_lock_waits)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int fd = -EBADF;
	struct pollfd said;
	int p[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (cs_file_lock(t.fd, "lock", false, &err) < 0 || write(p[1], "x", 1) != 1)
			_exit(1);
		usleep(50000);
		if (write(p[1], "y", 1) == 1)
			raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(read(p[0], &c, 1), 1);
	fd = cs_file_lock(t.fd, "lock", false, &err);
	ck_assert_int_ge(fd, 0);
	/* its last word was before */
	said = (struct pollfd){ .fd = p[0], .events = POLLIN };
	ck_assert_int_eq(poll(&said, 1, 0), 1);
	waitpid(pid, NULL, 0);
	unit_tmp_fini(&t);
}
END_TEST

static int rmtree(const struct unit_tmp *t, const char *name, struct cs_err *err)
{
	cs_err_clear(err);
	return cs_file_rmtree(t->fd, name, err);
}

START_TEST(test_rmtree)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	int fds = unit_fd_count();

	ck_assert_int_eq(mkdirat(t.fd, "keep", 0755), 0);
	unit_write_str(t.fd, "keep/f", "kept");
	ck_assert_int_eq(mkdirat(t.fd, "d", 0755), 0);
	ck_assert_int_eq(mkdirat(t.fd, "d/empty", 0), 0);
	ck_assert_int_eq(mkdirat(t.fd, "d/sub", 0755), 0);
	ck_assert_int_eq(symlinkat("../../keep", t.fd, "d/sub/link"), 0);
	ck_assert_int_eq(symlinkat("/nowhere", t.fd, "d/dangling"), 0);
	ck_assert_int_eq(mkfifoat(t.fd, "d/sub/pipe", 0), 0);
	for (int i = 0; i < 3000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d/sub/%d", i);
		unit_write_str(t.fd, name, "");
	}
	ck_assert_int_eq(rmtree(&t, "d", &err), 0);
	ck_assert(!unit_exists(t.fd, "d"));
	ck_assert(unit_has_text(t.fd, "keep/f", "kept"));
	/* What is no folder, or not there. */
	ck_assert_int_eq(rmtree(&t, "d", &err), 0);
	ck_assert_int_eq(symlinkat("keep", t.fd, "l"), 0);
	ck_assert_int_eq(rmtree(&t, "l", &err), 0);
	ck_assert(!unit_exists(t.fd, "l"));
	unit_write_str(t.fd, "f", "");
	ck_assert_int_eq(rmtree(&t, "f", &err), 0);
	ck_assert(!unit_exists(t.fd, "f"));
	ck_assert(unit_has_text(t.fd, "keep/f", "kept"));
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_rmtree_refused)
{
	static const char *const bad[] = { "", ".", "..", "/", "d/sub", "d/", "../x", "/tmp" };
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(mkdirat(t.fd, "d", 0755), 0);
	ck_assert_int_eq(mkdirat(t.fd, "d/sub", 0755), 0);
	for (size_t i = 0; i < CS_LEN(bad); i++)
		ck_assert_int_eq(rmtree(&t, bad[i], &err), -EINVAL);
	ck_assert(unit_exists(t.fd, "d/sub"));
	unit_tmp_fini(&t);
}
END_TEST

/* A container can nest folders deeper than any number of fds or any path reaches. */
START_TEST(test_rmtree_deep)
{
	enum { DEPTH = 5000 };
	struct unit_tmp t = unit_tmp_init();
	const struct rlimit few = { 160, 160 };
	struct cs_err err = CS_ERR_INIT;
	int fd, next;

	/* Names the folders moved up would like to have are taken. */
	ck_assert_int_eq(mkdirat(t.fd, "d", 0755), 0);
	ck_assert_int_eq(mkdirat(t.fd, "d/.rm.0", 0755), 0);
	unit_write_str(t.fd, "d/.rm.1", "");
	fd = openat(t.fd, "d", O_PATH | O_CLOEXEC);
	for (int i = 0; i < DEPTH; i++) {
		ck_assert_int_eq(mkdirat(fd, "x", 0755), 0);
		ck_assert_int_eq(mknodat(fd, "f", S_IFREG | 0600, 0), 0);
		next = openat(fd, "x", O_PATH | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_msg(rmtree(&t, "d", &err) == 0, "%s", err.msg);
	ck_assert(!unit_exists(t.fd, "d"));
	unit_tmp_fini(&t);
}
END_TEST

/* What is mounted is not ours to delete, and does not keep the rest. */
START_TEST(test_rmtree_mounts)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char path[128];
	int fds;

	if (!unit_mount_ns()) {
		unit_tmp_fini(&t);
		return;
	}
	ck_assert_int_eq(mkdirat(t.fd, "d", 0755), 0);
	ck_assert_int_eq(mkdirat(t.fd, "d/a", 0755), 0);
	ck_assert_int_eq(mkdirat(t.fd, "d/a/m", 0755), 0);
	ck_assert_int_eq(mkdirat(t.fd, "d/b", 0755), 0);
	unit_write_str(t.fd, "d/b/f", "");
	unit_write_str(t.fd, "d/bound", "");
	snprintf(path, sizeof(path), "%s/d/a/m", t.path);
	ck_assert_int_eq(mount("none", path, "tmpfs", 0, NULL), 0);
	unit_write_str(t.fd, "d/a/m/f", "kept");
	snprintf(path, sizeof(path), "%s/d/bound", t.path);
	ck_assert_int_eq(mount("/dev/null", path, NULL, MS_BIND, NULL), 0);
	fds = unit_fd_count();
	ck_assert_int_eq(rmtree(&t, "d", &err), -EBUSY);
	ck_assert_int_eq(strncmp(err.msg, "remove d: ", 10), 0);
	ck_assert(unit_has_text(t.fd, "d/a/m/f", "kept"));
	ck_assert(unit_exists(t.fd, "d/bound"));
	ck_assert(!unit_exists(t.fd, "d/b"));
	ck_assert_int_eq(unit_fd_count(), fds);
	/* The top itself. */
	snprintf(path, sizeof(path), "%s/d/a", t.path);
	fds = open(path, O_PATH | O_CLOEXEC);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_file_rmtree(fds, "m", &err), -EBUSY);
	ck_assert(unit_has_text(t.fd, "d/a/m/f", "kept"));
	close(fds);
	snprintf(path, sizeof(path), "%s/d/a/m", t.path);
	ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
	snprintf(path, sizeof(path), "%s/d/bound", t.path);
	ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
	ck_assert_int_eq(rmtree(&t, "d", &err), 0);
	unit_tmp_fini(&t);
}
END_TEST

/* Somebody swaps a folder for a symlink to one outside, over and over, while it is removed. */
START_TEST(test_rmtree_race)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	pid_t pid;

	ck_assert_int_eq(mkdirat(t.fd, "outside", 0755), 0);
	unit_write_str(t.fd, "outside/f", "kept");
	ck_assert_int_eq(symlinkat("../outside", t.fd, "swap"), 0);
	pid = fork();
	if (pid == 0) {
		for (;;)
			renameat2(t.fd, "d/x", t.fd, "swap", RENAME_EXCHANGE);
	}
	for (int i = 0; i < 300; i++) {
		mkdirat(t.fd, "d", 0755);
		mkdirat(t.fd, "d/x", 0755);
		mkdirat(t.fd, "d/x/y", 0755);
		mkdirat(t.fd, "d/y", 0755);
		rmtree(&t, "d", &err);
		ck_assert(unit_has_text(t.fd, "outside/f", "kept"));
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("base/file", test_replace, test_replace_fails, test_replace_leftover, test_replace_killed,
	  test_read, test_read_own, test_write_str, test_lock, test_lock_waits, test_rmtree,
	  test_rmtree_refused, test_rmtree_deep, test_rmtree_mounts, test_rmtree_race)
