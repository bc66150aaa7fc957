#include "base/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/sys.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int pidfd_of(pid_t pid)
{
	int fd = cs_sys_pidfd_open(pid, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* A child that does nothing until it is killed. */
static pid_t idle_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, __WALL), pid);
}

START_TEST(test_wait)
{
	static const int codes[] = { 0, 1, 127, 255 };
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int fd = -EBADF;
	int status = -1;
	pid_t pid;

	for (size_t i = 0; i < CS_LEN(codes); i++) {
		pid = fork();
		if (pid == 0)
			_exit(codes[i]);
		fd = pidfd_of(pid);
		ck_assert_int_eq(cs_proc_wait(fd, &status, &err), 0);
		ck_assert(WIFEXITED(status));
		ck_assert_int_eq(WEXITSTATUS(status), codes[i]);
		ck_assert_int_eq(cs_proc_exit_code(status), codes[i]);
		cs_close_fd(&fd);
	}
	signal(SIGHUP, SIG_DFL); /* whoever runs the tests may ignore it */
	pid = idle_child();
	fd = pidfd_of(pid);
	kill(pid, SIGHUP);
	ck_assert_int_eq(cs_proc_wait(fd, &status, &err), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGHUP);
	ck_assert_int_eq(cs_proc_exit_code(status), 128 + SIGHUP);
	/* Reaped: it is a child no more. */
	status = -1;
	ck_assert_int_eq(cs_proc_wait(fd, &status, &err), -ECHILD);
	ck_assert_int_eq(status, -1);
}
END_TEST

static void on_alarm(int sig)
{
	(void)sig;
}

START_TEST(test_wait_end)
{
	const struct itimerval tick = { { 0, 3000 }, { 0, 3000 } };
	const struct sigaction sa = { .sa_handler = on_alarm };
	struct cs_err err = CS_ERR_INIT;
	pid_t pid = idle_child();
	cs_auto_fd int fd = pidfd_of(pid);
	int64_t from;

	ck_assert_int_eq(cs_proc_wait_end(fd, 0, &err), 0);
	/* Interruptions neither end the wait nor start it anew. */
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	from = now_ms();
	ck_assert_int_eq(cs_proc_wait_end(fd, 100, &err), 0);
	ck_assert_int_ge(now_ms() - from, 99);
	ck_assert_int_le(now_ms() - from, 5000);
	kill(pid, SIGKILL);
	ck_assert_int_eq(cs_proc_wait_end(fd, -1, &err), 1);
	ck_assert_int_eq(cs_proc_wait_end(fd, 1000, &err), 1);
	end_child(pid);
	ck_assert_int_eq(cs_proc_wait_end(fd, 0, &err), 1);
}
END_TEST

static int start_time(int procfd, pid_t pid, bool no_zombie, uint64_t *out)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cs_proc_start_time(procfd, pid, no_zombie, out, &err);

	ck_assert_int_eq(ret, -err.code);
	return ret;
}

START_TEST(test_start_time)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int procfd = cs_path_proc_open(&err);
	int fds = unit_fd_count();
	uint64_t mine = 0, again = 0, child = 0;
	struct timespec up;
	siginfo_t si;
	pid_t pid;

	ck_assert_int_eq(start_time(procfd, getpid(), true, &mine), 0);
	clock_gettime(CLOCK_BOOTTIME, &up);
	ck_assert_uint_le(mine, (uint64_t)(up.tv_sec + 1) * (uint64_t)sysconf(_SC_CLK_TCK));
	ck_assert_uint_gt(mine, 0);
	/* The name is the process's own choice. */
	prctl(PR_SET_NAME, ") R 1 (x) Z 2");
	ck_assert_int_eq(start_time(procfd, getpid(), true, &again), 0);
	ck_assert_uint_eq(again, mine);
	usleep(30000);
	pid = fork();
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(start_time(procfd, pid, false, &child), 0);
	ck_assert_uint_gt(child, mine);
	again = 1;
	ck_assert_int_eq(start_time(procfd, pid, true, &again), -ESRCH);
	ck_assert_uint_eq(again, 1);
	end_child(pid);
	ck_assert_int_eq(start_time(procfd, pid, false, &again), -ESRCH);
	ck_assert_int_eq(start_time(procfd, 0, false, &again), -ESRCH);
	ck_assert_int_eq(start_time(procfd, -1, false, &again), -ESRCH);
	ck_assert_uint_eq(again, 1);
	ck_assert_int_eq(unit_fd_count(), fds);
}
END_TEST

