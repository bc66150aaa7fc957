#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/digest.h"
#include "images/implied.h"
#include "images/index.h"
#include "images/layer.h"
#include "images/store_int.h"
#include "images/txn.h"

enum { FIX_TRIES = 8 };

/* An image being entered. */
struct entry {
	struct img_txn *t;
	struct img_store *st;
	const struct img_new_image *im;
	struct img_manifest manifest;
	struct img_config config;
	struct img_digest *diff_ids; /* owned */
	char fix[IMG_DIGEST_TEXT];
	uint64_t manifest_size, size;
	char *manifest_text, *config_text; /* owned */
};

static void entry_fini(struct entry *e)
{
	img_manifest_fini(&e->manifest);
	img_config_fini(&e->config);
	free(e->diff_ids);
	free(e->manifest_text);
	free(e->config_text);
}

static int read_manifest(struct entry *e, struct cs_err *err)
{
	size_t len = 0;
	int ret = img_txn_pin(e->t, e->im->digest, err);

	if (ret == 0 && e->im->source && *e->im->source)
		ret = img_txn_blob(e->t, e->im->source, UINT64_MAX, err);
	if (ret >= 0)
		ret = img_store_blob_read(e->st, e->im->digest, &e->manifest_text, &len, err);
	if (ret >= 0)
		ret = img_manifest_parse(e->manifest_text, len, NULL, "manifest", &e->manifest,
					 err);
	if (ret < 0)
		return ret;
	if (e->manifest.kind != IMG_MEDIA_MANIFEST)
		return cs_err_set(err, EINVAL, "is an index, not an image");
	e->manifest_size = len;
	return 0;
}

/* Notes config, layers' blobs and layers as used, all at once, and reads the config. */
static int pin_parts(struct entry *e, struct cs_err *err)
{
	const struct img_manifest *m = &e->manifest;
	cs_auto_free struct img_digest *v = calloc(m->n_layers + 1, sizeof(*v));
	size_t len = 0;
	int ret;

	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = img_digest_parse(m->config.digest, "config", &v[0], err);
	for (size_t i = 0; i < m->n_layers && ret == 0; i++)
		ret = img_digest_parse(m->layers[i].digest, "layer", &v[i + 1], err);
	if (ret == 0)
		ret = img_txn_pin_all(e->t, v, m->n_layers + 1, err);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < m->n_layers; i++) {
		uint64_t size = 0;

		ret = img_store_blob_stat(e->st, &v[i + 1], &size, err);
		if (ret < 0)
			return ret;
		if (ret == 0 || size != m->layers[i].size)
			return cs_err_set(err, ENOENT, "layer %zu, %s, is not in the store", i,
					  m->layers[i].digest);
	}
	if (m->artifact)
		return img_store_blob_stat(e->st, &v[0], NULL, err) == 1
			       ? 0
			       : cs_err_set(err, ENOENT, "the config is not in the store");
	ret = img_store_blob_read(e->st, m->config.digest, &e->config_text, &len, err);
	if (ret == 0)
		ret = img_config_parse(e->config_text, len, "config", &e->config, err);
	return ret;
}

static int check_layers(struct entry *e, struct cs_err *err)
{
	const struct img_config *c = &e->config;
	int ret = 0;

	if (c->n_diff_ids != e->manifest.n_layers)
		return cs_err_set(err, EINVAL, "the manifest has %zu layers, the config %zu",
				  e->manifest.n_layers, c->n_diff_ids);
	e->diff_ids = calloc(c->n_diff_ids + 1, sizeof(*e->diff_ids));
	if (!e->diff_ids)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < c->n_diff_ids && ret == 0; i++)
		ret = img_digest_parse(c->diff_ids[i], "layer", &e->diff_ids[i], err);
	if (ret == 0)
		ret = img_txn_pin_all(e->t, e->diff_ids, c->n_diff_ids, err);
	for (size_t i = 0; i < c->n_diff_ids && ret == 0; i++) {
		struct img_layer_info info;

		ret = img_layer_info_read(e->st->fd, &e->diff_ids[i], &info, err);
		if (ret == 0)
			e->size += info.size;
	}
	return ret;
}

/* The layer for implied folders. It appears under a name nobody could note before: when a removal
 * was quicker, once more. */
static int make_fix(struct entry *e, struct cs_err *err)
{
	struct img_digest fix = IMG_DIGEST_NONE;
	int ret;

	for (int i = 0; i < FIX_TRIES; i++) {
		ret = img_implied_fix(e->st->fd, e->diff_ids, e->config.n_diff_ids, &fix, err);
		if (ret <= 0)
			return ret;
		img_digest_text(&fix, e->fix);
		ret = img_txn_pin(e->t, e->fix, err);
		if (ret == 0)
			ret = img_layer_have(e->st->fd, &fix, err);
		if (ret != 0)
			return ret < 0 ? ret : 0;
	}
	return cs_err_set(err, EAGAIN, "the image store is being cleaned all the time");
}

static int enter(struct entry *e, struct cs_err *err)
{
	img_auto_edit struct img_edit edit = IMG_EDIT_INIT;
	struct img_record r = {
		.name = e->im->name ? e->im->name : "",
		.digest = e->im->digest,
		.media_type = e->manifest.media_type,
		.manifest_size = e->manifest_size,
		.source = e->im->source ? e->im->source : "",
		.id = e->manifest.config.digest,
		.fix = e->fix,
		.size = e->size,
		.created = img_config_created(&e->config),
		.platform = e->config.platform,
	};
	int ret;

	if (e->manifest.artifact) {
		r.platform = (struct img_platform){ "", "", "", "" };
		r.id = e->im->digest;
	}
	if (strcmp(r.source, r.digest) == 0)
		r.source = "";
	ret = img_edit_begin(e->st, &edit, err);
	if (ret < 0)
		return ret;
	img_list_enter(&edit.list, &r);
	return img_edit_commit(e->st, &edit, err);
}

/* Whatever it comes from, a name is entered only if it can be given again. */
static int check_name(const char *name, struct cs_err *err)
{
	struct img_ref ref;

	return name && *name ? img_ref_parse(name, &ref, err) : 0;
}

int img_txn_image(struct img_txn *t, const struct img_new_image *im, char *id, struct cs_err *err)
{
	struct entry e = { .t = t, .st = img_txn_store(t), .im = im };
	int ret = check_name(im->name, err);

	if (ret < 0)
		return ret;
	ret = read_manifest(&e, err);
	if (ret == 0)
		ret = pin_parts(&e, err);
	if (ret == 0 && !e.manifest.artifact)
		ret = check_layers(&e, err);
	if (ret == 0 && !e.manifest.artifact)
		ret = make_fix(&e, err);
	if (ret == 0)
		ret = enter(&e, err);
	if (ret == 0 && id)
		snprintf(id, IMG_DIGEST_TEXT, "%s",
			 e.manifest.artifact ? im->digest : e.manifest.config.digest);
	if (ret < 0)
		cs_err_wrap(err, "image %s", im->name && *im->name ? im->name : im->digest);
	entry_fini(&e);
	return ret;
}
