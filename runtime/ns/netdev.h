#ifndef CS_RUNTIME_NS_NETDEV_H
#define CS_RUNTIME_NS_NETDEV_H

struct cs_err;
struct ctr_spec;

/* linux.netDevices (config-linux.md, Network Devices): moves the named host interfaces into the
 * network namespace @netns_fd, renames them, sets up again the addresses they had (the permanent
 * ones of global scope, which a move loses), and sets them up. Host side, by rtnetlink(7). An
 * error, and everything put back as it was, if there is no such interface, it is a loopback or
 * cannot be moved, the new name is taken inside (one that ends in "%d" lets the kernel find a free
 * number), or
 * @netns_fd is the runtime's own. */
int ctr_netdev_move(const struct ctr_spec *spec, int netns_fd, struct cs_err *err);

/* Brings lo up in the calling process's network namespace: for a new one. */
int ctr_netdev_lo_up(struct cs_err *err);

#endif