#define FIELDS_4_TO_21 " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0"

/* The parser alone, on texts the kernel might write. */
START_TEST(test_stat_texts)
{
	static const struct {
		const char *text;
		int code;
		uint64_t start;
	} texts[] = {
		{ "7 (a) S" FIELDS_4_TO_21 " 4711 9 9\n", 0, 4711 },
		{ "7 (a) S" FIELDS_4_TO_21 " 4711\n", 0, 4711 },
		{ "7 (a) S" FIELDS_4_TO_21 " 4711", 0, 4711 },
		{ "7 () S" FIELDS_4_TO_21 " 18446744073709551615 9\n", 0, UINT64_MAX },
		{ "7 (a) b\n(c) R) S" FIELDS_4_TO_21 " 5 9\n", 0, 5 },
		{ "7 (a) Z" FIELDS_4_TO_21 " 5 9\n", ESRCH, 0 },
		{ "7 (a) X" FIELDS_4_TO_21 " 5 9\n", ESRCH, 0 },
		{ "7 (a) S" FIELDS_4_TO_21 "\n", EIO, 0 },
		{ "7 (a) S" FIELDS_4_TO_21 " \n", EIO, 0 },
		{ "7 (a) S" FIELDS_4_TO_21 " -1 9\n", EIO, 0 },
		{ "7 (a) S" FIELDS_4_TO_21 " 18446744073709551616 9\n", EIO, 0 },
		{ "7 (a) S", EIO, 0 },
		{ "7 (a)", EIO, 0 },
		{ "7 (a) ", EIO, 0 },
		{ ")", EIO, 0 },
		{ "7 a S", EIO, 0 },
		{ "", EIO, 0 },
	};
	struct unit_tmp t = unit_tmp_init();

	ck_assert_int_eq(mkdirat(t.fd, "7", 0755), 0);
	for (size_t i = 0; i < CS_LEN(texts); i++) {
		uint64_t start = 0;

		unit_write_str(t.fd, "7/stat", texts[i].text);
		ck_assert_msg(start_time(t.fd, 7, true, &start) == -texts[i].code, "%s",
			      texts[i].text);
		ck_assert_uint_eq(start, texts[i].start);
	}
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_pidfd)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int procfd = cs_path_proc_open(&err);
	int fds = unit_fd_count(), fd;
	pid_t pid = idle_child();
	uint64_t start = 0;

	ck_assert_int_eq(start_time(procfd, pid, true, &start), 0);
	fd = cs_proc_pidfd(procfd, pid, start, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(cs_sys_pidfd_send_signal(fd, 0), 0);
	close(fd);
	ck_assert_int_eq(cs_proc_pidfd(procfd, pid, start + 1, &err), -ESRCH);
	cs_err_clear(&err);
	end_child(pid);
	ck_assert_int_eq(cs_proc_pidfd(procfd, pid, start, &err), -ESRCH);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_proc_pidfd(procfd, 0, start, &err), -ESRCH);
	ck_assert_int_eq(unit_fd_count(), fds);
}
END_TEST

