#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"

enum {
	STAT_MAX = 1024,     /* /proc/<pid>/stat is some 300 bytes */
	CHILD_STACK = 32768, /* for a few system calls between clone() and exec */
};

int cs_proc_wait(int pidfd, int *status, struct cs_err *err)
{
	siginfo_t si = { 0 };
	int ret;

	/* __WALL: also a child cloned with another exit signal than SIGCHLD, or none. */
	do
		ret = waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return cs_err_sys(err, "wait for a child");
	if (si.si_code == CLD_EXITED)
		*status = (si.si_status & 0xff) << 8;
	else
		*status = si.si_status | (si.si_code == CLD_DUMPED ? 0x80 : 0);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 2: @stop_fd (-1: none) can be read and the process has not ended; else as cs_proc_wait_end(). */
static int wait_end(int pidfd, int stop_fd, int timeout_ms, struct cs_err *err)
{
	struct pollfd p[] = { { .fd = pidfd, .events = POLLIN },
			      { .fd = stop_fd, .events = POLLIN } };
	int64_t end = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
	int left = timeout_ms;

	for (;;) {
		int ret = poll(p, CS_LEN(p), left);

		if (ret > 0)
			return p[0].revents ? 1 : 2;
		if (ret == 0)
			return 0;
		if (errno != EINTR)
			return cs_err_sys(err, "wait for a process");
		if (timeout_ms > 0) {
			int64_t ms = end - now_ms();

			left = ms > 0 ? (int)ms : 0;
		}
	}
}

int cs_proc_wait_end(int pidfd, int timeout_ms, struct cs_err *err)
{
	return wait_end(pidfd, -1, timeout_ms, err);
}

int cs_proc_exit_code(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

/* Finds the state and the start time in the text of /proc/<pid>/stat. The name, in parentheses,
 * is the process's own choice and may hold anything: the fields are counted from its last ')'. */
static int parse_stat(char *text, char *state, uint64_t *start)
{
	char *p = strrchr(text, ')');
	size_t len;

	if (!p || p[1] != ' ' || !p[2] || p[3] != ' ')
		return -EINVAL;
	*state = p[2];
	/* p is at the end of field 2; field n begins behind the (n-1)th space from there. */
	for (int field = 2; field < 22; field++) {
		p = strchr(p + 1, ' ');
		if (!p)
			return -EINVAL;
	}
	p++;
	len = strcspn(p, " \n");
	p[len] = '\0';
	return cs_str_u64(p, start);
}

int cs_proc_start_time(int procfd, pid_t pid, bool no_zombie, uint64_t *out, struct cs_err *err)
{
	char path[32], text[STAT_MAX], state = 0;
	cs_auto_fd int fd = -EBADF;
	uint64_t start = 0;
	ssize_t n;

	if (pid <= 0)
		return cs_err_set(err, ESRCH, "there is no process %d", (int)pid);
	snprintf(path, sizeof(path), "%d/stat", (int)pid);
	fd = cs_path_proc_file(procfd, path, O_RDONLY, err);
	if (fd == -ENOENT || fd == -ESRCH) {
		cs_err_clear(err);
		return cs_err_set(err, ESRCH, "there is no process %d", (int)pid);
	}
	if (fd < 0)
		return fd;
	do
		n = read(fd, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ESRCH)
		return cs_err_set(err, ESRCH, "there is no process %d", (int)pid);
	if (n < 0)
		return cs_err_sys(err, "read /proc/%s", path);
	text[n] = '\0';
	if (parse_stat(text, &state, &start) < 0)
		return cs_err_set(err, EIO, "/proc/%s is not as proc(5) has it", path);
	if (no_zombie && (state == 'Z' || state == 'X' || state == 'x'))
		return cs_err_set(err, ESRCH, "process %d has ended", (int)pid);
	*out = start;
	return 0;
}

int cs_proc_pidfd(int procfd, pid_t pid, uint64_t start, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	uint64_t found = 0;
	int ret;

	if (pid <= 0)
		return cs_err_set(err, ESRCH, "there is no process %d", (int)pid);
	/* First the fd, then the look: what the number means cannot change in between. */
	fd = cs_sys_pidfd_open(pid, 0);
	if (fd < 0 && (errno == ESRCH || errno == EINVAL || errno == ENOENT))
		return cs_err_set(err, ESRCH, "there is no process %d", (int)pid);
	if (fd < 0)
		return cs_err_sys(err, "open process %d", (int)pid);
	ret = cs_proc_start_time(procfd, pid, false, &found, err);
	if (ret < 0)
		return ret;
	if (found != start)
		return cs_err_set(err, ESRCH, "process %d is another one by now", (int)pid);
	return cs_take_fd(&fd);
}

/* The system calls themselves: glibc keeps two signals (32 and 33) to itself, which its own
 * posix_spawn(), and so make, leaves ignored in what it starts. */
int cs_proc_default_signals(void)
{
	const uint64_t dfl[4] = { 0 }, none = 0; /* the kernel's sigaction and sigset_t, zero */

	for (int sig = 1; sig < NSIG; sig++) {
		if (syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof(none)) < 0 && sig != SIGKILL &&
		    sig != SIGSTOP)
			return -1;
	}
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

int cs_proc_unignore_signals(int procfd, struct cs_err *err)
{
	static const char key[] = "\nSigIgn:\t";
	const uint64_t dfl[4] = { 0 };
	cs_auto_fd int fd = -EBADF;
	char text[4096];
	uint64_t mask;
	const char *at;
	ssize_t n;

	fd = cs_path_proc_file(procfd, "self/status", O_RDONLY, err);
	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return cs_err_sys(err, "read /proc/self/status");
	text[n] = '\0';
	at = strstr(text, key);
	if (!at)
		return cs_err_set(err, EPROTO, "/proc/self/status has no SigIgn");
	mask = strtoull(at + strlen(key), NULL, 16);
	for (int sig = 1; mask; sig++, mask >>= 1)
		if ((mask & 1) && syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof(mask)) < 0)
			return cs_err_sys(err, "set signal %d to its default", sig);
	return 0;
}

/* Opens what becomes a program's stdin. Nobody has to feed it while it runs, so one that does not
 * read its input, or is slow to, neither blocks nor signals us: a pipe filled beforehand when the
 * text fits, else a file in memory. */
static int open_input(const void *in, size_t len, struct cs_err *err)
{
	cs_auto_fd int rd = -EBADF, wr = -EBADF, mem = -EBADF;
	int pipefd[2];
	int ret;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return cs_err_sys(err, "make a pipe");
	rd = pipefd[0];
	wr = pipefd[1];
	if (fcntl(wr, F_SETFL, O_NONBLOCK) < 0)
		return cs_err_sys(err, "set up a pipe");
	if (!len || write(wr, in, len) == (ssize_t)len)
		return cs_take_fd(&rd);

	mem = memfd_create("input", MFD_CLOEXEC);
	if (mem < 0)
		return cs_err_sys(err, "make a file in memory");
	ret = cs_fd_write_all(mem, in, len, err);
	if (ret < 0)
		return ret;
	if (lseek(mem, 0, SEEK_SET) < 0)
		return cs_err_sys(err, "rewind a file in memory");
	return cs_take_fd(&mem);
}

/* What the child needs; its memory is ours until it execs. */
struct child {
	const char *path;
	char *const *argv;
	char *const *envp;
	int in;
	int out;
	pid_t parent;
	int error; /* set by the child: errno of what failed */
};

/* Between clone() and exec, on the parent's memory: system calls only. ASan would mark this frame
 * and, as it is never left, keep its marks on the parent's stack. */
__attribute__((no_sanitize("address"))) static int child_main(void *arg)
{
	struct child *c = arg;
	int in, out;

	/* A group of its own, to be killed with all it starts. */
	setpgid(0, 0);
	/* Whoever killed the parent before this is noticed by the parent being another. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		goto fail;
	if (getppid() != c->parent) {
		errno = ESRCH;
		goto fail;
	}
	/* First out of the way of 0 to 2, which the fds may be themselves. */
	in = fcntl(c->in, F_DUPFD_CLOEXEC, 3);
	out = fcntl(c->out, F_DUPFD_CLOEXEC, 3);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    cs_sys_close_range(3, ~0U, 0) < 0)
		goto fail;
	if (cs_proc_default_signals() == 0)
		execve(c->path, c->argv, c->envp);
fail:
	c->error = errno;
	return 127;
}

