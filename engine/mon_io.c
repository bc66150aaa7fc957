#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "engine/mon_int.h"
#include "engine/sock.h"

enum { READS = 4 }; /* chunks a turn */

static int nonblock(int fd, struct cs_err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return cs_err_sys(err, "make the container's files non-blocking");
	return 0;
}

/* One pipe; our end is non-blocking. */
static int make_pipe(int *ours, int *theirs, bool we_write, struct cs_err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return cs_err_sys(err, "make a pipe for the container");
	*ours = p[we_write];
	*theirs = p[!we_write];
	return nonblock(*ours, err);
}

static int open_null(struct cs_err *err)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return cs_err_sys(err, "open /dev/null");
	return fd;
}

/* The container's program has a terminal, which comes over a socket. */
static int open_console(struct mon *m, char *path, size_t size, struct cs_err *err)
{
	int ret = cs_str_fmt(path, size, err, "%s/containers/%s/console", m->e.state, m->id);

	if (ret < 0)
		return ret;
	m->console = eng_sock_listen(m->run, "console", SOCK_STREAM, err);
	return m->console < 0 ? m->console : 0;
}

static int open_pipes(struct mon *m, struct eng_bring_io *io, struct cs_err *err)
{
	int ret = make_pipe(&m->out[0], &io->out, false, err);

	if (ret == 0)
		ret = make_pipe(&m->out[1], &io->err, false, err);
	if (ret == 0 && m->r.stdin_open)
		return make_pipe(&m->in, &io->in, true, err);
	if (ret == 0) {
		io->in = open_null(err);
		ret = io->in < 0 ? io->in : 0;
	}
	return ret;
}

int eng_mon_io_open(struct mon *m, struct eng_bring_io *io, char *console, size_t size,
		    struct cs_err *err)
{
	int ret;

	io->in = io->out = io->err = -EBADF;
	io->console = NULL;
	if (!m->r.tty)
		return open_pipes(m, io, err);
	ret = open_console(m, console, size, err);
	if (ret < 0)
		return ret;
	io->console = console;
	io->in = open_null(err);
	io->out = io->err = io->in;
	return io->in < 0 ? io->in : 0;
}

void eng_mon_io_given(const struct eng_bring_io *io)
{
	cs_cleanup_fd(&io->in);
	if (io->out != io->in)
		cs_cleanup_fd(&io->out);
	if (io->err != io->out)
		cs_cleanup_fd(&io->err);
}

void eng_mon_io_close(struct mon *m)
{
	if (m->console >= 0)
		unlinkat(m->run, "console", 0);
	cs_close_fd(&m->console);
	cs_close_fd(&m->master);
	cs_close_fd(&m->in);
	cs_close_fd(&m->out[0]);
	cs_close_fd(&m->out[1]);
	m->calling = false;
	m->hup = false;
	m->in_done = false;
	m->keys_from = m->keys_to = 0;
	m->chunk_len = 0;
}

/* --- stdin ------------------------------------------------------------------------------------ */

static bool keys_wait(const struct mon *m)
{
	return m->keys_from < m->keys_to;
}

static void close_in(struct mon *m)
{
	cs_close_fd(&m->in);
	m->keys_from = m->keys_to = 0;
}

static void write_keys(struct mon *m)
{
	int fd = m->master >= 0 ? m->master : m->in;
	ssize_t n;

	if (fd < 0) {
		if (m->console < 0) /* there is no stdin, and none comes */
			m->keys_from = m->keys_to = 0;
		return;
	}
	if (keys_wait(m)) {
		n = write(fd, m->keys + m->keys_from, m->keys_to - m->keys_from);
		if (n > 0)
			m->keys_from += (size_t)n;
		else if (n < 0 && errno != EAGAIN && fd == m->in)
			close_in(m);
		else if (n < 0 && errno != EAGAIN)
			m->keys_from = m->keys_to = 0;
	}
	if (!keys_wait(m) && m->in_done)
		close_in(m);
}

bool eng_mon_io_room(const struct mon *m)
{
	return !keys_wait(m);
}

void eng_mon_io_keys(struct mon *m, const char *data, size_t len)
{
	m->keys_from = (size_t)(data - m->keys); /* that is where it was received */
	m->keys_to = m->keys_from + len;
	write_keys(m);
}

void eng_mon_io_keys_end(struct mon *m, const struct mon_client *c)
{
	if (!m->in_once || !c->first || m->r.tty)
		return;
	m->in_done = true;
	write_keys(m);
}

/* --- the terminal ----------------------------------------------------------------------------- */

void eng_mon_io_resize(struct mon *m, uint16_t rows, uint16_t cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	m->rows = rows;
	m->cols = cols;
	if (m->master >= 0 && rows && cols)
		ioctl(m->master, TIOCSWINSZ, &size);
}

