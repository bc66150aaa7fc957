#include "tests/unit/unit.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/ctrroot.h"

static const struct {
	const char *path, *tidy;
} paths[] = {
	{ "", "/" },
	{ "/", "/" },
	{ "///", "/" },
	{ ".", "/" },
	{ "./.", "/" },
	{ "a", "/a" },
	{ "/a/", "/a" },
	{ "a//b/./c/.", "/a/b/c" },
	{ "/a/../b", "/a/../b" },
	{ "..", "/.." },
	{ "/.a/..b/c.", "/.a/..b/c." },
};

START_TEST(test_tidy)
{
	for (size_t i = 0; i < CS_LEN(paths); i++) {
		struct cs_err err = CS_ERR_INIT;
		char out[64];

		ck_assert_int_eq(eng_path_tidy(paths[i].path, out, sizeof(out), &err), 0);
		ck_assert_str_eq(out, paths[i].tidy);
		/* again changes nothing */
		ck_assert_int_eq(eng_path_tidy(paths[i].tidy, out, sizeof(out), &err), 0);
		ck_assert_str_eq(out, paths[i].tidy);
	}
}
END_TEST

START_TEST(test_too_long)
{
	struct cs_err err = CS_ERR_INIT;
	char out[8];

	ck_assert_int_eq(eng_path_tidy("/a/b/c", out, sizeof(out), &err), 0);
	ck_assert_int_eq(eng_path_tidy("/a/b/cd", out, sizeof(out), &err), -ENAMETOOLONG);
	cs_err_clear(&err);
	ck_assert_int_eq(eng_path_tidy("", out, 1, &err), -ENAMETOOLONG);
}
END_TEST

UNIT_MAIN("engine/ctrroot", test_tidy, test_too_long)
