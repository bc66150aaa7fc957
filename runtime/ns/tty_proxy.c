#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/ns/tty.h"

enum {
	BUF_SIZE = 8192,
	/* What a write(2) to a shared, so blocking, file may ask for when poll(2) says ready. */
	SHARED_CHUNK = 512,
	HUP_PAUSE_MS = 100, /* how often to look if someone opened the terminal again */
	IDLE_MS = 50,	    /* after the end: a pause that says nothing more will come */
	LINGER_MS = 1000,   /* after the end: how long others may go on writing */
	BATCH = 8,	    /* signals a read */
};

/* One direction's data under way. Read only when empty: that is all the flow control there is. */
struct pump {
	char buf[BUF_SIZE + CTR_TTY_INPUT_MORE];
	size_t from, to;
};

struct proxy {
	int in, out;		     /* stdin and stdout, or our own non-blocking open of them */
	int own_in, own_out;	     /* owned; -EBADF where stdin or stdout itself is used */
	int master, pidfd, signalfd; /* borrowed */
	const struct ctr_tty_hooks *hooks;
	struct pump keys, output; /* towards the container, and from it */
	bool in_eof;
	bool detach;	/* the user does: when what was typed before is through */
	bool hup;	/* nobody in the container has the terminal open */
	bool ended;	/* the process has */
	int64_t end_ms; /* when */
	bool raw;
	struct termios saved;
	struct sigaction saved_pipe;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t pending(const struct pump *p)
{
	return p->to - p->from;
}

/* A terminal or pipe is shared with whoever started us, and O_NONBLOCK would be too: it is opened
 * once more. Not a regular file: its offset is what must be shared. -EBADF where not possible. */
static int reopen(int fd, int flags)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || isatty(fd)))
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -EBADF;
	return fd;
}

static void follow_size(const struct proxy *p)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 &&
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_row && size.ws_col)
		ioctl(p->master, TIOCSWINSZ, &size);
}

/* The container's terminal does echo, line editing and signals; ours passes bytes. */
static int set_raw(const struct proxy *p, struct cs_err *err)
{
	struct termios t = p->saved;

	cfmakeraw(&t);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0)
		return cs_err_sys(err, "set the terminal to raw mode");
	return 0;
}

static int proxy_init(struct proxy *p, struct cs_err *err)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	int flags;

	sigaction(SIGPIPE, &ignore, &p->saved_pipe);
	flags = fcntl(p->master, F_GETFL);
	if (flags < 0 || fcntl(p->master, F_SETFL, flags | O_NONBLOCK) < 0)
		return cs_err_sys(err, "make the container's terminal non-blocking");
	p->own_in = reopen(STDIN_FILENO, O_RDONLY);
	p->own_out = reopen(STDOUT_FILENO, O_WRONLY);
	p->in = p->own_in >= 0 ? p->own_in : STDIN_FILENO;
	p->out = p->own_out >= 0 ? p->own_out : STDOUT_FILENO;
	follow_size(p);
	if (tcgetattr(STDIN_FILENO, &p->saved) < 0)
		return 0;
	p->raw = true;
	return set_raw(p, err);
}

static void proxy_fini(struct proxy *p)
{
	if (p->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &p->saved);
	p->raw = false;
	sigaction(SIGPIPE, &p->saved_pipe, NULL);
	cs_close_fd(&p->own_in);
	cs_close_fd(&p->own_out);
}

