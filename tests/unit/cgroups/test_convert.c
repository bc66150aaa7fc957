#include "tests/unit/unit.h"

#include <errno.h>

#include "cgroups/convert.h"

START_TEST(test_shares)
{
	/* as runc 1.3.2 and crun 1.23 convert them */
	static const uint64_t known[][2] = {
		{ 0, 1 },
		{ 1, 1 },
		{ 2, 1 },
		{ 1024, 100 },
		{ 262144, 10000 },
		{ 262145, 10000 },
		{ UINT64_MAX, 10000 },
		{ 102, 17 },
		{ 512, 59 },
		{ 2048, 174 },
	};
	uint64_t before = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		ck_assert_uint_eq(cg_convert_shares(known[i][0]), known[i][1]);
	for (uint64_t shares = 2; shares <= 262144; shares += 7) {
		uint64_t weight = cg_convert_shares(shares);

		ck_assert_uint_ge(weight, before);
		ck_assert(weight >= 1 && weight <= 10000);
		before = weight;
	}
}
END_TEST

START_TEST(test_io_weight)
{
	ck_assert_uint_eq(cg_convert_io_weight(10), 1);
	ck_assert_uint_eq(cg_convert_io_weight(1000), 10000);
	ck_assert_uint_eq(cg_convert_io_weight(500), 4950);
	ck_assert_uint_eq(cg_convert_io_weight(1), 1);
	ck_assert_uint_eq(cg_convert_io_weight(65535), 10000);
}
END_TEST

START_TEST(test_swap)
{
	int64_t swap = -7;

	ck_assert_int_eq(cg_convert_swap(100, 300, &swap), 0);
	ck_assert_int_eq(swap, 200);
	ck_assert_int_eq(cg_convert_swap(100, 100, &swap), 0);
	ck_assert_int_eq(swap, 0);
	ck_assert_int_eq(cg_convert_swap(100, -1, &swap), 0);
	ck_assert_int_eq(swap, -1);
	ck_assert_int_eq(cg_convert_swap(-1, 300, &swap), 0);
	ck_assert_int_eq(swap, 300);
	ck_assert_int_eq(cg_convert_swap(100, 99, &swap), -EINVAL);
	ck_assert_int_eq(swap, 300);
}
END_TEST

UNIT_MAIN("cgroups/convert", test_shares, test_io_weight, test_swap)
