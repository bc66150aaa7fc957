#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/pscols.h"
#include "tests/unit/unit.h"

static const pid_t pids[] = { 7, 42 };

static void check(const char *in, const char *want)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cli_pscols_filter(in, pids, CS_LEN(pids), &b, &err), 0);
	ck_assert_str_eq(b.s, want);
}

START_TEST(test_filter)
{
	check("UID   PID  PPID CMD\n"
	      "root    1     0 init\n"
	      "root    7     1 sleep 42\n"
	      "root   42     7 sh -c 7\n"
	      "root  421     7 x\n"
	      "root    4    42 y\n",
	      "UID   PID  PPID CMD\n"
	      "root    7     1 sleep 42\n"
	      "root   42     7 sh -c 7\n");
	/* PID as first column, without a line end, with tabs */
	check("PID\tTTY\n7\t?\n8\t?", "PID\tTTY\n7\t?\n");
	check("  PID TTY\n   42 ?", "  PID TTY\n   42 ?\n");
	/* lines too short or with no number there are left out */
	check("A PID\nx\n\nx y\nx 7z\nx -7\nx 00000000000000000042\nx 4294967303\n", "A PID\n");
	check("PID\n", "PID\n");
}
END_TEST

START_TEST(test_no_column)
{
	static const char *const bad[] = { "", "\n", "UID PPID\n7 7\n", "UID PIDS\n", "x\nPID\n" };

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(cli_pscols_filter(bad[i], pids, CS_LEN(pids), &b, &err), -EINVAL);
		ck_assert_str_eq(err.msg, "output of ps has no column PID");
	}
}
END_TEST

UNIT_MAIN("cli/pscols", test_filter, test_no_column)
