#include "images/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

int img_ring_init(struct img_ring *r, size_t cap, bool event, struct cs_err *err)
{
	*r = (struct img_ring){ .cap = cap, .event = -EBADF };
	if (event) {
		r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (r->event < 0)
			return cs_err_sys(err, "make an eventfd");
	}
	r->buf = malloc(cap);
	if (!r->buf) {
		cs_close_fd(&r->event);
		return cs_err_set(err, ENOMEM, "begin a layer: out of memory");
	}
	pthread_mutex_init(&r->lock, NULL); /* neither can fail here: pthread_mutex_init(3) */
	pthread_cond_init(&r->changed, NULL);
	return 0;
}

void img_ring_fini(struct img_ring *r)
{
	if (!r->buf)
		return;
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	free(r->buf);
	r->buf = NULL;
	cs_close_fd(&r->event);
}

/* Under the lock. */
static void ring_event(struct img_ring *r)
{
	static const uint64_t one = 1;

	r->starved = false;
	if (r->event >= 0 && write(r->event, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

/* Under the lock: what fits. */
static size_t put(struct img_ring *r, const uint8_t *buf, size_t len)
{
	size_t n = r->cap - r->used, end, first;

	if (n > len)
		n = len;
	end = (r->at + r->used) % r->cap;
	first = r->cap - end < n ? r->cap - end : n;
	memcpy(r->buf + end, buf, first);
	memcpy(r->buf, buf + first, n - first);
	if (n > 0 && r->used == 0)
		pthread_cond_signal(&r->changed);
	r->used += n;
	return n;
}

int img_ring_write(struct img_ring *r, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	int ret = 0;

	pthread_mutex_lock(&r->lock);
	while (len > 0 && !r->broken) {
		size_t n = put(r, p, len);

		p += n;
		len -= n;
		if (len > 0 && n == 0)
			pthread_cond_wait(&r->changed, &r->lock);
	}
	if (r->broken)
		ret = -EPIPE;
	pthread_mutex_unlock(&r->lock);
	return ret;
}

ssize_t img_ring_try_write(struct img_ring *r, const void *buf, size_t len)
{
	ssize_t ret;

	pthread_mutex_lock(&r->lock);
	ret = (ssize_t)put(r, buf, len);
	r->starved = (size_t)ret < len;
	if (r->broken)
		ret = -EPIPE;
	pthread_mutex_unlock(&r->lock);
	return ret;
}

void img_ring_close(struct img_ring *r)
{
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void img_ring_break(struct img_ring *r)
{
	pthread_mutex_lock(&r->lock);
	r->broken = true;
	ring_event(r);
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

ssize_t img_ring_peek(struct img_ring *r, const uint8_t **p)
{
	ssize_t ret;

	pthread_mutex_lock(&r->lock);
	while (r->used == 0 && !r->closed && !r->broken)
		pthread_cond_wait(&r->changed, &r->lock);
	ret = (ssize_t)(r->cap - r->at < r->used ? r->cap - r->at : r->used);
	*p = r->buf + r->at;
	if (r->broken)
		ret = -EPIPE;
	pthread_mutex_unlock(&r->lock);
	return ret;
}

void img_ring_consume(struct img_ring *r, size_t n)
{
	pthread_mutex_lock(&r->lock);
	r->at = (r->at + n) % r->cap;
	r->used -= n;
	/* Room for a quarter is worth waking somebody. */
	if (r->used + r->cap / 4 <= r->cap) {
		if (r->starved)
			ring_event(r);
		pthread_cond_signal(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
}
