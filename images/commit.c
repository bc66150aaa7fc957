#include "images/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "images/changes.h"
#include "images/digest.h"
#include "images/layer.h"
#include "images/rootfs.h"
#include "images/store_int.h"
#include "images/tarw.h"
#include "images/txn.h"

#define LAYER_FILE "layer"

struct commit {
	const struct img_commit *c;
	struct img_image base; /* owned */
	struct img_txn *txn;   /* owned */
	struct img_layer *layer;
	struct img_sha sha; /* owned */
	struct img_layer_info info;
	char blob[IMG_DIGEST_TEXT];
	uint64_t blob_size;
};

/* --- the config ------------------------------------------------------------------------------- */

static bool same_variable(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return n == strcspn(b, "=") && strncmp(a, b, n) == 0;
}

/* The base's variables, those of @over in their place, and then the new ones. */
static void merge_env(struct cs_jw *w, const char *key, const struct cs_json *base,
		      const struct cs_json *over)
{
	const struct cs_json *b, *o;

	cs_jw_arr(w, key);
	cs_json_for_each (b, base) {
		const struct cs_json *use = b;

		cs_json_for_each (o, over)
			if (b->str && o->str && same_variable(b->str, o->str))
				use = o;
		cs_jw_value(w, NULL, use);
	}
	cs_json_for_each (o, over) {
		bool there = false;

		cs_json_for_each (b, base)
			there = there || (b->str && o->str && same_variable(b->str, o->str));
		if (!there)
			cs_jw_value(w, NULL, o);
	}
	cs_jw_arr_end(w);
}

static void merge_object(struct cs_jw *w, const char *key, const struct cs_json *base,
			 const struct cs_json *over)
{
	const struct cs_json *m;

	cs_jw_obj(w, key);
	cs_json_for_each (m, base)
		if (!cs_json_get(over, m->key))
			cs_jw_value(w, m->key, m);
	cs_json_for_each (m, over)
		cs_jw_value(w, m->key, m);
	cs_jw_obj_end(w);
}

void img_config_merge(struct cs_jw *w, const struct cs_json *base, const struct cs_json *over)
{
	const struct cs_json *m;

	if (base)
		cs_json_for_each (m, base) {
			const struct cs_json *o = cs_json_get(over, m->key);

			if (!o)
				cs_jw_value(w, m->key, m);
			else if (strcmp(m->key, "Env") == 0 && m->type == CS_JSON_ARRAY)
				merge_env(w, m->key, m, o);
			else if (m->type == CS_JSON_OBJECT && o->type == CS_JSON_OBJECT)
				merge_object(w, m->key, m, o);
			else
				cs_jw_value(w, m->key, o);
		}
	if (over)
		cs_json_for_each (m, over)
			if (!cs_json_get(base, m->key))
				cs_jw_value(w, m->key, m);
}

/* The base's "config" under what the caller gave. *@out is a document whose root is an object. */
static int under_changes(const struct commit *k, struct cs_json_doc *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc over = CS_JSON_DOC_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	if (k->c->config &&
	    cs_json_parse(k->c->config, strlen(k->c->config), "config", &over, err) < 0)
		return -err->code;
	cs_jw_obj(&w, NULL);
	img_config_merge(&w, cs_json_get(k->base.config.doc.root, "config"), over.root);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	return cs_json_parse(text, len, "config", out, err);
}

static int put_config(const struct commit *k, struct cs_jw *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc under = CS_JSON_DOC_INIT, over = CS_JSON_DOC_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	cs_jw_obj(&w, NULL);
	if (under_changes(k, &under, err) < 0 ||
	    img_changes_put(&w, k->c->changes, k->c->n_changes, err) < 0)
		return -err->code;
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0 ||
	    cs_json_parse(text, len, "option --change", &over, err) < 0)
		return -err->code;
	cs_jw_obj(out, "config");
	img_config_merge(out, under.root, cs_json_get(over.root, "config"));
	cs_jw_obj_end(out);
	return 0;
}

