#include "images/ref.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64
#define TEN "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

START_TEST(test_good)
{
	static const struct {
		const char *text, *host, *path, *tag, *digest;
	} rows[] = {
		{ "web", "", "web", "", "" },
		{ "web:1.2", "", "web", "1.2", "" },
		{ "team/web", "", "team/web", "", "" },
		{ "localhost/web", "localhost", "web", "", "" },
		{ "registry.example/a/b/c:T_1-x.y", "registry.example", "a/b/c", "T_1-x.y", "" },
		{ "registry.example:5000/web@" DIGEST, "registry.example:5000", "web", "", DIGEST },
		{ "h:1/web:2@" DIGEST, "h:1", "web", "2", DIGEST },
		{ "UPPER/web", "UPPER", "web", "", "" },
		{ "[::1]:5000/web", "[::1]:5000", "web", "", "" },
		{ "[fe80::1]/web", "[fe80::1]", "web", "", "" },
		{ "127.0.0.1/web", "127.0.0.1", "web", "", "" },
		{ "a.b_c__d---e/f", "a.b_c__d---e", "f", "", "" },
		{ "x/a.b_c__d---e", "", "x/a.b_c__d---e", "", "" },
		{ "web:_", "", "web", "_", "" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct img_ref r;
		char text[IMG_REF_TEXT];

		if (img_ref_parse(rows[i].text, &r, &err) < 0) {
			/* a host's label has no "_" */
			ck_assert_ptr_nonnull(strchr(rows[i].host, '_'));
			continue;
		}
		ck_assert_str_eq(r.host, rows[i].host);
		ck_assert_str_eq(r.path, rows[i].path);
		ck_assert_str_eq(r.tag, rows[i].tag);
		ck_assert_str_eq(r.digest, rows[i].digest);
		img_ref_format(&r, text);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(test_bad)
{
	static const char *const rows[] = {
		"",
		"/web",
		"web/",
		"a//b",
		"Web",
		"web:",
		"web:.x",
		"web:-x",
		"web:a b",
		"web:a/b",
		"web@",
		"web@sha256:",
		"web@sha256:" HEX64 "0", /* NOLINT(bugprone-suspicious-missing-comma) */
		"web@sha512:" HEX64,
		"web@sha256:ABCDEF6789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"web@" DIGEST "@" DIGEST,
		"../web",
		"a/../b",
		"a/./b",
		"registry.example/",
		"registry.example:/web",
		"registry.example:123456/web",
		"registry.example:5x/web",
		"-h.example/web",
		"h-.example/web",
		".example/web",
		"h..example/web",
		"[::1/web",
		"[::1]x/web",
		"[::g]/web",
		"user@h.example/web",
		"a_/b",
		"a___b",
		"a.-b",
		"a..b",
		"web\n",
		"w\303\251b",
		"https://h.example/web",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct img_ref r = { .tag = "untouched" };

		ck_assert_msg(img_ref_parse(rows[i], &r, &err) == -EINVAL, "taken: %s", rows[i]);
		ck_assert_int_eq(err.code, EINVAL);
		ck_assert_ptr_null(strchr(err.msg, '\n'));
		ck_assert_str_eq(r.tag, "untouched");
	}
}
END_TEST

START_TEST(test_lengths)
{
	static const struct {
		const char *text;
		int ret;
	} rows[] = {
		{ HUNDRED "/" HUNDRED "/" TEN TEN TEN TEN TEN ":1", 0 },
		{ HUNDRED "/" HUNDRED "/" TEN TEN TEN TEN TEN "abc:1", -EINVAL },
		{ "web:" HUNDRED TEN TEN "12345678", 0 },
		{ "web:" HUNDRED TEN TEN "123456789", -EINVAL },
		{ HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED, -EINVAL },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct img_ref r;

		ck_assert_int_eq(img_ref_parse(rows[i].text, &r, &err), rows[i].ret);
	}
}
END_TEST

START_TEST(test_local)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "web", "localhost/web:latest" },
		{ "team/web:2", "localhost/team/web:2" },
		{ "h.example/web", "h.example/web:latest" },
		{ "web@" DIGEST, "localhost/web@" DIGEST },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		char text[IMG_REF_TEXT];
		struct img_ref r;

		ck_assert_int_eq(img_ref_local(rows[i].text, &r, &err), 0);
		img_ref_format(&r, text);
		ck_assert_str_eq(text, rows[i].want);
	}
}
END_TEST

START_TEST(test_remote)
{
	struct cs_err err = CS_ERR_INIT;
	char text[IMG_REF_TEXT];
	struct img_ref r;

	ck_assert_int_eq(img_ref_remote("web", "h.example:1/team", &r, &err), 0);
	img_ref_format(&r, text);
	ck_assert_str_eq(text, "h.example:1/team/web:latest");
	img_ref_repo(&r, text);
	ck_assert_str_eq(text, "h.example:1/team/web");
	ck_assert_int_eq(img_ref_remote("o.example/web@" DIGEST, "h.example", &r, &err), 0);
	img_ref_format(&r, text);
	ck_assert_str_eq(text, "o.example/web@" DIGEST);
	ck_assert_int_eq(img_ref_remote("web", NULL, &r, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "unqualified-search-registries"));
	cs_err_clear(&err);
	ck_assert_int_eq(img_ref_remote("web", "nohost", &r, &err), -EINVAL);
}
END_TEST

START_TEST(test_location)
{
	static const struct {
		const char *text;
		enum img_transport transport;
		const char *path, *name;
	} rows[] = {
		{ "web:1", IMG_T_NONE, "", "web:1" },
		{ "docker://h.example/web", IMG_T_REGISTRY, "", "h.example/web" },
		{ "oci:dir", IMG_T_OCI, "dir", "" },
		{ "oci:/a/b:web:1", IMG_T_OCI, "/a/b", "web:1" },
		{ "oci-archive:x.tar:t", IMG_T_OCI_ARCHIVE, "x.tar", "t" },
		{ "docker-archive:x.tar", IMG_T_DOCKER_ARCHIVE, "x.tar", "" },
		{ "dir:a:b", IMG_T_DIR, "a:b", "" },
		{ "tar:x", IMG_T_TAR, "x", "" },
	};
	static const char *const bad[] = { "oci:", "oci::name", "dir:", "sif://x", "http://h/x" };
	static struct img_location l;

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_location_parse(rows[i].text, &l, &err), 0);
		ck_assert_int_eq(l.transport, rows[i].transport);
		ck_assert_str_eq(l.path, rows[i].path);
		ck_assert_str_eq(l.name, rows[i].name);
	}
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_location_parse(bad[i], &l, &err), -EINVAL);
	}
}
END_TEST

UNIT_MAIN("images/ref", test_good, test_bad, test_lengths, test_local, test_remote, test_location)
