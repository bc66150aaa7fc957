#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/stamp.h"
#include "tests/unit/unit.h"

static void check_put(int64_t ns, const char *want)
{
	char got[ENG_STAMP_LEN + 1];
	int64_t back = 0;

	eng_stamp_put(ns, got);
	ck_assert_str_eq(got, want);
	ck_assert_int_eq(eng_stamp_parse(got, strlen(got), &back), 0);
	ck_assert_int_eq(back, ns);
}

START_TEST(test_put)
{
	check_put(0, "1970-01-01T00:00:00.000000000Z");
	check_put(1, "1970-01-01T00:00:00.000000001Z");
	check_put(-1, "1969-12-31T23:59:59.999999999Z");
	check_put(INT64_C(1767225599) * 1000000000 + 60000000, "2025-12-31T23:59:59.060000000Z");
	check_put(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
}
END_TEST

START_TEST(test_parse)
{
	static const struct {
		const char *s;
		int64_t ns;
	} good[] = {
		{ "1970-01-01T00:00:01Z", 1000000000 },
		{ "1970-01-01T00:00:01.5Z", 1500000000 },
		{ "1970-01-01 01:00:01+01:00", 1000000000 },
		{ "1969-12-31T23:30:01-00:30", 1000000000 },
		{ "1970-01-01T00:00:00.1234567891Z", 123456789 },
		{ "2000-02-29T00:00:00Z", INT64_C(951782400) * 1000000000 },
	};
	static const char *const bad[] = {
		"",
		"2026",
		"2026-01-02",
		"2026-01-02T03:04Z",
		"2026-13-02T03:04:05Z",
		"2026-02-29T03:04:05Z",
		"2026-01-02T24:04:05Z",
		"2026-01-02T03:04:05",
		"2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05Zx",
		"2026-01-02T03:04:05+1:00",
		"9999-01-02T03:04:05Z",
	};
	int64_t ns = 7;

	for (size_t i = 0; i < CS_LEN(good); i++) {
		ck_assert_int_eq(eng_stamp_parse(good[i].s, strlen(good[i].s), &ns), 0);
		ck_assert_int_eq(ns, good[i].ns);
	}
	ns = 7;
	for (size_t i = 0; i < CS_LEN(bad); i++)
		ck_assert_msg(eng_stamp_parse(bad[i], strlen(bad[i]), &ns) == -EINVAL, "%s",
			      bad[i]);
	ck_assert_int_eq(ns, 7);
}
END_TEST

START_TEST(test_when)
{
	static const int64_t now = INT64_C(1700000000) * 1000000000;
	static const struct {
		const char *s;
		int64_t ns;
	} good[] = {
		{ "1700000000", INT64_C(1700000000) * 1000000000 },
		{ "1700000000.25", INT64_C(1700000000) * 1000000000 + 250000000 },
		{ "0", 0 },
		{ "10m", INT64_C(1699999400) * 1000000000 },
		{ "1h30m", INT64_C(1699994600) * 1000000000 },
		{ "1.5h", INT64_C(1699994600) * 1000000000 },
		{ "2d", INT64_C(1699827200) * 1000000000 },
		{ "250ms", INT64_C(1700000000) * 1000000000 - 250000000 },
		{ "1970-01-02", INT64_C(86400) * 1000000000 },
		{ "1970-01-02T00:01", INT64_C(86460) * 1000000000 },
		{ "1970-01-02T00:00:01", INT64_C(86401) * 1000000000 },
		{ "1970-01-02T00:00:01Z", INT64_C(86401) * 1000000000 },
	};
	static const char *const bad[] = { "",	 "x",	"10y", "m",   "-5",
					   "1.", "1h2", "1e3", "5 m", "99999999999999999999" };
	int64_t ns = 0;

	for (size_t i = 0; i < CS_LEN(good); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_msg(eng_when_parse(good[i].s, now, &ns, &err) == 0, "%s", err.msg);
		ck_assert_msg(ns == good[i].ns, "%s", good[i].s);
	}
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_msg(eng_when_parse(bad[i], now, &ns, &err) == -EINVAL, "%s", bad[i]);
	}
}
END_TEST

UNIT_MAIN("engine/stamp", test_put, test_parse, test_when)
