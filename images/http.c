#include "images/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/http_int.h"
#include "images/url.h"

int img_http_new(const struct img_http_opts *opts, struct img_http **out, struct cs_err *err)
{
	struct img_http *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	if (!h)
		return cs_err_set(err, ENOMEM, "make an HTTP client: out of memory");
	h->opts = *opts;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->waiters, &attr);
	pthread_condattr_destroy(&attr);
	*out = h;
	return 0;
}

void img_http_free(struct img_http *h)
{
	if (!h)
		return;
	img_http_loop_stop(h);
	pthread_cond_destroy(&h->waiters);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void img_http_cancel(struct img_http *h)
{
	pthread_mutex_lock(&h->lock);
	h->cancelled = true;
	pthread_cond_broadcast(&h->waiters);
	if (h->running)
		h->curl->multi_wakeup(h->multi);
	pthread_mutex_unlock(&h->lock);
}

int img_http_wait(struct img_http *h, unsigned int ms, struct cs_err *err)
{
	struct timespec until;
	bool cancelled;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&h->lock);
	while (!h->cancelled && ret == 0)
		ret = pthread_cond_timedwait(&h->waiters, &h->lock, &until);
	cancelled = h->cancelled;
	pthread_mutex_unlock(&h->lock);
	return cancelled ? cs_err_set(err, ECANCELED, "cancelled") : 0;
}

void img_http_resp_fini(struct img_http_resp *r)
{
	free(r->headers);
	free(r->url);
	free(r->body);
	*r = IMG_HTTP_RESP_INIT;
}

const char *img_http_header(const struct img_http_resp *r, const char *name, unsigned int nth,
			    size_t *len)
{
	size_t n = strlen(name);

	for (const char *p = r->headers; p && *p;) {
		size_t line = strcspn(p, "\n");

		if (line > n && p[n] == ':' && strncasecmp(p, name, n) == 0 && nth-- == 0) {
			const char *v = p + n + 1, *end = p + line;

			while (v < end && (*v == ' ' || *v == '\t'))
				v++;
			while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			*len = (size_t)(end - v);
			return v;
		}
		p += line;
		p += *p == '\n';
	}
	return NULL;
}

int img_http_header_u64(const struct img_http_resp *r, const char *name, uint64_t *out)
{
	size_t len;
	const char *v = img_http_header(r, name, 0, &len);
	char text[32];

	if (!v)
		return 0;
	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, v, len);
	text[len] = '\0';
	return cs_str_u64(text, out) < 0 ? -EINVAL : 1;
}

/* Hands the transfer to the loop. With the lock held. */
static void enqueue(struct img_http *h, struct img_xfer *x)
{
	struct img_xfer **p = &h->queue;

	while (*p)
		p = &(*p)->next;
	*p = x;
	h->curl->multi_wakeup(h->multi);
}

/* Gives what is in the ring to the caller's function. With the lock held, which it lets go of. */
static int take(struct img_http *h, struct img_xfer *x, struct cs_err *err)
{
	size_t n = x->ring_len < IMG_RING - x->ring_at ? x->ring_len : IMG_RING - x->ring_at;
	int ret;

	pthread_mutex_unlock(&h->lock);
	ret = x->req->data(x->req->ctx, x->ring + x->ring_at, n, err);
	pthread_mutex_lock(&h->lock);
	x->ring_at = (x->ring_at + n) % IMG_RING;
	x->ring_len -= n;
	if (x->paused && !x->resume && x->ring_len <= IMG_RING / 2) {
		x->resume = true;
		h->curl->multi_wakeup(h->multi);
	}
	return ret;
}

static int started(const struct img_xfer *x, const struct img_http_resp *so_far, struct cs_err *err)
{
	struct img_http_resp r = *so_far;

	if (x->status < 200 || x->status > 299 || !x->req->start)
		return 0;
	r.status = x->status;
	r.headers = x->head.s;
	return x->req->start(x->req->ctx, &r, err);
}

/* Waits for the transfer, handing its body on as it comes. */
static int attend(struct img_http *h, struct img_xfer *x, const struct img_http_resp *so_far,
		  struct cs_err *err)
{
	bool told = false;
	int ret = 0;

	pthread_mutex_lock(&h->lock);
	enqueue(h, x);
	for (;;) {
		if (ret < 0 && !x->drop) {
			x->drop = true;
			h->curl->multi_wakeup(h->multi);
		}
		if (!ret && x->head_done && !told) {
			told = true;
			pthread_mutex_unlock(&h->lock);
			ret = started(x, so_far, err);
			pthread_mutex_lock(&h->lock);
		} else if (!ret && x->ring_len) {
			ret = take(h, x, err);
		} else if (x->state == IMG_XFER_DONE) {
			break;
		} else {
			pthread_cond_wait(&x->cond, &h->lock);
		}
	}
	if (!ret && h->cancelled)
		ret = cs_err_set(err, ECANCELED, "cancelled");
	pthread_mutex_unlock(&h->lock);
	return ret;
}

