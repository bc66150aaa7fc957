#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/http_int.h"
#include "images/url.h"

/* One transfer as libcurl sees it: its options, and the functions it calls in the loop's thread. */

enum {
	CONNECT_MS = 30000,
	STALL_MS = 30000,
	RECV_SIZE = 256 * 1024,
	SLOWEST = 64, /* bytes a second over the stall time: less is as good as nothing */
};

static bool good(const struct img_xfer *x)
{
	return x->status >= 200 && x->status < 300;
}

/* A status line: what came before (100, a proxy's answer) was not it. */
static void head_begin(struct img_xfer *x, const char *line, size_t len)
{
	char text[32];
	const char *sp;

	cs_buf_fini(&x->head);
	x->head = CS_BUF_INIT;
	memcpy(text, line, len < sizeof(text) ? len : sizeof(text) - 1);
	text[len < sizeof(text) ? len : sizeof(text) - 1] = '\0';
	sp = strchr(text, ' ');
	x->status = sp ? (int)strtol(sp, NULL, 10) : 0;
}

static size_t on_header(char *buf, size_t size, size_t n, void *arg)
{
	struct img_xfer *x = arg;
	size_t len = size * n, keep = len;

	x->head_total += len;
	if (x->head_total > IMG_HTTP_HEADERS) {
		if (!x->err.code)
			cs_err_set(&x->err, EFBIG, "more than %d bytes of headers",
				   IMG_HTTP_HEADERS);
		return 0;
	}
	if (x->head_done) /* a trailer */
		return len;
	if (len >= 5 && strncmp(buf, "HTTP/", 5) == 0) {
		head_begin(x, buf, len);
		return len;
	}
	while (keep && (buf[keep - 1] == '\n' || buf[keep - 1] == '\r'))
		keep--;
	if (keep) {
		cs_buf_add_mem(&x->head, buf, keep);
		cs_buf_add(&x->head, "\n");
	} else if (x->status >= 200) {
		pthread_mutex_lock(&x->http->lock);
		x->head_done = true;
		pthread_cond_signal(&x->cond);
		pthread_mutex_unlock(&x->http->lock);
	}
	return len;
}

/* Body of a good answer that its caller takes piece by piece. */
static size_t put_ring(struct img_xfer *x, const char *buf, size_t len)
{
	size_t at, first;

	pthread_mutex_lock(&x->http->lock);
	if (IMG_RING - x->ring_len < len) {
		x->paused = true;
		pthread_mutex_unlock(&x->http->lock);
		return CURL_WRITEFUNC_PAUSE;
	}
	at = (x->ring_at + x->ring_len) % IMG_RING;
	first = len < IMG_RING - at ? len : IMG_RING - at;
	memcpy(x->ring + at, buf, first);
	memcpy(x->ring, buf + first, len - first);
	x->ring_len += len;
	pthread_cond_signal(&x->cond);
	pthread_mutex_unlock(&x->http->lock);
	x->taken += len;
	return len;
}

static size_t on_body(char *buf, size_t size, size_t n, void *arg)
{
	struct img_xfer *x = arg;
	size_t len = size * n, room;

	if (good(x)) {
		if (len > x->req->max_body - x->taken) {
			if (!x->err.code)
				cs_err_set(&x->err, EFBIG,
					   "the answer is longer than the %llu bytes it may have",
					   (unsigned long long)x->req->max_body);
			return 0;
		}
		if (x->ring)
			return put_ring(x, buf, len);
		cs_buf_add_mem(&x->body, buf, len);
		x->taken += len;
		return x->body.failed ? 0 : len;
	}
	room = IMG_HTTP_ERROR_BODY - x->body.len;
	cs_buf_add_mem(&x->body, buf, len < room ? len : room);
	x->cut = len > room;
	return x->cut ? 0 : len;
}

static size_t on_send(char *buf, size_t size, size_t n, void *arg)
{
	struct img_xfer *x = arg;
	const struct img_http_req *req = x->req;
	uint64_t left = req->body_len - x->sent;
	size_t len = size * n;
	ssize_t got;

	if (len > left)
		len = (size_t)left;
	if (!len)
		return 0;
	if (req->body) {
		memcpy(buf, (const char *)req->body + x->sent, len);
		got = (ssize_t)len;
	} else {
		got = pread(req->body_fd, buf, len, (off_t)(req->body_off + x->sent));
	}
	if (got <= 0) {
		if (!x->err.code)
			cs_err_set(&x->err, EIO, "read what is to be sent: %s",
				   got < 0 ? strerror(errno) : "it has become shorter");
		return CURL_READFUNC_ABORT;
	}
	x->sent += (uint64_t)got;
	if (req->sent)
		req->sent(req->ctx, x->sent);
	return (size_t)got;
}

/* libcurl sends a body again, on another connection, when the first was closed under it. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct img_xfer *x = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->req->body_len)
		return CURL_SEEKFUNC_FAIL;
	x->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int add_header(struct img_xfer *x, const char *line)
{
	struct curl_slist *more = x->http->curl->slist_append(x->slist, line);

	if (!more)
		return -ENOMEM;
	x->slist = more;
	return 0;
}

static int set_headers(struct img_xfer *x, bool auth)
{
	const struct img_http_req *req = x->req;
	int ret = 0;

	/* No waiting for a "100 Continue" that many servers never send. */
	ret |= add_header(x, "Expect:");
	for (size_t i = 0; req->headers && req->headers[i]; i++)
		ret |= add_header(x, req->headers[i]);
	if (auth && req->auth) {
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;

		cs_buf_addf(&b, "Authorization: %s", req->auth);
		ret |= b.failed ? -ENOMEM : add_header(x, b.s);
		if (b.s)
			explicit_bzero(b.s, b.len);
	}
	x->http->curl->easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->slist);
	return ret ? -ENOMEM : 0;
}

