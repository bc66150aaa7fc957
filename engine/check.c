#include "engine/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/check_int.h"

enum {
	TRY_MS = 60 * 1000,
	NEW_S = 60,
};

/* --- lines ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 5, 0))) static void tell(struct eng_check *c, const char *name,
						       enum eng_verdict verdict, const char *help,
						       const char *fmt, va_list ap)
{
	struct eng_check_line l = { .area = c->area, .name = name, .verdict = verdict };

	if (c->ret < 0)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): begun by the callers */
	vsnprintf(l.what, sizeof(l.what), fmt, ap);
	cs_str_plain(l.what);
	snprintf(l.help, sizeof(l.help), "%s", help);
	cs_str_plain(l.help);
	c->ret = c->fn(&l, c->arg, c->err);
}

void eng_check_pass(struct eng_check *c, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, name, ENG_PASS, "", fmt, ap);
	va_end(ap);
}

void eng_check_warn(struct eng_check *c, const char *name, const char *help, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, name, ENG_WARN, help, fmt, ap);
	va_end(ap);
}

void eng_check_fail(struct eng_check *c, const char *name, const char *help, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, name, ENG_FAIL, help, fmt, ap);
	va_end(ap);
}

/* --- trying ----------------------------------------------------------------------------------- */

static void child(const struct eng_check *c, eng_check_try_fn fn, void *arg, int fd)
{
	struct cs_err err = CS_ERR_INIT, why = CS_ERR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fn(c, arg, &err) == 0)
		err.code = 0;
	cs_fd_write_all(fd, &err, sizeof(err), &why);
	_exit(0);
}

int eng_check_try(const struct eng_check *c, eng_check_try_fn fn, void *arg, struct cs_err *err)
{
	struct cs_err found = CS_ERR_INIT;
	struct pollfd wait = { .events = POLLIN };
	cs_auto_fd int in = -EBADF, out = -EBADF;
	int p[2], ret;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return cs_err_sys(err, "make a pipe");
	in = p[0];
	out = p[1];
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "start a process");
	if (pid == 0)
		child(c, fn, arg, out);
	cs_close_fd(&out);
	wait.fd = in;
	ret = poll(&wait, 1, TRY_MS);
	if (ret <= 0)
		kill(pid, SIGKILL); /* ours and not reaped: the pid is its own */
	else
		ret = cs_fd_read_exact(in, &found, sizeof(found), err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (wait.revents == 0)
		return cs_err_set(err, ETIMEDOUT, "it takes more than a minute");
	if (ret < 0) {
		cs_err_clear(err);
		return cs_err_set(err, ECHILD, "the process that tried it was killed");
	}
	if (found.code)
		*err = found;
	return -found.code;
}

int eng_check_line_of(const char *path, char *out, size_t size)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, size - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

long long eng_check_number(const char *path)
{
	char text[64];
	char *end;
	long long n;

	if (eng_check_line_of(path, text, sizeof(text)) < 0)
		return -1;
	n = strtoll(text, &end, 10);
	return end == text ? -1 : n;
}

/* --- folders of our own ----------------------------------------------------------------------- */

static int make_dir(const char *path, struct cs_err *err)
{
	cs_auto_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cs_auto_fd int fd = -EBADF;

	if (top < 0)
		return cs_err_sys(err, "open /");
	fd = cs_path_mkdirs(top, path, 0700, err);
	return fd < 0 ? fd : 0;
}

/* What checks that were killed left: nobody has its lock. */
static void sweep(const char *path)
{
	cs_auto_dir DIR *d = opendir(path);
	const struct dirent *f;

	while (d && (f = readdir(d))) {
		cs_auto_fd int fd = -EBADF;
		struct cs_err why = CS_ERR_INIT;
		struct stat sb;

		if (!cs_str_starts(f->d_name, ENG_CHECK_DIR))
			continue;
		fd = openat(dirfd(d), f->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* a new one is perhaps about to be locked */
		if (fd >= 0 && fstat(fd, &sb) == 0 && sb.st_mtime + NEW_S < time(NULL) &&
		    flock(fd, LOCK_EX | LOCK_NB) == 0)
			cs_file_rmtree(dirfd(d), f->d_name, &why);
	}
}

void eng_check_tidy(const char *root, const char *state)
{
	sweep(root);
	sweep(state);
}

/* Makes one, and locks it for as long as the fd is open. */
static int make_tmp(const char *path, char out[PATH_MAX], struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;

	out[0] = '\0';
	if (make_dir(path, err) < 0)
		return -err->code;
	sweep(path);
	if (cs_str_fmt(out, PATH_MAX, err, "%s/" ENG_CHECK_DIR "XXXXXX", path) < 0)
		return -err->code;
	if (!mkdtemp(out)) {
		out[0] = '\0';
		return cs_err_sys(err, "make a folder in %s", path);
	}
	fd = open(out, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return cs_err_sys(err, "lock folder %s", out);
	return cs_take_fd(&fd);
}

static void drop_tmp(const char *in, const char *path)
{
	cs_auto_fd int dir = open(in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *name = strrchr(path, '/');
	struct cs_err why = CS_ERR_INIT;

	if (dir >= 0 && name)
		cs_file_rmtree(dir, name + 1, &why);
}

static void make_folders(struct eng_check *c, int locks[2])
{
	struct cs_err why = CS_ERR_INIT;

	c->area = "storage";
	locks[0] = make_tmp(c->root, c->tmp, &why);
	if (locks[0] < 0)
		eng_check_fail(c, "root", "make it writable, or give another by --root", "%s",
			       why.msg);
	cs_err_clear(&why);
	locks[1] = make_tmp(c->state, c->tmp_run, &why);
	if (locks[1] < 0)
		eng_check_fail(c, "state", "make it writable, or give another by --state", "%s",
			       why.msg);
}

int eng_check(const char *root, const char *state, eng_check_fn fn, void *arg, struct cs_err *err)
{
	static const struct {
		const char *name;
		void (*check)(struct eng_check *c);
	} areas[] = {
		{ "host", eng_check_host },	  { "cgroups", eng_check_cgroups },
		{ "storage", eng_check_storage }, { "network", eng_check_network },
		{ "vm", eng_check_vm },		  { "run", eng_check_run },
	};
	struct eng_check c = { .root = root, .state = state, .fn = fn, .arg = arg, .err = err };
	int locks[2] = { -EBADF, -EBADF };

	make_folders(&c, locks);
	for (size_t i = 0; c.ret == 0 && i < CS_LEN(areas); i++) {
		c.area = areas[i].name;
		areas[i].check(&c);
	}
	drop_tmp(c.root, c.tmp);
	drop_tmp(c.state, c.tmp_run);
	cs_close_fd(&locks[0]);
	cs_close_fd(&locks[1]);
	return c.ret;
}
