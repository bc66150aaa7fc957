#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "netns/holder.h"
#include "netns/portspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A published port, and a line of /proc/net/tcp. What is taken is written as it is read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	struct net_socket_line line;
	struct net_port p = { 0 }, again = { 0 };
	char text[NET_PORT_TEXT], second[NET_PORT_TEXT], *s = malloc(size + 1);

	if (!s)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	(void)net_socket_line_parse(s, &line);
	if (net_port_parse(s, &p, &err) == 0) {
		if (net_port_parse(net_port_text(&p, text), &again, &err) < 0 ||
		    strcmp(text, net_port_text(&again, second)) != 0)
			__builtin_trap();
		(void)net_ports_check((struct net_port[]){ p, again }, 2, &err);
	}
	free(s);
	return 0;
}
