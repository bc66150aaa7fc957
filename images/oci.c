#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/load_int.h"

enum { INDEX_MAX = 64 << 20 };

static const char *note(const struct img_desc *d, const char *key)
{
	const struct cs_json *v = d ? cs_json_get(cs_json_get(d->node, "annotations"), key) : NULL;

	return v && v->type == CS_JSON_STRING ? v->str : "";
}

/* What an entry of the layout is called: "" if it says nothing. */
static const char *entry_name(const struct img_desc *d)
{
	const char *s = note(d, "io.containerd.image.name");

	return *s ? s : note(d, "org.opencontainers.image.ref.name");
}

/* The normal form of the name an entry gets here. A layout's name is often a tag alone: then the
 * image is called as the layout is. */
static int local_name(const struct img_loader *ld, const char *text, char *out, struct cs_err *err)
{
	const char *base = strrchr(ld->l->from->path, '/');
	struct cs_err ignored = CS_ERR_INIT;
	char whole[IMG_REF_TEXT];
	struct img_ref ref;
	int ret;

	base = base ? base + 1 : ld->l->from->path;
	if (!strchr(text, '/') && !strchr(text, ':') && *base) {
		char stem[128];

		snprintf(stem, sizeof(stem), "%.*s", (int)strcspn(base, "."), base);
		ret = cs_str_fmt(whole, sizeof(whole), &ignored, "localhost/%s:%s", stem, text);
		cs_err_clear(&ignored);
		if (ret == 0 && img_ref_parse(whole, &ref, &ignored) == 0) {
			img_ref_format(&ref, out);
			return 0;
		}
	}
	ret = img_ref_local(text, &ref, err);
	if (ret == 0)
		img_ref_format(&ref, out);
	return ret;
}

/* Is it the one that was asked for by "oci:PATH:NAME"? */
static bool wanted(const struct img_loader *ld, const struct img_desc *d)
{
	const char *want = ld->l->from->name;

	return !*want || strcmp(note(d, "org.opencontainers.image.ref.name"), want) == 0 ||
	       strcmp(entry_name(d), want) == 0;
}

static int load_entry(struct img_loader *ld, const struct img_desc *d, struct cs_err *err)
{
	char name[IMG_REF_TEXT] = "";
	const char *given = entry_name(d);
	int ret = 0;

	if (ld->l->name)
		snprintf(name, sizeof(name), "%s", ld->l->name);
	else if (*given)
		ret = local_name(ld, given, name, err);
	return ret < 0 ? ret : img_loader_image(ld, d, name, err);
}

/* A layout written for several platforms by hand may list them in its own index.json. */
static bool one_index(const struct img_manifest *m)
{
	if (m->n_entries < 2)
		return false;
	for (size_t i = 0; i < m->n_entries; i++) {
		if (*entry_name(&m->entries[i]) || !*m->entries[i].platform.arch)
			return false;
	}
	return true;
}

static int load_entries(struct img_loader *ld, const struct img_manifest *m, struct cs_err *err)
{
	const struct img_desc *chosen = NULL;
	struct img_platform_text buf;
	struct img_platform want;
	size_t n = 0;
	int ret = 0;

	if (one_index(m)) {
		ret = img_platform_parse(ld->l->platform, &buf, &want, err);
		if (ret == 0)
			ret = img_manifest_select(m, &want, &chosen, err);
		return ret < 0 ? ret : load_entry(ld, chosen, err);
	}
	for (size_t i = 0; i < m->n_entries; i++)
		n += wanted(ld, &m->entries[i]);
	if (n == 0 && *ld->l->from->name)
		return cs_err_set(err, ENOENT, "holds no image \"%.100s\"", ld->l->from->name);
	if (n > 1 && ld->l->name)
		return cs_err_set(err, EINVAL, "holds %zu images: say which one gets the name", n);
	for (size_t i = 0; i < m->n_entries && ret == 0; i++) {
		if (wanted(ld, &m->entries[i]))
			ret = load_entry(ld, &m->entries[i], err);
	}
	return ret;
}

int img_load_oci(struct img_loader *ld, struct cs_err *err)
{
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = img_bag_read(&ld->bag, "index.json", INDEX_MAX, &text, &len, err);

	if (ret == 0)
		ret = img_manifest_parse(text, len, NULL, "index.json", &m, err);
	if (ret == 0 && m.kind != IMG_MEDIA_INDEX)
		ret = cs_err_set(err, EINVAL, "index.json is no index");
	return ret < 0 ? ret : load_entries(ld, &m, err);
}

int img_load_dir(struct img_loader *ld, struct cs_err *err)
{
	struct img_desc d = { .media_type = "", .artifact_type = "" };
	char digest[IMG_DIGEST_TEXT];
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = img_bag_read(&ld->bag, "manifest.json", IMG_MANIFEST_MAX, &text, &len, err);

	if (ret == 0)
		ret = img_txn_put_blob(ld->txn, text, len, NULL, digest, err);
	if (ret < 0)
		return ret;
	ld->blob_prefix = "";
	ld->dir_manifest = true;
	d.digest = digest;
	d.size = len;
	return img_loader_image(ld, &d, ld->l->name ? ld->l->name : "", err);
}
