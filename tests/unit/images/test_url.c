#include "images/url.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/unit/unit.h"

START_TEST(test_good)
{
	static const struct {
		const char *text;
		bool https;
		const char *host;
		uint16_t port;
		const char *rest;
	} rows[] = {
		{ "https://registry.example/v2/", true, "registry.example", 443, "/v2/" },
		{ "HTTP://Registry.Example:5000", false, "registry.example", 5000, "" },
		{ "https://[::1]:8/x?a=b%20c&d=e+f", true, "[::1]", 8, "/x?a=b%20c&d=e+f" },
		{ "http://h?x", false, "h", 80, "?x" },
		{ "http://127.0.0.1:65535/", false, "127.0.0.1", 65535, "/" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct img_url u;

		ck_assert_int_eq(img_url_parse(rows[i].text, &u, &err), 0);
		ck_assert_int_eq(u.https, rows[i].https);
		ck_assert_str_eq(u.host, rows[i].host);
		ck_assert_uint_eq(u.port, rows[i].port);
		ck_assert_str_eq(u.rest, rows[i].rest);
	}
}
END_TEST

/* What another parser might read otherwise. */
START_TEST(test_bad)
{
	static const char *const rows[] = {
		"",
		"registry.example",
		"ftp://h/",
		"file:///etc/passwd",
		"https://",
		"https:///x",
		"https://user@h/",
		"https://user:pw@h/",
		"https://h\\@evil/",
		"https://h:0/",
		"https://h:65536/",
		"https://h:/",
		"https://h:8x/",
		"https://h#@evil/",
		"https://h/a b",
		"https://h/a\r\nX: y",
		"https://h/\x7f",
		"https://.h/",
		"https://-h/",
		"https://[::1/",
		"https://[]/",
		"https://h%2eexample/",
		"https://h/a#b",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct img_url u;

		ck_assert_msg(img_url_parse(rows[i], &u, &err) == -EINVAL, "%s", rows[i]);
		ck_assert_ptr_null(strchr(err.msg, '\n'));
		ck_assert_ptr_null(strchr(err.msg, '\r'));
	}
}
END_TEST

START_TEST(test_long)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct img_url u;

	cs_buf_add(&b, "https://");
	for (int i = 0; i < IMG_HOST_MAX; i++)
		cs_buf_add(&b, "h");
	ck_assert_int_eq(img_url_parse(b.s, &u, &err), -EINVAL);
	cs_err_clear(&err);
	cs_buf_fini(&b);
	b = CS_BUF_INIT;
	cs_buf_add(&b, "https://h/");
	for (int i = 0; i < IMG_URL_MAX; i++)
		cs_buf_add(&b, "p");
	ck_assert_int_eq(img_url_parse(b.s, &u, &err), -EINVAL);
}
END_TEST

START_TEST(test_authority)
{
	ck_assert(img_url_authority_ok("registry.example"));
	ck_assert(img_url_authority_ok("registry.example:5000"));
	ck_assert(img_url_authority_ok("[::1]:5000"));
	ck_assert(!img_url_authority_ok(""));
	ck_assert(!img_url_authority_ok("registry.example/x"));
	ck_assert(!img_url_authority_ok("a@b"));
	ck_assert(!img_url_authority_ok("a:b"));
	ck_assert(!img_url_authority_ok("../x"));
}
END_TEST

START_TEST(test_resolve)
{
	static const struct {
		const char *base, *location, *want;
	} rows[] = {
		{ "https://a/v2/x", "https://b/y?z", "https://b/y?z" },
		{ "https://a:5/v2/x?q", "/y", "https://a:5/y" },
		{ "https://a/v2/x?q=/r", "y", "https://a/v2/y" },
		{ "https://a/v2/x?q", "?r", "https://a/v2/x?r" },
		{ "https://a", "y", "https://a/y" },
		{ "http://a/b", "//c/d", "http://c/d" },
		{ "https://a/b", "/c#frag", "https://a/c" },
		{ "https://a/b", "ftp://c/", NULL },
		{ "https://a/b", "file:///etc/passwd", NULL },
		{ "https://a/b", "https://u:p@c/", NULL },
		{ "https://a/b", "/c d", NULL },
		{ "https://a/b", "javascript:alert(1)", "https://a/javascript:alert(1)" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		cs_auto_free char *out = NULL;
		int ret = img_url_resolve(rows[i].base, rows[i].location, &out, &err);

		if (!rows[i].want) {
			/* A path, at worst: never another scheme or host. */
			ck_assert(ret == -EINVAL || cs_str_starts(out, "https://a/"));
			continue;
		}
		ck_assert_msg(ret == 0, "%s: %s", rows[i].location, err.msg);
		ck_assert_str_eq(out, rows[i].want);
	}
}
END_TEST

START_TEST(test_origin)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_url a, b;

	ck_assert_int_eq(img_url_parse("https://a/x", &a, &err), 0);
	ck_assert_int_eq(img_url_parse("https://A:443/y", &b, &err), 0);
	ck_assert(img_url_same_origin(&a, &b));
	ck_assert_int_eq(img_url_parse("http://a:443/y", &b, &err), 0);
	ck_assert(!img_url_same_origin(&a, &b));
	ck_assert_int_eq(img_url_parse("https://a:444/y", &b, &err), 0);
	ck_assert(!img_url_same_origin(&a, &b));
	ck_assert_int_eq(img_url_parse("https://a.b/y", &b, &err), 0);
	ck_assert(!img_url_same_origin(&a, &b));
}
END_TEST

START_TEST(test_escape)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	img_url_escape(&b, "a/b:c d\xff~");
	ck_assert_str_eq(b.s, "a%2Fb%3Ac%20d%FF~");
}
END_TEST

UNIT_MAIN("images/url", test_good, test_bad, test_long, test_authority, test_resolve, test_origin,
	  test_escape)
