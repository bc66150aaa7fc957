/*
 * Manifests, indexes, configurations and the store's own index.json: whatever bytes a registry, an
 * archive or another program left, what is taken keeps the promises of the headers, and the store's
 * index says the same when it is written again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "images/config.h"
#include "images/index.h"
#include "images/manifest.h"
#include "images/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void refused(int ret, const struct cs_err *err)
{
	need(ret < 0 && err->code == -ret && err->msg[0] && !strchr(err->msg, '\n'));
}

static void descriptor(const struct img_desc *d)
{
	need(img_ref_digest_ok(d->digest) && d->size <= INT64_MAX);
	need(d->media_type && d->artifact_type && d->platform.os && d->platform.arch);
	need(d->node->type == CS_JSON_OBJECT);
}

static void entries(const struct img_manifest *m)
{
	static const char *const wanted[] = { "linux/amd64", "linux/arm/v7", "linux/arm64",
					      "s390x" };
	const struct img_desc *d = NULL;

	need(m->n_entries <= IMG_INDEX_MAX && m->n_layers == 0);
	for (size_t i = 0; i < m->n_entries; i++)
		descriptor(&m->entries[i]);
	for (size_t i = 0; i < CS_LEN(wanted); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct img_platform_text buf;
		struct img_platform p;
		int ret;

		need(img_platform_parse(wanted[i], &buf, &p, &err) == 0);
		ret = img_manifest_select(m, &p, &d, &err);
		if (ret < 0)
			refused(ret, &err);
		else
			need(d >= m->entries && d < m->entries + m->n_entries &&
			     strcmp(d->platform.os, "unknown") != 0);
	}
}

static void manifest(const char *buf, size_t len, const char *type)
{
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
	struct cs_err err = CS_ERR_INIT;
	int ret = img_manifest_parse(buf, len, type, "manifest", &m, &err);

	if (ret < 0) {
		refused(ret, &err);
		need(!m.doc.root);
		return;
	}
	need(img_media_of(m.media_type) == m.kind);
	if (m.kind == IMG_MEDIA_INDEX) {
		entries(&m);
		return;
	}
	need(m.kind == IMG_MEDIA_MANIFEST && m.n_entries == 0 && m.n_layers <= IMG_LAYERS_MAX);
	descriptor(&m.config);
	for (size_t i = 0; i < m.n_layers; i++)
		descriptor(&m.layers[i]);
}

static void strings(const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		need(v[i] != NULL);
	need(v[n] == NULL);
}

static void config(const char *buf, size_t len)
{
	img_auto_config struct img_config c = IMG_CONFIG_INIT;
	struct cs_err err = CS_ERR_INIT;
	int ret = img_config_parse(buf, len, "config", &c, &err);

	if (ret < 0) {
		refused(ret, &err);
		return;
	}
	strings(c.entrypoint, c.n_entrypoint);
	strings(c.cmd, c.n_cmd);
	strings(c.env, c.n_env);
	strings(c.shell, c.n_shell);
	strings(c.health.test, c.health.n_test);
	strings(c.diff_ids, c.n_diff_ids);
	need(c.n_diff_ids <= IMG_LAYERS_MAX && c.user && c.workdir && c.stop_signal);
	for (size_t i = 0; i < c.n_diff_ids; i++)
		need(img_ref_digest_ok(c.diff_ids[i]));
	for (size_t i = 0; i < c.n_history; i++)
		need(c.history[i].created && c.history[i].created_by && c.history[i].comment);
	img_config_label(&c, "x");
	img_config_created(&c);
}

static void record(const struct img_record *a, const struct img_record *b)
{
	need(strcmp(a->name, b->name) == 0 && strcmp(a->digest, b->digest) == 0);
	need(strcmp(a->id, b->id) == 0 && strcmp(a->source, b->source) == 0);
	need(strcmp(a->fix, b->fix) == 0 && a->created == b->created);
	need(a->manifest_size == b->manifest_size);
}

static void index_json(const char *buf, size_t len)
{
	img_auto_list struct img_list l = IMG_LIST_INIT, again = IMG_LIST_INIT;
	cs_auto_free char *text = NULL;
	const struct img_record *r;
	struct cs_err err = CS_ERR_INIT;
	size_t n = 0;
	int ret = img_index_parse(buf, len, &l, &err);

	if (ret < 0) {
		refused(ret, &err);
		return;
	}
	need(img_index_text(l.v, l.n, &text, &n, &err) == 0);
	need(img_index_parse(text, n, &again, &err) == 0 && again.n == l.n);
	for (size_t i = 0; i < l.n; i++) {
		need(img_ref_digest_ok(l.v[i].id) && img_ref_digest_ok(l.v[i].digest));
		record(&l.v[i], &again.v[i]);
	}
	img_list_find(&l, "web", &r, &err);
	cs_err_clear(&err);
	img_list_find(&l, "abc", &r, &err);
	while (again.n > 0) {
		size_t before = again.n;

		img_list_unname(&again, 0);
		if (again.n == before)
			img_list_drop(&again, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *buf = (const char *)data;

	manifest(buf, size, NULL);
	manifest(buf, size, IMG_MT_OCI_INDEX);
	manifest(buf, size, IMG_MT_DOCKER_MANIFEST "; charset=utf-8");
	config(buf, size);
	index_json(buf, size);
	return 0;
}
