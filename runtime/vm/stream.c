#include "runtime/vm/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	TURN = 16,		  /* frames at once: there are others to be served */
	DRAIN = 64,		  /* the same of a source that has ended; more than a pipe has */
	TELL = CTR_VM_WINDOW / 4, /* bytes taken before that is told */
	/* bytes that wait to be sent: who reads at all leaves a frame a source and what was told */
	OUT_MAX = 4 * CTR_VM_DATA_MAX,
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

/* What it keeps is not wanted any more. */
static void drop(struct ctr_vm_end *e)
{
	free(e->kept);
	e->kept = NULL;
	e->from = e->n_kept = 0;
}

void ctr_vm_stream_fini(struct ctr_vm_stream *s)
{
	cs_close_fd(&s->sock);
	for (int i = 0; i < 2; i++) {
		close_end(&s->source[i]);
		close_end(&s->sink[i]);
		drop(&s->sink[i]);
	}
	ctr_vm_reader_fini(&s->in);
	ctr_vm_writer_fini(&s->out);
}

/* May it send so many bytes more? */
static uint32_t window(const struct ctr_vm_end *e)
{
	return CTR_VM_WINDOW - e->under_way;
}

/* What came before the exit was taken. */
static bool all_taken(const struct ctr_vm_stream *s)
{
	return s->sink[0].n_kept == 0 && s->sink[1].n_kept == 0;
}

void ctr_vm_stream_wants(const struct ctr_vm_stream *s, struct pollfd *p)
{
	const bool waiting = ctr_vm_waiting(&s->out);

	p[0] = (struct pollfd){ .fd = s->exited && !waiting ? -1 : s->sock,
				.events = (short)((s->exited ? 0 : POLLIN) |
						  (waiting ? POLLOUT : 0)) };
	for (int i = 0; i < 2; i++) {
		p[1 + i] = (struct pollfd){
			.fd = waiting || window(&s->source[i]) == 0 ? -1 : s->source[i].fd,
			.events = POLLIN,
		};
		p[3 + i] = (struct pollfd){
			.fd = s->sink[i].n_kept ? s->sink[i].fd : -1,
			.events = POLLOUT,
		};
	}
}

/* One frame of a source. False: there is nothing at the moment, or no more may be sent. */
static bool take(struct ctr_vm_stream *s, struct ctr_vm_end *e)
{
	char buf[CTR_VM_DATA_MAX];
	size_t max = window(e);
	ssize_t n;

	if (max == 0)
		return false;
	if (max > sizeof(buf))
		max = sizeof(buf);
	do
		n = read(e->fd, buf, max);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0) {
		ctr_vm_put(&s->out, e->kind, NULL, buf, (size_t)n);
		e->under_way += (uint32_t)n;
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

static void put_taken(struct ctr_vm_stream *s, struct ctr_vm_end *e, size_t n)
{
	const uint32_t kind = e->kind;

	e->under_way += (uint32_t)n;
	if (e->under_way < TELL)
		return;
	ctr_vm_put(&s->out, CTR_VM_TAKEN, &kind, &e->under_way, sizeof(e->under_way));
	e->under_way = 0;
}

/* Its reader has gone. */
static void end_sink(struct ctr_vm_stream *s, struct ctr_vm_end *e)
{
	close_end(e);
	drop(e);
	ctr_vm_put_word(&s->out, CTR_VM_EOF, e->kind);
}

/* Gives a sink what it takes; how much that is. No more at once than a pipe that is writable has
 * room for: it may block. */
static size_t give(struct ctr_vm_stream *s, struct ctr_vm_end *e, const unsigned char *data,
		   size_t len)
{
	struct pollfd p = { .fd = e->fd, .events = POLLOUT };
	size_t done = 0;
	ssize_t n;

	while (done < len && poll(&p, 1, 0) == 1) {
		n = write(e->fd, data + done, len - done < PIPE_BUF ? len - done : PIPE_BUF);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			end_sink(s, e);
			return len;
		}
	}
	put_taken(s, e, done);
	return done;
}

/* It takes something again. */
static void give_kept(struct ctr_vm_stream *s, struct ctr_vm_end *e)
{
	const size_t done = give(s, e, e->kept + e->from, e->n_kept);

	if (e->fd < 0)
		return;
	e->from += (uint32_t)done;
	e->n_kept -= (uint32_t)done;
	if (e->n_kept)
		return;
	drop(e);
	if (e->ending)
		close_end(e);
}

/* What it did not take of a frame. */
static int keep(struct ctr_vm_end *e, const unsigned char *data, size_t len, struct cs_err *err)
{
	if (len > CTR_VM_WINDOW - e->n_kept)
		return cs_err_set(err, EPROTO, "more data came than is allowed");
	if (!e->kept)
		e->kept = malloc(CTR_VM_WINDOW);
	if (!e->kept)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (len > CTR_VM_WINDOW - e->from - e->n_kept) {
		memmove(e->kept, e->kept + e->from, e->n_kept);
		e->from = 0;
	}
	memcpy(e->kept + e->from + e->n_kept, data, len);
	e->n_kept += (uint32_t)len;
	return 0;
}

