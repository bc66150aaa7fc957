#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/etcfiles.h"
#include "engine/record.h"
#include "netns/addr.h"
#include "tests/unit/fixture.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LOCAL                                             \
	"127.0.0.1\tlocalhost\n"                          \
	"::1\tlocalhost ip6-localhost ip6-loopback\n"     \
	"fe00::\tip6-localnet\nff00::\tip6-mcastprefix\n" \
	"ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"

static const struct eng_etc_host host = {
	.hosts = "127.0.0.1 localhost\n10.0.0.1 self",
	.resolv = "# mine\nnameserver 127.0.0.1\n nameserver ::1\nnameserver 10.0.0.53\n"
		  "nameserver\t127.1.2.3 x\nnameserver fe80::1%eth0\nsearch a.example b.example\n"
		  "options ndots:2\nnameservers 9.9.9.9\n",
	.hostname = "self",
};
static struct cs_err err;

static struct net_attachment att(void)
{
	struct net_attachment a = { .network = "default" };

	net_prefix_parse("10.88.0.2/16", &a.ip4);
	net_prefix_parse("fd00::2/64", &a.ip6);
	net_addr_parse("10.88.0.1", &a.gateway4);
	return a;
}

typedef int text_fn(const struct eng_record *r, const struct eng_etc_net *v, size_t n,
		    const struct eng_etc_host *h, char **out, struct cs_err *err);

static void is(text_fn *f, const struct eng_record *r, const struct eng_etc_net *v, size_t n,
	       const char *want)
{
	cs_auto_free char *text = NULL;

	err = CS_ERR_INIT;
	ck_assert_msg(f(r, v, n, &host, &text, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(text, want);
}

START_TEST(test_hosts)
{
	static const char *const add[] = { "a:1.2.3.4", "b:[fd00::9]", "c=fd00::8",
					   "gw:host-gateway" };
	static const char *const bad[] = { "a", "a:", "a:b", ":1.2.3.4", "a b:1.2.3.4" };
	const struct net_attachment a = att();
	struct eng_etc_net n = { .att = &a };
	struct eng_record r = ENG_RECORD_INIT;
	char *text = NULL;

	r.id = ID;
	is(eng_etc_hosts, &r, NULL, 0, LOCAL);
	is(eng_etc_hosts, &r, &n, 1, LOCAL "10.88.0.2\t0123456789ab\nfd00::2\t0123456789ab\n");
	r.hostname = "web";
	r.domainname = "example";
	n.members = strdup("10.88.0.3\tother\n");
	r.add_host = (struct eng_strv){ add, 4 };
	is(eng_etc_hosts, &r, &n, 1,
	   LOCAL "1.2.3.4\ta\nfd00::9\tb\nfd00::8\tc\n10.88.0.1\tgw\n"
		 "10.88.0.2\tweb.example web 0123456789ab\nfd00::2\tweb.example web 0123456789ab\n"
		 "10.88.0.3\tother\n");
	eng_etc_net_fini(&n);
	r.network_mode = "host";
	is(eng_etc_hosts, &r, NULL, 0,
	   "127.0.0.1 localhost\n10.0.0.1 self\n1.2.3.4\ta\nfd00::9\tb\nfd00::8\tc\n"
	   "127.0.0.1\tgw\n");
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		r.add_host = (struct eng_strv){ &bad[i], 1 };
		err = CS_ERR_INIT;
		ck_assert_int_eq(eng_etc_hosts(&r, &n, 1, &host, &text, &err), -EINVAL);
	}
}
END_TEST

START_TEST(test_resolv)
{
	static const char *const dns[] = { "9.9.9.9", "2620:fe::fe" };
	static const char *const search[] = { "x.example", "y.example" };
	static const char *const dot[] = { "." };
	static const char *const opt[] = { "ndots:1" };
	static const char *const bad[] = { "a b" };
	const struct net_attachment a = att();
	struct eng_etc_net n = { .att = &a };
	struct eng_record r = ENG_RECORD_INIT;
	char *text = NULL;

	is(eng_etc_resolv, &r, NULL, 0,
	   "nameserver 10.0.0.53\nnameserver fe80::1%eth0\nsearch a.example b.example\n"
	   "options ndots:2\n");
	net_addr_parse("10.88.0.1", &n.dns4);
	is(eng_etc_resolv, &r, &n, 1,
	   "nameserver 10.88.0.1\nsearch a.example b.example\noptions ndots:2\n");
	r.dns = (struct eng_strv){ dns, 2 };
	r.dns_search = (struct eng_strv){ search, 2 };
	r.dns_option = (struct eng_strv){ opt, 1 };
	is(eng_etc_resolv, &r, &n, 1,
	   "nameserver 9.9.9.9\nnameserver 2620:fe::fe\nsearch x.example y.example\n"
	   "options ndots:1\n");
	r.dns_search = (struct eng_strv){ dot, 1 };
	is(eng_etc_resolv, &r, &n, 1,
	   "nameserver 9.9.9.9\nnameserver 2620:fe::fe\noptions ndots:1\n");
	err = CS_ERR_INIT;
	r.dns = (struct eng_strv){ bad, 1 };
	ck_assert_int_eq(eng_etc_resolv(&r, &n, 1, &host, &text, &err), -EINVAL);
	err = CS_ERR_INIT;
	r.dns_search = r.dns;
	ck_assert_int_eq(eng_etc_resolv(&r, &n, 1, &host, &text, &err), -EINVAL);
	r = ENG_RECORD_INIT;
	r.network_mode = "host";
	is(eng_etc_resolv, &r, NULL, 0,
	   "nameserver 127.0.0.1\nnameserver ::1\nnameserver 10.0.0.53\nnameserver 127.1.2.3\n"
	   "nameserver fe80::1%eth0\nsearch a.example b.example\noptions ndots:2\n");
}
END_TEST

/* Written again in place: what was bound somewhere is the new text. */
START_TEST(test_write)
{
	struct unit_tmp t = unit_tmp_init();
	struct eng_record r = ENG_RECORD_INIT;
	struct stat before, after;

	err = CS_ERR_INIT;
	r.id = ID;
	ck_assert_int_eq(eng_etc_write(t.fd, &r, NULL, 0, &err), 0);
	ck_assert(unit_has_text(t.fd, "hostname", "0123456789ab\n"));
	ck_assert(unit_has_text(t.fd, "hosts", LOCAL));
	ck_assert(unit_exists(t.fd, "resolv.conf"));
	ck_assert_int_eq(fstatat(t.fd, "hostname", &before, 0), 0);
	r.hostname = "a";
	ck_assert_int_eq(eng_etc_write(t.fd, &r, NULL, 0, &err), 0);
	ck_assert(unit_has_text(t.fd, "hostname", "a\n"));
	ck_assert_int_eq(fstatat(t.fd, "hostname", &after, 0), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("engine/etcfiles", test_hosts, test_resolv, test_write)