/* Runs @r with its output caught in @out (NUL-terminated). */
static int run(struct cs_proc_run *r, char *out, size_t size, int *status, struct cs_err *err)
{
	struct unit_tmp t = unit_tmp_init();
	int fds, ret;
	ssize_t n;

	unit_write_str(t.fd, "out", "");
	r->out_fd = openat(t.fd, "out", O_RDWR | O_APPEND | O_CLOEXEC);
	fds = unit_fd_count();
	ret = cs_proc_run(r, status, err);
	ck_assert_int_eq(ret, -err->code);
	ck_assert_int_eq(unit_fd_count(), fds);
	n = pread(r->out_fd, out, size - 1, 0);
	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	close(r->out_fd);
	unit_tmp_fini(&t);
	/* Nothing is left to reap. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
	return ret;
}

/* Runs a shell script, which must end well, and compares what it printed. */
static void run_script(const char *script, const void *in, size_t in_len, const char *expected)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const char *const envp[] = { "PATH=/usr/bin:/bin", "X=y z", NULL };
	struct cs_proc_run r = {
		.path = "/bin/sh",
		.argv = argv,
		.envp = envp,
		.in = in,
		.in_len = in_len,
	};
	struct cs_err err = CS_ERR_INIT;
	char out[4096];
	int status = -1;

	ck_assert_msg(run(&r, out, sizeof(out), &status, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(out, expected);
	ck_assert_int_eq(status, 0);
}

START_TEST(test_run)
{
	struct cs_proc_run r = { .path = "/bin/true" };
	struct cs_err err = CS_ERR_INIT;
	char out[64];
	int status = -1;

	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), 0);
	ck_assert_int_eq(status, 0);
	r.path = "/bin/false";
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), 0);
	ck_assert_int_eq(cs_proc_exit_code(status), 1);
	r.path = "/usr/bin/env"; /* no arguments, no environment */
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), 0);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(out, "");
	run_script("echo out; echo err >&2", NULL, 0, "out\nerr\n");
	run_script("env | grep ^X=; echo $0", NULL, 0, "X=y z\nsh\n");
	run_script("cat", NULL, 0, "");
	run_script("cat; cat", "some text", 9, "some text");
	run_script("cat /dev/stdin; test -p /dev/stdin && echo .", "text", 4, "text.\n");
}
END_TEST

START_TEST(test_run_killed)
{
	const char *const argv[] = { "sh", "-c", "kill -9 $$", NULL };
	struct cs_proc_run r = { .path = "/bin/sh", .argv = argv };
	struct cs_err err = CS_ERR_INIT;
	char out[64];
	int status = -1;

	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(cs_proc_exit_code(status), 137);
}
END_TEST

/* Texts around what a pipe holds, and far past it, read or not. SIGPIPE is at its default. */
START_TEST(test_run_input)
{
	enum { MANY = 10 * 1000 * 1000 };
	static const size_t sizes[] = { 4096, 65535, 65536, 65537, MANY };
	cs_auto_free char *text = malloc(MANY);
	char expected[32];

	memset(text, 'x', MANY);
	for (size_t i = 0; i < CS_LEN(sizes); i++) {
		snprintf(expected, sizeof(expected), "%zu\n", sizes[i]);
		run_script("wc -c", text, sizes[i], expected);
		run_script("exit 0", text, sizes[i], "");
		run_script("exec <&-; sleep 0.01", text, sizes[i], "");
		run_script("head -c 3", text, sizes[i], "xxx");
	}
}
END_TEST

