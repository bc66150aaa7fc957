#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/manifest.h"
#include "tests/unit/unit.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(test_parse)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "linux/amd64", "linux/amd64" },   { "amd64", "linux/amd64" },
		{ "x86_64", "linux/amd64" },	    { "aarch64", "linux/arm64/v8" },
		{ "linux/arm", "linux/arm/v7" },    { "linux/arm/6", "linux/arm/v6" },
		{ "armhf", "linux/arm/v7" },	    { "armel", "linux/arm/v6" },
		{ "windows/386", "windows/386" },   { "linux/amd64/v3", "linux/amd64/v3" },
		{ "linux/future", "linux/future" },
	};
	static const char *const bad[] = { "linux/",	"/amd64", "a/b/c/d",  "Linux/amd64",
					   "linux/a b", "future", "linux//v7" };
	struct img_platform_text buf;
	struct img_platform p;
	char text[64];

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_platform_parse(rows[i].text, &buf, &p, &err), 0);
		img_platform_format(&p, text, sizeof(text));
		ck_assert_str_eq(text, rows[i].want);
	}
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_platform_parse(bad[i], &buf, &p, &err), -EINVAL);
	}
}
END_TEST

START_TEST(test_host)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_platform_text buf;
	struct img_platform a, b;

	ck_assert_int_eq(img_platform_parse(NULL, &buf, &a, &err), 0);
	ck_assert_int_eq(img_platform_parse("linux", &buf, &b, &err), 0);
	ck_assert_str_eq(a.os, "linux");
	ck_assert_str_eq(a.arch, b.arch);
	ck_assert_int_eq(img_platform_match(&a, &b), 100);
}
END_TEST

static int match(const char *have, const char *want)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_platform_text ht, wt;
	struct img_platform h, w;

	ck_assert_int_eq(img_platform_parse(have, &ht, &h, &err), 0);
	ck_assert_int_eq(img_platform_parse(want, &wt, &w, &err), 0);
	return img_platform_match(&h, &w);
}

START_TEST(test_match)
{
	ck_assert_int_eq(match("linux/amd64", "linux/arm64"), 0);
	ck_assert_int_eq(match("windows/amd64", "linux/amd64"), 0);
	ck_assert_int_gt(match("linux/arm/v7", "linux/arm/v7"), match("linux/arm/v6", "linux/arm"));
	ck_assert_int_gt(match("linux/arm/v6", "linux/arm/v7"),
			 match("linux/arm/v5", "linux/arm/v7"));
	ck_assert_int_gt(match("linux/arm/v5", "linux/arm/v7"), 0);
	ck_assert_int_eq(match("linux/arm/v7", "linux/arm/v6"), 0);
	ck_assert_int_eq(match("linux/arm64", "linux/arm64/v8"), 100);
	ck_assert_int_gt(match("linux/amd64/v2", "linux/amd64/v3"),
			 match("linux/amd64", "linux/amd64/v3"));
	ck_assert_int_gt(match("linux/amd64", "linux/amd64/v3"), 0);
	ck_assert_int_eq(match("linux/amd64/v3", "linux/amd64"), 0);
}
END_TEST

#define ENTRY(platform, size)                                                                \
	"{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" DIGEST \
	"\",\"size\":" size ",\"platform\":" platform "}"

static const char index_text[] = "{\"schemaVersion\":2,\"manifests\":[" ENTRY(
	"{\"os\":\"unknown\",\"architecture\":\"unknown\"}",
	"1") "," ENTRY("{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}",
		       "2") "," ENTRY("{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":"
				      "\"v7\"}",
				      "3") "," ENTRY("{\"os\":\"linux\",\"architecture\":"
						     "\"amd64\"}",
						     "4") "," ENTRY("{\"os\":\"linux\","
								    "\"architecture\":\"amd64\"}",
								    "5") "]}";

START_TEST(test_select)
{
	static const struct {
		const char *want;
		uint64_t size; /* of the one taken; 0: none */
	} rows[] = {
		{ "linux/arm/v8", 3 }, { "linux/arm/v7", 3 }, { "linux/arm/v6", 2 },
		{ "linux/arm/v5", 0 }, { "linux/amd64", 4 },  { "linux/s390x", 0 },
	};
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_manifest_parse(index_text, strlen(index_text), NULL, "x", &m, &err),
			 0);
	for (size_t i = 0; i < CS_LEN(rows); i++) {
		const struct img_desc *d = NULL;
		struct img_platform_text buf;
		struct img_platform p;
		int ret;

		ck_assert_int_eq(img_platform_parse(rows[i].want, &buf, &p, &err), 0);
		ret = img_manifest_select(&m, &p, &d, &err);
		ck_assert_int_eq(ret, rows[i].size ? 0 : -ENOENT);
		if (ret == 0) {
			ck_assert_uint_eq(d->size, rows[i].size);
			continue;
		}
		ck_assert_ptr_nonnull(strstr(err.msg, "linux/arm/v6, linux/arm/v7, linux/amd64"));
		ck_assert_ptr_null(strstr(err.msg, "unknown"));
		cs_err_clear(&err);
	}
}
END_TEST

UNIT_MAIN("images/platform", test_parse, test_host, test_match, test_select)
