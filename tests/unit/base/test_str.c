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
	char *s;

	cs_buf_add(&b, "a");
	cs_buf_addf(&b, "%0200d", 7);
	cs_buf_add_mem(&b, "bc", 1);
	ck_assert_int_eq(cs_buf_ok(&b, &err), 0);
	ck_assert_uint_eq(b.len, 202);
	s = cs_buf_take(&b);
	ck_assert_uint_eq(strlen(s), 202);
	ck_assert_str_eq(s + 200, "7b");
	free(s);
}
END_TEST

UNIT_MAIN("base/str", test_buf)
