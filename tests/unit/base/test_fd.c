#include "base/fd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

enum { BIG = 300 * 1000 };

static char big[BIG];

static void make_big(void)
{
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 251);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Signals that interrupt system calls, every half millisecond. */
static void interrupt_me(void)
{
	const struct itimerval tick = { { 0, 500 }, { 0, 500 } };
	const struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

/* A child that reads @fd slowly and exits 0 if it was what is in big. */
static pid_t slow_reader(int fd, int close_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		char buf[7001];
		size_t have = 0;
		ssize_t n;

		close(close_fd);
		while ((n = read(fd, buf, sizeof(buf))) > 0) {
			if (have + (size_t)n > BIG || memcmp(buf, big + have, (size_t)n) != 0)
				_exit(1);
			have += (size_t)n;
			usleep(300);
		}
		_exit(have == BIG ? 0 : 2);
	}
	return pid;
}

static void check_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	ck_assert_int_eq(status, 0);
}

/* Short writes, EINTR and, in the second round, EAGAIN. */
START_TEST(test_write_all)
{
	make_big();
	for (int nonblock = 0; nonblock < 2; nonblock++) {
		struct cs_err err = CS_ERR_INIT;
		int p[2];
		pid_t pid;

		ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
		if (nonblock)
			ck_assert_int_eq(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
		pid = slow_reader(p[0], p[1]);
		close(p[0]);
		interrupt_me();
		ck_assert_msg(cs_fd_write_all(p[1], big, BIG, &err) == 0, "%s", err.msg);
		close(p[1]);
		check_child(pid);
	}
}
END_TEST

START_TEST(test_write_all_fails)
{
	struct cs_err err = CS_ERR_INIT;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(cs_fd_write_all(fd, "abc", 3, &err), -ENOSPC);
	ck_assert_str_eq(err.msg, "write 3 bytes: no space left on device");
	ck_assert_int_eq(cs_fd_write_all(fd, "", 0, &err), 0);
	close(fd);
}
END_TEST

START_TEST(test_read_exact)
{
	struct cs_err err = CS_ERR_INIT;
	char buf[16] = "";
	int p[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 10; i++) {
			usleep(2000);
			if (write(p[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(p[1]);
	interrupt_me();
	ck_assert_msg(cs_fd_read_exact(p[0], buf, 6, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(buf, "xxxxxx");
	ck_assert_int_eq(cs_fd_read_exact(p[0], buf, 6, &err), -EPIPE);
	ck_assert_str_eq(err.msg, "the other end closed with 2 bytes to come");
	check_child(pid);
}
END_TEST

/* A blocking socket's own timeout is an error, not something to wait through. */
START_TEST(test_read_timeout)
{
	const struct timeval tv = { 0, 10000 };
	struct cs_err err = CS_ERR_INIT;
	char c;
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	ck_assert_int_eq(cs_fd_read_exact(sv[0], &c, 1, &err), -EAGAIN);
}
END_TEST

START_TEST(test_read_all)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, BIG };
	struct unit_tmp t = unit_tmp_init();
	int fds = unit_fd_count();

	make_big();
	for (size_t i = 0; i < CS_LEN(sizes); i++) {
		cs_auto_free char *buf = NULL;
		cs_auto_fd int fd = -EBADF;
		struct cs_err err = CS_ERR_INIT;
		char *none = NULL;
		size_t len = 1;

		unit_write(t.fd, "f", big, sizes[i]);
		fd = openat(t.fd, "f", O_RDONLY | O_CLOEXEC);
		/* Exactly the limit is allowed. */
		ck_assert_int_eq(cs_fd_read_all(fd, sizes[i], &buf, &len, &err), 0);
		ck_assert_uint_eq(len, sizes[i]);
		ck_assert_mem_eq(buf, big, len);
		ck_assert_int_eq(buf[len], '\0');
		if (!len)
			continue;
		lseek(fd, 0, SEEK_SET);
		ck_assert_int_eq(cs_fd_read_all(fd, len - 1, &none, &len, &err), -EFBIG);
		ck_assert_ptr_null(none);
		ck_assert_uint_eq(len, sizes[i]);
		cs_err_clear(&err);
		lseek(fd, 0, SEEK_SET);
		ck_assert_int_eq(cs_fd_read_all(fd, SIZE_MAX, &none, &len, &err), 0);
		free(none);
	}
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_read_all_fails)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char *buf = NULL;
	size_t len;

	ck_assert_int_eq(cs_fd_read_all(t.fd, 100, &buf, &len, &err), -EISDIR);
	ck_assert_ptr_null(buf);
	unit_tmp_fini(&t);
}
END_TEST

static void pair(int sv[2], int type)
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sv), 0);
}

/* Sends @n fds of fresh pipes' read ends and receives them with room for @max. */
static int send_recv(size_t n, size_t max, struct cs_err *err)
{
	int sv[2], fds[16], got[16], p[2], ret;
	size_t n_got = 99, len = 8;
	char buf[8] = "";

	pair(sv, SOCK_STREAM);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	for (size_t i = 0; i < n; i++)
		fds[i] = p[i % 2];
	ck_assert_int_eq(cs_fd_send(sv[0], fds, n, "abc", 3, err), 0);
	ret = cs_fd_recv(sv[1], got, max, &n_got, buf, &len, err);
	if (ret == 0) {
		struct stat a, b;

		ck_assert_uint_eq(n_got, n);
		ck_assert_uint_eq(len, 3);
		ck_assert_str_eq(buf, "abc");
		for (size_t i = 0; i < n; i++) {
			ck_assert_int_eq(fcntl(got[i], F_GETFD), FD_CLOEXEC);
			fstat(got[i], &a);
			fstat(fds[i], &b);
			ck_assert_uint_eq(a.st_ino, b.st_ino);
			close(got[i]);
		}
	} else {
		ck_assert_uint_eq(n_got, 99);
		ck_assert_uint_eq(len, 8);
	}
	close(sv[0]);
	close(sv[1]);
	close(p[0]);
	close(p[1]);
	return ret;
}

START_TEST(test_send_recv)
{
	struct cs_err err = CS_ERR_INIT;
	int fds = unit_fd_count();

	ck_assert_int_eq(send_recv(1, 1, &err), 0);
	ck_assert_int_eq(send_recv(2, 16, &err), 0);
	ck_assert_int_eq(send_recv(16, 16, &err), 0);
	ck_assert_int_eq(unit_fd_count(), fds);
	/* More than wanted: none is kept. */
	ck_assert_int_eq(send_recv(2, 1, &err), -EMSGSIZE);
	cs_err_clear(&err);
	ck_assert_int_eq(send_recv(16, 15, &err), -EMSGSIZE);
	cs_err_clear(&err);
	ck_assert_int_eq(send_recv(1, 0, &err), -EMSGSIZE);
	ck_assert_int_eq(unit_fd_count(), fds);
}
END_TEST

/* A peer that sends more than anybody may: the kernel cuts the control message short. */
START_TEST(test_recv_too_many)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(40 * sizeof(int))];
	} ctl = { 0 };
	char c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = ctl.buf,
			      .msg_controllen = sizeof(ctl.buf) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	struct cs_err err = CS_ERR_INIT;
	int sv[2], got[16], before;
	size_t n, len = 1;

	pair(sv, SOCK_STREAM);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(40 * sizeof(int));
	for (size_t i = 0; i < 40; i++)
		memcpy(CMSG_DATA(h) + i * sizeof(int), &sv[0], sizeof(int));
	ck_assert_int_eq(sendmsg(sv[0], &msg, 0), 1);
	before = unit_fd_count();
	ck_assert_int_eq(cs_fd_recv(sv[1], got, 16, &n, &c, &len, &err), -EMSGSIZE);
	ck_assert_int_eq(unit_fd_count(), before);
}
END_TEST

