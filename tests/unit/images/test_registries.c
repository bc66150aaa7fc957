#include "images/registries.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/ref.h"
#include "tests/unit/unit.h"

static struct cs_err err;

static int parse(struct img_registries *r, const char *text)
{
	cs_err_clear(&err);
	return img_registries_parse(text, strlen(text), "f.conf", r, &err);
}

/* The @i th place of "host/path[@digest]", as "host/repo" and flags. */
static void place_is(const struct img_registries *r, const char *host, const char *path,
		     bool digest, int i, const char *want)
{
	struct img_place out[IMG_PLACES];
	struct img_ref ref = { 0 };
	char have[900];
	int n;

	snprintf(ref.host, sizeof(ref.host), "%s", host);
	snprintf(ref.path, sizeof(ref.path), "%s", path);
	if (digest)
		memcpy(ref.digest, "sha256:", 8);
	cs_err_clear(&err);
	n = img_registries_places(r, &ref, false, out, &err);
	ck_assert_msg(n >= 0, "%s", err.msg);
	if (!want) {
		ck_assert_int_eq(n, i);
		return;
	}
	ck_assert_int_gt(n, i);
	snprintf(have, sizeof(have), "%s/%s%s%s", out[i].host, out[i].repo,
		 out[i].insecure ? " insecure" : "", out[i].mirror ? " mirror" : "");
	ck_assert_str_eq(have, want);
}

static const char all[] =
	"# comment\r\n"
	"unqualified-search-registries = [\"r.example\", # why not\n  's.example:5000/team' ,\n]\n"
	"short-name-mode=\"enforcing\"\n"
	"credential-helpers = [\"containers-auth.json\"]\n"
	"\n"
	"[[registry]]\n"
	"prefix = \"r.example/a\"\n"
	"location = \"t.example:5000/b\"\n"
	"insecure = true\n"
	"[[registry.mirror]]\n"
	"location = \"m.example\"\n"
	"[[ registry . mirror ]]\n"
	"location = \"n.example/c\"\n"
	"insecure = true\n"
	"pull-from-mirror = \"digest-only\"\n"
	"[[registry]]\n"
	"location = \"blocked.example\"\n"
	"blocked = true # yes\n"
	"[[registry]]\n"
	"prefix = \"*.wild.example\"\n"
	"insecure = true\n"
	"[aliases]\n"
	"\"web\" = \"r.example/x/web\"\n"
	"'db' = 'r.example/db'\n"
	"gone = \"\"\n";

START_TEST(test_all)
{
	img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;

	ck_assert_msg(parse(&r, all) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n_search, 2);
	ck_assert_str_eq(r.search[1], "s.example:5000/team");
	place_is(&r, "r.example", "a/x", false, 0, "m.example/x mirror");
	place_is(&r, "r.example", "a/x", false, 1, "t.example:5000/b/x insecure");
	place_is(&r, "r.example", "a/x", false, 2, NULL);
	place_is(&r, "r.example", "a/x", true, 1, "n.example/c/x insecure mirror");
	place_is(&r, "r.example", "a/x", true, 2, "t.example:5000/b/x insecure");
	place_is(&r, "r.example", "ab/x", false, 0, "r.example/ab/x");
	place_is(&r, "r.example", "z", false, 0, "r.example/z");
	place_is(&r, "x.wild.example:80", "z", false, 0, "x.wild.example:80/z insecure");
	place_is(&r, "wild.example", "z", false, 0, "wild.example/z");
	ck_assert_str_eq(img_registries_alias(&r, "web"), "r.example/x/web");
	ck_assert_str_eq(img_registries_alias(&r, "db"), "r.example/db");
	ck_assert_ptr_null(img_registries_alias(&r, "gone"));
	ck_assert_ptr_null(img_registries_alias(&r, "other"));
}
END_TEST

START_TEST(test_blocked)
{
	img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;
	struct img_place out[IMG_PLACES];
	struct img_ref ref = { .host = "blocked.example", .path = "x" };

	ck_assert_int_eq(parse(&r, all), 0);
	ck_assert_int_eq(img_registries_places(&r, &ref, false, out, &err), -EACCES);
}
END_TEST

START_TEST(test_push)
{
	img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;
	struct img_place out[IMG_PLACES];
	struct img_ref ref = { .host = "r.example", .path = "a/x" };

	ck_assert_int_eq(parse(&r, all), 0);
	ck_assert_int_eq(img_registries_places(&r, &ref, true, out, &err), 1);
	ck_assert_str_eq(out[0].host, "t.example:5000");
}
END_TEST

