#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns/holder.h"

START_TEST(test_line)
{
	struct net_socket_line l = { 0 };

	ck_assert_int_eq(
		net_socket_line_parse("   0: 0100007F:1F90 00000000:0000 0A "
				      "00000000:00000000 00:00000000 00000000     0        0 "
				      "4711 1 0000000000000000 100 0 0 10 0",
				      &l),
		0);
	ck_assert_uint_eq(l.port, 8080);
	ck_assert_int_eq(l.addr.family, AF_INET);
	ck_assert_uint_eq(l.addr.b[0], __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 127 : 1);
	ck_assert_uint_eq(l.state, TCP_LISTEN);
	ck_assert_uint_eq(l.inode, 4711);
	ck_assert_int_eq(net_socket_line_parse(
				 "  12: 00000000000000000000000000000000:0035 "
				 "00000000000000000000000000000000:0000 07 00000000:00000000 "
				 "00:00000000 00000000     0        0 18446744073709551615 2 0",
				 &l),
			 0);
	ck_assert_uint_eq(l.port, 53);
	ck_assert_int_eq(l.addr.family, AF_INET6);
	ck_assert_uint_eq(l.inode, UINT64_MAX);
	ck_assert_int_eq(net_socket_line_parse("  sl  local_address rem_address   st", &l),
			 -EINVAL);
	ck_assert_int_eq(net_socket_line_parse("", &l), -EINVAL);
}
END_TEST

START_TEST(test_ourselves)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	char who[64], want[32];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	net_port_holder(IPPROTO_TCP, ntohs(a.sin_port), who, sizeof(who));
	(void)snprintf(want, sizeof(want), "(process %d)", getpid());
	ck_assert_msg(strstr(who, "test_holder") && strstr(who, want), "%s", who);
	close(fd);
	net_port_holder(IPPROTO_TCP, ntohs(a.sin_port), who, sizeof(who));
	ck_assert_str_eq(who, "another program");
	net_port_holder(IPPROTO_SCTP, 1, who, sizeof(who));
	ck_assert_str_eq(who, "another program");
}
END_TEST

static bool is_last(const struct net_addr *a, void *arg)
{
	return a->family == AF_INET && a->b[0] == 127 && a->b[3] <= *(int *)arg;
}

START_TEST(test_spared)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) };
	int fds[2], last = 3;
	socklen_t len = sizeof(a);
	uint16_t port;

	for (int i = 0; i < 2; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(fds[i], 0);
	}
	ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&a, &len), 0);
	a.sin_addr.s_addr = htonl(0x7f000003);
	ck_assert_int_eq(bind(fds[1], (struct sockaddr *)&a, sizeof(a)), 0);
	port = ntohs(a.sin_port);
	ck_assert(net_port_is_spared(IPPROTO_UDP, port, is_last, &last));
	/* one of two is not enough, and none is none */
	last = 2;
	ck_assert(!net_port_is_spared(IPPROTO_UDP, port, is_last, &last));
	close(fds[1]);
	ck_assert(net_port_is_spared(IPPROTO_UDP, port, is_last, &last));
	close(fds[0]);
	ck_assert(!net_port_is_spared(IPPROTO_UDP, port, is_last, &last));
}
END_TEST

UNIT_MAIN("netns/holder", test_line, test_ourselves, test_spared)