/* Text cut short takes its fds with it. */
START_TEST(test_recv_cut_short)
{
	struct cs_err err = CS_ERR_INIT;
	int sv[2], got[1], before;
	size_t n = 5, len = 2;
	char buf[2];

	pair(sv, SOCK_SEQPACKET);
	ck_assert_int_eq(cs_fd_send(sv[0], &sv[0], 1, "abc", 3, &err), 0);
	before = unit_fd_count();
	ck_assert_int_eq(cs_fd_recv(sv[1], got, 1, &n, buf, &len, &err), -EMSGSIZE);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(unit_fd_count(), before);
}
END_TEST

START_TEST(test_recv_without_fds)
{
	struct cs_err err = CS_ERR_INIT;
	size_t n = 5, len = 8;
	int sv[2], got[1];
	char buf[8];

	pair(sv, SOCK_STREAM);
	ck_assert_int_eq(write(sv[0], "ab", 2), 2);
	ck_assert_int_eq(cs_fd_recv(sv[1], got, 1, &n, buf, &len, &err), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(len, 2);
	close(sv[0]);
	ck_assert_int_eq(cs_fd_recv(sv[1], got, 1, &n, buf, &len, &err), -EPIPE);
}
END_TEST

START_TEST(test_send_refused)
{
	struct cs_err err = CS_ERR_INIT;
	int sv[2], fds[17] = { 0 };

	pair(sv, SOCK_STREAM);
	ck_assert_int_eq(cs_fd_send(sv[0], fds, 0, "x", 1, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_fd_send(sv[0], fds, 17, "x", 1, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_fd_send(sv[0], fds, 1, "x", 0, &err), -EINVAL);
	cs_err_clear(&err);
	/* No SIGPIPE: Check would see this test die by it. */
	close(sv[1]);
	ck_assert_int_eq(cs_fd_send(sv[0], fds, 1, "x", 1, &err), -EPIPE);
}
END_TEST

START_TEST(test_send_big)
{
	struct cs_err err = CS_ERR_INIT;
	int sv[2];
	pid_t pid;

	make_big();
	pair(sv, SOCK_STREAM);
	pid = slow_reader(sv[1], sv[0]);
	close(sv[1]);
	interrupt_me();
	ck_assert_msg(cs_fd_send(sv[0], &sv[0], 1, big, BIG, &err) == 0, "%s", err.msg);
	close(sv[0]);
	check_child(pid);
}
END_TEST

START_TEST(test_cloexec)
{
	struct cs_err err = CS_ERR_INIT;
	int a = fcntl(STDERR_FILENO, F_DUPFD, 0), b = fcntl(STDERR_FILENO, F_DUPFD, 0);

	ck_assert_int_lt(a, b);
	ck_assert_int_eq(cs_fd_cloexec_from((unsigned int)b, &err), 0);
	ck_assert_int_eq(fcntl(a, F_GETFD), 0);
	ck_assert_int_eq(fcntl(b, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(cs_fd_set_cloexec(a, 1, &err), 0);
	ck_assert_int_eq(cs_fd_set_cloexec(b, 0, &err), 0);
	ck_assert_int_eq(fcntl(a, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(b, F_GETFD), 0);
	close(a);
	ck_assert_int_eq(cs_fd_set_cloexec(a, 1, &err), -EBADF);
}
END_TEST

START_TEST(test_close_others)
{
	struct cs_err err = CS_ERR_INIT;
	int fd[6], keep[17] = { 0 };

	for (size_t i = 0; i < CS_LEN(fd); i++)
		fd[i] = fcntl(STDERR_FILENO, F_DUPFD, 60);
	keep[0] = fd[4]; /* in any order; below the first and none at all do no harm */
	keep[1] = -EBADF;
	keep[2] = fd[1];
	keep[3] = STDIN_FILENO;
	keep[4] = fd[4];
	ck_assert_int_eq(cs_fd_close_others((unsigned int)fd[1], keep, 5, &err), 0);
	for (size_t i = 0; i < CS_LEN(fd); i++)
		ck_assert_int_eq(fcntl(fd[i], F_GETFD) == 0, i == 0 || i == 1 || i == 4);
	ck_assert_int_eq(cs_fd_close_others((unsigned int)fd[0], keep, 0, &err), 0);
	for (size_t i = 0; i < CS_LEN(fd); i++)
		ck_assert_int_eq(fcntl(fd[i], F_GETFD), -1);
	ck_assert_int_eq(cs_fd_close_others(60, keep, CS_LEN(keep), &err), -EINVAL);
}
END_TEST

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(test_close_rows)
{
	/* rows of one, two and three, with fds of others between */
	const int rows[] = { 20, 22, 23, 30, 31, 32 };

	for (int fd = 19; fd < 35; fd++)
		ck_assert_int_eq(dup2(STDOUT_FILENO, fd), fd);
	errno = EXDEV;
	cs_fd_close_rows(rows, 0);
	ck_assert(is_open(20));
	cs_fd_close_rows(rows, CS_LEN(rows));
	ck_assert_int_eq(errno, EXDEV);
	for (int fd = 19; fd < 35; fd++) {
		bool closed = false;

		for (size_t i = 0; i < CS_LEN(rows); i++)
			closed |= rows[i] == fd;
		ck_assert_msg(is_open(fd) != closed, "fd %d", fd);
		close(fd);
	}
}
END_TEST

UNIT_MAIN("base/fd", test_close_rows, test_write_all, test_write_all_fails, test_read_exact,
	  test_read_timeout, test_read_all, test_read_all_fails, test_send_recv, test_recv_too_many,
	  test_recv_cut_short, test_recv_without_fds, test_send_refused, test_send_big,
	  test_cloexec, test_close_others)
