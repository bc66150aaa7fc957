#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

START_TEST(test_set)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_err_set(&err, EINVAL, "mount %s: bad", "/x"), -EINVAL);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_str_eq(err.msg, "mount /x: bad");
	cs_err_clear(&err);
	ck_assert_int_eq(err.code, 0);
	ck_assert_str_eq(err.msg, "");
}
END_TEST

START_TEST(test_sys_text)
{
	struct cs_err err = CS_ERR_INIT;

	errno = ENOENT;
	ck_assert_int_eq(cs_err_sys(&err, "open %s", "/x"), -ENOENT);
	ck_assert_str_eq(err.msg, "open /x: no such file or directory");
}
END_TEST

UNIT_MAIN("base/err", test_set, test_sys_text)
