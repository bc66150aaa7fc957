#include "cgroups/convert.h"

#include <errno.h>
#include <math.h>

enum {
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	WEIGHT_MAX = 10000,
	BLKIO_MIN = 10,
	BLKIO_MAX = 1000,
};

uint64_t cg_convert_shares(uint64_t shares)
{
	double l, exponent;

	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	l = log2((double)shares);
	exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
	return (uint64_t)ceil(pow(10, exponent));
}

uint64_t cg_convert_io_weight(uint64_t weight)
{
	if (weight <= BLKIO_MIN)
		return 1;
	if (weight >= BLKIO_MAX)
		return WEIGHT_MAX;
	return 1 + (weight - BLKIO_MIN) * (WEIGHT_MAX - 1) / (BLKIO_MAX - BLKIO_MIN);
}

int cg_convert_swap(int64_t limit, int64_t sum, int64_t *out)
{
	if (sum < 0 || limit < 0)
		*out = sum;
	else if (sum < limit)
		return -EINVAL;
	else
		*out = sum - limit;
	return 0;
}
