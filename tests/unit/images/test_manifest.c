#include "images/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/unit/unit.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DESC(type) "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":5}"
#define CONFIG "\"config\":" DESC(IMG_MT_OCI_CONFIG)
#define LAYER DESC(IMG_MT_OCI_LAYER_GZIP)

START_TEST(test_media)
{
	static const struct {
		const char *text;
		enum img_media media;
	} rows[] = {
		{ IMG_MT_OCI_INDEX, IMG_MEDIA_INDEX },
		{ IMG_MT_DOCKER_LIST "; charset=utf-8", IMG_MEDIA_INDEX },
		{ IMG_MT_OCI_MANIFEST, IMG_MEDIA_MANIFEST },
		{ IMG_MT_DOCKER_MANIFEST ";x", IMG_MEDIA_MANIFEST },
		{ "application/vnd.docker.distribution.manifest.v1+prettyjws", IMG_MEDIA_SCHEMA1 },
		{ IMG_MT_DOCKER_CONFIG, IMG_MEDIA_CONFIG },
		{ IMG_MT_OCI_LAYER, IMG_MEDIA_LAYER },
		{ IMG_MT_DOCKER_LAYER_GZIP, IMG_MEDIA_LAYER_GZIP },
		{ IMG_MT_OCI_LAYER_ZSTD, IMG_MEDIA_LAYER_ZSTD },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar",
		  IMG_MEDIA_LAYER_FOREIGN },
		{ "text/html", IMG_MEDIA_OTHER },
		{ "", IMG_MEDIA_OTHER },
		{ IMG_MT_OCI_LAYER "x", IMG_MEDIA_OTHER },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++)
		ck_assert_int_eq(img_media_of(rows[i].text), rows[i].media);
}
END_TEST

START_TEST(test_manifest)
{
	static const char text[] =
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "," LAYER "]}";
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_manifest_parse(text, strlen(text), NULL, "x", &m, &err), 0);
	ck_assert_int_eq(m.kind, IMG_MEDIA_MANIFEST);
	ck_assert_str_eq(m.media_type, IMG_MT_OCI_MANIFEST);
	ck_assert_uint_eq(m.n_layers, 2);
	ck_assert_uint_eq(m.layers[1].size, 5);
	ck_assert_str_eq(m.config.digest, DIGEST);
	ck_assert(!m.artifact);
	img_manifest_fini(&m);
	/* what a registry's header said counts when the text says nothing */
	ck_assert_int_eq(img_manifest_parse(text, strlen(text), IMG_MT_DOCKER_MANIFEST "; a=b", "x",
					    &m, &err),
			 0);
	ck_assert_str_eq(m.media_type, IMG_MT_DOCKER_MANIFEST);
}
END_TEST

START_TEST(test_artifact)
{
	static const char *const rows[] = {
		"{\"schemaVersion\":2,\"config\":" DESC(
			"application/vnd.oci.empty.v1+json") ",\"layers\":[" DESC("text/plain") "]"
												"}",
		"{\"schemaVersion\":2,\"artifactType\":\"a/b\"," CONFIG ",\"layers\":[]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[" DESC("a/b") "]}",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_manifest_parse(rows[i], strlen(rows[i]), NULL, "x", &m, &err),
				 0);
		ck_assert(m.artifact);
	}
}
END_TEST

