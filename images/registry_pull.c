#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "images/digest.h"
#include "images/manifest.h"
#include "images/registry_int.h"

enum {
	SMALL_MS = 120000, /* for all of a manifest or a config */
	TAGS_MAX = 1 << 22,
	TAG_PAGES = 1000,
};

void img_reg_manifest_fini(struct img_reg_manifest *m)
{
	free(m->text);
	*m = IMG_REG_MANIFEST_INIT;
}

static int digest_of(const void *buf, size_t len, char out[IMG_DIGEST_TEXT], struct cs_err *err)
{
	struct img_digest d;
	int ret = img_sha_buf(buf, len, &d, err);

	if (!ret)
		img_digest_text(&d, out);
	return ret;
}

/* A header's value as a string; "" when it is not there or does not fit. */
static void header_text(const struct img_http_resp *resp, const char *name, char *out, size_t size)
{
	size_t len = 0;
	const char *v = img_http_header(resp, name, 0, &len);

	out[0] = '\0';
	if (!v || len >= size)
		return;
	memcpy(out, v, len);
	out[len] = '\0';
}

static int take_manifest(struct img_http_resp *resp, const char *which,
			 struct img_reg_manifest *out, struct cs_err *err)
{
	struct img_reg_manifest m = IMG_REG_MANIFEST_INIT;
	char said[IMG_DIGEST_TEXT];
	int ret = digest_of(resp->body, resp->body_len, m.digest, err);

	if (ret < 0)
		return ret;
	if (img_ref_digest_ok(which) && strcmp(which, m.digest) != 0)
		return cs_err_set(err, EBADMSG, "manifest %s: what came has the digest %s", which,
				  m.digest);
	header_text(resp, "Docker-Content-Digest", said, sizeof(said));
	if (img_ref_digest_ok(said) && strcmp(said, m.digest) != 0)
		return cs_err_set(err, EBADMSG,
				  "manifest %s: the registry says its digest is %s, but it is %s",
				  which, said, m.digest);
	header_text(resp, "Content-Type", m.media_type, sizeof(m.media_type));
	m.text = cs_take_ptr(&resp->body);
	m.len = resp->body_len;
	*out = m;
	return 0;
}

static int manifest_at(struct img_repo *p, size_t place, const char *which,
		       struct img_reg_manifest *out, struct cs_err *err)
{
	static const char *const accept[] = { "Accept: " IMG_MANIFEST_ACCEPT, NULL };
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	char path[160];
	struct img_ask a = {
		.req = { .method = "GET",
			 .headers = accept,
			 .max_body = IMG_MANIFEST_MAX,
			 .total_ms = SMALL_MS },
		.path = path,
	};
	int ret = cs_str_fmt(path, sizeof(path), err, "manifests/%s", which);

	if (!ret)
		ret = img_repo_ask(p, place, &a, 0, &resp, err);
	return ret < 0 ? ret : take_manifest(&resp, which, out, err);
}

/* Notes why a place failed, the last being the one that counts most (the registry itself). */
static void next_place(struct cs_err *err)
{
	cs_err_clear(err);
}

int img_repo_manifest(struct img_repo *p, const char *tag_or_digest, struct img_reg_manifest *out,
		      struct cs_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < p->n; i++) {
		ret = manifest_at(p, i, tag_or_digest, out, err);
		if (!ret) {
			p->good = i;
			return 0;
		}
		if (ret == -ECANCELED || ret == -ENOMEM)
			break;
		if (i + 1 < p->n)
			next_place(err);
	}
	return ret;
}

/* --- blobs -------------------------------------------------------------------------------------
 */

struct fetch {
	const struct img_reg_blob *b;
	uint64_t got;	/* bytes given on, with what was there before */
	uint64_t skip;	/* bytes of this answer that we have */
	bool no_range;	/* the place answers ranges wrongly */
	bool bad_range; /* it just did */
};

/* "bytes FIRST-LAST/SIZE" */
static bool range_is(const struct img_http_resp *resp, uint64_t first, uint64_t size)
{
	char want[96], star[96], have[96];

	header_text(resp, "Content-Range", have, sizeof(have));
	snprintf(want, sizeof(want), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, size - 1,
		 size);
	snprintf(star, sizeof(star), "bytes %" PRIu64 "-%" PRIu64 "/*", first, size - 1);
	return strcmp(have, want) == 0 || strcmp(have, star) == 0;
}

