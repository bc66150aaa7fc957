#ifndef CS_CGROUPS_CONVERT_H
#define CS_CGROUPS_CONVERT_H

#include <stdint.h>

/*
 * From cgroup v1's numbers, in which the spec speaks, to v2's. Pure. The formulas are the ones
 * other runtimes use, so that containers of different runtimes share a host fairly.
 */

/* cpu.shares (2 to 262144, usual 1024) to cpu.weight (1 to 10000, usual 100): with l =
 * log2(shares), 10^((l*l + 125*l) / 612 - 7/34), rounded up; the quadratic that fits minimum, usual
 * value and maximum (runc since 1.3.2, crun since 1.23). Out of range is the nearest end. */
uint64_t cg_convert_shares(uint64_t shares);

/* blkio weight (10 to 1000) to io.weight (1 to 10000), linear. */
uint64_t cg_convert_io_weight(uint64_t weight);

/* The swap part of a v1 limit on memory and swap together. @limit is memory's, -1: unlimited.
 * -EINVAL when the sum is less than its part. */
int cg_convert_swap(int64_t limit, int64_t sum, int64_t *out);

#endif