START_TEST(test_refused)
{
	static const struct {
		const char *text, *said;
		int code;
		const char *why; /* a part of the message */
	} rows[] = {
		{ "", NULL, EINVAL, "x: " },
		{ "[]", NULL, EINVAL, "object" },
		{ "{}", NULL, EINVAL, "neither" },
		{ "{\"schemaVersion\":1," CONFIG ",\"layers\":[]}", NULL, EOPNOTSUPP,
		  "schemaVersion" },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, EOPNOTSUPP, "schema 1" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, EINVAL,
		  "at once" },
		{ "{\"schemaVersion\":2,\"manifests\":[]}", IMG_MT_OCI_MANIFEST, EINVAL,
		  "media type" },
		{ "{\"schemaVersion\":2,\"mediaType\":\"" IMG_MT_OCI_INDEX "\"," CONFIG
		  ",\"layers\":[]}",
		  NULL, EINVAL, "media type" },
		{ "{\"schemaVersion\":2," CONFIG "}", NULL, EINVAL, "no layers" },
		{ "{\"schemaVersion\":2,\"layers\":[]}", NULL, EINVAL, "no config" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", NULL, EINVAL, "layers" },
		{ "{\"schemaVersion\":2,\"config\":{\"digest\":\"../../etc\",\"size\":1},"
		  "\"layers\":[]}",
		  NULL, EINVAL, "64 lower-case" },
		{ "{\"schemaVersion\":2,\"config\":{\"digest\":\"" DIGEST "\"},\"layers\":[]}",
		  NULL, EINVAL, "no size" },
		{ "{\"schemaVersion\":2,\"config\":{\"digest\":\"" DIGEST
		  "\",\"size\":-1},\"layers\":[]}",
		  NULL, EINVAL, "negative" },
		{ "{\"schemaVersion\":2,\"config\":{\"digest\":\"" DIGEST
		  "\",\"size\":1e30},\"layers\":[]}",
		  NULL, EINVAL, "size" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[" DESC(
			  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") "]}",
		  NULL, EOPNOTSUPP, "foreign" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[" DESC(
			  "application/vnd.oci.image.layer.v1.tar+gzip+encrypted") "]}",
		  NULL, EOPNOTSUPP, "encrypted" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"" IMG_MT_OCI_LAYER
		  "\",\"digest\":\"" DIGEST "\",\"size\":1,\"urls\":[\"https://h.example/\"]}]}",
		  NULL, EOPNOTSUPP, "URLs" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct img_manifest m = IMG_MANIFEST_INIT;
		struct cs_err err = CS_ERR_INIT;
		int ret = img_manifest_parse(rows[i].text, strlen(rows[i].text), rows[i].said, "x",
					     &m, &err);

		ck_assert_msg(ret == -rows[i].code && strstr(err.msg, rows[i].why),
			      "row %zu: %d %s", i, ret, err.msg);
		ck_assert_ptr_null(m.doc.root);
	}
}
END_TEST

static int many(const char *head, const char *one, size_t n, const char *tail)
{
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;

	cs_buf_add(&b, head);
	for (size_t i = 0; i < n; i++)
		cs_buf_addf(&b, "%s%s", i ? "," : "", one);
	cs_buf_add(&b, tail);
	return img_manifest_parse(b.s, b.len, NULL, "x", &m, &err);
}

START_TEST(test_limits)
{
	static const char image[] = "{\"schemaVersion\":2," CONFIG ",\"layers\":[";
	static const char index[] = "{\"schemaVersion\":2,\"manifests\":[";
	cs_auto_free char *blank = calloc(1, IMG_MANIFEST_MAX + 1);
	struct img_manifest m = IMG_MANIFEST_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(many(image, LAYER, IMG_LAYERS_MAX, "]}"), 0);
	ck_assert_int_eq(many(image, LAYER, IMG_LAYERS_MAX + 1, "]}"), -EFBIG);
	ck_assert_int_eq(many(index, LAYER, IMG_INDEX_MAX, "]}"), 0);
	ck_assert_int_eq(many(index, LAYER, IMG_INDEX_MAX + 1, "]}"), -EFBIG);
	ck_assert_int_lt(many("{\"a\":", "[[[[[[[[[[", 2000, "}"), 0); /* depth */
	ck_assert_ptr_nonnull(blank);
	memset(blank, ' ', IMG_MANIFEST_MAX + 1);
	ck_assert_int_eq(img_manifest_parse(blank, IMG_MANIFEST_MAX + 1, NULL, "x", &m, &err),
			 -EFBIG);
}
END_TEST

UNIT_MAIN("images/manifest", test_media, test_manifest, test_artifact, test_refused, test_limits)