/* Starts the program: as vfork() does, without a copy of our memory. All signals are blocked
 * until it runs: a handler of ours must not run on the child's behalf. Returns a pidfd; @pid, which
 * is also its process group, is valid until it is reaped. */
static int spawn(struct child *c, pid_t *pid, struct cs_err *err)
{
	_Alignas(16) char stack[CHILD_STACK];
	sigset_t all, old;
	int pidfd = -EBADF;
	int failed = 0;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &old) < 0)
		return cs_err_sys(err, "block signals");
	*pid = clone(child_main, stack + sizeof(stack),
		     CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, c, &pidfd);
	if (*pid < 0)
		failed = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (failed)
		return cs_err_errno(err, failed, "start %s", c->path);
	return pidfd;
}

/* Waits for the child and reaps it, killed with its group when its time is up or it is to stop. */
static int finish(int pidfd, pid_t pid, const struct cs_proc_run *r, int *status,
		  struct cs_err *err)
{
	int stop_fd = r->stop_fd > 0 ? r->stop_fd : -1;
	struct cs_err ignored = CS_ERR_INIT;
	int ended = 1;

	if (r->timeout_ms > 0 || stop_fd > 0)
		ended = wait_end(pidfd, stop_fd, r->timeout_ms > 0 ? r->timeout_ms : -1, err);
	if (ended == 1)
		return cs_proc_wait(pidfd, status, err);
	kill(-pid, SIGKILL);
	cs_sys_pidfd_send_signal(pidfd, SIGKILL); /* it may have left its group */
	cs_proc_wait(pidfd, &(int){ 0 }, &ignored);
	if (ended < 0)
		return ended;
	if (ended == 2)
		return cs_err_set(err, EINTR, "killed, since a signal asks us to end");
	return cs_err_set(err, ETIMEDOUT, "killed after %d ms", r->timeout_ms);
}

