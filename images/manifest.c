#include "images/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/ref.h"

static const struct {
	const char *type;
	enum img_media media;
} media_types[] = {
	{ IMG_MT_OCI_INDEX, IMG_MEDIA_INDEX },
	{ IMG_MT_DOCKER_LIST, IMG_MEDIA_INDEX },
	{ IMG_MT_OCI_MANIFEST, IMG_MEDIA_MANIFEST },
	{ IMG_MT_DOCKER_MANIFEST, IMG_MEDIA_MANIFEST },
	{ "application/vnd.docker.distribution.manifest.v1+json", IMG_MEDIA_SCHEMA1 },
	{ "application/vnd.docker.distribution.manifest.v1+prettyjws", IMG_MEDIA_SCHEMA1 },
	{ IMG_MT_OCI_CONFIG, IMG_MEDIA_CONFIG },
	{ IMG_MT_DOCKER_CONFIG, IMG_MEDIA_CONFIG },
	{ IMG_MT_OCI_LAYER, IMG_MEDIA_LAYER },
	{ IMG_MT_DOCKER_LAYER, IMG_MEDIA_LAYER },
	{ "application/vnd.docker.image.rootfs.diff.tar", IMG_MEDIA_LAYER },
	{ IMG_MT_OCI_LAYER_GZIP, IMG_MEDIA_LAYER_GZIP },
	{ IMG_MT_DOCKER_LAYER_GZIP, IMG_MEDIA_LAYER_GZIP },
	{ IMG_MT_OCI_LAYER_ZSTD, IMG_MEDIA_LAYER_ZSTD },
	{ IMG_MT_DOCKER_LAYER_ZSTD, IMG_MEDIA_LAYER_ZSTD },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar", IMG_MEDIA_LAYER_FOREIGN },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", IMG_MEDIA_LAYER_FOREIGN },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", IMG_MEDIA_LAYER_FOREIGN },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar", IMG_MEDIA_LAYER_FOREIGN },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", IMG_MEDIA_LAYER_FOREIGN },
};

enum img_media img_media_of(const char *media_type)
{
	size_t len = strcspn(media_type, "; \t");

	for (size_t i = 0; i < CS_LEN(media_types); i++) {
		if (strlen(media_types[i].type) == len &&
		    strncmp(media_type, media_types[i].type, len) == 0)
			return media_types[i].media;
	}
	return IMG_MEDIA_OTHER;
}

static int get_str(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err)
{
	*out = "";
	return cs_json_str(obj, key, out, err);
}

static int parse_platform(const struct cs_json *obj, struct img_platform *p, struct cs_err *err)
{
	int ret;

	*p = (struct img_platform){ .os = "", .arch = "", .variant = "", .os_version = "" };
	if (!obj)
		return 0;
	ret = get_str(obj, "os", &p->os, err);
	if (ret >= 0)
		ret = get_str(obj, "architecture", &p->arch, err);
	if (ret >= 0)
		ret = get_str(obj, "variant", &p->variant, err);
	if (ret >= 0)
		ret = get_str(obj, "os.version", &p->os_version, err);
	return ret < 0 ? ret : 0;
}

int img_desc_parse(const struct cs_json *obj, struct img_desc *out, struct cs_err *err)
{
	struct img_desc d = { .media_type = "", .artifact_type = "", .node = obj };
	const struct cs_json *platform = NULL;
	int64_t size = 0;
	int ret;

	if (obj->type != CS_JSON_OBJECT)
		return cs_json_err(obj, err, EINVAL, "must be an object");
	ret = cs_json_str(obj, "digest", &d.digest, err);
	if (ret == 0)
		return cs_json_err(obj, err, EINVAL, "has no digest");
	if (ret < 0)
		return ret;
	if (!img_ref_digest_ok(d.digest))
		return cs_json_err(cs_json_get(obj, "digest"), err, EINVAL,
				   "must be sha256: and 64 lower-case hex digits");
	ret = cs_json_i64(obj, "size", &size, err);
	if (ret == 0)
		return cs_json_err(obj, err, EINVAL, "has no size");
	if (ret < 0)
		return ret;
	if (size < 0)
		return cs_json_err(cs_json_get(obj, "size"), err, EINVAL, "must not be negative");
	d.size = (uint64_t)size;
	ret = get_str(obj, "mediaType", &d.media_type, err);
	if (ret >= 0)
		ret = get_str(obj, "artifactType", &d.artifact_type, err);
	if (ret >= 0)
		ret = cs_json_obj(obj, "platform", &platform, err);
	if (ret >= 0)
		ret = parse_platform(platform, &d.platform, err);
	if (ret < 0)
		return ret;
	*out = d;
	return 0;
}

