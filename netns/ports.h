#ifndef CS_NETNS_PORTS_H
#define CS_NETNS_PORTS_H

#include <stdbool.h>
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
 * is held: what binds a published port later gets only packets to addresses that
 * it is not published on. To hold ports for as long as the workload lives: net_ports_hold().
 */
int net_ports_choose(const struct net_fw *fw, struct net_port *p, size_t n, struct cs_err *err);

/*
 * Binds sockets to every port of @p, so that no other program can for as long as they are open: for
 * a process that lives as long as the workload. They never listen, accept or receive. *@fds (the
 * caller closes each and frees the array) are *@n_fds; fewer than ports where the kernel has no
 * sockets of a protocol.
 */
int net_ports_hold(const struct net_fw *fw, const struct net_port *p, size_t n, int **fds,
		   size_t *n_fds, struct cs_err *err);

#endif
