#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/digest.h"
#include "images/gc.h"
#include "images/layer.h"
#include "images/store_int.h"

enum { READ_SIZE = 1 << 18 };

struct verify {
	const struct img_store *st;
	void (*problem)(void *ctx, enum img_problem_kind kind, const char *what);
	void *ctx;
	struct img_digest *seen; /* owned: what was looked at, of any image */
	size_t n_seen;
	int n; /* problems */
};

/* True the first time. */
static bool first_time(struct verify *v, const struct img_digest *d)
{
	struct img_digest *more;

	for (size_t i = 0; i < v->n_seen; i++) {
		if (img_digest_equal(&v->seen[i], d))
			return false;
	}
	more = reallocarray(v->seen, v->n_seen + 1, sizeof(*more));
	if (more) {
		v->seen = more;
		v->seen[v->n_seen++] = *d;
	}
	return true;
}

static void report(struct verify *v, const struct img_record *r, struct cs_err *err)
{
	char what[700];

	snprintf(what, sizeof(what), "%.150s: %s", *r->name ? r->name : r->id, err->msg);
	v->problem(v->ctx, err->code == ENOENT ? IMG_PROBLEM_MISSING : IMG_PROBLEM_DAMAGED, what);
	v->n++;
	cs_err_clear(err);
}

/* Reads a blob of any size and compares its digest. */
static int check_blob(const struct img_store *st, const char *digest, uint64_t size,
		      struct cs_err *err)
{
	cs_auto_free char *buf = malloc(READ_SIZE);
	struct img_sha sha = IMG_SHA_INIT;
	struct img_digest want, is;
	cs_auto_fd int fd = -EBADF;
	ssize_t n = 0;
	int ret = img_digest_parse(digest, "blob", &want, err);

	if (ret < 0)
		return ret;
	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	fd = img_store_blob_open(st, digest, size, err);
	if (fd < 0)
		return fd;
	ret = img_sha_init(&sha, err);
	if (ret < 0)
		return ret;
	while ((n = read(fd, buf, READ_SIZE)) > 0)
		img_sha_update(&sha, buf, (size_t)n);
	if (n < 0)
		return cs_err_sys(err, "read blob %.12s", want.hex);
	ret = img_sha_done(&sha, &is, err);
	if (ret == 0 && !img_digest_equal(&want, &is))
		ret = cs_err_set(err, EBADMSG, "blob %.12s is damaged", want.hex);
	return ret;
}

static void check_layer(struct verify *v, const struct img_record *r, const char *diff_id)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_digest d;
	int ret = img_digest_parse(diff_id, "layer", &d, &err);

	if (ret == 0 && !first_time(v, &d))
		return;
	if (ret == 0)
		ret = img_layer_check(v->st->fd, &d, &err);
	if (ret < 0)
		report(v, r, &err);
}

static void check_one_blob(struct verify *v, const struct img_record *r, const char *digest,
			   uint64_t size)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_digest d;
	int ret = img_digest_parse(digest, "blob", &d, &err);

	if (ret == 0 && !first_time(v, &d))
		return;
	if (ret == 0)
		ret = check_blob(v->st, digest, size, &err);
	if (ret < 0)
		report(v, r, &err);
}

/* The config's layers, unpacked, and compared with what they were unpacked from. */
static void check_layers(struct verify *v, const struct img_record *r, const struct img_manifest *m,
			 const struct img_config *c)
{
	for (size_t i = 0; i < c->n_diff_ids; i++) {
		struct cs_err err = CS_ERR_INIT;
		cs_auto_fd int fd = -EBADF;
		struct img_digest d;

		check_layer(v, r, c->diff_ids[i]);
		if (i >= m->n_layers)
			continue;
		fd = img_store_blob_open(v->st, m->layers[i].digest, m->layers[i].size, &err);
		if (fd < 0) /* was reported */
			continue;
		if (img_digest_parse(c->diff_ids[i], "layer", &d, &err) < 0 ||
		    img_layer_check_blob(v->st->fd, &d, fd, &err) < 0)
			report(v, r, &err);
	}
	if (*r->fix)
		check_layer(v, r, r->fix);
}

static void check_image(struct verify *v, const struct img_record *r)
{
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
	img_auto_config struct img_config c = IMG_CONFIG_INIT;
	cs_auto_free char *text = NULL, *config = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t len = 0;
	int ret = img_store_blob_read(v->st, r->digest, &text, &len, &err);

	if (ret == 0)
		ret = img_manifest_parse(text, len, NULL, "manifest", &m, &err);
	if (ret < 0) {
		report(v, r, &err);
		return;
	}
	if (*r->source)
		check_one_blob(v, r, r->source, UINT64_MAX);
	for (size_t i = 0; i < m.n_layers; i++)
		check_one_blob(v, r, m.layers[i].digest, m.layers[i].size);
	ret = img_store_blob_read(v->st, m.config.digest, &config, &len, &err);
	if (ret == 0 && !m.artifact)
		ret = img_config_parse(config, len, "config", &c, &err);
	if (ret < 0)
		report(v, r, &err);
	else if (!m.artifact)
		check_layers(v, r, &m, &c);
}

int img_verify(const struct img_store *st, const char *text,
	       void (*problem)(void *ctx, enum img_problem_kind kind, const char *what), void *ctx,
	       struct cs_err *err)
{
	struct verify v = { .st = st, .problem = problem, .ctx = ctx };
	img_auto_list struct img_list l = IMG_LIST_INIT;
	const struct img_record *r = NULL;
	int ret = img_store_list(st, &l, err);

	if (ret == 0 && text)
		ret = img_list_find(&l, text, &r, err);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < l.n; i++) {
		if (!r || r == &l.v[i])
			check_image(&v, &l.v[i]);
	}
	free(v.seen);
	return v.n;
}
