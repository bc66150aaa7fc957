#include <time.h>

#include "base/cleanup.h"
#include "cli/timetext.h"
#include "tests/unit/unit.h"

static void check(int64_t ns, const char *want)
{
	char got[CLI_TIME_TEXT];

	cli_time_text(ns, got);
	ck_assert_str_eq(got, want);
}

START_TEST(test_known)
{
	check(0, "1970-01-01T00:00:00Z");
	check(1, "1970-01-01T00:00:00.000000001Z");
	check(-1, "1969-12-31T23:59:59.999999999Z");
	check(INT64_C(1000000000) * 951782400, "2000-02-29T00:00:00Z");
	check(INT64_C(1767225599) * 1000000000 + 60000000, "2025-12-31T23:59:59.06Z");
	check(INT64_C(4107542399) * 1000000000, "2100-02-28T23:59:59Z");
	check(INT64_C(4107542400) * 1000000000, "2100-03-01T00:00:00Z");
	check(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
	check(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
}
END_TEST

/* Every day of the range against the C library. */
START_TEST(test_days)
{
	for (int64_t day = -106751; day <= 106751; day++) {
		time_t t = (time_t)(day * 86400 + 45296);
		char want[CLI_TIME_TEXT];
		struct tm tm;

		ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
		ck_assert_uint_gt(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
		check((int64_t)t * 1000000000, want);
	}
}
END_TEST

UNIT_MAIN("cli/timetext", test_known, test_days)
