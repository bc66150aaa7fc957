#include "base/str.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

START_TEST(test_buf)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *s = NULL;

	cs_buf_add(&b, "a");
	cs_buf_addf(&b, "%0200d", 7);
	cs_buf_add_mem(&b, "bc", 1);
	cs_buf_add_mem(&b, "", 0);
	ck_assert_int_eq(cs_buf_ok(&b, &err), 0);
	ck_assert_uint_eq(b.len, 202);
	s = cs_buf_take(&b);
	ck_assert_uint_eq(strlen(s), 202);
	ck_assert_str_eq(s + 200, "7b");
	ck_assert_ptr_null(b.s);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

/* Every length around the points where the memory grows. */
START_TEST(test_buf_grows)
{
	for (size_t step = 1; step < 70; step++) {
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;
		char piece[80], expected[80 * 20 + 1];

		memset(piece, 'p', step);
		piece[step] = '\0';
		for (size_t i = 0; i < 20; i++) {
			if (i % 2)
				cs_buf_addf(&b, "%s", piece);
			else
				cs_buf_add(&b, piece);
		}
		memset(expected, 'p', step * 20);
		expected[step * 20] = '\0';
		ck_assert_str_eq(b.s, expected);
		ck_assert_uint_eq(b.len, step * 20);
	}
}
END_TEST

START_TEST(test_buf_empty)
{
	struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *s = NULL;

	ck_assert_int_eq(cs_buf_ok(&b, &err), 0);
	s = cs_buf_take(&b);
	ck_assert_str_eq(s, "");
	cs_buf_fini(&b);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(test_buf_failure_sticks)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;

	cs_buf_add(&b, "kept");
	cs_buf_add_mem(&b, "x", SIZE_MAX - 2); /* the sum overflows before anything is copied */
	cs_buf_add(&b, "no");
	cs_buf_addf(&b, "%d", 1);
	ck_assert_uint_eq(b.len, 4);
	ck_assert_str_eq(b.s, "kept");
	ck_assert_int_eq(cs_buf_ok(&b, &err), -ENOMEM);
	ck_assert_int_eq(err.code, ENOMEM);
	ck_assert_ptr_null(cs_buf_take(&b));
	ck_assert(!b.failed);
}
END_TEST

START_TEST(test_fmt)
{
	struct cs_err err = CS_ERR_INIT;
	char out[8] = "";

	ck_assert_int_eq(cs_str_fmt(out, sizeof(out), &err, "%s/%d", "abc", 123), 0);
	ck_assert_str_eq(out, "abc/123");
	ck_assert_int_eq(cs_str_fmt(out, sizeof(out), &err, "%s", "12345678"), -ENAMETOOLONG);
	ck_assert_int_eq(err.code, ENAMETOOLONG);
	ck_assert_str_eq(err.msg, "\"1234567...\" is longer than 7 bytes");
}
END_TEST

START_TEST(test_u64)
{
	static const char *const bad[] = { "",	  "-",	 "+1",	"-1",  " 1",	   "1 ",
					   "0x1", "1.0", "1e3", "1\n", "\xd9\xa1", "one" };
	uint64_t v = 7;

	ck_assert_int_eq(cs_str_u64("0", &v), 0);
	ck_assert_uint_eq(v, 0);
	ck_assert_int_eq(cs_str_u64("007", &v), 0);
	ck_assert_uint_eq(v, 7);
	ck_assert_int_eq(cs_str_u64("18446744073709551615", &v), 0);
	ck_assert_uint_eq(v, UINT64_MAX);
	v = 7;
	ck_assert_int_eq(cs_str_u64("18446744073709551616", &v), -ERANGE);
	ck_assert_int_eq(cs_str_u64("99999999999999999999999999", &v), -ERANGE);
	/* Not a number at all is said first. */
	ck_assert_int_eq(cs_str_u64("99999999999999999999999999x", &v), -EINVAL);
	for (size_t i = 0; i < CS_LEN(bad); i++)
		ck_assert_msg(cs_str_u64(bad[i], &v) == -EINVAL, "\"%s\"", bad[i]);
	ck_assert_uint_eq(v, 7);
}
END_TEST

START_TEST(test_i64)
{
	static const char *const bad[] = { "", "-", "--1", "+1", "- 1", "1-", "-0x1" };
	int64_t v = 7;

	ck_assert_int_eq(cs_str_i64("-9223372036854775808", &v), 0);
	ck_assert_int_eq(v, INT64_MIN);
	ck_assert_int_eq(cs_str_i64("9223372036854775807", &v), 0);
	ck_assert_int_eq(v, INT64_MAX);
	ck_assert_int_eq(cs_str_i64("-0", &v), 0);
	ck_assert_int_eq(v, 0);
	v = 7;
	ck_assert_int_eq(cs_str_i64("9223372036854775808", &v), -ERANGE);
	ck_assert_int_eq(cs_str_i64("-9223372036854775809", &v), -ERANGE);
	ck_assert_int_eq(cs_str_i64("-18446744073709551616", &v), -ERANGE);
	for (size_t i = 0; i < CS_LEN(bad); i++)
		ck_assert_msg(cs_str_i64(bad[i], &v) == -EINVAL, "\"%s\"", bad[i]);
	ck_assert_int_eq(v, 7);
}
END_TEST

START_TEST(test_plain)
{
	char s[] = "a\n\x1b\x7f\xc2\x80\xc2\x9f\xc2\xa0\xc2";

	cs_str_plain(s);
	ck_assert_str_eq(s, "a???????\xc2\xa0\xc2");
}
END_TEST

START_TEST(test_compare)
{
	static const char *const list[] = { "ro", "rw" };

	ck_assert(cs_str_starts("mode=0755", "mode="));
	ck_assert(cs_str_starts("x", ""));
	ck_assert(!cs_str_starts("mod", "mode="));
	ck_assert(cs_str_in("rw", list, CS_LEN(list)));
	ck_assert(!cs_str_in("r", list, CS_LEN(list)));
	ck_assert(!cs_str_in("rwx", list, CS_LEN(list)));
	ck_assert(!cs_str_in("rw", list, 0));
}
END_TEST

UNIT_MAIN("base/str", test_buf, test_buf_grows, test_buf_empty, test_buf_failure_sticks, test_fmt,
	  test_u64, test_i64, test_plain, test_compare)