START_TEST(test_run_timeout)
{
	const char *const argv[] = { "sleep", "60", NULL };
	struct cs_proc_run r = { .path = "/bin/sleep", .argv = argv, .timeout_ms = 50 };
	struct cs_err err = CS_ERR_INIT;
	int64_t from = now_ms();
	int status = -1;
	char out[64];

	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), -ETIMEDOUT);
	ck_assert_str_eq(err.msg, "run /bin/sleep: killed after 50 ms");
	ck_assert_int_eq(status, -1);
	ck_assert_int_ge(now_ms() - from, 49);
	ck_assert_int_le(now_ms() - from, 20000);
	/* One that ends in time. */
	cs_err_clear(&err);
	r = (struct cs_proc_run){ .path = "/bin/true", .timeout_ms = 30000 };
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* What it has started ends with it. */
START_TEST(test_run_timeout_group)
{
	const char *const argv[] = { "sh", "-c", "sleep 60 & echo $!; wait", NULL };
	struct cs_proc_run r = { .path = "/bin/sh", .argv = argv, .timeout_ms = 500 };
	struct cs_err err = CS_ERR_INIT;
	int p[2], status = -1;
	char out[16] = "";
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	r.out_fd = p[1];
	ck_assert_int_eq(cs_proc_run(&r, &status, &err), -ETIMEDOUT);
	ck_assert_int_gt(read(p[0], out, sizeof(out) - 1), 1);
	pid = (pid_t)strtol(out, NULL, 10);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

/* Killed once the fd can be read, which is left to the caller; at once, if it can be already. */
START_TEST(test_run_stop)
{
	const char *const argv[] = { "sh", "-c", "echo x >&3; exec sleep 60", NULL };
	struct cs_proc_run r = { .path = "/bin/sh", .argv = argv };
	struct cs_err err = CS_ERR_INIT;
	int p[2], status = -1;
	char out[64], c;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	r.stop_fd = p[0];
	r.timeout_ms = 30000;
	ck_assert_int_eq(write(p[1], "s", 1), 1);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), -EINTR);
		ck_assert_str_eq(err.msg, "run /bin/sh: killed, since a signal asks us to end");
		cs_err_clear(&err);
		r.timeout_ms = 0;
	}
	ck_assert_int_eq(status, -1);
	ck_assert_int_eq(read(p[0], &c, 1), 1);
	r = (struct cs_proc_run){ .path = "/bin/true", .stop_fd = p[0] };
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), 0);
	ck_assert_int_eq(status, 0);
	close(p[0]);
	close(p[1]);
}
END_TEST

/* Whoever runs a program is killed: the program ends as well. */
START_TEST(test_run_orphan)
{
	const char *const argv[] = { "sh", "-c", "echo $$; exec sleep 60", NULL };
	struct cs_proc_run r = { .path = "/bin/sh", .argv = argv };
	struct cs_err err = CS_ERR_INIT;
	int p[2], status = -1;
	pid_t runner, pid;
	char out[16] = "";

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	r.out_fd = p[1];
	runner = fork();
	if (runner == 0)
		_exit(cs_proc_run(&r, &status, &err) < 0);
	ck_assert_int_gt(read(p[0], out, sizeof(out) - 1), 1);
	pid = (pid_t)strtol(out, NULL, 10);
	ck_assert_int_gt(pid, 1);
	kill(runner, SIGKILL);
	ck_assert_int_eq(waitpid(runner, &status, 0), runner);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST(test_run_cannot_start)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char path[128], out[64];
	struct cs_proc_run r = { .path = path };
	int status = -1;

	snprintf(path, sizeof(path), "%s/prog", t.path);
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), -ENOENT);
	ck_assert_int_eq(strncmp(err.msg, "run /", 5), 0);
	ck_assert_str_eq(strrchr(err.msg, ':'), ": no such file or directory");
	cs_err_clear(&err);
	unit_write_str(t.fd, "prog", "junk");
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), -EACCES);
	cs_err_clear(&err);
	ck_assert_int_eq(fchmodat(t.fd, "prog", 0755, 0), 0);
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), -ENOEXEC);
	cs_err_clear(&err);
	r.path = t.path;
	ck_assert_int_eq(run(&r, out, sizeof(out), &status, &err), -EACCES);
	ck_assert_int_eq(status, -1);
	unit_tmp_fini(&t);
}
END_TEST

/* Without any of our fds, marked close-on-exec or not. */
START_TEST(test_run_fds)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD, 3), high = fcntl(fd, F_DUPFD, 700);

	ck_assert_int_ge(high, 700);
	run_script(
		"i=0; while [ $i -lt 800 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done",
		"x", 1, "0\n1\n2\n");
	close(fd);
	close(high);
}
END_TEST

