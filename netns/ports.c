#include "netns/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/addr.h"
#include "netns/firewall.h"
#include "netns/fw_int.h"
#include "netns/fw_rules.h"
#include "netns/holder.h"
#include "netns/nft.h"
#include "netns/nl.h"
#include "netns/portspec.h"

/* How often a free port, or a row of them, is looked for. */
enum { TRIES = 200 };
enum { NAMES_PORT = 53 };

union any_addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_addr(union any_addr *a, int family, const struct net_addr *host,
			   uint16_t port)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&a->v4.sin_addr, host->b, sizeof(a->v4.sin_addr));
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	memcpy(&a->v6.sin6_addr, host->b, sizeof(a->v6.sin6_addr));
	a->v6.sin6_port = htons(port);
	return sizeof(a->v6);
}

static int open_socket(int family, uint8_t proto, bool v6_only)
{
	int type = proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, off = v6_only;
	int fd = socket(family, type | SOCK_CLOEXEC, proto);

	if (fd < 0)
		return -errno;
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) {
		int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

/*
 * A socket bound to the port, or -errno. Every address of both families is one socket of IPv6's. In
 * TIME_WAIT a closed connection still keeps the port, which SO_REUSEADDR passes over; a program
 * that listens it does not.
 */
static int bind_port(const struct net_addr *host, uint8_t proto, uint16_t port)
{
	int family = host->family ? host->family : AF_INET6, one = 1, code;
	cs_auto_fd int fd = open_socket(family, proto, host->family == AF_INET6);
	union any_addr a;
	socklen_t len;

	if (fd == -EAFNOSUPPORT && !host->family) {
		family = AF_INET;
		fd = open_socket(family, proto, false);
	}
	if (fd < 0)
		return fd;
	len = make_addr(&a, family, host, port);
	if (bind(fd, &a.sa, len) == 0)
		return cs_take_fd(&fd);
	code = errno;
	if (code != EADDRINUSE || proto == IPPROTO_UDP)
		return -code;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, &a.sa, len) < 0)
		return -code;
	return cs_take_fd(&fd);
}

static bool no_such_socket(int code)
{
	return code == EPROTONOSUPPORT || code == ESOCKTNOSUPPORT || code == EAFNOSUPPORT;
}

static int take_elem(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	(void)e;
	(void)arg;
	(void)err;
	return 0;
}

struct firewall {
	struct net_nl *nl;
	const char *table;
};

/* A gateway's address, whose port 53 the firewall does not redirect, or a link-local one, which it
 * never does. */
static bool firewall_spares(const struct net_addr *a, void *arg)
{
	const struct firewall *f = arg;
	const struct net_nft_elem key = { .key = a->b, .key_len = net_addr_size(a->family) };
	struct cs_err ignored = CS_ERR_INIT;

	if (a->family == AF_INET6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80)
		return true;
	return net_nft_elem_get(f->nl, f->table, a->family == AF_INET ? FW_GW4 : FW_GW6, &key,
				take_elem, NULL, &ignored) > 0;
}

/* Has nobody the port but our own name servers? They keep it beside one published on all. */
static bool is_name_servers(const struct net_fw *fw, const struct net_port *p, uint16_t port)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	struct firewall f = { &nl, fw->table };
	struct cs_err ignored = CS_ERR_INIT;

	return port == NAMES_PORT && !p->host.family &&
	       net_nl_open(&nl, NETLINK_NETFILTER, &ignored) == 0 &&
	       net_port_is_spared(p->proto, port, firewall_spares, &f);
}

/* Binds port @i of @p; the fd, or -ENOPROTOOPT without a message where it cannot be bound and yet
 * nobody has it: the kernel has no such sockets, or they are our name servers'. */
static int take_port(const struct net_fw *fw, const struct net_port *p, uint16_t i,
		     struct cs_err *err)
{
	uint16_t port = (uint16_t)(p->host_port + i);
	int fd = bind_port(&p->host, p->proto, port);
	char who[128], addr[NET_ADDR_TEXT];

	if (fd >= 0)
		return fd;
	if (no_such_socket(-fd) || (fd == -EADDRINUSE && is_name_servers(fw, p, port)))
		return -ENOPROTOOPT;
	if (fd == -EADDRINUSE)
		return cs_err_set(err, EADDRINUSE, "port %u/%s is in use by %s", port,
				  net_proto_name(p->proto),
				  net_port_holder(p->proto, port, who, sizeof(who)));
	if (fd == -EADDRNOTAVAIL)
		return cs_err_set(err, EADDRNOTAVAIL, "publish on %s: the host has no such address",
				  net_addr_text(&p->host, addr));
	return cs_err_errno(err, -fd, "try port %u/%s", port, net_proto_name(p->proto));
}

static int try_ports(const struct net_fw *fw, const struct net_port *p, struct cs_err *err)
{
	for (uint16_t i = 0; i < p->count; i++) {
		int fd = take_port(fw, p, i, err);

		if (fd >= 0)
			close(fd);
		else if (fd != -ENOPROTOOPT)
			return fd;
	}
	return 0;
}

/* A port the kernel finds free; where it has no such sockets, one that is free for UDP. */
static int ask_kernel(const struct net_port *p, uint16_t *port, struct cs_err *err)
{
	cs_auto_fd int fd = bind_port(&p->host, p->proto, 0);
	union any_addr a = { 0 };
	socklen_t len = sizeof(a);

	if (fd < 0 && no_such_socket(-fd))
		fd = bind_port(&p->host, IPPROTO_UDP, 0);
	if (fd < 0)
		return cs_err_errno(err, -fd, "find a free port for %s", net_proto_name(p->proto));
	if (getsockname(fd, &a.sa, &len) < 0)
		return cs_err_sys(err, "find a free port for %s", net_proto_name(p->proto));
	*port = ntohs(a.sa.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	return 0;
}

/* Among the ports themselves, too: nothing is held between two looks. */
static int choose_one(const struct net_fw *fw, struct net_port *p, size_t i, struct cs_err *err)
{
	struct net_port *one = &p[i], try = *one;

	for (int n = 0; n < TRIES; n++) {
		struct cs_err why = CS_ERR_INIT;
		int ret;

		if (ask_kernel(one, &try.host_port, err) < 0)
			return -err->code;
		if (try.host_port > UINT16_MAX - (one->count - 1))
			continue;
		one->host_port = try.host_port;
		ret = net_ports_check(p, i + 1, &why);
		if (ret == 0 && try_ports(fw, &try, &why) == 0) {
			ret = net_fw_is_published(fw, &try, err);
			if (ret == 0)
				return 0;
		}
		one->host_port = 0;
		if (err->code)
			return -err->code;
	}
	return cs_err_set(err, EADDRINUSE, "no %u free ports in a row for %s", one->count,
			  net_proto_name(one->proto));
}

int net_ports_choose(const struct net_fw *fw, struct net_port *p, size_t n, struct cs_err *err)
{
	if (net_ports_check(p, n, err) < 0)
		return -err->code;
	for (size_t i = 0; i < n; i++)
		if (p[i].host_port && try_ports(fw, &p[i], err) < 0)
			return -err->code;
	for (size_t i = 0; i < n; i++)
		if (!p[i].host_port && choose_one(fw, p, i, err) < 0)
			return -err->code;
	return 0;
}
