#include "images/base64.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "tests/unit/unit.h"

START_TEST(test_rfc)
{
	/* RFC 4648, section 10 */
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "ab", "YWI=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfb", "//77" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		cs_auto_buf struct cs_buf to = CS_BUF_INIT, from = CS_BUF_INIT;

		img_base64_put(&to, rows[i][0], strlen(rows[i][0]));
		ck_assert_str_eq(to.s ? to.s : "", rows[i][1]);
		ck_assert_int_eq(img_base64_get(&from, rows[i][1]), 0);
		ck_assert_str_eq(from.s ? from.s : "", rows[i][0]);
	}
}
END_TEST

START_TEST(test_odd)
{
	static const char *const bad[] = { "Z", "Zg===", "Zg=v", "Z g=", "Zg\n", "Zm9vY", "====" };
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t i = 0; i < CS_LEN(bad); i++)
		ck_assert_msg(img_base64_get(&b, bad[i]) == -EINVAL, "%s", bad[i]);
	cs_buf_fini(&b);
	b = CS_BUF_INIT;
	ck_assert_int_eq(img_base64_get(&b, "Zg"), 0);
	ck_assert_str_eq(b.s, "f");
}
END_TEST

UNIT_MAIN("images/base64", test_rfc, test_odd)