static void set_method(struct img_xfer *x)
{
	const struct img_http_req *req = x->req;
	__typeof__(curl_easy_setopt) *set = x->http->curl->easy_setopt;

	if (strcmp(req->method, "HEAD") == 0) {
		set(x->easy, CURLOPT_NOBODY, 1L);
	} else if (strcmp(req->method, "GET") != 0) {
		set(x->easy, CURLOPT_UPLOAD, 1L);
		set(x->easy, CURLOPT_CUSTOMREQUEST, req->method);
		set(x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->body_len);
		set(x->easy, CURLOPT_READFUNCTION, on_send);
		set(x->easy, CURLOPT_READDATA, x);
		set(x->easy, CURLOPT_SEEKFUNCTION, on_seek);
		set(x->easy, CURLOPT_SEEKDATA, x);
		set(x->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)RECV_SIZE);
	}
}

static void set_times(struct img_xfer *x)
{
	const struct img_http_opts *o = &x->http->opts;
	__typeof__(curl_easy_setopt) *set = x->http->curl->easy_setopt;
	unsigned int stall = o->stall_ms ? o->stall_ms : STALL_MS;

	set(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(o->connect_ms ? o->connect_ms : CONNECT_MS));
	set(x->easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
	set(x->easy, CURLOPT_LOW_SPEED_TIME, (long)((stall + 999) / 1000));
	if (x->req->total_ms)
		set(x->easy, CURLOPT_TIMEOUT_MS, (long)x->req->total_ms);
}

static int set_tls(struct img_xfer *x, const struct img_url *url, bool home, bool unverified,
		   struct cs_err *err)
{
	const struct img_certs_for f = {
		.cert_dir = x->http->opts.cert_dir,
		.home = home,
		.url = url,
	};
	__typeof__(curl_easy_setopt) *set = x->http->curl->easy_setopt;
	const char *file = getenv("SSL_CERT_FILE");
	char cert[PATH_MAX], key[PATH_MAX];
	int ret = img_certs_find(&f, &x->ca, cert, key, err);

	if (ret < 0)
		return ret;
	set(x->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (unverified) {
		set(x->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		set(x->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (x->ca) {
		struct curl_blob blob = { .data = x->ca,
					  .len = strlen(x->ca),
					  .flags = CURL_BLOB_NOCOPY };

		set(x->easy, CURLOPT_CAINFO_BLOB, &blob);
	} else if (file && *file) {
		set(x->easy, CURLOPT_CAINFO, file);
	}
	if (cert[0]) {
		set(x->easy, CURLOPT_SSLCERT, cert);
		set(x->easy, CURLOPT_SSLKEY, key);
	}
	return 0;
}

int img_xfer_setup(struct img_xfer *x, const struct img_url *url, const char *text, bool auth,
		   bool unverified, struct cs_err *err)
{
	const struct img_curl *c = x->http->curl;
	int ret;

	x->easy = c->easy_init();
	if (!x->easy)
		return cs_err_set(err, ENOMEM, "make a request: out of memory");
	c->easy_setopt(x->easy, CURLOPT_URL, text);
	c->easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	c->easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, 0L);
	c->easy_setopt(x->easy, CURLOPT_PATH_AS_IS, 1L);
	c->easy_setopt(x->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	c->easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
	c->easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	c->easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->errbuf);
	c->easy_setopt(x->easy, CURLOPT_USERAGENT, "caisson/" CS_VERSION);
	c->easy_setopt(x->easy, CURLOPT_BUFFERSIZE, (long)RECV_SIZE);
	c->easy_setopt(x->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	c->easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	c->easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header);
	c->easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	c->easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
	c->easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	set_method(x);
	set_times(x);
	ret = set_tls(x, url, auth && x->req->home, unverified, err);
	if (ret < 0)
		return ret;
	if (set_headers(x, auth) < 0)
		return cs_err_set(err, ENOMEM, "make a request: out of memory");
	return 0;
}

void img_xfer_fini(struct img_xfer *x)
{
	if (x->easy)
		x->http->curl->easy_cleanup(x->easy);
	if (x->slist) {
		for (struct curl_slist *s = x->slist; s; s = s->next)
			explicit_bzero(s->data, strlen(s->data));
		x->http->curl->slist_free_all(x->slist);
	}
	cs_buf_fini(&x->head);
	cs_buf_fini(&x->body);
	free(x->ring);
	free(x->ca);
	pthread_cond_destroy(&x->cond);
}

int img_xfer_error(const struct img_xfer *x, const char *host, struct cs_err *err)
{
	char text[CURL_ERROR_SIZE];
	int code = EPROTO;
	const char *hint = "";

	snprintf(text, sizeof(text), "%s",
		 x->errbuf[0] ? x->errbuf : x->http->curl->easy_strerror(x->result));
	cs_str_plain(text);
	switch ((int)x->result) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		code = EHOSTUNREACH;
		break;
	case CURLE_COULDNT_CONNECT:
		code = ECONNREFUSED;
		break;
	case CURLE_OPERATION_TIMEDOUT:
		code = ETIMEDOUT;
		break;
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		code = ECONNRESET;
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		code = EKEYREJECTED;
		hint = " (put its CA into certs.d, or give --tls-verify=false)";
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		code = EKEYREJECTED;
		break;
	case CURLE_OUT_OF_MEMORY:
		code = ENOMEM;
		break;
	default:
		break;
	}
	return cs_err_set(err, code, "%s: %s%s", host, text, hint);
}
