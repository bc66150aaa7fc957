#include "engine/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "engine/attach_int.h"
#include "engine/engine.h"
#include "engine/frame.h"
#include "engine/sock.h"
#include "runtime/container.h"

enum {
	READ_MAX = 8192,   /* bytes of input at once */
	SHARED_MAX = 4096, /* what a write(2) to a shared, so blocking, pipe may ask for */
	TTY_MAX = 512,	   /* and to a terminal */
};

/* One of our standard files: itself, or our own non-blocking open of it. */
struct end {
	int fd;
	int own;    /* owned; -EBADF where it is itself */
	size_t max; /* bytes a write(2) */
};

struct att {
	const struct eng *e;
	const char *id;
	const struct eng_attach_opts *o;
	int sock;
	struct att_tty tty;
	struct eng_detach detach;
	struct end in, out, err;
	bool in_eof, detached, ended;
	int exit_code;
	int ends_us; /* a signal that does */
	char why[256];
	/* one message each way is under way at most: that is the flow control */
	char keys[READ_MAX + ENG_DETACH_MAX];
	size_t keys_len;
	bool say_eof;
	const struct end *to;
	size_t from, len; /* what is not written of @buf */
	char buf[ENG_FRAME_MAX];
};

/* --- our files -------------------------------------------------------------------------------- */

/* A terminal or pipe is shared with whoever started us, and O_NONBLOCK would be too: it is opened
 * once more. Not a regular file: its offset is what must be shared. */
static void end_open(struct end *e, int fd, int flags)
{
	char path[32];
	struct stat st;

	*e = (struct end){ .fd = fd, .own = -EBADF, .max = ENG_FRAME_MAX };
	if (fd < 0 || fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || isatty(fd)))
		return;
	e->max = S_ISFIFO(st.st_mode) ? SHARED_MAX : TTY_MAX;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	e->own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (e->own < 0)
		return;
	e->fd = e->own;
	e->max = ENG_FRAME_MAX;
}

