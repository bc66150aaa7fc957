#ifndef CS_NETNS_PORTSPEC_H
#define CS_NETNS_PORTSPEC_H

#include <stddef.h>

#include "netns/types.h"

struct cs_err;

/* Published ports as text. Pure. */

enum { NET_PORT_TEXT = 80 }; /* room for a port as text, with its NUL */

/*
 * [[HOSTADDR:][HOSTPORT[-LAST]]:]PORT[-LAST][/tcp|udp|sctp], as the -p option has it; an IPv6
 * address in brackets; 0.0.0.0 is every IPv4 address, [::] every IPv6 one, none is both. Two ranges
 * are of one length. Without a host port @out->host_port is 0: net_ports_choose() finds one.
 */
int net_port_parse(const char *s, struct net_port *out, struct cs_err *err);

/* As net_port_parse() takes it; into @out of NET_PORT_TEXT bytes; returns @out. */
const char *net_port_text(const struct net_port *p, char *out);

/* "tcp", "udp", "sctp"; "?" for others. */
const char *net_proto_name(uint8_t proto);

/* EINVAL, naming them, when two of the @n ports want one port of the host. */
int net_ports_check(const struct net_port *p, size_t n, struct cs_err *err);

#endif