/* Moves the answer out of a transfer that has ended. */
static int answer(struct img_xfer *x, const char *host, struct img_http_resp *resp,
		  struct cs_err *err)
{
	bool cut = x->cut && x->head_done;
	int ret;

	if (x->err.code) {
		*err = x->err;
		return cs_err_wrap(err, "%s", host);
	}
	if (x->result != CURLE_OK && !cut)
		return img_xfer_error(x, host, err);
	if (x->status < 200 || !x->head_done)
		return cs_err_set(err, ECONNRESET, "%s: the answer ends in its headers", host);
	cs_buf_add(&x->head, "");
	cs_buf_add(&x->body, "");
	ret = cs_buf_ok(&x->head, err);
	if (!ret)
		ret = cs_buf_ok(&x->body, err);
	if (ret < 0)
		return ret;
	resp->status = x->status;
	resp->body_len = x->body.len;
	resp->headers = cs_buf_take(&x->head);
	resp->body = cs_buf_take(&x->body);
	return 0;
}

static int begin(struct img_http *h, struct img_xfer *x, struct cs_err *err)
{
	int ret;

	pthread_cond_init(&x->cond, NULL);
	pthread_mutex_lock(&h->lock);
	ret = h->cancelled ? cs_err_set(err, ECANCELED, "cancelled") : img_http_loop_start(h, err);
	pthread_mutex_unlock(&h->lock);
	if (ret < 0)
		return ret;
	if (x->req->data) {
		x->ring = malloc(IMG_RING);
		if (!x->ring)
			return cs_err_set(err, ENOMEM, "make a request: out of memory");
	}
	return 0;
}

/* One request to one place. */
static int once(struct img_http *h, const struct img_http_req *req, const struct img_url *first,
		struct img_http_resp *resp, struct cs_err *err)
{
	struct img_xfer x = { .http = h, .req = req };
	struct img_url url;
	bool unverified;
	int ret = img_url_parse(resp->url, &url, err);

	if (ret < 0)
		return ret;
	if (!url.https && !req->insecure)
		return cs_err_set(
			err, EKEYREJECTED,
			"%s is to be reached by plain http, which only --tls-verify=false "
			"or \"insecure = true\" in registries.conf allows",
			url.host);
	if (first->https && !url.https)
		return cs_err_set(err, EKEYREJECTED, "%s redirects from https to plain http on %s",
				  first->host, url.host);
	resp->foreign = !img_url_same_origin(first, &url);
	unverified = req->insecure && strcmp(url.host, first->host) == 0;
	ret = begin(h, &x, err);
	if (!ret)
		ret = img_xfer_setup(&x, &url, resp->url, !resp->foreign, unverified, err);
	if (!ret)
		ret = attend(h, &x, resp, err);
	if (!ret)
		ret = answer(&x, url.host, resp, err);
	img_xfer_fini(&x);
	return ret;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Points the answer at where it says we should look. */
static int follow(struct img_http_resp *resp, struct cs_err *err)
{
	cs_auto_free char *location = NULL;
	char *next = NULL;
	size_t len;
	const char *v = img_http_header(resp, "Location", 0, &len);
	int ret;

	if (!v)
		return cs_err_set(err, EPROTO, "a redirect without a Location");
	location = strndup(v, len);
	if (!location)
		return cs_err_set(err, ENOMEM, "follow a redirect: out of memory");
	ret = img_url_resolve(resp->url, location, &next, err);
	if (ret < 0)
		return cs_err_wrap(err, "redirect");
	img_http_resp_fini(resp);
	resp->url = next;
	return 0;
}

int img_http_do(struct img_http *h, const struct img_http_req *req, struct img_http_resp *resp,
		struct cs_err *err)
{
	bool get = strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;
	struct img_http_resp r = IMG_HTTP_RESP_INIT;
	struct img_url first;
	int ret = img_url_parse(req->url, &first, err);

	if (ret < 0)
		return ret;
	r.url = strdup(req->url);
	if (!r.url)
		return cs_err_set(err, ENOMEM, "make a request: out of memory");
	for (int hops = 0;; hops++) {
		ret = once(h, req, &first, &r, err);
		if (ret < 0 || !is_redirect(r.status) || req->no_redirect)
			break;
		if (!get)
			ret = cs_err_set(err, EPROTO,
					 "%s redirects an upload, which is not followed",
					 first.host);
		else if (hops == IMG_HTTP_REDIRECTS)
			ret = cs_err_set(err, ELOOP, "%s: more than %d redirects", first.host,
					 IMG_HTTP_REDIRECTS);
		else
			ret = follow(&r, err);
		if (ret < 0)
			break;
	}
	if (ret < 0) {
		img_http_resp_fini(&r);
		return ret;
	}
	img_http_resp_fini(resp);
	*resp = r;
	return 0;
}

bool img_http_again(int error)
{
	error = error < 0 ? -error : error;
	return error == EHOSTUNREACH || error == ECONNREFUSED || error == ECONNRESET ||
	       error == ETIMEDOUT;
}