/* A later file replaces what it names. */
START_TEST(test_again)
{
	img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;

	ck_assert_int_eq(parse(&r, all), 0);
	ck_assert_int_eq(parse(&r, "unqualified-search-registries = ['only.example']\n"
				   "[[registry]]\nprefix='r.example/a'\nlocation='z.example'\n"
				   "[aliases]\nweb = 'z.example/w'\ndb = ''"),
			 0);
	place_is(&r, "r.example", "a/x", false, 0, "z.example/x");
	place_is(&r, "r.example", "a/x", false, 1, NULL);
	ck_assert_uint_eq(r.n_search, 1);
	ck_assert_str_eq(img_registries_alias(&r, "web"), "z.example/w");
	ck_assert_ptr_null(img_registries_alias(&r, "db"));
}
END_TEST

START_TEST(test_default)
{
	img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;
	const char *reg = NULL;

	ck_assert_int_eq(img_registries_default(&r, "web", &reg, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "unqualified-search-registries"));
	ck_assert_int_eq(parse(&r, "unqualified-search-registries = ['a.example']"), 0);
	ck_assert_int_eq(img_registries_default(&r, "web", &reg, &err), 0);
	ck_assert_str_eq(reg, "a.example");
	ck_assert_int_eq(parse(&r, "unqualified-search-registries = ['a.example', 'b.example']"),
			 0);
	ck_assert_int_eq(img_registries_default(&r, "web", &reg, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "b.example"));
}
END_TEST

START_TEST(test_bad)
{
	static const char *const rows[][2] = {
		{ "x = 1", "line 1" },
		{ "[\"\"]", "[] is not known" },
		{ "surprise = true", "surprise is not known" },
		{ "[registries.search]\nregistries = ['a']", "version 1" },
		{ "[[registry]]\nprefix = 'a.example'\ncolour = 'red'", "line 3: colour" },
		{ "[[registry]]\ninsecure = 'yes'", "insecure must be true or false" },
		{ "[[registry]]\nlocation = 'https://a.example'", "without a scheme" },
		{ "[[registry]]\nlocation = 'a.example/../b'", "location" },
		{ "[[registry]]\nlocation = 'a@b.example'", "location" },
		{ "[[registry]]\nblocked = true", "neither prefix nor location" },
		{ "[registry]\nlocation = 'a.example'", "not known" },
		{ "[[registry.mirror]]\nlocation = 'a.example'", "before it" },
		{ "[[registry]]\nlocation = 'a.example'\n[[registry.mirror]]\ninsecure = true",
		  "no location" },
		{ "[[registry]]\nlocation = 'a.example'\nmirror = [{location = 'b.example'}]",
		  "only hold strings" },
		{ "[[registry]]\nlocation = 'a.example'\n[[registry.mirror]]\n"
		  "location = 'b.example'\npull-from-mirror = 'never'",
		  "pull-from-mirror" },
		{ "[[registry]]\nlocation = 'a.example'\n[[registry]]\nprefix = 'a.example'",
		  "twice" },
		{ "a.b = 'c'", "dotted" },
		{ "short-name-mode = {a = 1}", "inline" },
		{ "short-name-mode = \"\"\"x\"\"\"", "several lines" },
		{ "short-name-mode = 'x", "end" },
		{ "short-name-mode = \"\\q\"", "escape" },
		{ "short-name-mode = 'permissive' x", "line should end" },
		{ "short-name-mode = 'permissive'\nshort-name-mode = 'disabled'", "twice" },
		{ "short-name-mode = 'nonsense'", "enforcing" },
		{ "credential-helpers = ['secretservice']", "credHelpers" },
		{ "[aliases]\nweb = 'nohost_/x'\n", NULL },
		{ "[aliases]\nweb = 'http://x/y'", "alias" },
		{ "[aliases", "]" },
		{ "= 'x'", "key" },
		{ "unqualified-search-registries = ['a' 'b']", "commas" },
		{ "unqualified-search-registries = ['a/ b']", "no registry" },
		{ "unqualified-search-registries = ['a'", "commas" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;
		int ret = parse(&r, rows[i][0]);

		if (!rows[i][1])
			continue;
		ck_assert_msg(ret == -EINVAL, "%s", rows[i][0]);
		ck_assert_msg(strstr(err.msg, rows[i][1]), "%s: %s", rows[i][0], err.msg);
		ck_assert_msg(strstr(err.msg, "f.conf"), "%s", err.msg);
	}
}
END_TEST

START_TEST(test_nul)
{
	img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;

	cs_err_clear(&err);
	ck_assert_int_eq(img_registries_parse("a\0b", 3, "f", &r, &err), -EINVAL);
}
END_TEST

UNIT_MAIN("images/registries", test_all, test_blocked, test_push, test_again, test_default,
	  test_bad, test_nul)
