#ifndef CS_NETNS_PORTS_H
#define CS_NETNS_PORTS_H

#include <stddef.h>

#include "netns/types.h"

struct cs_err;
struct net_fw;

/* Ports of the host, in the caller's network namespace. */

/*
 * Gives every port without a host port a free one of the kernel's ephemeral range (neither bound
 * nor published), and tries each of the others: EADDRINUSE, with the program that has it where
 * /proc tells, EADDRNOTAVAIL when the host has no such address. To be called before the record is
 * written. Port 53 of our name servers is nobody's, for the firewall does not redirect it. Nothing
 * is held: two may be given the same one at a time, and net_fw_publish() then tells the second
 * (EEXIST), who chooses again; what binds a published port later gets only packets to addresses
 * that it is not published on.
 */
int net_ports_choose(const struct net_fw *fw, struct net_port *p, size_t n, struct cs_err *err);

#endif
