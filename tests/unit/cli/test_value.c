#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "cli/value.h"
#include "tests/unit/unit.h"

struct size_case {
	const char *text;
	int64_t want; /* or -errno in ret */
	int ret;
};

/* clang-format off */
static const struct size_case sizes[] = {
	{ "0", 0, 0 },
	{ "1", 1, 0 },
	{ "-1", -1, 0 },
	{ "32", 32, 0 },
	{ "32b", 32, 0 },
	{ "32B", 32, 0 },
	{ "32k", 32 << 10, 0 },
	{ "32K", 32 << 10, 0 },
	{ "32kb", 32 << 10, 0 },
	{ "32KiB", 32 << 10, 0 },
	{ "32 mb", 32 << 20, 0 },
	{ "1.5g", INT64_C(3) << 29, 0 },
	{ "0.5k", 512, 0 },
	{ "0.3k", 307, 0 },
	{ "2t", INT64_C(2) << 40, 0 },
	{ "3P", INT64_C(3) << 50, 0 },
	{ "9223372036854775807", INT64_MAX, 0 },
	{ "9223372036854775808", 0, -ERANGE },
	{ "18446744073709551616", 0, -ERANGE },
	{ "8192p", 0, -ERANGE },
	{ "8191p", INT64_C(8191) << 50, 0 },
	{ "1.00000000000000000001k", 1024, 0 },
	{ "", 0, -EINVAL },
	{ "-2", 0, -EINVAL },
	{ "+2", 0, -EINVAL },
	{ " 2", 0, -EINVAL },
	{ "2  k", 0, -EINVAL },
	{ "2kk", 0, -EINVAL },
	{ "2ib", 0, -EINVAL },
	{ "2x", 0, -EINVAL },
	{ "2.k", 0, -EINVAL },
	{ ".5k", 0, -EINVAL },
	{ "1.5.5k", 0, -EINVAL },
	{ "k", 0, -EINVAL },
	{ "0x10", 0, -EINVAL },
	{ "1e3", 0, -EINVAL },
};

static const struct size_case times[] = {
	{ "0", 0, 0 },
	{ "5s", 5000, 0 },
	{ "1m30s", 90000, 0 },
	{ "1h", 3600000, 0 },
	{ "1.5s", 1500, 0 },
	{ "250ms", 250, 0 },
	{ "1us", 1, 0 },
	{ "1ns", 1, 0 },
	{ "1000001ns", 2, 0 },
	{ "0s", 0, 0 },
	{ "5", 0, -EINVAL },
	{ "", 0, -EINVAL },
	{ "s", 0, -EINVAL },
	{ "5x", 0, -EINVAL },
	{ "-5s", 0, -EINVAL },
	{ "5s ", 0, -EINVAL },
	{ "1s5", 0, -EINVAL },
	{ "2562048h", 0, -ERANGE },
	{ "99999999999999999999h", 0, -ERANGE },
};
/* clang-format on */

START_TEST(test_size)
{
	for (size_t i = 0; i < CS_LEN(sizes); i++) {
		int64_t v = 77;
		int ret = cli_value_size(sizes[i].text, &v);

		ck_assert_msg(ret == sizes[i].ret, "\"%s\" gave %d", sizes[i].text, ret);
		ck_assert_msg(v == (ret ? 77 : sizes[i].want), "\"%s\" is %lld", sizes[i].text,
			      (long long)v);
	}
}
END_TEST

START_TEST(test_time)
{
	for (size_t i = 0; i < CS_LEN(times); i++) {
		int64_t v = 77;
		int ret = cli_value_time_ms(times[i].text, &v);

		ck_assert_msg(ret == times[i].ret, "\"%s\" gave %d", times[i].text, ret);
		ck_assert_msg(v == (ret ? 77 : times[i].want), "\"%s\" is %lld", times[i].text,
			      (long long)v);
	}
}
END_TEST

START_TEST(test_bool)
{
	bool b = false;

	ck_assert_int_eq(cli_value_bool("true", &b), 0);
	ck_assert(b);
	ck_assert_int_eq(cli_value_bool("0", &b), 0);
	ck_assert(!b);
	ck_assert_int_eq(cli_value_bool("T", &b), 0);
	ck_assert(b);
	ck_assert_int_eq(cli_value_bool("FALSE", &b), 0);
	ck_assert(!b);
	ck_assert_int_eq(cli_value_bool("yes", &b), -EINVAL);
	ck_assert_int_eq(cli_value_bool("tRUE", &b), -EINVAL);
	ck_assert_int_eq(cli_value_bool("", &b), -EINVAL);
}
END_TEST

UNIT_MAIN("cli/value", test_size, test_time, test_bool)
