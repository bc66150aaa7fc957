#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/registry_int.h"
#include "images/url.h"

enum {
	ANSWER_MAX = 65536,
	STEP_MS = 120000,
};
#define WHOLE_MAX ((uint64_t)256 << 20) /* a larger blob goes in several requests */

int img_repo_also(struct img_repo *p, const char *path, struct cs_err *err)
{
	char also[300];
	int ret = cs_str_fmt(also, sizeof(also), err, " repository:%s:pull", path);

	if (ret < 0)
		return ret;
	/* A few will do: without a token for it, a mount is not made and the blob is sent. */
	if (!strstr(p->scope, also) && strlen(p->scope) + strlen(also) < sizeof(p->scope))
		memcpy(p->scope + strlen(p->scope), also, strlen(also) + 1);
	return 0;
}

int img_repo_has_blob(struct img_repo *p, const char *digest, struct cs_err *err)
{
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	char path[128];
	struct img_ask a = {
		.req = { .method = "HEAD", .max_body = ANSWER_MAX, .total_ms = STEP_MS },
		.path = path,
	};
	int ret = cs_str_fmt(path, sizeof(path), err, "blobs/%s", digest);

	if (!ret)
		ret = img_repo_ask(p, 0, &a, 404, &resp, err);
	return ret < 0 ? ret : resp.status != 404;
}

/* Where the upload goes on. It stays at the registry: our credentials go there. */
static int upload_url(struct img_repo *p, const struct img_http_resp *resp, char **out,
		      struct cs_err *err)
{
	cs_auto_free char *location = NULL;
	struct img_url from, to;
	char base[300];
	char *url = NULL;
	size_t len = 0;
	const char *v = img_http_header(resp, "Location", 0, &len);
	int ret = img_repo_base(p, 0, base, sizeof(base), err);

	if (ret < 0)
		return ret;
	if (!v)
		return cs_err_set(err, EPROTO, "%s: an upload without a Location", p->v[0].p.host);
	location = strndup(v, len);
	if (!location)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = img_url_resolve(resp->url, location, &url, err);
	if (ret < 0)
		return cs_err_wrap(err, "%s: where the upload goes on", p->v[0].p.host);
	if (img_url_parse(base, &from, err) < 0 || img_url_parse(url, &to, err) < 0) {
		free(url);
		return -err->code;
	}
	if (!img_url_same_origin(&from, &to)) {
		free(url);
		return cs_err_set(err, EPROTO, "%s sends the upload to %s://%s, which is not it",
				  from.host, to.https ? "https" : "http", to.host);
	}
	free(*out);
	*out = url;
	return 0;
}

/* Begins an upload. Returns 1 when the blob was mounted from another repository instead. */
static int upload_begin(struct img_repo *p, const struct img_push_blob *b, bool mount, char **url,
			struct cs_err *err)
{
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	cs_auto_buf struct cs_buf path = CS_BUF_INIT;
	struct img_ask a = {
		.req = { .method = "POST", .max_body = ANSWER_MAX, .total_ms = STEP_MS },
	};
	int ret;

	cs_buf_add(&path, "blobs/uploads/");
	if (mount) {
		cs_buf_addf(&path, "?mount=%s&from=", b->digest);
		img_url_escape(&path, b->from);
	}
	ret = cs_buf_ok(&path, err);
	if (ret < 0)
		return ret;
	a.path = path.s;
	ret = img_repo_ask(p, 0, &a, 0, &resp, err);
	if (ret < 0)
		return ret;
	if (mount && resp.status == 201)
		return 1;
	if (resp.status != 202)
		return cs_err_set(err, EPROTO, "%s: begin an upload: an answer of %d",
				  p->v[0].p.host, resp.status);
	return upload_url(p, &resp, url, err);
}

/* The last request, with what is left of the bytes. */
static int upload_end(struct img_repo *p, const struct img_push_blob *b, const char *url,
		      uint64_t done, struct cs_err *err)
{
	static const char *const headers[] = { "Content-Type: application/octet-stream", NULL };
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	cs_auto_buf struct cs_buf full = CS_BUF_INIT;
	struct img_ask a = {
		.req = { .method = "PUT",
			 .headers = headers,
			 .body = b->buf,
			 .body_fd = b->fd,
			 .body_len = b->size - done,
			 .body_off = done,
			 .max_body = ANSWER_MAX,
			 .sent = done ? NULL : b->sent,
			 .ctx = b->ctx },
		.once = true, /* the place of an upload is good for one try */
	};
	int ret;

	cs_buf_addf(&full, "%s%sdigest=%s", url, url && strchr(url, '?') ? "&" : "?", b->digest);
	ret = cs_buf_ok(&full, err);
	if (ret < 0)
		return ret;
	a.req.url = full.s;
	if (!a.req.body && !a.req.body_len)
		a.req.body = "";
	ret = img_repo_ask(p, 0, &a, 0, &resp, err);
	if (!ret && resp.status != 201 && resp.status != 204)
		ret = cs_err_set(err, EPROTO, "%s: end an upload: an answer of %d", p->v[0].p.host,
				 resp.status);
	return ret;
}