static void time_text(char out[32])
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t now = time(NULL);
	struct tm tm;
	int64_t v;

	if (epoch && cs_str_i64(epoch, &v) == 0)
		now = v;
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static void put_rootfs(const struct commit *k, struct cs_jw *w)
{
	char diff_id[IMG_DIGEST_SIZE];

	img_digest_text(&k->info.diff_id, diff_id);
	cs_jw_obj(w, "rootfs");
	cs_jw_str(w, "type", "layers");
	cs_jw_arr(w, "diff_ids");
	for (size_t i = 0; i < k->base.config.n_diff_ids; i++)
		cs_jw_str(w, NULL, k->base.config.diff_ids[i]);
	cs_jw_str(w, NULL, diff_id);
	cs_jw_arr_end(w);
	cs_jw_obj_end(w);
}

static void put_history(const struct commit *k, const char *created, struct cs_jw *w)
{
	const struct cs_json *old = cs_json_get(k->base.config.doc.root, "history"), *h;

	cs_jw_arr(w, "history");
	if (old && old->type == CS_JSON_ARRAY)
		cs_json_for_each (h, old)
			cs_jw_value(w, NULL, h);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "created", created);
	if (k->c->created_by)
		cs_jw_str(w, "created_by", k->c->created_by);
	if (k->c->author)
		cs_jw_str(w, "author", k->c->author);
	if (k->c->message)
		cs_jw_str(w, "comment", k->c->message);
	cs_jw_obj_end(w);
	cs_jw_arr_end(w);
}

/* Everything of the base's config but what is made anew. */
static int make_config(struct commit *k, char *digest, size_t *len, struct cs_err *err)
{
	static const char *const anew[] = { "created",		"author",  "config",
					    "rootfs",		"history", "container",
					    "container_config", "id",	   "parent" };
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	const struct cs_json *m;
	char created[32];

	time_text(created);
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "created", created);
	if (k->c->author)
		cs_jw_str(&w, "author", k->c->author);
	cs_json_for_each (m, k->base.config.doc.root)
		if (!cs_str_in(m->key, anew, CS_LEN(anew)))
			cs_jw_value(&w, m->key, m);
	if (put_config(k, &w, err) < 0)
		return -err->code;
	put_rootfs(k, &w);
	put_history(k, created, &w);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, len, err) < 0)
		return -err->code;
	return img_txn_put_blob(k->txn, text, *len, NULL, digest, err);
}

/* --- the layer -------------------------------------------------------------------------------- */

static int feed(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	struct commit *k = ctx;

	img_sha_update(&k->sha, buf, len);
	return img_layer_write(k->layer, buf, len, err);
}

static int feed_upper(struct commit *k, struct cs_err *err)
{
	const struct img_tarw_entry top = { .path = ".", .mode = S_IFDIR | 0755 };
	struct img_tarw w = { .fn = feed, .ctx = k };
	int ret = k->c->upper < 0 ? img_tarw_entry(&w, &top, err)
				  : img_tarw_folder(&w, k->c->upper, true, err);

	return ret < 0 ? ret : img_tarw_end(&w, err);
}

static int make_layer(struct commit *k, struct cs_err *err)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	cs_auto_fd int keep = -EBADF;
	struct img_digest is;

	keep = openat(img_txn_dirfd(k->txn), LAYER_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      0600);
	if (keep < 0)
		return cs_err_sys(err, "make a file in the image store");
	o.root = img_txn_store(k->txn)->fd;
	o.keep_fd = keep;
	img_rootfs_layer_opts(&o);
	if (img_sha_init(&k->sha, err) < 0 || img_layer_open(&o, &k->layer, err) < 0 ||
	    feed_upper(k, err) < 0)
		return -err->code;
	k->blob_size = k->sha.size;
	if (img_sha_done(&k->sha, &is, err) < 0 || img_layer_commit(k->layer, &k->info, err) < 0)
		return -err->code;
	img_digest_text(&is, k->blob);
	return img_txn_blob_commit(k->txn, LAYER_FILE, k->blob, err);
}

