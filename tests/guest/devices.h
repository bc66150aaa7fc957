#ifndef CS_TESTS_GUEST_DEVICES_H
#define CS_TESTS_GUEST_DEVICES_H

#include <stdint.h>

/* How many steps of random I/O, and how many bytes go through a stream and come back; 0: few. */
void guest_device_sizes(uint32_t new_steps, uint32_t new_stream);

/* Drives one device ("blk", "rng", "pmem", "vsock", "fs", "balloon", "console", "net") by Linux's
 * own driver, moves data and checks it. Prints "guest: NAME: ok", or what is wrong. Returns 0, or
 * 1. What the host has at the other end: tests/it/81-vm-devices.sh. */
int guest_device(const char *name);

/* Gives eth0 its address, 10.99.0.2/24, and brings it up. Returns 0, or 1. */
int guest_device_net_up(void);

#endif