struct piece {
	const struct img_push_blob *b;
	uint64_t done;
};

static void piece_sent(void *ctx, uint64_t total)
{
	const struct piece *k = ctx;

	if (k->b->sent)
		k->b->sent(k->b->ctx, k->done + total);
}

/* Sends one piece and finds out where the next one goes. */
static int upload_piece(struct img_repo *p, struct piece *k, uint64_t len, char **url,
			struct cs_err *err)
{
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	char range[64];
	const char *const headers[] = { "Content-Type: application/octet-stream", range, NULL };
	struct img_ask a = {
		.req = { .method = "PATCH",
			 .url = *url,
			 .headers = headers,
			 .body = k->b->buf ? (const char *)k->b->buf + k->done : NULL,
			 .body_fd = k->b->fd,
			 .body_len = len,
			 .body_off = k->done,
			 .max_body = ANSWER_MAX,
			 .sent = piece_sent,
			 .ctx = k },
		.once = true,
	};
	int ret;

	snprintf(range, sizeof(range), "Content-Range: %" PRIu64 "-%" PRIu64, k->done,
		 k->done + len - 1);
	ret = img_repo_ask(p, 0, &a, 0, &resp, err);
	if (!ret && resp.status != 202)
		ret = cs_err_set(err, EPROTO, "%s: upload: an answer of %d", p->v[0].p.host,
				 resp.status);
	return ret < 0 ? ret : upload_url(p, &resp, url, err);
}

static int upload(struct img_repo *p, const struct img_push_blob *b, char **url, struct cs_err *err)
{
	struct piece k = { .b = b };
	uint64_t chunk = p->reg->opts.chunk ? p->reg->opts.chunk : WHOLE_MAX;
	struct img_push_blob last = *b;

	while (b->size - k.done > chunk) {
		int ret = upload_piece(p, &k, chunk, url, err);

		if (ret < 0)
			return ret;
		k.done += chunk;
	}
	if (k.done && last.buf)
		last.buf = (const char *)last.buf + k.done;
	return upload_end(p, &last, *url, k.done, err);
}

int img_repo_push_blob(struct img_repo *p, const struct img_push_blob *b, enum img_push_how *how,
		       struct cs_err *err)
{
	int ret = img_repo_has_blob(p, b->digest, err);

	if (ret) {
		if (ret > 0)
			*how = IMG_PUSH_THERE;
		return ret < 0 ? ret : 0;
	}
	for (unsigned int n = 1;; n++) {
		cs_auto_free char *url = NULL;
		struct cs_err slow = CS_ERR_INIT;

		ret = upload_begin(p, b, b->from && n == 1, &url, err);
		if (ret > 0) {
			*how = IMG_PUSH_MOUNTED;
			return 0;
		}
		if (!ret)
			ret = upload(p, b, &url, err);
		if (!ret) {
			*how = IMG_PUSH_SENT;
			return 0;
		}
		if (!img_reg_again(ret) || n > p->reg->opts.retries ||
		    img_reg_backoff(p->reg, n, NULL, &slow) < 0)
			return cs_err_wrap(err, "push blob %.19s", b->digest);
		cs_err_clear(err);
	}
}

int img_repo_push_manifest(struct img_repo *p, const char *tag_or_digest, const char *media_type,
			   const void *buf, size_t len, struct cs_err *err)
{
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	char path[160], type[300];
	const char *const headers[] = { type, NULL };
	struct img_ask a = {
		.req = { .method = "PUT",
			 .headers = headers,
			 .body = buf,
			 .body_len = len,
			 .max_body = ANSWER_MAX,
			 .total_ms = STEP_MS },
		.path = path,
	};
	int ret = cs_str_fmt(path, sizeof(path), err, "manifests/%s", tag_or_digest);

	if (!ret)
		ret = cs_str_fmt(type, sizeof(type), err, "Content-Type: %s", media_type);
	if (!ret)
		ret = img_repo_ask(p, 0, &a, 0, &resp, err);
	return ret < 0 ? cs_err_wrap(err, "push manifest") : 0;
}