static int blob_start(void *ctx, const struct img_http_resp *resp, struct cs_err *err)
{
	struct fetch *f = ctx;
	uint64_t want = f->b->size, len = 0;
	int has = img_http_header_u64(resp, "Content-Length", &len);

	f->skip = f->got;
	if (resp->status == 206) {
		f->bad_range = !f->got || f->no_range || !range_is(resp, f->got, f->b->size);
		if (f->bad_range)
			return cs_err_set(err, EPROTO,
					  "blob %s: an answer with another range than was asked "
					  "for",
					  f->b->digest);
		f->skip = 0;
		want -= f->got;
	} else if (resp->status != 200) {
		return cs_err_set(err, EPROTO, "blob %s: an answer of %d", f->b->digest,
				  resp->status);
	}
	if (has > 0 && len != want)
		return cs_err_set(
			err, EBADMSG,
			"blob %s: the registry has %" PRIu64 " bytes, the manifest says %" PRIu64,
			f->b->digest, resp->status == 206 ? len + f->got : len, f->b->size);
	return 0;
}

static int blob_data(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	struct fetch *f = ctx;
	const char *p = buf;
	int ret;

	if (f->skip) {
		size_t n = f->skip < len ? (size_t)f->skip : len;

		f->skip -= n;
		p += n;
		len -= n;
	}
	if (!len)
		return 0;
	if (len > f->b->size - f->got)
		return cs_err_set(err, EBADMSG,
				  "blob %s: more than the %" PRIu64 " bytes the manifest says",
				  f->b->digest, f->b->size);
	ret = f->b->data(f->b->ctx, p, len, err);
	if (ret < 0)
		return ret;
	f->got += len;
	return 0;
}

/* One try at one place. */
static int blob_try(struct img_repo *p, size_t place, struct fetch *f, struct img_http_resp *resp,
		    struct cs_err *err)
{
	char path[128], range[64];
	const char *headers[] = { range, NULL };
	struct img_ask a = {
		.req = { .method = "GET",
			 .headers = f->got && !f->no_range ? headers : NULL,
			 .max_body = f->b->size + 1,
			 .start = blob_start,
			 .data = blob_data,
			 .ctx = f },
		.path = path,
		.once = true,
	};
	int ret;

	snprintf(path, sizeof(path), "blobs/%s", f->b->digest);
	snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", f->got);
	ret = img_repo_ask(p, place, &a, 0, resp, err);
	if (!ret && f->got < f->b->size)
		ret = cs_err_set(err, ECONNRESET,
				 "%s: blob %s: ends after %" PRIu64 " of %" PRIu64 " bytes",
				 p->v[place].p.host, f->b->digest, f->got, f->b->size);
	return ret;
}

/* A blob from one place, tried again as long as it gets further. */
static int blob_at(struct img_repo *p, size_t place, struct fetch *f, struct cs_err *err)
{
	unsigned int n = 0;
	int ret;

	f->no_range = false;
	for (;;) {
		img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
		uint64_t before = f->got;
		struct cs_err slow = CS_ERR_INIT;

		f->bad_range = false;
		ret = blob_try(p, place, f, &resp, err);
		if (f->bad_range && !f->no_range && f->got == before) {
			f->no_range = true;
			cs_err_clear(err);
			continue;
		}
		if (f->got - before >= 1 << 20)
			n = 0;
		if (ret >= 0 || !img_reg_again(ret) || ++n > p->reg->opts.retries)
			return ret;
		if (f->b->again)
			f->b->again(f->b->ctx, err);
		if (img_reg_backoff(p->reg, n, &resp, &slow) < 0)
			return ret;
		cs_err_clear(err);
	}
}

int img_repo_blob(struct img_repo *p, const struct img_reg_blob *b, struct cs_err *err)
{
	struct fetch f = { .b = b, .got = b->offset };
	int ret = 0;

	if (f.got >= b->size && b->size)
		return 0;
	for (size_t i = 0; i < p->n; i++) {
		ret = blob_at(p, (p->good + i) % p->n, &f, err);
		if (!ret || ret == -ECANCELED || ret == -ENOMEM || ret == -ENOSPC)
			break;
		if (i + 1 < p->n)
			next_place(err);
	}
	return ret;
}