void img_desc_put(struct cs_jw *w, const char *key, const char *media_type, const char *digest,
		  uint64_t size)
{
	cs_jw_obj(w, key);
	cs_jw_str(w, "mediaType", media_type);
	cs_jw_str(w, "digest", digest);
	cs_jw_u64(w, "size", size);
	cs_jw_obj_end(w);
}

static int parse_descs(const struct cs_json_doc *doc, const struct cs_json *arr, uint32_t max,
		       struct img_desc **out, size_t *n, struct cs_err *err)
{
	const struct cs_json *c;
	struct img_desc *v;
	size_t i = 0;
	int ret;

	if (arr->n > max)
		return cs_json_err(arr, err, EFBIG, "has %u entries, more than %u", arr->n, max);
	v = cs_json_alloc(doc, arr->n ? arr->n : 1, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "manifest: out of memory");
	cs_json_for_each (c, arr) {
		ret = img_desc_parse(c, &v[i++], err);
		if (ret < 0)
			return ret;
	}
	*out = v;
	*n = arr->n;
	return 0;
}

/* What its members make of it. */
static int kind_by_members(const struct cs_json *root, enum img_media *out, struct cs_err *err)
{
	bool index = cs_json_get(root, "manifests");

	if (cs_json_get(root, "config") || cs_json_get(root, "layers")) {
		/* CVE-2021-41190: what could be taken for both is neither. */
		if (index)
			return cs_err_set(err, EINVAL, "is a manifest and an index at once");
		*out = IMG_MEDIA_MANIFEST;
		return 0;
	}
	if (!index)
		return cs_err_set(err, EINVAL, "is neither an image manifest nor an index");
	*out = IMG_MEDIA_INDEX;
	return 0;
}

/* The text of ours that says the same: the caller's need not live long enough. */
static const char *known_type(const char *said, enum img_media media)
{
	for (size_t i = 0; i < CS_LEN(media_types); i++) {
		if (cs_str_starts(said, media_types[i].type) && media_types[i].media == media)
			return media_types[i].type;
	}
	return NULL;
}

/* What a document is: what it was said to be, what it says itself, what its members are. */
static int find_kind(const struct cs_json *root, const char *said, struct img_manifest *m,
		     struct cs_err *err)
{
	enum img_media by_said = said ? img_media_of(said) : IMG_MEDIA_OTHER;
	enum img_media by_own, by_members = IMG_MEDIA_OTHER;
	const char *own = "";
	int ret = get_str(root, "mediaType", &own, err);

	if (ret < 0)
		return ret;
	by_own = img_media_of(own);
	if (cs_json_get(root, "fsLayers") || by_own == IMG_MEDIA_SCHEMA1)
		return cs_err_set(
			err, EOPNOTSUPP,
			"is a docker schema 1 manifest, which nobody should use any more: "
			"push the image again with a newer program");
	ret = kind_by_members(root, &by_members, err);
	if (ret < 0)
		return ret;
	if ((*own && by_own != by_members) || (by_said != IMG_MEDIA_OTHER && by_said != by_members))
		return cs_err_set(err, EINVAL, "is not what its media type \"%s\" says",
				  *own ? own : said);
	m->kind = by_members;
	if (*own)
		m->media_type = own;
	else if (by_said != IMG_MEDIA_OTHER)
		m->media_type = known_type(said, by_said);
	else
		m->media_type =
			by_members == IMG_MEDIA_INDEX ? IMG_MT_OCI_INDEX : IMG_MT_OCI_MANIFEST;
	return 0;
}

