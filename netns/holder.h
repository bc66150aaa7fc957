#ifndef CS_NETNS_HOLDER_H
#define CS_NETNS_HOLDER_H

#include <stddef.h>
#include <stdint.h>

/* Who has a port of the host, for an error message. */

/* One line of /proc/net/{tcp,udp}[6]: the socket's local port and inode, and whether it is one that
 * keeps others from the port (TCP: listening). False when it is none. Pure. */
struct net_socket_line {
	uint16_t port;
	uint64_t inode;
	unsigned int state; /* TCP_LISTEN, ... */
};
int net_socket_line_parse(const char *line, struct net_socket_line *out);

/* "NAME (process PID)" of a program with a socket on the port, as far as /proc shows one; else
 * "another program". Writes into @out, returns it. */
const char *net_port_holder(uint8_t proto, uint16_t port, char *out, size_t size);

#endif
