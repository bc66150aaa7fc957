#include "netns/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "netns/addr.h"
#include "tests/unit/unit.h"

static const char good[] =
	"{\"name\":\"n\",\"id\":\"ab\",\"mode\":\"nat\",\"bridge\":\"br0\",\"created\":7,"
	"\"mtu\":1400,\"isolate\":true,\"dns\":false,"
	"\"subnets\":[{\"subnet\":\"10.0.0.0/24\",\"gateway\":\"10.0.0.1\","
	"\"first\":\"10.0.0.1\",\"last\":\"10.0.0.255\"},"
	"{\"subnet\":\"fd00::/64\",\"gateway\":\"fd00::1\",\"first\":\"fd00::1\","
	"\"last\":\"fd00::ffff:ffff:ffff:ffff\"}],\"labels\":{\"k\":\"v\"}}";

static char *text_of(void (*write)(const void *, struct cs_jw *), const void *what)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	char *out;

	cs_jw_obj(&w, NULL);
	write(what, &w);
	cs_jw_obj_end(&w);
	ck_assert_int_eq(cs_jw_take(&w, &out, NULL, &err), 0);
	return out;
}

static void write_config(const void *c, struct cs_jw *w)
{
	net_config_write(c, w);
}

static void write_attachment(const void *a, struct cs_jw *w)
{
	net_attachment_write(a, w);
}

START_TEST(test_config)
{
	net_auto_config struct net_config c = { 0 };
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;

	ck_assert_int_eq(net_config_parse(good, strlen(good), &c, &err), 0);
	ck_assert_int_eq(c.mode, NET_MODE_NAT);
	ck_assert(c.isolate && !c.dns);
	ck_assert_uint_eq(c.n_labels, 1);
	text = text_of(write_config, &c);
	ck_assert_str_eq(text, good);
}
END_TEST

/* What is changed in the good one, and that it is refused then. */
START_TEST(test_config_bad)
{
	static const char *const rows[][2] = {
		{ "\"n\"", "\"../n\"" },
		{ "\"n\"", "\"host\"" },
		{ "\"nat\"", "\"bad\"" },
		{ "\"br0\"", "\"a/b\"" },
		{ "1400", "3" },
		{ "\"br0\"", "\"0123456789abcdef\"" },
		{ "10.0.0.0/24", "10.0.0.1/24" },
		{ "10.0.0.0/24", "10.0.0.0/31" },
		{ "\"10.0.0.1\"", "\"10.9.0.1\"" },
		{ "10.0.0.255", "10.0.1.255" },
		{ "fd00::/64", "10.1.0.0/24" },
		{ "\"v\"", "1" },
		{ "\"10.0.0.255\"", "\"10.0.0.0\"" },
		{ "{\"name\"", "[{\"name\"" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct net_config c = { 0 };
		struct cs_err err = CS_ERR_INIT;
		const char *at = strstr(good, rows[i][0]);
		char text[1024];

		ck_assert_ptr_nonnull(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, rows[i][1],
			 at + strlen(rows[i][0]));
		ck_assert_msg(net_config_parse(text, strlen(text), &c, &err) < 0, "%s", text);
		ck_assert_int_gt(err.code, 0);
		ck_assert_ptr_null(c.labels);
	}
}
END_TEST

START_TEST(test_attachment)
{
	static const char text[] =
		"{\"network\":\"n\",\"bridge\":\"br0\",\"owner\":\"o\",\"name\":\"web\","
		"\"ifname\":\"eth0\",\"hostif\":\"cv1\",\"mac\":\"02:00:00:00:00:01\","
		"\"ip4\":\"10.0.0.2/24\",\"ip6\":\"fd00::2/64\",\"gateway4\":\"10.0.0.1\","
		"\"gateway6\":\"fd00::1\",\"mtu\":1500,\"aliases\":[\"a\",\"b\"],"
		"\"ports\":[\"8080:80/tcp\",\"127.0.0.1:53:53/udp\"]}";
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"network\":\"n\",\"bridge\":\"br0\",\"owner\":\"o\",\"ifname\":\"\"}",
		"{\"network\":\"n\",\"bridge\":\"br0\",\"owner\":\"o\",\"ifname\":\"\","
		"\"hostif\":\"cv1\",\"ip4\":\"fd00::2/64\"}",
		"{\"network\":\"n\",\"bridge\":\"br0\",\"owner\":\"o\",\"ifname\":\"\","
		"\"hostif\":\"cv1\",\"ports\":[\"x\"]}",
		"{\"network\":\"n\",\"bridge\":\"br0\",\"owner\":\"o\",\"ifname\":\"\","
		"\"hostif\":\"cv1\",\"aliases\":[1]}",
	};
	net_auto_attachment struct net_attachment a = { 0 };
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *out = NULL;

	ck_assert_int_eq(net_attachment_parse(text, strlen(text), &a, &err), 0);
	ck_assert_uint_eq(a.n_ports, 2);
	ck_assert_uint_eq(a.n_aliases, 2);
	out = text_of(write_attachment, &a);
	ck_assert_str_eq(out, text);
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct net_attachment b = { 0 };

		cs_err_clear(&err);
		ck_assert_msg(net_attachment_parse(bad[i], strlen(bad[i]), &b, &err) < 0, "%s",
			      bad[i]);
	}
}
END_TEST

/* Without names and ports: what is empty does not end the reading. */
START_TEST(test_attachment_short)
{
	static const char text[] = "{\"network\":\"n\",\"bridge\":\"b\",\"owner\":\"o\",\"ifname\":"
				   "\"\",\"hostif\":\"c\","
				   "\"aliases\":[],\"ports\":[\"1:1/tcp\"]}";
	net_auto_attachment struct net_attachment a = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(net_attachment_parse(text, strlen(text), &a, &err), 0);
	ck_assert_uint_eq(a.n_ports, 1);
	ck_assert_ptr_null(a.name);
}
END_TEST

UNIT_MAIN("netns/record", test_config, test_config_bad, test_attachment, test_attachment_short)
