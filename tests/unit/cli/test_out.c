#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/out.h"
#include "tests/unit/unit.h"

static const char *const head[] = { "ID", "A LONG HEADLINE", "LAST" };

static void add_row(struct cli_table *t, const char *a, const char *b, const char *c)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cli_table_add(t, a, &err), 0);
	ck_assert_int_eq(cli_table_add(t, b, &err), 0);
	ck_assert_int_eq(cli_table_add(t, c, &err), 0);
}

START_TEST(test_table)
{
	cli_auto_table struct cli_table t = { .head = head, .n_cols = CS_LEN(head) };
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cli_table_format(&t, &b);
	ck_assert_str_eq(b.s, "ID          A LONG HEADLINE   LAST\n");
	cs_buf_fini(&b);
	add_row(&t, "short", "1", "x");
	add_row(&t, "not-so-short", "", "a long last cell");
	cli_table_format(&t, &b);
	ck_assert_str_eq(b.s, "ID             A LONG HEADLINE   LAST\n"
			      "short          1                 x\n"
			      "not-so-short                     a long last cell\n");
}
END_TEST

START_TEST(test_failed_buffer)
{
	struct cs_buf b = { .failed = true };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cli_out(&b, &err), -ENOMEM);
}
END_TEST

UNIT_MAIN("cli/out", test_table, test_failed_buffer)
