#include "runtime/vm/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	TURN = 16,  /* frames at once: there are others to be served */
	DRAIN = 64, /* the same of a source that has ended; more than a pipe has */
};

/* Others would get the numbers of the standard files, and what is meant for those. */
static void close_end(struct ctr_vm_end *e)
{
	int fd = cs_take_fd(&e->fd), null;

	if (fd < 0)
		return;
	null = fd <= STDERR_FILENO ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
	if (null >= 0) {
		dup2(null, fd);
		close(null);
	} else {
		close(fd);
	}
}

void ctr_vm_stream_fini(struct ctr_vm_stream *s)
{
	cs_close_fd(&s->sock);
	for (int i = 0; i < 2; i++) {
		close_end(&s->source[i]);
		close_end(&s->sink[i]);
	}
	ctr_vm_reader_fini(&s->in);
	ctr_vm_writer_fini(&s->out);
}

void ctr_vm_stream_wants(const struct ctr_vm_stream *s, struct pollfd *p)
{
	const bool waiting = ctr_vm_waiting(&s->out);

	p[0] = (struct pollfd){ .fd = s->left.len && !waiting ? -1 : s->sock,
				.events = (short)((s->left.len ? 0 : POLLIN) |
						  (waiting ? POLLOUT : 0)) };
	for (int i = 0; i < 2; i++) {
		p[1 + i] =
			(struct pollfd){ .fd = waiting ? -1 : s->source[i].fd, .events = POLLIN };
		p[3 + i] = (struct pollfd){
			.fd = s->left.len && s->left.type == s->sink[i].kind ? s->sink[i].fd : -1,
			.events = POLLOUT,
		};
	}
}

/* One frame of a source. False: there is nothing at the moment. */
static bool take(struct ctr_vm_stream *s, struct ctr_vm_end *e)
{
	char buf[CTR_VM_DATA_MAX];
	ssize_t n;

	do
		n = read(e->fd, buf, sizeof(buf));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0) {
		ctr_vm_put(&s->out, e->kind, NULL, buf, (size_t)n);
		return true;
	}
	/* its end, or that of a terminal (EIO) */
	close_end(e);
	ctr_vm_put_word(&s->out, CTR_VM_EOF, e->kind);
	return true;
}

static struct ctr_vm_end *sink_of(struct ctr_vm_stream *s, uint32_t kind)
{
	for (int i = 0; i < 2; i++)
		if (kind && s->sink[i].kind == kind)
			return &s->sink[i];
	return NULL;
}

/* Gives a sink what it takes. No more than a pipe that is writable has room for: it may block. */
static void give(struct ctr_vm_stream *s)
{
	struct ctr_vm_end *e = sink_of(s, s->left.type);
	struct pollfd p = { .fd = e ? e->fd : -1, .events = POLLOUT };
	ssize_t n;

	if (!e || e->fd < 0) {
		s->left.len = 0; /* nobody wants it, and the other side was told */
		return;
	}
	if (poll(&p, 1, 0) != 1)
		return;
	do
		n = write(e->fd, s->left.data, s->left.len < PIPE_BUF ? s->left.len : PIPE_BUF);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		s->left.data += n;
		s->left.len -= (uint32_t)n;
	} else if (errno != EAGAIN) {
		close_end(e);
		ctr_vm_put_word(&s->out, CTR_VM_EOF, e->kind);
		s->left.len = 0;
	}
}

/* The other side has ended a source, or wants no more of ours. */
static void ended(struct ctr_vm_stream *s, uint32_t kind)
{
	struct ctr_vm_end *e = sink_of(s, kind);

	if (e)
		close_end(e);
	for (int i = 0; i < 2; i++)
		if (s->source[i].kind == kind)
			close_end(&s->source[i]);
}

/* Takes frames until one is for the caller, a sink is full, or there is none. */
static int receive(struct ctr_vm_stream *s, struct ctr_vm_msg *msg, struct cs_err *err)
{
	struct ctr_vm_msg m;
	uint32_t kind;
	int ret;

	for (int i = 0; s->left.len == 0 && i < TURN; i++) {
		ret = ctr_vm_read(&s->in, s->sock, &m, err);
		if (ret <= 0)
			return ret;
		switch (m.type) {
		case CTR_VM_STDIN:
		case CTR_VM_STDOUT:
		case CTR_VM_STDERR:
			if (!sink_of(s, m.type))
				return cs_err_set(err, EPROTO, "data came for what is not there");
			s->left = m;
			if (m.len)
				give(s);
			break;
		case CTR_VM_EOF:
			if (!ctr_vm_word(&m, 0, &kind))
				return cs_err_set(err, EPROTO, "a frame came that is too short");
			ended(s, kind);
			break;
		case CTR_VM_WINSIZE:
		case CTR_VM_SIGNAL:
		case CTR_VM_EXIT:
			*msg = m;
			return 1;
		case CTR_VM_HELLO:
		case CTR_VM_REQUEST:
		case CTR_VM_REPLY:
		case CTR_VM_FRAMES:
			return cs_err_set(err, EPROTO, "a frame came that does not belong there");
		}
	}
	return 0;
}

int ctr_vm_stream_step(struct ctr_vm_stream *s, const struct pollfd *p, struct ctr_vm_msg *msg,
		       struct cs_err *err)
{
	int ret = 0;

	for (int i = 0; p && i < 2; i++) {
		if (p[1 + i].revents && s->source[i].fd >= 0)
			take(s, &s->source[i]);
		if (p[3 + i].revents && s->left.len)
			give(s);
	}
	if (!p || p[0].revents & (POLLIN | POLLHUP | POLLERR))
		ret = receive(s, msg, err);
	if (ret >= 0 && ctr_vm_waiting(&s->out) && ctr_vm_flush(&s->out, s->sock, err) < 0)
		ret = -err->code;
	return ret;
}

int ctr_vm_stream_drain(struct ctr_vm_stream *s, struct cs_err *err)
{
	for (int i = 0; i < 2; i++) {
		struct ctr_vm_end *e = &s->source[i];
		struct pollfd p = { .fd = e->fd, .events = POLLIN };

		/* what others who have it go on writing is not waited for */
		for (int k = 0; k < DRAIN; k++) {
			int ret = ctr_vm_flush(&s->out, s->sock, err);

			if (ret <= 0)
				return ret;
			if (e->fd < 0 || poll(&p, 1, 0) != 1 || !take(s, e))
				break;
		}
	}
	return ctr_vm_flush(&s->out, s->sock, err);
}
