#ifndef CS_NETNS_HOLDER_H
#define CS_NETNS_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netns/types.h"

/* Who has a port of the host. */

/* One line of /proc/net/{tcp,udp}[6]: the socket's local port and inode, and whether it is one that
 * keeps others from the port (TCP: listening). False when it is none. Pure. */
struct net_socket_line {
	struct net_addr addr; /* of the family that the length of its text says */
	uint16_t port;
	uint64_t inode;
	unsigned int state; /* TCP_LISTEN, ... */
};
int net_socket_line_parse(const char *line, struct net_socket_line *out);

/* Says @spare of the address of each socket that keeps others from the port? False when there is
 * none, or /proc does not tell. */
typedef bool (*net_spare_fn)(const struct net_addr *a, void *arg);
bool net_port_is_spared(uint8_t proto, uint16_t port, net_spare_fn spare, void *arg);

/* "NAME (process PID)" of a program with a socket on the port, as far as /proc shows one; else
 * "another program". Writes into @out, returns it. */
const char *net_port_holder(uint8_t proto, uint16_t port, char *out, size_t size);

#endif