/* Who made the terminal calls, and gives it. */
static void serve_console(struct mon *m)
{
	struct cs_err why = CS_ERR_INIT;
	char name[64];
	size_t n = 0, len = sizeof(name);
	int fd = -EBADF;

	if (!m->calling) {
		/* cppcheck-suppress nullPointer; addresses are not asked for */
		fd = accept4(m->console, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return;
		unlinkat(m->run, "console", 0);
		cs_close_fd(&m->console);
		m->console = fd;
		m->calling = true;
		return;
	}
	if (cs_fd_recv(m->console, &fd, 1, &n, name, &len, &why) == 0 && n == 1 &&
	    nonblock(fd, &why) == 0) {
		m->master = fd;
		eng_mon_io_resize(m, m->rows, m->cols);
	} else if (n == 1) {
		cs_close_fd(&fd);
	}
	cs_close_fd(&m->console);
	write_keys(m);
}

/* --- output ----------------------------------------------------------------------------------- */

/* Reads some; false: nothing more for now, or ever (then *@end is set). */
static bool take(struct mon *m, int fd, enum eng_log_stream s, bool *end)
{
	ssize_t n = read(fd, m->chunk, sizeof(m->chunk));

	if (n <= 0) {
		*end = n == 0 || errno != EAGAIN;
		return false;
	}
	m->bytes += (uint64_t)n;
	eng_log_add(&m->log, s, m->chunk, (size_t)n);
	m->chunk_len = (size_t)n;
	m->chunk_type = s == ENG_LOG_STDOUT ? ENG_F_STDOUT : ENG_F_STDERR;
	eng_mon_clients_chunk(m);
	return m->chunk_len == 0;
}

static void serve_master(struct mon *m, short events)
{
	bool end = false;

	if (events & POLLOUT)
		write_keys(m);
	if (m->chunk_len || m->full || !(events & (POLLIN | POLLHUP | POLLERR)))
		return;
	for (int i = 0; i < READS && take(m, m->master, ENG_LOG_STDOUT, &end); i++)
		;
	m->hup = m->hup || end;
}

static void serve_out(struct mon *m, int s)
{
	bool end = false;

	for (int i = 0; i < READS && m->chunk_len == 0; i++)
		if (!take(m, m->out[s], (enum eng_log_stream)s, &end))
			break;
	if (end)
		cs_close_fd(&m->out[s]);
}

enum { IO_CONSOLE, IO_MASTER, IO_IN, IO_OUT, IO_ERR, IO_N };

uint64_t eng_mon_io_waiting(const struct mon *m)
{
	enum { TTY_MAX = 64 * 1024 }; /* in the terminal's buffers: they tell only a part */
	uint64_t sum = m->master >= 0 ? TTY_MAX : 0;

	for (int s = 0; s < 2; s++) {
		int n = 0;

		if (m->out[s] >= 0 && ioctl(m->out[s], FIONREAD, &n) == 0 && n > 0)
			sum += (uint64_t)n;
	}
	return sum;
}

size_t eng_mon_io_watch(const struct mon *m, struct pollfd *fds)
{
	short in = m->chunk_len || m->full ? 0 : POLLIN;
	short out = keys_wait(m) ? POLLOUT : 0;
	bool idle = m->hup || !(in | out); /* a hang-up would be reported without end */

	fds[IO_CONSOLE] = (struct pollfd){ m->console, POLLIN, 0 };
	fds[IO_MASTER] = (struct pollfd){ idle ? -1 : m->master, (short)(in | out), 0 };
	fds[IO_IN] = (struct pollfd){ m->in, out, 0 };
	fds[IO_OUT] = (struct pollfd){ in ? m->out[0] : -1, in, 0 };
	fds[IO_ERR] = (struct pollfd){ in ? m->out[1] : -1, in, 0 };
	return IO_N;
}

void eng_mon_io_serve(struct mon *m, const struct pollfd *fds)
{
	if (fds[IO_CONSOLE].revents)
		serve_console(m);
	if (fds[IO_IN].revents & POLLERR) /* nobody reads it any more */
		close_in(m);
	else if (fds[IO_IN].revents)
		write_keys(m);
	if (fds[IO_MASTER].revents)
		serve_master(m, fds[IO_MASTER].revents);
	for (int s = 0; s < 2; s++)
		if (fds[IO_OUT + s].revents)
			serve_out(m, s);
}

bool eng_mon_io_ended(const struct mon *m)
{
	if (m->chunk_len)
		return false;
	if (m->r.tty)
		return m->master < 0 || m->hup;
	return m->out[0] < 0 && m->out[1] < 0;
}
