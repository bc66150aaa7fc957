#ifndef CS_TESTS_GUEST_BENCH_H
#define CS_TESTS_GUEST_BENCH_H

/* Measures the disk /dev/vda and the network eth0: lines "guest: bench NAME AMOUNT", where the
 * amount is of MB, operations or round trips a second. What the host has at the other end:
 * tests/it/vmpeer.py. Returns 0, or 1. */
int guest_bench(void);

#endif
