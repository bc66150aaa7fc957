#include "engine/holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"

/* The file whose lock is looked for. */
struct file {
	const char *name;
	struct stat sb;
};

static DIR *open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		cs_cleanup_fd(&fd);
	return d;
}

/* Is it that file? Its path is looked at first: what is behind it may hang (a network's file). */
static bool is_file(int fds, const char *fd, const struct file *f)
{
	char path[PATH_MAX];
	size_t len = strlen(f->name);
	ssize_t n = readlinkat(fds, fd, path, sizeof(path));
	struct stat sb;

	return n > (ssize_t)len && memcmp(path + n - len, f->name, len) == 0 &&
	       path[(size_t)n - len - 1] == '/' && fstatat(fds, fd, &sb, 0) == 0 &&
	       sb.st_ino == f->sb.st_ino && sb.st_dev == f->sb.st_dev;
}

/* Has it a lock by this fd? The kernel lists those after "lock:". */
static bool has_lock(int proc, const char *pid, const char *fd)
{
	char path[64], text[1024];
	cs_auto_fd int info = -EBADF;
	ssize_t n;

	snprintf(path, sizeof(path), "%.20s/fdinfo/%.20s", pid, fd);
	info = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, "\nlock:");
}

static bool holds(int proc, const char *pid, const struct file *f)
{
	cs_auto_dir DIR *d = NULL;
	char path[32];

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	d = open_folder(proc, path);
	if (!d)
		return false;
	for (const struct dirent *e; (e = readdir(d));)
		if (is_file(dirfd(d), e->d_name, f) && has_lock(proc, pid, e->d_name))
			return true;
	return false;
}

static void say(int proc, const char *pid, const char *what)
{
	char path[32], comm[32] = "?";
	cs_auto_fd int fd = -EBADF;
	ssize_t n;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);
	if (n > 0)
		comm[n - 1] = '\0';
	cs_log(CS_LOG_WARN, "%s: process %s (%s) had it and did not let go: killed", what, pid,
	       comm);
}

/* The pidfd is of one that has the lock: it has it after the pidfd was opened. */
static bool kill_holder(int proc, pid_t pid, const struct file *f, const char *what)
{
	cs_auto_fd int pidfd = -EBADF;
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	if (!holds(proc, text, f))
		return false;
	pidfd = cs_sys_pidfd_open(pid, 0);
	if (pidfd < 0 || !holds(proc, text, f))
		return false;
	say(proc, text, what);
	return cs_sys_pidfd_send_signal(pidfd, SIGKILL) == 0;
}

int eng_holders_kill(int dir, const char *name, const char *what, struct cs_err *err)
{
	cs_auto_fd int proc = cs_path_proc_open(err);
	cs_auto_dir DIR *d = NULL;
	struct file f = { .name = name };
	int n = 0;

	if (proc < 0)
		return proc;
	if (fstatat(dir, name, &f.sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "look at lock file %s", name);
	d = open_folder(proc, ".");
	if (!d)
		return cs_err_sys(err, "read /proc");
	for (const struct dirent *e; (e = readdir(d));) {
		uint64_t pid;

		if (cs_str_u64(e->d_name, &pid) == 0 && pid > 1 && pid <= INT_MAX &&
		    (pid_t)pid != getpid())
			n += kill_holder(proc, (pid_t)pid, &f, what);
	}
	return n;
}