static int take_data(struct ctr_vm_stream *s, const struct ctr_vm_msg *m, struct cs_err *err)
{
	struct ctr_vm_end *e = sink_of(s, m->type);
	size_t done = 0;

	if (!e)
		return cs_err_set(err, EPROTO, "data came for what is not there");
	if (e->fd < 0 || e->ending)
		return 0; /* nobody wants it, and the other side was told */
	if (s->out.buf.len - s->out.off > OUT_MAX)
		return cs_err_set(err, EPROTO, "the other side does not read");
	if (e->n_kept == 0)
		done = give(s, e, m->data, m->len);
	return done < m->len ? keep(e, m->data + done, m->len - done, err) : 0;
}

static int note_taken(struct ctr_vm_stream *s, const struct ctr_vm_msg *m, struct cs_err *err)
{
	uint32_t kind, n;

	if (!ctr_vm_word(m, 0, &kind) || !ctr_vm_word(m, sizeof(kind), &n))
		return cs_err_set(err, EPROTO, "a frame came that is too short");
	for (int i = 0; i < 2; i++) {
		struct ctr_vm_end *e = &s->source[i];

		if (!kind || e->kind != kind)
			continue;
		if (n > e->under_way)
			return cs_err_set(err, EPROTO, "more data was taken than was sent");
		e->under_way -= n;
	}
	return 0;
}

/* The other side has ended a source, or wants no more of ours. */
static void ended(struct ctr_vm_stream *s, uint32_t kind)
{
	struct ctr_vm_end *e = sink_of(s, kind);

	if (e && e->n_kept)
		e->ending = true;
	else if (e)
		close_end(e);
	for (int i = 0; i < 2; i++)
		if (s->source[i].kind == kind)
			close_end(&s->source[i]);
}

/* A frame that is not for the caller. */
static int take_frame(struct ctr_vm_stream *s, const struct ctr_vm_msg *m, struct cs_err *err)
{
	uint32_t kind;

	switch (m->type) {
	case CTR_VM_STDIN:
	case CTR_VM_STDOUT:
	case CTR_VM_STDERR:
		return take_data(s, m, err);
	case CTR_VM_TAKEN:
		return note_taken(s, m, err);
	case CTR_VM_EOF:
		if (!ctr_vm_word(m, 0, &kind))
			return cs_err_set(err, EPROTO, "a frame came that is too short");
		ended(s, kind);
		return 0;
	case CTR_VM_EXIT:
		if (m->len < sizeof(s->exit[0]) || m->len > sizeof(s->exit))
			return cs_err_set(err, EPROTO,
					  "an exit came that is too short or too long");
		memcpy(s->exit, m->data, m->len);
		s->exit_len = m->len;
		s->exited = true;
		return 0;
	case CTR_VM_WINSIZE:
	case CTR_VM_SIGNAL:
	case CTR_VM_HELLO:
	case CTR_VM_REQUEST:
	case CTR_VM_REPLY:
	case CTR_VM_FRAMES:
		break;
	}
	return cs_err_set(err, EPROTO, "a frame came that does not belong there");
}

/* Takes frames until one is for the caller, or there is none. */
static int receive(struct ctr_vm_stream *s, struct ctr_vm_msg *msg, struct cs_err *err)
{
	int ret;

	for (int i = 0; !s->exited && i < TURN; i++) {
		ret = ctr_vm_read(&s->in, s->sock, msg, err);
		if (ret <= 0)
			return ret;
		if (msg->type == CTR_VM_WINSIZE || msg->type == CTR_VM_SIGNAL)
			return 1;
		if (take_frame(s, msg, err) < 0)
			return -err->code;
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
		if (p[3 + i].revents && s->sink[i].n_kept)
			give_kept(s, &s->sink[i]);
	}
	if (!p || p[0].revents & (POLLIN | POLLHUP | POLLERR))
		ret = receive(s, msg, err);
	if (ret == 0 && s->exited && all_taken(s)) {
		*msg = (struct ctr_vm_msg){ CTR_VM_EXIT, (const unsigned char *)s->exit,
					    s->exit_len };
		return 1;
	}
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
		for (; e->drained < DRAIN; e->drained++) {
			int ret = ctr_vm_flush(&s->out, s->sock, err);

			if (ret <= 0)
				return ret;
			if (e->fd < 0 || poll(&p, 1, 0) != 1)
				break;
			if (window(e) == 0)
				return 0;
			if (!take(s, e))
				break;
		}
	}
	return ctr_vm_flush(&s->out, s->sock, err);
}