int cs_proc_run(const struct cs_proc_run *r, int *status, struct cs_err *err)
{
	const char *const argv[] = { r->path, NULL }, *const envp[] = { NULL };
	const char *const *args = r->argv ? r->argv : argv;
	const char *const *env = r->envp ? r->envp : envp;
	cs_auto_fd int in = -EBADF, null = -EBADF, pidfd = -EBADF;
	struct child c = { .path = r->path, .out = r->out_fd, .parent = getpid() };
	pid_t pid = -1;
	int ret;

	in = open_input(r->in, r->in_len, err);
	if (in < 0)
		return cs_err_wrap(err, "run %s", r->path);
	c.in = in;
	if (r->out_fd < 0) {
		/* O_NONBLOCK: in a container, it may not be what its name says. */
		null = open("/dev/null", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (null < 0)
			return cs_err_sys(err, "run %s: open /dev/null", r->path);
		c.out = null;
	}
	/* execve() does not write to them; its prototype is older than const. */
	memcpy(&c.argv, &args, sizeof(args));
	memcpy(&c.envp, &env, sizeof(env));
	pidfd = spawn(&c, &pid, err);
	if (pidfd < 0)
		return pidfd;
	if (c.error) {
		struct cs_err ignored = CS_ERR_INIT;

		cs_proc_wait(pidfd, &(int){ 0 }, &ignored);
		return cs_err_errno(err, c.error, "run %s", r->path);
	}
	ret = finish(pidfd, pid, r, status, err);
	return ret < 0 ? cs_err_wrap(err, "run %s", r->path) : 0;
}