static ssize_t end_write(const struct end *e, const char *buf, size_t len)
{
	size_t n = len < e->max ? len : e->max;
	ssize_t ret = send(e->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return ret < 0 && errno == ENOTSOCK ? write(e->fd, buf, n) : ret;
}

/* --- to the monitor --------------------------------------------------------------------------- */

static int gone(int ret, struct cs_err *err)
{
	if (ret == -EPIPE || ret == -ECONNRESET)
		return cs_err_set(err, EPIPE, "the container's monitor went away");
	return cs_err_errno(err, -ret, "send to the container's monitor");
}

/* The size of the user's terminal. Not sent where there is no room: another follows. */
static int send_size(int sock, const struct eng_attach_opts *o, struct cs_err *err)
{
	struct winsize ws;
	uint16_t size[2];
	int ret;

	if (!o->tty || (ioctl(o->in, TIOCGWINSZ, &ws) < 0 && ioctl(o->out, TIOCGWINSZ, &ws) < 0))
		return 0;
	if (!ws.ws_row || !ws.ws_col)
		return 0;
	size[0] = ws.ws_row;
	size[1] = ws.ws_col;
	ret = eng_msg_send(sock, ENG_F_RESIZE, size, sizeof(size));
	return ret < 0 ? gone(ret, err) : 0;
}

int eng_attach_hello(int sock, const struct eng_attach_opts *o, struct cs_err *err)
{
	unsigned char want = (unsigned char)o->want;
	int ret = eng_msg_send(sock, ENG_F_HELLO, &want, 1);

	if (ret < 0)
		return gone(ret, err);
	return send_size(sock, o, err);
}

static int send_keys(struct att *a, struct cs_err *err)
{
	int ret = 1;

	if (a->keys_len)
		ret = eng_msg_send(a->sock, ENG_F_STDIN, a->keys, a->keys_len);
	if (ret > 0) {
		a->keys_len = 0;
		ret = a->say_eof ? eng_msg_send(a->sock, ENG_F_EOF, NULL, 0) : 0;
		a->say_eof = a->say_eof && ret == 0;
	}
	return ret < 0 ? gone(ret, err) : 0;
}

/* The monitor hears us no more: what it said last is still to be read. */
static void say_no_more(struct att *a, struct cs_err *err)
{
	cs_err_clear(err);
	a->keys_len = 0;
	a->say_eof = false;
	a->in_eof = true;
}

/* Reads some input. 1: the user detaches. */
static int serve_in(struct att *a, struct cs_err *err)
{
	char buf[READ_MAX];
	ssize_t n = read(a->in.fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	a->in_eof = a->say_eof = n <= 0;
	a->keys_len =
		eng_detach_filter(&a->detach, buf, n > 0 ? (size_t)n : 0, a->keys, &a->detached);
	return send_keys(a, err);
}

/* --- from the monitor ------------------------------------------------------------------------- */

static void take_msg(struct att *a, const struct eng_msg *m)
{
	switch (m->type) {
	case ENG_F_STDOUT:
	case ENG_F_STDERR:
		a->to = m->type == ENG_F_STDOUT ? &a->out : &a->err;
		a->from = (size_t)(m->data - a->buf);
		a->len = a->to->fd < 0 ? 0 : m->len;
		return;
	case ENG_F_WARN:
		snprintf(a->why, sizeof(a->why), "%.*s", (int)(m->len < 250 ? m->len : 250),
			 m->data);
		return;
	case ENG_F_EXIT:
		a->ended = true;
		a->exit_code = m->exit_code;
		return;
	case ENG_F_HELLO:
	case ENG_F_STDIN:
	case ENG_F_EOF:
	case ENG_F_RESIZE:
	case ENG_F_STOP:
		return;
	}
}

static int serve_sock(struct att *a, struct cs_err *err)
{
	ssize_t n = recv(a->sock, a->buf, sizeof(a->buf), MSG_DONTWAIT);
	struct eng_msg m;
	int ret;

	/* a reset says that it did not read all of our input: what it said last is still there */
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return 0;
	if (n <= 0 && *a->why)
		return cs_err_set(err, EPIPE, "the monitor let go of this line: %s", a->why);
	if (n <= 0)
		return gone(-EPIPE, err);
	ret = eng_msg_parse(a->buf, (size_t)n, &m, err);
	if (ret == 0)
		take_msg(a, &m);
	return ret;
}

static int serve_out(struct att *a, struct cs_err *err)
{
	ssize_t n = end_write(a->to, a->buf + a->from, a->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return cs_err_sys(err, "write the container's output");
	a->from += (size_t)n;
	a->len -= (size_t)n;
	return 0;
}

/* --- signals ---------------------------------------------------------------------------------- */

static int serve_signals(struct att *a, struct cs_err *err)
{
	struct ctr_rt rt = { .root = a->e->state };
	struct signalfd_siginfo si;

	while (read(a->tty.signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		struct cs_err why = CS_ERR_INIT;
		int signo = (int)si.ssi_signo;

		if (signo == SIGCONT)
			eng_att_tty_again(&a->tty);
		if (signo == SIGWINCH || signo == SIGCONT) {
			if (send_size(a->sock, a->o, err) < 0)
				return -err->code;
		} else if (a->o->sig_proxy) {
			ctr_kill(&rt, a->id, signo, false, &why); /* it may have just ended */
		} else {
			a->ends_us = signo;
		}
	}
	return 0;
}

/* --- the loop --------------------------------------------------------------------------------- */

enum { AT_IN, AT_SOCK, AT_OUT, AT_SIGNALS, AT_N };

static void watch(const struct att *a, struct pollfd *fds)
{
	bool sends = a->keys_len || a->say_eof;
	bool reads = (a->o->want & ENG_WANT_STDIN) && !a->in_eof && !sends;
	short sock = (short)((sends ? POLLOUT : 0) | (a->len ? 0 : POLLIN));

	fds[AT_IN] = (struct pollfd){ reads ? a->in.fd : -1, POLLIN, 0 };
	fds[AT_SOCK] = (struct pollfd){ sock ? a->sock : -1, sock, 0 };
	fds[AT_OUT] = (struct pollfd){ a->len ? a->to->fd : -1, POLLOUT, 0 };
	fds[AT_SIGNALS] = (struct pollfd){ a->tty.signals, POLLIN, 0 };
}

static int serve(struct att *a, const struct pollfd *fds, struct cs_err *err)
{
	int ret = 0;

	if (fds[AT_SIGNALS].revents)
		ret = serve_signals(a, err);
	if (ret == 0 && fds[AT_IN].revents)
		ret = serve_in(a, err);
	if (ret == 0 && (fds[AT_SOCK].revents & POLLOUT))
		ret = send_keys(a, err);
	if (ret == -EPIPE) {
		say_no_more(a, err);
		ret = 0;
	}
	if (ret == 0 && !a->len && (fds[AT_SOCK].revents & (POLLIN | POLLHUP | POLLERR)))
		ret = serve_sock(a, err);
	if (ret == 0 && a->len && fds[AT_OUT].revents)
		ret = serve_out(a, err);
	return ret;
}

static int loop(struct att *a, struct cs_err *err)
{
	for (;;) {
		struct pollfd fds[AT_N];
		int ret;

		if (a->ends_us || (a->ended && !a->len))
			return 0;
		if (a->detached && !a->keys_len)
			return 1;
		watch(a, fds);
		if (poll(fds, AT_N, -1) < 0) {
			if (errno == EINTR)
				continue;
			return cs_err_sys(err, "poll the container");
		}
		ret = serve(a, fds, err);
		if (ret < 0)
			return ret;
	}
}

static int init(struct att *a, struct cs_err *err)
{
	const char *keys = a->o->detach_keys;
	int n;

	if (a->o->tty && keys) {
		n = eng_detach_keys(keys, a->detach.keys, sizeof(a->detach.keys), err);
		if (n < 0)
			return n;
		a->detach.n = (size_t)n;
	}
	end_open(&a->in, a->o->in, O_RDONLY);
	end_open(&a->out, a->o->out, O_WRONLY);
	end_open(&a->err, a->o->err, O_WRONLY);
	if (!a->o->greeted)
		n = eng_attach_hello(a->sock, a->o, err);
	else
		n = send_size(a->sock, a->o, err);
	if (n != -EPIPE)
		return n;
	say_no_more(a, err);
	return 0;
}

int eng_attach(const struct eng *e, const char *id, int sock, const struct eng_attach_opts *o,
	       int *exit_code, struct cs_err *err)
{
	cs_auto_free struct att *a = calloc(1, sizeof(*a));
	bool raw = o->tty && (o->want & ENG_WANT_STDIN);
	int ret;

	if (!a)
		return cs_err_set(err, ENOMEM, "attach: out of memory");
	a->e = e;
	a->id = id;
	a->o = o;
	a->sock = sock;
	a->in.own = a->out.own = a->err.own = -EBADF;
	ret = eng_att_tty_init(&a->tty, o->in, raw, o->sig_proxy, err);
	if (ret < 0)
		return ret;
	ret = init(a, err);
	if (ret == 0)
		ret = loop(a, err);
	cs_close_fd(&a->in.own);
	cs_close_fd(&a->out.own);
	cs_close_fd(&a->err.own);
	eng_att_tty_fini(&a->tty);
	if (ret == 0 && a->ends_us) {
		kill(getpid(), a->ends_us); /* as if it had not been held back */
		return cs_err_set(err, EINTR, "ended by signal %d", a->ends_us);
	}
	if (ret == 0)
		*exit_code = a->exit_code;
	return ret;
}

int eng_attach_connect(const struct eng *e, const char *id, struct cs_err *err)
{
	cs_auto_fd int dir = openat(e->run, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return cs_err_sys(err, "attach to container %.12s", id);
	return eng_sock_connect(dir, "attach", SOCK_SEQPACKET, err);
}
