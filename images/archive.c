#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "images/load_int.h"

/*
 * docker's archives: manifest.json is an array of {"Config", "RepoTags", "Layers"}, whose values
 * are names of files in the archive. It has no manifest in the OCI sense: one is made, of what the
 * layers are, so that an image loaded twice is the same.
 */

/* Writes the manifest of an image whose layers are in the store. */
static int make_manifest(struct img_loader *ld, const struct img_loader_layer *v, size_t n,
			 const char *config, size_t config_size, char *digest, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	cs_jw_obj(&w, NULL);
	cs_jw_u64(&w, "schemaVersion", 2);
	cs_jw_str(&w, "mediaType", IMG_MT_OCI_MANIFEST);
	img_desc_put(&w, "config", IMG_MT_OCI_CONFIG, config, config_size);
	cs_jw_arr(&w, "layers");
	for (size_t i = 0; i < n; i++)
		img_desc_put(&w, NULL, v[i].media_type, v[i].digest, v[i].size);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &text, &len, err);
	return ret < 0 ? ret : img_txn_put_blob(ld->txn, text, len, NULL, digest, err);
}

static int enter_names(struct img_loader *ld, const struct cs_json *tags, const char *digest,
		       struct cs_err *err)
{
	const struct cs_json *t;
	int ret = 0;

	if (ld->l->name)
		return img_loader_enter(ld, digest, NULL, ld->l->name, err);
	if (!tags || tags->n == 0)
		return img_loader_enter(ld, digest, NULL, "", err);
	cs_json_for_each (t, tags) {
		char name[IMG_REF_TEXT];
		struct img_ref ref;
		const char *s;

		ret = cs_json_as_str(t, &s, err);
		if (ret >= 0)
			ret = img_ref_local(s, &ref, err);
		if (ret < 0)
			return ret;
		img_ref_format(&ref, name);
		ret = img_loader_enter(ld, digest, NULL, name, err);
		if (ret < 0)
			return ret;
	}
	return ret;
}

static int load_layers(struct img_loader *ld, const struct img_config *c, const char *const *layers,
		       size_t n, struct img_loader_layer *v, struct cs_err *err)
{
	if (n != c->n_diff_ids)
		return cs_err_set(err, EINVAL, "manifest.json has %zu layers, the config %zu", n,
				  c->n_diff_ids);
	for (size_t i = 0; i < n; i++) {
		v[i].name = layers[i];
		v[i].diff_id = c->diff_ids[i];
	}
	return img_loader_layers(ld, v, n, err);
}

static int load_one(struct img_loader *ld, const struct cs_json_doc *doc, const struct cs_json *obj,
		    struct cs_err *err)
{
	img_auto_config struct img_config c = IMG_CONFIG_INIT;
	char id[IMG_DIGEST_TEXT], digest[IMG_DIGEST_TEXT];
	const struct cs_json *tags = NULL;
	const char *const *layers = NULL;
	struct img_loader_layer *v;
	cs_auto_free char *config = NULL;
	const char *file = NULL;
	size_t n = 0, len = 0;
	int ret;

	if (obj->type != CS_JSON_OBJECT)
		return cs_json_err(obj, err, EINVAL, "must be an object");
	ret = cs_json_str(obj, "Config", &file, err);
	if (ret == 0)
		return cs_json_err(obj, err, EINVAL, "has no Config");
	if (ret > 0)
		ret = cs_json_arr(obj, "RepoTags", &tags, err);
	if (ret >= 0)
		ret = cs_json_strv(doc, obj, "Layers", &layers, &n, err);
	if (ret >= 0)
		ret = img_bag_read(&ld->bag, file, IMG_MANIFEST_MAX, &config, &len, err);
	if (ret >= 0)
		ret = img_config_parse(config, len, file, &c, err);
	if (ret >= 0)
		ret = img_txn_put_blob(ld->txn, config, len, NULL, id, err);
	if (ret < 0)
		return ret;
	v = cs_json_alloc(doc, n + 1, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = load_layers(ld, &c, layers, n, v, err);
	if (ret == 0)
		ret = make_manifest(ld, v, n, id, len, digest, err);
	return ret < 0 ? ret : enter_names(ld, tags, digest, err);
}

/* Has it one of the names, or is it the "@N"th? */
static bool wanted(const struct img_loader *ld, const struct cs_json *obj, size_t i)
{
	const struct cs_json *tags = cs_json_get(obj, "RepoTags"), *t;
	const char *want = ld->l->from->name;
	uint64_t n;

	if (!*want)
		return true;
	if (want[0] == '@')
		return cs_str_u64(want + 1, &n) == 0 && n == i;
	for (t = tags ? tags->child : NULL; t; t = t->next) {
		size_t len = strlen(want);

		if (t->type == CS_JSON_STRING && strncmp(t->str, want, len) == 0 &&
		    (!t->str[len] || strcmp(t->str + len, ":latest") == 0))
			return true;
	}
	return false;
}

int img_load_docker(struct img_loader *ld, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *text = NULL;
	const struct cs_json *obj;
	size_t len = 0, i = 0;
	int ret = img_bag_read(&ld->bag, "manifest.json", IMG_MANIFEST_MAX, &text, &len, err);

	if (ret == 0)
		ret = cs_json_parse(text, len, "manifest.json", &doc, err);
	if (ret < 0 || !doc.root)
		return ret;
	if (doc.root->type != CS_JSON_ARRAY)
		return cs_err_set(err, EINVAL, "manifest.json must be an array");
	if (ld->l->name && doc.root->n > 1 && !*ld->l->from->name)
		return cs_err_set(err, EINVAL, "holds %u images: say which one gets the name",
				  doc.root->n);
	cs_json_for_each (obj, doc.root) {
		if (wanted(ld, obj, i++))
			ret = load_one(ld, &doc, obj, err);
		if (ret < 0)
			return ret;
	}
	if (ld->n == 0 && *ld->l->from->name)
		return cs_err_set(err, ENOENT, "holds no image \"%.100s\"", ld->l->from->name);
	return 0;
}
