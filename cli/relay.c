#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

enum { CHUNK = 64 * 1024 };

/* --- the process between ---------------------------------------------------------------------- */

/* What it has: the inner ends of the pipes, and the line that says it is over. */
struct between {
	int in, out, err, over; /* owned */
	char held[CHUNK];	/* of stdin, not taken yet */
	size_t n, at;
};

/* From a pipe to our own file; false when that pipe is at its end, empty (it does not block), or
 * our own file takes nothing more. */
static bool pass(int *from, int to)
{
	static char buf[CHUNK]; /* not cleared again and again, as one on the stack is */
	struct cs_err why = CS_ERR_INIT;
	ssize_t n = read(*from, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0 && cs_fd_write_all(to, buf, (size_t)n, &why) == 0)
		return true;
	cs_close_fd(from);
	return false;
}

static void pass_in(struct between *b)
{
	ssize_t n;

	if (b->at == b->n) {
		n = read(STDIN_FILENO, b->held, sizeof(b->held));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n <= 0) {
			cs_close_fd(&b->in);
			return;
		}
		b->at = 0;
		b->n = (size_t)n;
	}
	n = write(b->in, b->held + b->at, b->n - b->at);
	if (n > 0)
		b->at += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		cs_close_fd(&b->in);
}

static _Noreturn void relay(struct between *b)
{
	while (b->over >= 0 && (b->out >= 0 || b->err >= 0)) {
		struct pollfd p[] = {
			{ .fd = b->out, .events = POLLIN },
			{ .fd = b->err, .events = POLLIN },
			{ .fd = b->over, .events = POLLIN },
			{ .fd = b->in >= 0 && b->at == b->n ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = b->at < b->n ? b->in : -1, .events = POLLOUT },
		};

		if (poll(p, CS_LEN(p), -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			pass(&b->out, STDOUT_FILENO);
		if (p[1].revents)
			pass(&b->err, STDERR_FILENO);
		if (p[3].revents || p[4].revents)
			pass_in(b);
		if (p[2].revents)
			cs_close_fd(&b->over);
	}
	while (b->out >= 0 && pass(&b->out, STDOUT_FILENO))
		;
	while (b->err >= 0 && pass(&b->err, STDERR_FILENO))
		;
	_exit(EXIT_SUCCESS);
}

/* --- the command ------------------------------------------------------------------------------ */

/* A pipe whose end @ours does not block. */
static int make_pipe(int p[2], int ours, struct cs_err *err)
{
	if (pipe2(p, O_CLOEXEC) < 0)
		return cs_err_sys(err, "pipe");
	if (fcntl(p[ours], F_SETFL, O_NONBLOCK) < 0)
		return cs_err_sys(err, "pipe");
	return 0;
}

static int put(int fd, int at, struct cs_err *err)
{
	/* NOLINTNEXTLINE(android-cloexec-dup): it is the program's */
	return dup2(fd, at) < 0 ? cs_err_sys(err, "standard files") : 0;
}

int cli_relay_null(struct cs_err *err)
{
	cs_auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return cs_err_sys(err, "open /dev/null");
	for (int fd = 0; fd < 3; fd++)
		if (put(null, fd, err) < 0)
			return -err->code;
	return 0;
}

/* Signals are the program's: those of the terminal come to all of its process group. */
static void start_between(const int in[2], const int out[2], const int er[2], const int over[2])
{
	static struct between b;
	static const int passed_by[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE };
	const int keep[] = { in[1], out[0], er[0], over[0] };
	struct cs_err why = CS_ERR_INIT;

	for (size_t i = 0; i < CS_LEN(passed_by); i++)
		if (signal(passed_by[i], SIG_IGN) == SIG_ERR)
			_exit(EXIT_FAILURE);
	if (cs_fd_close_others(3, keep, CS_LEN(keep), &why) < 0)
		_exit(EXIT_FAILURE);
	b.in = in[1];
	b.out = out[0];
	b.err = er[0];
	b.over = over[0];
	relay(&b);
}

static void close_all(int *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cs_close_fd(&v[i]);
}

int cli_relay_start(bool in, struct cli_relay *r, struct cs_err *err)
{
	/* pipes of stdin, stdout, stderr and "over": read end, write end */
	int p[8] = { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF };
	cs_auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int ret = null < 0 ? cs_err_sys(err, "open /dev/null") : 0;

	for (int fd = 0; fd < 3 && ret == 0; fd++) {
		r->saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (r->saved[fd] < 0)
			ret = cs_err_sys(err, "keep standard files");
	}
	if (ret == 0 && in)
		ret = make_pipe(p, 1, err);
	if (ret == 0)
		ret = make_pipe(p + 2, 0, err);
	if (ret == 0)
		ret = make_pipe(p + 4, 0, err);
	if (ret == 0 && pipe2(p + 6, O_CLOEXEC) < 0)
		ret = cs_err_sys(err, "pipe");
	if (ret == 0) {
		r->pid = fork();
		if (r->pid == 0)
			start_between(p, p + 2, p + 4, p + 6);
		if (r->pid < 0) {
			r->pid = 0;
			ret = cs_err_sys(err, "fork");
		}
	}
	if (ret == 0)
		ret = put(in ? p[0] : null, STDIN_FILENO, err);
	if (ret == 0)
		ret = put(p[3], STDOUT_FILENO, err);
	if (ret == 0)
		ret = put(p[5], STDERR_FILENO, err);
	r->over = cs_take_fd(&p[7]);
	close_all(p, CS_LEN(p));
	if (ret < 0)
		cli_relay_end(r);
	return ret;
}

void cli_relay_end(struct cli_relay *r)
{
	for (int fd = 0; fd < 3; fd++) {
		if (r->saved[fd] < 0)
			continue;
		/* NOLINTNEXTLINE(android-cloexec-dup): as it was */
		if (dup2(r->saved[fd], fd) < 0)
			close(fd);
		cs_close_fd(&r->saved[fd]);
	}
	cs_close_fd(&r->over);
	if (r->pid > 0)
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	r->pid = 0;
}