/* --- the image -------------------------------------------------------------------------------- */

/* The base's layers stay as they came; docker's names for them are no OCI manifest's. */
static const char *layer_type(const struct img_desc *d)
{
	switch (img_media_of(d->media_type)) {
	case IMG_MEDIA_LAYER_GZIP:
		return IMG_MT_OCI_LAYER_GZIP;
	case IMG_MEDIA_LAYER_ZSTD:
		return IMG_MT_OCI_LAYER_ZSTD;
	case IMG_MEDIA_OTHER:
	case IMG_MEDIA_INDEX:
	case IMG_MEDIA_MANIFEST:
	case IMG_MEDIA_SCHEMA1:
	case IMG_MEDIA_CONFIG:
	case IMG_MEDIA_LAYER:
	case IMG_MEDIA_LAYER_FOREIGN:
	default:
		return IMG_MT_OCI_LAYER;
	}
}

static int make_image(struct commit *k, char *id, struct cs_err *err)
{
	char config[IMG_DIGEST_TEXT], manifest[IMG_DIGEST_TEXT];
	const struct img_new_image im = { .name = k->c->name, .digest = manifest };
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;

	if (make_config(k, config, &len, err) < 0)
		return -err->code;
	cs_jw_obj(&w, NULL);
	cs_jw_u64(&w, "schemaVersion", 2);
	cs_jw_str(&w, "mediaType", IMG_MT_OCI_MANIFEST);
	img_desc_put(&w, "config", IMG_MT_OCI_CONFIG, config, len);
	cs_jw_arr(&w, "layers");
	for (size_t i = 0; i < k->base.manifest.n_layers; i++) {
		const struct img_desc *d = &k->base.manifest.layers[i];

		img_desc_put(&w, NULL, layer_type(d), d->digest, d->size);
	}
	img_desc_put(&w, NULL, IMG_MT_OCI_LAYER, k->blob, k->blob_size);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0 ||
	    img_txn_put_blob(k->txn, text, len, NULL, manifest, err) < 0)
		return -err->code;
	return img_txn_image(k->txn, &im, id, err);
}

/* The base's content must not go before the new image is entered. */
static int pin_base(struct commit *k, struct cs_err *err)
{
	const struct img_manifest *m = &k->base.manifest;

	for (size_t i = 0; i < m->n_layers; i++)
		if (img_txn_pin(k->txn, m->layers[i].digest, err) < 0)
			return -err->code;
	for (size_t i = 0; i < k->base.config.n_diff_ids; i++)
		if (img_txn_pin(k->txn, k->base.config.diff_ids[i], err) < 0)
			return -err->code;
	return 0;
}

int img_commit(struct img_store *st, const struct img_commit *c, char *id, struct cs_err *err)
{
	struct commit k = { .c = c, .base = IMG_IMAGE_INIT, .sha = IMG_SHA_INIT };
	cs_auto_jw struct cs_jw trial = CS_JW_INIT;
	int ret;

	/* What is wrong with the instructions is said before the work. */
	cs_jw_obj(&trial, NULL);
	ret = img_changes_put(&trial, c->changes, c->n_changes, err);
	if (ret == 0)
		ret = img_txn_begin(st, &k.txn, err);
	if (ret == 0)
		ret = img_store_image(st, c->base, &k.base, err);
	if (ret == 0)
		ret = pin_base(&k, err);
	if (ret == 0)
		ret = make_layer(&k, err);
	if (ret == 0)
		ret = make_image(&k, id, err);
	img_layer_free(k.layer);
	img_txn_end(k.txn);
	img_image_fini(&k.base);
	return ret;
}