static int check_layer(const struct img_desc *l, bool *artifact, struct cs_err *err)
{
	const struct cs_json *urls = cs_json_get(l->node, "urls");

	switch (img_media_of(l->media_type)) {
	case IMG_MEDIA_LAYER:
	case IMG_MEDIA_LAYER_GZIP:
	case IMG_MEDIA_LAYER_ZSTD:
		break;
	case IMG_MEDIA_LAYER_FOREIGN:
		return cs_json_err(l->node, err, EOPNOTSUPP,
				   "is a foreign layer, which is fetched from elsewhere: refused");
	case IMG_MEDIA_OTHER:
	case IMG_MEDIA_INDEX:
	case IMG_MEDIA_MANIFEST:
	case IMG_MEDIA_SCHEMA1:
	case IMG_MEDIA_CONFIG:
	default:
		if (strstr(l->media_type, "+encrypted"))
			return cs_json_err(l->node, err, EOPNOTSUPP, "is encrypted: refused");
		*artifact = true;
	}
	if (urls && urls->n > 0)
		return cs_json_err(urls, err, EOPNOTSUPP,
				   "a layer with URLs of its own is refused");
	return 0;
}

static int parse_image(struct img_manifest *m, struct cs_err *err)
{
	const struct cs_json *config = NULL, *layers = NULL;
	const char *artifact_type = "";
	int ret = cs_json_obj(m->doc.root, "config", &config, err);

	if (ret == 0)
		return cs_err_set(err, EINVAL, "has no config");
	if (ret > 0)
		ret = img_desc_parse(config, &m->config, err);
	if (ret >= 0)
		ret = cs_json_arr(m->doc.root, "layers", &layers, err);
	if (ret == 0)
		return cs_err_set(err, EINVAL, "has no layers");
	if (ret > 0)
		ret = parse_descs(&m->doc, layers, IMG_LAYERS_MAX, &m->layers, &m->n_layers, err);
	if (ret >= 0)
		ret = get_str(m->doc.root, "artifactType", &artifact_type, err);
	if (ret < 0)
		return ret;
	m->artifact =
		*artifact_type != '\0' || img_media_of(m->config.media_type) != IMG_MEDIA_CONFIG;
	for (size_t i = 0; i < m->n_layers; i++) {
		ret = check_layer(&m->layers[i], &m->artifact, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int parse_all(struct img_manifest *m, const char *said, struct cs_err *err)
{
	const struct cs_json *root = m->doc.root, *arr = NULL;
	int64_t version = 2;
	int ret;

	if (root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "must be an object");
	ret = cs_json_i64(root, "schemaVersion", &version, err);
	if (ret < 0)
		return ret;
	ret = find_kind(root, said, m, err);
	if (ret < 0)
		return ret;
	if (version != 2)
		return cs_err_set(err, EOPNOTSUPP, "schemaVersion must be 2");
	if (m->kind == IMG_MEDIA_MANIFEST)
		return parse_image(m, err);
	ret = cs_json_arr(root, "manifests", &arr, err);
	if (ret < 0)
		return ret;
	return parse_descs(&m->doc, arr, IMG_INDEX_MAX, &m->entries, &m->n_entries, err);
}

int img_manifest_parse(const char *buf, size_t len, const char *media_type, const char *what,
		       struct img_manifest *out, struct cs_err *err)
{
	struct img_manifest m = IMG_MANIFEST_INIT;
	int ret;

	if (media_type && img_media_of(media_type) == IMG_MEDIA_SCHEMA1)
		return cs_err_set(err, EOPNOTSUPP,
				  "%s is a docker schema 1 manifest, which nobody should use any "
				  "more: push the image again with a newer program",
				  what);
	if (len > IMG_MANIFEST_MAX)
		return cs_err_set(err, EFBIG, "%s: more than %d bytes", what, IMG_MANIFEST_MAX);
	ret = cs_json_parse(buf, len, what, &m.doc, err);
	if (ret < 0)
		return ret;
	ret = parse_all(&m, media_type, err);
	if (ret < 0) {
		cs_json_fini(&m.doc);
		return cs_err_wrap(err, "%s", what);
	}
	*out = m;
	return 0;
}

void img_manifest_fini(struct img_manifest *m)
{
	cs_json_fini(&m->doc);
	*m = IMG_MANIFEST_INIT;
}
