#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/index.h"
#include "tests/unit/unit.h"

#define D(c) "sha256:" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define RECORD(n, d, i)                                                  \
	{                                                                \
		.name = (n), .digest = (d), .id = (i), .source = D("99") \
	}

static struct img_record records[] = {
	RECORD("localhost/web:latest", D("a1"), D("1a")),
	RECORD("localhost/web:2", D("b1"), D("1b")),
	RECORD("registry.example/team/app:latest", D("c1"), D("1c")),
	RECORD("registry.example/team/both:1", D("a1"), D("1a")),
	RECORD("other.example/team/both:1", D("b1"), D("1b")),
	RECORD("registry.example/abcd:latest", D("d1"), D("1d")),
	RECORD("", D("e1"), D("ab")),
};
static const struct img_list list = { .v = records, .n = CS_LEN(records) };

START_TEST(test_found)
{
	static const struct {
		const char *text;
		size_t at;
		bool by_id;
	} rows[] = {
		{ "web", 0, false },
		{ "localhost/web", 0, false },
		{ "web:2", 1, false },
		{ "team/app", 2, false },
		{ "app", 2, false },
		{ "registry.example/team/app:latest", 2, false },
		{ "registry.example/team/both:1", 3, false },
		{ "1a", 0, true },
		{ "1a1a1a", 0, true },
		{ "sha256:1b", 1, true },
		{ D("1c"), 2, true },
		{ D("c1"), 2, true },
		{ "web@" D("b1"), 1, false },
		{ "abcd", 5, false }, /* a name comes before an id */
		{ "abab", 6, true },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		const struct img_record *r = NULL;
		struct cs_err err = CS_ERR_INIT;
		bool by_id;
		int ret = img_list_resolve(&list, rows[i].text, &r, &by_id, &err);

		ck_assert_msg(ret == 0 && r == &records[rows[i].at] && by_id == rows[i].by_id,
			      "%s: %d %s", rows[i].text, ret, err.msg);
	}
}
END_TEST

START_TEST(test_not_found)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {
		{ "nosuch", ENOENT }, { "web:3", ENOENT },	  { "eb", ENOENT },
		{ "1", ENOENT },      { "ffff", ENOENT },	  { "sha256:ff", ENOENT },
		{ D("ff"), ENOENT },  { "web@" D("ff"), ENOENT }, { "a/../b", ENOENT },
		{ "both:1", EINVAL }, { "x\n[31m", ENOENT },	  { "", ENOENT },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		const struct img_record *r = NULL;
		struct cs_err err = CS_ERR_INIT;
		int ret = img_list_find(&list, rows[i].text, &r, &err);

		ck_assert_msg(ret == -rows[i].code, "%s: %d %s", rows[i].text, ret, err.msg);
		ck_assert_ptr_null(strchr(err.msg, '\n'));
		ck_assert_ptr_null(r);
	}
}
END_TEST

/* The beginning of two images' ids. */
START_TEST(test_ambiguous)
{
	struct img_record v[] = { RECORD("", D("a1"), D("ab")), RECORD("", D("b1"), D("ab") "x") };
	const struct img_list l = { .v = v, .n = CS_LEN(v) };
	const struct img_record *r = NULL;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_list_find(&l, "abab", &r, &err), -EINVAL);
	ck_assert_ptr_null(r);
	/* one image of two names is no question */
	v[1].id = v[0].id;
	cs_err_clear(&err);
	ck_assert_int_eq(img_list_find(&l, "abab", &r, &err), 0);
}
END_TEST

UNIT_MAIN("images/find", test_found, test_not_found, test_ambiguous)
