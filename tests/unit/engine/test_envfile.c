#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/envfile.h"
#include "engine/record.h"

static struct cs_err err;
static struct cs_arena *a;

static int parse(const char *text, bool own, char *out, size_t size)
{
	struct eng_strv v = { 0 };
	size_t n = 0;
	int ret;

	err = CS_ERR_INIT;
	*out = '\0';
	ret = eng_envfile_parse(a, text, strlen(text), "file", own, &v, &err);
	for (size_t i = 0; ret == 0 && i < v.n; i++)
		n += (size_t)snprintf(out + n, size - n, "%s;", v.v[i]);
	return ret;
}

START_TEST(test_file)
{
	char out[256];

	a = cs_arena_new(0);
	setenv("CS_TEST", "own", 1);
	unsetenv("CS_NONE");
	ck_assert_int_eq(parse("\xef\xbb\xbf# c\n\n  A=1 \r\nB=\"x y\"\nCS_TEST\nCS_NONE\nA=2",
			       true, out, sizeof(out)),
			 0);
	ck_assert_str_eq(out, "A=2;B=\"x y\";CS_TEST=own;");
	ck_assert_int_eq(parse("a.b\nc=d", false, out, sizeof(out)), 0);
	ck_assert_str_eq(out, "a.b=;c=d;");
	ck_assert_int_eq(parse("A=1\nB C=2", true, out, sizeof(out)), -EINVAL);
	ck_assert(strstr(err.msg, "file: line 2"));
	ck_assert_int_eq(parse("=1", true, out, sizeof(out)), -EINVAL);
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_envfile_parse(a, "A=\0B", 4, "file", true, NULL, &err), -EINVAL);
	cs_arena_free(a);
}
END_TEST

START_TEST(test_options)
{
	struct eng_strv v = { 0 };

	a = cs_arena_new(0);
	err = CS_ERR_INIT;
	setenv("CS_TEST", "own", 1);
	unsetenv("CS_NONE");
	ck_assert_int_eq(eng_env_add(a, "A=1", &v, &err), 0);
	ck_assert_int_eq(eng_env_add(a, "CS_TEST", &v, &err), 0);
	ck_assert_int_eq(eng_env_add(a, "CS_NONE", &v, &err), 0);
	ck_assert_int_eq(eng_env_add(a, "A=", &v, &err), 0);
	ck_assert_uint_eq(v.n, 2);
	ck_assert_str_eq(v.v[0], "A=");
	ck_assert_str_eq(v.v[1], "CS_TEST=own");
	ck_assert_int_eq(eng_env_add(a, "=x", &v, &err), -EINVAL);
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_env_add(a, "CS_*", &v, &err), -EINVAL);
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_label_add(a, "l", &v, &err), 0);
	ck_assert_str_eq(v.v[2], "l=");
	ck_assert_int_eq(eng_label_add(a, "", &v, &err), -EINVAL);
	ck_assert_ptr_null(v.v[v.n]);
	cs_arena_free(a);
}
END_TEST

UNIT_MAIN("engine/envfile", test_file, test_options)