/* A caller whose own 0 to 2 are closed: the pipe and the output take their numbers. */
START_TEST(test_run_without_stdio)
{
	int saved[3];

	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	for (int mask = 1; mask < 8; mask++) {
		for (int i = 0; i < 3; i++) {
			if (mask & (1 << i))
				close(i);
		}
		run_script("cat; echo err >&2", "text\n", 5, "text\nerr\n");
		for (int i = 0; i < 3; i++)
			dup2(saved[i], i);
	}
}
END_TEST

START_TEST(test_run_no_output)
{
	const char *const argv[] = { "sh", "-c", "echo x; readlink /proc/self/fd/1 >&2", NULL };
	struct cs_proc_run r = { .path = "/bin/sh", .argv = argv, .out_fd = -EBADF };
	struct cs_err err = CS_ERR_INIT;
	int fds = unit_fd_count(), status = -1;

	ck_assert_int_eq(cs_proc_run(&r, &status, &err), 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(unit_fd_count(), fds);
}
END_TEST

static bool handled;

static void on_usr1(int sig)
{
	(void)sig;
	handled = true;
}

/* The program begins with no signal blocked, ignored or handled; the caller keeps its own. */
START_TEST(test_run_signals)
{
	const struct sigaction sa = { .sa_handler = on_usr1 };
	const uint64_t ignore[4] = { 1 }; /* SIG_IGN in the kernel's struct */
	struct sigaction now;
	sigset_t set, after;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGRTMIN + 3, SIG_IGN);
	/* As make leaves it: glibc's own. */
	ck_assert_int_eq(syscall(SYS_rt_sigaction, 32, ignore, NULL, 8), 0);
	sigaction(SIGCHLD, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	run_script("kill -USR1 $PPID; grep -E 'Sig(Blk|Ign)' /proc/self/status", NULL, 0,
		   "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	sigprocmask(SIG_SETMASK, NULL, &after);
	ck_assert_int_eq(sigismember(&after, SIGUSR2), 1);
	ck_assert_int_eq(sigismember(&after, SIGINT), 1);
	ck_assert_int_eq(sigismember(&after, SIGTERM), 0);
	ck_assert(handled);
	sigaction(SIGTERM, NULL, &now);
	ck_assert(now.sa_handler == SIG_IGN);
}
END_TEST

START_TEST(test_run_out_of_fds)
{
	struct cs_proc_run r = { .path = "/bin/true", .out_fd = -EBADF };
	struct cs_err err = CS_ERR_INIT;
	int status = -1, last = -1, fd;

	/* Each number of fds still free fails in another place, and none of them leaks. */
	while ((fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0)
		last = fd;
	ck_assert_int_eq(errno, EMFILE);
	for (int i = 0; i < 5; i++) {
		int ret = cs_proc_run(&r, &status, &err);

		if (ret == 0)
			ck_assert_int_ge(i, 3);
		else
			ck_assert_int_eq(ret, -EMFILE);
		cs_err_clear(&err);
		close(last - i);
		for (int left = 0; left <= i; left++)
			ck_assert_int_eq(fcntl(last - left, F_GETFD), -1);
		ck_assert_int_ge(fcntl(last - i - 1, F_GETFD), 0);
	}
}
END_TEST

START_TEST(test_unignore)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int procfd = cs_path_proc_open(&err);
	struct sigaction sa;

	ck_assert_int_ge(procfd, 0);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	ck_assert_int_eq(cs_proc_unignore_signals(procfd, &err), 0);
	ck_assert_int_eq(sigaction(SIGUSR1, NULL, &sa), 0);
	ck_assert(sa.sa_handler == SIG_DFL);
	ck_assert_int_eq(sigaction(SIGCHLD, NULL, &sa), 0);
	ck_assert(sa.sa_handler == SIG_DFL);
}
END_TEST

UNIT_MAIN("base/proc", test_unignore, test_wait, test_wait_end, test_start_time, test_stat_texts,
	  test_pidfd, test_run, test_run_killed, test_run_input, test_run_timeout,
	  test_run_timeout_group, test_run_stop, test_run_orphan, test_run_cannot_start,
	  test_run_fds, test_run_without_stdio, test_run_no_output, test_run_signals,
	  test_run_out_of_fds)
