#include "netns/portspec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "netns/addr.h"

static const struct {
	const char *name;
	uint8_t proto;
} protos[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
};

const char *net_proto_name(uint8_t proto)
{
	for (size_t i = 0; i < CS_LEN(protos); i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return "?";
}

static int parse_proto(const char *s, uint8_t *out)
{
	for (size_t i = 0; i < CS_LEN(protos); i++) {
		if (strcmp(protos[i].name, s) == 0) {
			*out = protos[i].proto;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_number(const char *s, uint16_t *out)
{
	uint64_t v;

	/* No leading zero: some take it for octal. */
	if (s[0] == '0' || cs_str_u64(s, &v) < 0 || v == 0 || v > UINT16_MAX)
		return -EINVAL;
	*out = (uint16_t)v;
	return 0;
}

/* "N" or "N-M"; cuts @s up. */
static int parse_range(char *s, uint16_t *first, uint16_t *count)
{
	char *dash = strchr(s, '-');
	uint16_t a, b;

	if (dash)
		*dash = '\0';
	if (parse_number(s, &a) < 0)
		return -EINVAL;
	b = a;
	if (dash && (parse_number(dash + 1, &b) < 0 || b < a))
		return -EINVAL;
	*first = a;
	*count = (uint16_t)(b - a + 1);
	return 0;
}

/* Cuts a host address with its colon off the front of *@s, if there is one. */
static int parse_host(char **s, struct net_addr *out)
{
	bool v6 = **s == '[';
	char *addr = *s + v6, *end = strchr(addr, v6 ? ']' : ':');

	if (!v6 && (!end || !strchr(end + 1, ':')))
		return 0;
	if (!end || (v6 && end[1] != ':'))
		return -EINVAL;
	*end = '\0';
	*s = end + (v6 ? 2 : 1);
	if (net_addr_parse(addr, out) < 0 || out->family != (v6 ? AF_INET6 : AF_INET))
		return -EINVAL;
	return 0;
}

int net_port_parse(const char *s, struct net_port *out, struct cs_err *err)
{
	struct net_port p = { .proto = IPPROTO_TCP };
	char buf[NET_PORT_TEXT], *rest = buf, *cut;
	uint16_t n = 0;

	if (strlen(s) >= sizeof(buf))
		goto bad;
	memcpy(buf, s, strlen(s) + 1);
	cut = strchr(buf, '/');
	if (cut) {
		*cut = '\0';
		if (parse_proto(cut + 1, &p.proto) < 0)
			return cs_err_set(err, EINVAL,
					  "port \"%s\": the protocol is none of tcp, udp, sctp", s);
	}
	if (parse_host(&rest, &p.host) < 0)
		return cs_err_set(err, EINVAL,
				  "port \"%s\": the host address is none (IPv6 goes in brackets)",
				  s);
	cut = strchr(rest, ':');
	if (cut) {
		*cut = '\0';
		if (rest[0] && parse_range(rest, &p.host_port, &n) < 0)
			goto bad;
		rest = cut + 1;
	}
	if (parse_range(rest, &p.port, &p.count) < 0)
		goto bad;
	if (n && n != p.count)
		return cs_err_set(err, EINVAL, "port \"%s\": the ranges are of %u and %u ports", s,
				  n, p.count);
	*out = p;
	return 0;
bad:
	return cs_err_set(err, EINVAL,
			  "port \"%.80s\" is not of the form "
			  "[[HOSTADDR:][HOSTPORT[-LAST]]:]PORT[-LAST][/PROTOCOL]",
			  s);
}

static void range_text(uint16_t first, uint16_t count, char *out, size_t size)
{
	if (count > 1)
		(void)snprintf(out, size, "%u-%u", first, first + count - 1U);
	else
		(void)snprintf(out, size, "%u", first);
}

const char *net_port_text(const struct net_port *p, char *out)
{
	char host[16] = "", port[16], addr[NET_ADDR_TEXT];
	bool v6 = p->host.family == AF_INET6;

	if (p->host_port)
		range_text(p->host_port, p->count, host, sizeof(host));
	range_text(p->port, p->count, port, sizeof(port));
	(void)snprintf(out, NET_PORT_TEXT, "%s%s%s%s%s%s%s/%s", v6 ? "[" : "",
		       net_addr_text(&p->host, addr), v6 ? "]" : "", p->host.family ? ":" : "",
		       host, host[0] || p->host.family ? ":" : "", port, net_proto_name(p->proto));
	return out;
}

/* Do both take one address of the host? */
static bool share_addr(const struct net_addr *a, const struct net_addr *b)
{
	static const uint8_t zero[sizeof(a->b)];

	if (a->family && b->family && a->family != b->family)
		return false;
	return memcmp(a->b, zero, sizeof(zero)) == 0 || memcmp(b->b, zero, sizeof(zero)) == 0 ||
	       memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int net_ports_check(const struct net_port *p, size_t n, struct cs_err *err)
{
	char ta[NET_PORT_TEXT], tb[NET_PORT_TEXT];

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct net_port *a = &p[i], *b = &p[j];

			if (!a->host_port || !b->host_port || a->proto != b->proto ||
			    a->host_port >= b->host_port + b->count ||
			    b->host_port >= a->host_port + a->count ||
			    !share_addr(&a->host, &b->host))
				continue;
			return cs_err_set(err, EINVAL,
					  "ports %s and %s want the same port of the host",
					  net_port_text(b, tb), net_port_text(a, ta));
		}
	}
	return 0;
}
