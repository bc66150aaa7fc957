#ifndef CS_RUNTIME_NS_NETDEV_H
#define CS_RUNTIME_NS_NETDEV_H

#include <stdbool.h>

struct cs_err;
struct ctr_spec;

/* linux.netDevices: moves the named host interfaces into the network namespace @netns_fd, renames
 * them, and sets up again the global addresses they had (config-linux.md, Network Devices;
 * permanent, global-scope ones), up if it was up. Host side, by rtnetlink. Undone on failure. */
int ctr_netdev_move(const struct ctr_spec *spec, int netns_fd, struct cs_err *err);

/* Brings lo up in the calling process's network namespace: for a new one. One ioctl pair. */
int ctr_netdev_lo_up(struct cs_err *err);

#endif
