#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/frame.h"
#include "engine/mon_int.h"
#include "engine/sock.h"
#include "engine/stamp.h"

enum {
	LAST_ROOM = 1 << 20, /* bytes a client may have to read when the run has ended */
	CONTROL_MAX = 16,    /* a message that is no stdin is shorter */
};

int eng_mon_listen(struct mon *m, struct cs_err *err)
{
	m->listen = eng_sock_listen(m->run, "attach", SOCK_SEQPACKET, err);
	return m->listen < 0 ? m->listen : 0;
}

static void make_room(const struct mon_client *c)
{
	const int size = LAST_ROOM;

	if (setsockopt(c->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* Closes; its place in the list is free once the list is packed. */
static void let_go(struct mon *m, struct mon_client *c)
{
	if (c->fd < 0)
		return;
	cs_close_fd(&c->fd);
	c->owes = false;
	eng_mon_io_keys_end(m, c);
}

static void warn(struct mon *m, struct mon_client *c, const char *why)
{
	make_room(c);
	eng_msg_send(c->fd, ENG_F_WARN, why, strlen(why));
	let_go(m, c);
}

static void pack(struct mon *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_c; i++)
		if (m->c[i].fd >= 0)
			m->c[n++] = m->c[i];
	m->n_c = n;
}

void eng_mon_client_add(struct mon *m, int fd, bool first)
{
	struct mon_client c = { .fd = fd, .first = first };

	if (m->n_c == MON_CLIENTS)
		warn(m, &c, "too many are attached to this container");
	else
		m->c[m->n_c++] = c;
}

void eng_mon_accept(struct mon *m)
{
	int fd;

	/* not more than can be asked for at once: they may be many */
	for (int i = 0; i < MON_CLIENTS; i++) {
		/* cppcheck-suppress nullPointer; addresses are not asked for */
		fd = accept4(m->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		eng_mon_client_add(m, fd, false);
	}
}

/* --- to them ---------------------------------------------------------------------------------- */

static bool wants(const struct mon *m, const struct mon_client *c)
{
	unsigned int bit = m->chunk_type == ENG_F_STDOUT ? ENG_WANT_STDOUT : ENG_WANT_STDERR;

	return c->fd >= 0 && (c->want & bit);
}

static void send_chunk(struct mon *m, struct mon_client *c)
{
	int ret = eng_msg_send(c->fd, m->chunk_type, m->chunk, m->chunk_len);

	if (ret < 0) {
		let_go(m, c);
		return;
	}
	if (ret == 0 && !c->owes)
		c->since_ms = eng_mono_ms();
	c->owes = ret == 0;
}

/* Once nobody owes it any more, the next can be read. */
static void settle(struct mon *m)
{
	for (size_t i = 0; i < m->n_c; i++)
		if (m->c[i].owes)
			return;
	m->chunk_len = 0;
}

void eng_mon_clients_chunk(struct mon *m)
{
	for (size_t i = 0; i < m->n_c; i++)
		if (wants(m, &m->c[i]))
			send_chunk(m, &m->c[i]);
	settle(m);
}

int eng_mon_clients_late(struct mon *m)
{
	int64_t now, next = -1, patience = m->ops->stuck_ms ? m->ops->stuck_ms : MON_STUCK_MS;

	if (m->chunk_len == 0)
		return -1;
	now = eng_mono_ms();
	for (size_t i = 0; i < m->n_c; i++) {
		struct mon_client *c = &m->c[i];
		int64_t left = patience - (now - c->since_ms);

		if (!c->owes || (c->first && !m->hurry))
			continue;
		if (left <= 0)
			warn(m, c, "its output was not read for too long");
		else if (next < 0 || left < next)
			next = left;
	}
	pack(m);
	settle(m);
	return (int)next;
}

void eng_mon_clients_hurry(struct mon *m)
{
	int64_t now = eng_mono_ms();

	m->hurry = true;
	for (size_t i = 0; i < m->n_c; i++) {
		make_room(&m->c[i]);
		m->c[i].since_ms = now;
	}
}

void eng_mon_clients_exit(struct mon *m, int exit_code)
{
	int32_t code = exit_code;

	for (size_t i = 0; i < m->n_c; i++) {
		make_room(&m->c[i]);
		eng_msg_send(m->c[i].fd, ENG_F_EXIT, &code, sizeof(code));
		cs_close_fd(&m->c[i].fd);
	}
	m->n_c = 0;
}

/* --- from them -------------------------------------------------------------------------------- */

static int take_hello(struct mon *m, struct mon_client *c, const struct eng_msg *msg)
{
	if (c->greeted)
		return -EBADMSG;
	c->greeted = true;
	c->want = msg->want;
	if (c->first && (c->want & ENG_WANT_STDIN))
		m->in_once = m->r.stdin_open && !m->r.tty;
	return 0;
}

/* -EBADMSG: it does not speak our language. */
static int take_msg(struct mon *m, struct mon_client *c, const struct eng_msg *msg)
{
	bool gives = c->want & ENG_WANT_STDIN;

	if (!c->greeted && msg->type != ENG_F_HELLO && msg->type != ENG_F_STOP)
		return -EBADMSG;
	switch (msg->type) {
	case ENG_F_HELLO:
		return take_hello(m, c, msg);
	case ENG_F_STDIN:
		if (gives && m->r.stdin_open && msg->len)
			eng_mon_io_keys(m, msg->data, msg->len);
		return 0;
	case ENG_F_EOF:
		if (gives)
			eng_mon_io_keys_end(m, c);
		return 0;
	case ENG_F_RESIZE:
		if (m->r.tty)
			eng_mon_io_resize(m, msg->rows, msg->cols);
		return 0;
	case ENG_F_STOP: /* that it came wakes us, which is all */
		return 0;
	case ENG_F_STDOUT:
	case ENG_F_STDERR:
	case ENG_F_WARN:
	case ENG_F_EXIT:
		break;
	}
	return -EBADMSG;
}

/* Is its next message stdin? */
static bool next_is_keys(const struct mon_client *c)
{
	char kind;

	return recv(c->fd, &kind, 1, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC) > 0 &&
	       kind == ENG_F_STDIN;
}

static void serve_client(struct mon *m, struct mon_client *c)
{
	struct cs_err why = CS_ERR_INIT;
	char control[CONTROL_MAX];
	bool room = eng_mon_io_room(m);
	struct eng_msg msg;
	ssize_t n;

	c->no_room = !room && next_is_keys(c);
	if (c->no_room)
		return;
	/* stdin is received where it stays until it is written */
	if (room)
		n = recv(c->fd, m->keys, sizeof(m->keys), MSG_DONTWAIT | MSG_TRUNC);
	else
		n = recv(c->fd, control, sizeof(control), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || (size_t)n > (room ? sizeof(m->keys) : sizeof(control)) ||
	    eng_msg_parse(room ? m->keys : control, (size_t)n, &msg, &why) < 0 ||
	    take_msg(m, c, &msg) < 0)
		let_go(m, c);
}

size_t eng_mon_clients_watch(const struct mon *m, struct pollfd *fds)
{
	bool room = eng_mon_io_room(m);

	for (size_t i = 0; i < m->n_c; i++) {
		const struct mon_client *c = &m->c[i];
		/* one that waits for room is not looked at: its hang-up would wake us for nothing
		 */
		bool wait = c->no_room && !room && !c->owes;
		short events =
			(short)((c->owes ? POLLOUT : 0) | (c->no_room && !room ? 0 : POLLIN));

		fds[i] = (struct pollfd){ wait ? -1 : c->fd, events, 0 };
	}
	return m->n_c;
}

void eng_mon_clients_serve(struct mon *m, const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct mon_client *c = &m->c[i];

		if (c->owes && fds[i].revents)
			send_chunk(m, c);
		if (c->fd >= 0 && (fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
			serve_client(m, c);
	}
	pack(m);
	settle(m);
}
