#include "images/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/digest.h"
#include "images/layer.h"
#include "images/store_int.h"

/* A blob or a layer that an image has. */
struct part {
	bool layer; /* unpacked */
	char hex[IMG_SHA_HEX];
	size_t image; /* the first record of that image */
	uint64_t size;
};

struct parts {
	struct part *v; /* owned */
	size_t n, cap;
};

static int add(struct parts *p, bool layer, const char *digest, size_t image, uint64_t size,
	       struct cs_err *err)
{
	struct part *part;

	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 64;
		struct part *v = reallocarray(p->v, cap, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		p->v = v;
		p->cap = cap;
	}
	part = &p->v[p->n++];
	*part = (struct part){ .layer = layer, .image = image, .size = size };
	memcpy(part->hex, digest + strlen("sha256:"), IMG_SHA_HEX);
	return 0;
}

/* A layer's blob is not there when it was not kept. */
static int add_blob(const struct img_store *st, struct parts *p, const char *digest, size_t image,
		    struct cs_err *err)
{
	char path[sizeof("blobs/sha256/") + IMG_SHA_HEX];
	struct stat sb;

	if (!img_ref_digest_ok(digest))
		return 0;
	snprintf(path, sizeof(path), "blobs/sha256/%.*s", IMG_SHA_HEX, digest + strlen("sha256:"));
	if (fstatat(st->fd, path, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return add(p, false, digest, image, (uint64_t)sb.st_size, err);
}

static int add_layer(const struct img_store *st, struct parts *p, const char *digest, size_t image,
		     struct cs_err *err)
{
	struct img_digest d = IMG_DIGEST_NONE;
	struct cs_err gone = CS_ERR_INIT;
	struct img_layer_info info;

	if (!img_ref_digest_ok(digest))
		return 0;
	memcpy(d.hex, digest + strlen("sha256:"), IMG_SHA_HEX);
	d.hex[IMG_SHA_HEX] = '\0';
	if (img_layer_info_read(st->fd, &d, &info, &gone) < 0)
		return 0;
	return add(p, true, digest, image, info.size, err);
}

static int add_image(const struct img_store *st, struct parts *p, const struct img_record *r,
		     size_t image, struct cs_err *err)
{
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	struct cs_err damaged = CS_ERR_INIT;
	int ret = add_blob(st, p, r->digest, image, err);

	if (ret == 0)
		ret = add_blob(st, p, r->source, image, err);
	if (ret == 0)
		ret = add_layer(st, p, r->fix, image, err);
	if (ret < 0 || img_store_image(st, r->digest, &im, &damaged) < 0)
		return ret;
	ret = add_blob(st, p, im.manifest.config.digest, image, err);
	for (size_t i = 0; ret == 0 && i < im.manifest.n_layers; i++)
		ret = add_blob(st, p, im.manifest.layers[i].digest, image, err);
	for (size_t i = 0; ret == 0 && i < im.config.n_diff_ids; i++)
		ret = add_layer(st, p, im.config.diff_ids[i], image, err);
	return ret;
}

static int compare_content(const struct part *x, const struct part *y)
{
	return x->layer != y->layer ? (int)x->layer - (int)y->layer
				    : memcmp(x->hex, y->hex, IMG_SHA_HEX);
}

static int compare(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int d = compare_content(x, y);

	return d ? d : (x->image > y->image) - (x->image < y->image);
}

/* One content, the @n parts at @p: an image may have it several times. */
static void count(const struct part *p, size_t n, struct img_usage_one *v, struct img_usage *out)
{
	bool active = false;

	for (size_t i = 0; i < n; i++) {
		active = active || v[p[i].image].active;
		if (i == 0 || p[i].image != p[i - 1].image)
			v[p[i].image].size += p[i].size;
	}
	out->total += p->size;
	if (!active)
		out->unused += p->size;
	if (p[0].image == p[n - 1].image)
		v[p->image].unique += p->size;
}

static size_t first_of(const struct img_list *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(l->v[k].digest, l->v[i].digest) == 0)
			return k;
	return i;
}

int img_usage(const struct img_store *st, const struct img_list *l, struct img_usage_one *v,
	      struct img_usage *out, struct cs_err *err)
{
	struct img_usage u = { 0 };
	struct parts p = { 0 };
	int ret = 0;

	for (size_t i = 0; i < l->n; i++)
		v[i].size = v[i].unique = 0;
	for (size_t i = 0; ret == 0 && i < l->n; i++)
		if (first_of(l, i) == i)
			ret = add_image(st, &p, &l->v[i], i, err);
	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), compare);
	for (size_t i = 0, n; ret == 0 && i < p.n; i += n) {
		for (n = 1; i + n < p.n && compare_content(&p.v[i], &p.v[i + n]) == 0; n++)
			;
		count(&p.v[i], n, v, &u);
	}
	free(p.v);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < l->n; i++) {
		size_t first = first_of(l, i);

		v[i].size = v[first].size;
		v[i].unique = v[first].unique;
	}
	*out = u;
	return 0;
}
