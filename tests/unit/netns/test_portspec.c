#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "netns/portspec.h"

static void is(const char *given, const char *want)
{
	struct cs_err err = CS_ERR_INIT;
	struct net_port p, again;
	char text[NET_PORT_TEXT];

	ck_assert_msg(net_port_parse(given, &p, &err) == 0, "%s: %s", given, err.msg);
	ck_assert_str_eq(net_port_text(&p, text), want);
	ck_assert_int_eq(net_port_parse(text, &again, &err), 0);
	ck_assert_mem_eq(&p, &again, sizeof(p));
}

static void refused(const char *given, const char *word)
{
	struct net_port p, before;
	struct cs_err err = CS_ERR_INIT;

	memset(&p, 0x5a, sizeof(p));
	before = p;
	ck_assert_int_eq(net_port_parse(given, &p, &err), -EINVAL);
	ck_assert_msg(strstr(err.msg, word), "%s: %s", given, err.msg);
	ck_assert_mem_eq(&p, &before, sizeof(p));
}

START_TEST(test_parse)
{
	is("80", "80/tcp");
	is("8080:80", "8080:80/tcp");
	is("8080:80/udp", "8080:80/udp");
	is(":80/sctp", "80/sctp");
	is("1-65535:1-65535", "1-65535:1-65535/tcp");
	is("9000-9002:80-82", "9000-9002:80-82/tcp");
	is("80-82", "80-82/tcp");
	is("5-5:7", "5:7/tcp");
	is("127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp");
	is("127.0.0.1::80", "127.0.0.1::80/tcp");
	is("0.0.0.0:8080:80", "0.0.0.0:8080:80/tcp");
	is("[::1]:8080:80/udp", "[::1]:8080:80/udp");
	is("[2001:DB8::0:1]::80", "[2001:db8::1]::80/tcp");
	is("[::]:8080-8081:80-81", "[::]:8080-8081:80-81/tcp");
}
END_TEST

START_TEST(test_refused)
{
	static const char *const bad[] = {
		"",	   "/tcp", "0",	   "65536",  "080",	 "-1",	     "1-",	 "2-1",
		"a",	   "80 ",  " 80",  "0:80",   "80:",	 "80:0",     "1:2:",	 "80-",
		"1-65536", "+80",  "0x50", "80:80-", "1.2.3.4:", "8080:80:", "[::1]:80:"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], bad[i]);
	refused("80/", "none of tcp, udp, sctp");
	refused("80/TCP", "none of tcp, udp, sctp");
	refused("80/tcp/udp", "none of tcp, udp, sctp");
	refused("1-2:1-3", "of 2 and 3 ports");
	refused("1-2:1", "of 2 and 1 ports");
	refused("::1:80:80", "IPv6 goes in brackets");
	refused("1.2.3:80:80", "host address");
	refused("[1.2.3.4]:80:80", "host address");
	refused("[::1:80:80", "host address");
	refused("[::1]80:80", "host address");
	refused("localhost:80:80", "host address");
	refused("11111111111111111111111111111111111111111111111111111111111111111111111111111111"
		"11111111111111111111",
		"is not of the form");
}
END_TEST

static int check(const char *a, const char *b)
{
	struct cs_err err = CS_ERR_INIT;
	struct net_port p[2];

	ck_assert_int_eq(net_port_parse(a, &p[0], &err), 0);
	ck_assert_int_eq(net_port_parse(b, &p[1], &err), 0);
	return net_ports_check(p, 2, &err);
}

START_TEST(test_check)
{
	ck_assert_int_eq(check("80:80", "80:80/udp"), 0);
	ck_assert_int_eq(check("80:80", "81:80"), 0);
	ck_assert_int_eq(check("80", "80"), 0);
	ck_assert_int_eq(check("80-89:80-89", "90:90"), 0);
	ck_assert_int_eq(check("80-89:80-89", "89:1"), -EINVAL);
	ck_assert_int_eq(check("127.0.0.1:80:80", "127.0.0.2:80:80"), 0);
	ck_assert_int_eq(check("127.0.0.1:80:80", "127.0.0.1:80:81"), -EINVAL);
	ck_assert_int_eq(check("127.0.0.1:80:80", "80:80"), -EINVAL);
	ck_assert_int_eq(check("127.0.0.1:80:80", "0.0.0.0:80:80"), -EINVAL);
	ck_assert_int_eq(check("127.0.0.1:80:80", "[::]:80:80"), 0);
	ck_assert_int_eq(check("0.0.0.0:80:80", "[::]:80:80"), 0);
	ck_assert_int_eq(check("0.0.0.0:80:80", "80:80"), -EINVAL);
}
END_TEST

UNIT_MAIN("netns/portspec", test_parse, test_refused, test_check)
