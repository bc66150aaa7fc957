#include "runtime/vm/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

enum { HEAD = 8 };

static uint32_t word_at(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

void ctr_vm_reader_fini(struct ctr_vm_reader *r)
{
	free(r->data);
	r->data = NULL;
	r->cap = r->have = 0;
}

/* Up to @want bytes. 1: there are; 0: not yet. */
static int fill(struct ctr_vm_reader *r, int fd, unsigned char *to, size_t want, struct cs_err *err)
{
	while (want > 0) {
		ssize_t n = read(fd, to, want);

		if (n > 0) {
			to += n;
			want -= (size_t)n;
			r->have += (size_t)n;
		} else if (n == 0) {
			return cs_err_set(err, EPIPE, "the connection has ended");
		} else if (errno == EAGAIN) {
			return 0;
		} else if (errno == ECONNRESET) {
			return cs_err_set(err, EPIPE, "the connection was cut");
		} else if (errno != EINTR) {
			return cs_err_sys(err, "read a frame");
		}
	}
	return 1;
}

/* The header is there: is it a good one, and is there room for what follows? */
static int check(struct ctr_vm_reader *r, struct cs_err *err)
{
	const uint32_t len = word_at(r->head), type = word_at(r->head + 4);

	if (len > r->max)
		return cs_err_set(err, EPROTO, "a frame of %u bytes came, %u are allowed", len,
				  r->max);
	if (type == 0 || type >= CTR_VM_FRAMES)
		return cs_err_set(err, EPROTO, "a frame of the unknown type %u came", type);
	if (len > r->cap) {
		unsigned char *p = realloc(r->data, len);

		if (!p)
			return cs_err_set(err, ENOMEM, "a frame of %u bytes: out of memory", len);
		r->data = p;
		r->cap = len;
	}
	return 0;
}

int ctr_vm_read(struct ctr_vm_reader *r, int fd, struct ctr_vm_msg *out, struct cs_err *err)
{
	size_t len;
	int ret = 1;

	if (r->have < HEAD) {
		ret = fill(r, fd, r->head + r->have, HEAD - r->have, err);
		if (ret == 1)
			ret = check(r, err) < 0 ? -err->code : 1;
	}
	if (ret != 1)
		return ret;
	len = word_at(r->head);
	if (len > 0)
		ret = fill(r, fd, r->data + (r->have - HEAD), len - (r->have - HEAD), err);
	if (ret != 1)
		return ret;
	r->have = 0;
	*out = (struct ctr_vm_msg){
		.type = (enum ctr_vm_frame)word_at(r->head + 4),
		.data = len ? r->data : r->head, /* never NULL */
		.len = (uint32_t)len,
	};
	return 1;
}

bool ctr_vm_word(const struct ctr_vm_msg *m, size_t pos, uint32_t *out)
{
	if (m->len < sizeof(*out) || pos > m->len - sizeof(*out))
		return false;
	*out = word_at(m->data + pos);
	return true;
}

void ctr_vm_writer_fini(struct ctr_vm_writer *w)
{
	cs_buf_fini(&w->buf);
	w->off = 0;
}

void ctr_vm_put(struct ctr_vm_writer *w, enum ctr_vm_frame type, const uint32_t *head,
		const void *data, size_t len)
{
	const uint32_t words[3] = { (uint32_t)(len + (head ? sizeof(*head) : 0)), type,
				    head ? *head : 0 };

	cs_buf_add_mem(&w->buf, words, head ? 12 : 8);
	if (len > 0)
		cs_buf_add_mem(&w->buf, data, len);
}

/* What has been sent is not kept until all is. */
static int forget_sent(struct ctr_vm_writer *w)
{
	memmove(w->buf.s, w->buf.s + w->off, w->buf.len - w->off);
	w->buf.len -= w->off;
	w->off = 0;
	return 0;
}

int ctr_vm_flush(struct ctr_vm_writer *w, int fd, struct cs_err *err)
{
	if (cs_buf_ok(&w->buf, err) < 0)
		return -err->code;
	while (ctr_vm_waiting(w)) {
		ssize_t n = send(fd, w->buf.s + w->off, w->buf.len - w->off, MSG_NOSIGNAL);

		if (n >= 0)
			w->off += (size_t)n;
		else if (errno == EAGAIN)
			return forget_sent(w);
		else if (errno == EPIPE || errno == ECONNRESET)
			return cs_err_set(err, EPIPE, "the connection has ended");
		else if (errno != EINTR)
			return cs_err_sys(err, "send a frame");
	}
	w->buf.len = w->off = 0;
	return 1;
}

void ctr_vm_package_version(char out[CTR_VM_PACKAGE_VERSION])
{
	(void)snprintf(out, CTR_VM_PACKAGE_VERSION, "caisson %s, protocol %d", CS_VERSION,
		       CTR_VM_VERSION);
}
