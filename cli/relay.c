#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

enum { CHUNK = 64 * 1024 };

/* --- the thread between ----------------------------------------------------------------------- */

/* What it has. It takes no memory and no lock: the runtime clones processes meanwhile. */
struct between {
	int user[3]; /* the user's own files, cli_relay's */
	int in, out, err,
		over;	  /* owned; our ends of the pipes, and the line that says it is over */
	char held[CHUNK]; /* of stdin, not taken yet */
	size_t n, at;
	char buf[CHUNK];
};

/* From a pipe to the user's own file; false when that pipe is at its end, empty (it does not
 * block), or the user's file takes nothing more. */
static bool pass(struct between *b, int *from, int to)
{
	struct cs_err why = CS_ERR_INIT;
	ssize_t n = read(*from, b->buf, sizeof(b->buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0 && cs_fd_write_all(to, b->buf, (size_t)n, &why) == 0)
		return true;
	cs_close_fd(from);
	return false;
}

static void pass_in(struct between *b)
{
	ssize_t n;

	if (b->at == b->n) {
		n = read(b->user[STDIN_FILENO], b->held, sizeof(b->held));
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

static void drop(struct between *b)
{
	cs_close_fd(&b->in);
	cs_close_fd(&b->out);
	cs_close_fd(&b->err);
	cs_close_fd(&b->over);
}

static void *relay(void *arg)
{
	struct between *b = arg;

	while (b->over >= 0 && (b->out >= 0 || b->err >= 0)) {
		bool empty = b->at == b->n;
		struct pollfd p[] = {
			{ .fd = b->out, .events = POLLIN },
			{ .fd = b->err, .events = POLLIN },
			{ .fd = b->over, .events = POLLIN },
			{ .fd = b->in >= 0 && empty ? b->user[STDIN_FILENO] : -1,
			  .events = POLLIN },
			{ .fd = empty ? -1 : b->in, .events = POLLOUT },
		};

		if (poll(p, CS_LEN(p), -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			pass(b, &b->out, b->user[STDOUT_FILENO]);
		if (p[1].revents)
			pass(b, &b->err, b->user[STDERR_FILENO]);
		if (p[3].revents || p[4].revents)
			pass_in(b);
		if (p[2].revents)
			cs_close_fd(&b->over);
	}
	while (b->out >= 0 && pass(b, &b->out, b->user[STDOUT_FILENO]))
		;
	while (b->err >= 0 && pass(b, &b->err, b->user[STDERR_FILENO]))
		;
	drop(b);
	return NULL;
}

/* Signals are for the thread that runs the program; a write to nobody is an error here. */
static int start_between(struct cli_relay *r, struct between *b, struct cs_err *err)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&r->thread, NULL, relay, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	r->running = code == 0;
	if (r->running)
		return 0;
	drop(b);
	return cs_err_errno(err, code, "start a thread");
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

static void close_all(int *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cs_close_fd(&v[i]);
}

int cli_relay_start(bool in, struct cli_relay *r, struct cs_err *err)
{
	static struct between b; /* one program at a time */
	/* pipes of stdin, stdout, stderr and "over": read end, write end */
	int p[8] = { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF };
	cs_auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int ret = null < 0 ? cs_err_sys(err, "open /dev/null") : 0;

	for (int fd = 0; fd < 3 && ret == 0; fd++) {
		r->saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		b.user[fd] = r->saved[fd];
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
	if (ret == 0)
		ret = put(in ? p[0] : null, STDIN_FILENO, err);
	if (ret == 0)
		ret = put(p[3], STDOUT_FILENO, err);
	if (ret == 0)
		ret = put(p[5], STDERR_FILENO, err);
	if (ret == 0) {
		b.in = cs_take_fd(&p[1]);
		b.out = cs_take_fd(&p[2]);
		b.err = cs_take_fd(&p[4]);
		b.over = cs_take_fd(&p[6]);
		r->over = cs_take_fd(&p[7]);
		ret = start_between(r, &b, err);
	}
	close_all(p, CS_LEN(p));
	if (ret < 0)
		cli_relay_end(r);
	return ret;
}

void cli_relay_end(struct cli_relay *r)
{
	cs_close_fd(&r->over);
	if (r->running)
		pthread_join(r->thread, NULL);
	r->running = false;
	for (int fd = 0; fd < 3; fd++) {
		if (r->saved[fd] < 0)
			continue;
		/* NOLINTNEXTLINE(android-cloexec-dup): as it was */
		if (dup2(r->saved[fd], fd) < 0)
			close(fd);
		cs_close_fd(&r->saved[fd]);
	}
}