/* 1 when something came, 0 for nothing now, -1 at the end of the file or by an error. */
static int pump_read(struct pump *p, int fd)
{
	ssize_t n = read(fd, p->buf, BUF_SIZE);

	if (n > 0) {
		p->from = 0;
		p->to = (size_t)n;
		return 1;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* 0, or -errno. */
static int pump_write(struct pump *p, int fd, size_t max)
{
	size_t len = pending(p) < max ? pending(p) : max;
	ssize_t n = write(fd, p->buf + p->from, len);

	if (n >= 0)
		p->from += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		return -errno;
	return 0;
}

static int serve_signals(struct proxy *p, struct cs_err *err)
{
	struct signalfd_siginfo v[BATCH];
	ssize_t n = read(p->signalfd, v, sizeof(v));
	int rc = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : cs_err_sys(err, "read signals");
	for (size_t i = 0; i < (size_t)n / sizeof(v[0]) && rc == 0; i++) {
		int signo = (int)v[i].ssi_signo;

		if (signo == SIGWINCH) {
			follow_size(p);
		} else if (signo == SIGCONT) {
			/* a shell that had us stopped has set the terminal its own way */
			if (p->raw)
				rc = set_raw(p, err);
			follow_size(p);
		} else if (p->hooks->on_signal) {
			rc = p->hooks->on_signal(signo, p->hooks->signal_arg, err);
		}
	}
	return rc;
}

static void serve_input(struct proxy *p)
{
	int n = pump_read(&p->keys, p->in);
	char typed[BUF_SIZE];
	size_t len = n > 0 ? p->keys.to : 0; /* 0: the end */

	p->in_eof = n < 0;
	if (n == 0 || !p->hooks->on_input)
		return;
	memcpy(typed, p->keys.buf, len);
	p->keys.from = 0;
	p->keys.to = p->hooks->on_input(typed, len, p->keys.buf, &p->detach, p->hooks->input_arg);
	p->in_eof = p->in_eof || p->detach;
}

static void serve_master(struct proxy *p, short events)
{
	bool moved = false;

	/* Reads also tell the end: poll(2) reports a hang-up while there is still data. */
	if (!pending(&p->output) && (events & (POLLIN | POLLHUP | POLLERR))) {
		p->hup = pump_read(&p->output, p->master) < 0;
		moved = true;
	}
	if (pending(&p->keys) && (events & POLLOUT)) {
		if (pump_write(&p->keys, p->master, BUF_SIZE) < 0)
			p->hup = true;
		moved = true;
	}
	if (!moved) /* nothing but a hang-up, which would be reported again at once */
		p->hup = true;
}

static void set_ended(struct proxy *p)
{
	p->ended = true;
	p->end_ms = now_ms();
	p->hup = false; /* look once more */
	p->in_eof = true;
	p->keys.from = p->keys.to = 0;
}

static int poll_timeout(const struct proxy *p)
{
	if (p->ended)
		return pending(&p->output) ? -1 : IDLE_MS;
	return p->hup ? HUP_PAUSE_MS : -1;
}

enum { FD_IN, FD_OUT, FD_MASTER, FD_PID, FD_SIGNAL, FD_COUNT };

static void watch(const struct proxy *p, struct pollfd *fds)
{
	short master = 0;

	if (!pending(&p->output))
		master |= POLLIN;
	if (pending(&p->keys))
		master |= POLLOUT;
	fds[FD_IN] = (struct pollfd){ p->in_eof || pending(&p->keys) ? -1 : p->in, POLLIN, 0 };
	fds[FD_OUT] = (struct pollfd){ pending(&p->output) ? p->out : -1, POLLOUT, 0 };
	fds[FD_MASTER] = (struct pollfd){ p->hup || !master ? -1 : p->master, master, 0 };
	fds[FD_PID] = (struct pollfd){ p->ended ? -1 : p->pidfd, POLLIN, 0 };
	fds[FD_SIGNAL] = (struct pollfd){ p->signalfd, POLLIN, 0 };
}

/* Serves what poll(2) found. Returns 0 to go on. */
static int serve(struct proxy *p, const struct pollfd *fds, struct cs_err *err)
{
	int rc = 0;

	if (fds[FD_SIGNAL].revents)
		rc = serve_signals(p, err);
	if (rc)
		return rc;
	if (fds[FD_IN].revents)
		serve_input(p);
	if (fds[FD_MASTER].revents)
		serve_master(p, fds[FD_MASTER].revents);
	if (fds[FD_OUT].revents) {
		rc = pump_write(&p->output, p->out, p->own_out >= 0 ? BUF_SIZE : SHARED_CHUNK);
		if (rc < 0)
			return cs_err_errno(err, -rc, "write the container's output to stdout");
	}
	if (fds[FD_PID].revents)
		set_ended(p);
	return 0;
}

static int proxy_loop(struct proxy *p, struct cs_err *err)
{
	for (;;) {
		struct pollfd fds[FD_COUNT];
		int n, rc;

		watch(p, fds);
		n = poll(fds, FD_COUNT, poll_timeout(p));
		if (n < 0 && errno != EINTR)
			return cs_err_sys(err, "poll the terminal");
		if (n < 0)
			continue;
		if (n == 0 && p->ended)
			return 0;
		if (n == 0)
			p->hup = false;
		rc = serve(p, fds, err);
		if (rc)
			return rc;
		if (p->detach && (p->hup || !pending(&p->keys)))
			return 1;
		if (p->ended && !pending(&p->output) &&
		    (p->hup || now_ms() - p->end_ms > LINGER_MS))
			return 0;
	}
}

int ctr_tty_proxy(int master, int pidfd, int signalfd, const struct ctr_tty_hooks *hooks,
		  struct cs_err *err)
{
	struct proxy p = {
		.own_in = -EBADF,
		.own_out = -EBADF,
		.master = master,
		.pidfd = pidfd,
		.signalfd = signalfd,
		.hooks = hooks,
	};
	int rc;

	rc = proxy_init(&p, err);
	if (rc == 0)
		rc = proxy_loop(&p, err);
	proxy_fini(&p);
	return rc;
}