static int small_data(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	struct cs_buf *b = ctx;

	cs_buf_add_mem(b, buf, len);
	return cs_buf_ok(b, err);
}

int img_repo_blob_small(struct img_repo *p, const char *digest, uint64_t size, char **out,
			struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct img_reg_blob want = {
		.digest = digest,
		.size = size,
		.data = small_data,
		.ctx = &b,
	};
	char have[IMG_DIGEST_TEXT];
	int ret;

	if (size > IMG_MANIFEST_MAX)
		return cs_err_set(err, EFBIG, "blob %s: %" PRIu64 " bytes are more than %d", digest,
				  size, IMG_MANIFEST_MAX);
	ret = img_repo_blob(p, &want, err);
	cs_buf_add(&b, "");
	if (!ret)
		ret = cs_buf_ok(&b, err);
	if (!ret)
		ret = digest_of(b.s, b.len, have, err);
	if (!ret && strcmp(have, digest) != 0)
		ret = cs_err_set(err, EBADMSG, "blob %s: what came has the digest %s", digest,
				 have);
	if (!ret)
		*out = cs_buf_take(&b);
	return ret;
}

/* --- tags --------------------------------------------------------------------------------------
 */

/* Tags go into paths, files' texts and onto terminals. */
static int no_tag(const char *s, struct cs_err *err)
{
	char text[64];

	snprintf(text, sizeof(text), "%.60s", s);
	cs_str_plain(text);
	return cs_err_set(err, EPROTO, "the registry lists \"%s\", which is no tag", text);
}

static int add_tags(const struct img_http_resp *resp, struct cs_buf *b, size_t *n,
		    struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const struct cs_json *tags = NULL, *t;
	int ret = cs_json_parse(resp->body, resp->body_len, "list of tags", &doc, err);

	if (ret < 0)
		return ret;
	ret = cs_json_arr(doc.root, "tags", &tags, err);
	if (ret <= 0)
		return ret;
	cs_json_for_each (t, tags) {
		const char *s;

		ret = cs_json_as_str(t, &s, err);
		if (ret < 0)
			return ret;
		if (!img_ref_tag_ok(s))
			return no_tag(s, err);
		cs_buf_add_mem(b, s, strlen(s) + 1);
		(*n)++;
	}
	if (b->len > TAGS_MAX)
		return cs_err_set(err, EFBIG, "more than %d bytes of tags", TAGS_MAX);
	return cs_buf_ok(b, err);
}

/* The next page's "last" parameter: the last tag of this one, if a Link says there is more. */
static int tags_page(struct img_repo *p, const char *last, struct cs_buf *b, size_t *n,
		     struct cs_err *err)
{
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	char path[256], link[1024];
	struct img_ask a = {
		.req = { .method = "GET", .max_body = TAGS_MAX, .total_ms = SMALL_MS },
		.path = path,
	};
	size_t before = *n;
	int ret = cs_str_fmt(path, sizeof(path), err, "tags/list?n=1000%s%s", *last ? "&last=" : "",
			     last);

	if (!ret)
		ret = img_repo_ask(p, p->good, &a, 0, &resp, err);
	if (!ret)
		ret = add_tags(&resp, b, n, err);
	if (ret < 0)
		return ret;
	header_text(&resp, "Link", link, sizeof(link));
	return strstr(link, "rel=\"next\"") && *n > before;
}

int img_repo_tags(struct img_repo *p, char **out, size_t *n, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	char last[IMG_REF_TAG_MAX + 1] = "";
	int ret = 1;

	*n = 0;
	for (int page = 0; ret > 0 && page < TAG_PAGES; page++) {
		ret = tags_page(p, last, &b, n, err);
		if (ret > 0) {
			const char *t = b.s + b.len - 1;

			while (t > b.s && t[-1])
				t--;
			if (cs_str_fmt(last, sizeof(last), err, "%s", t) < 0)
				ret = -err->code;
		}
	}
	cs_buf_add(&b, "");
	if (ret >= 0)
		ret = cs_buf_ok(&b, err);
	if (!ret)
		*out = cs_buf_take(&b);
	return ret;
}
