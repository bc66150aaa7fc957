#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/user.h"
#include "tests/unit/fixture.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "broken\n"
			     "www:x:33:33:www:/var/www:/bin/false\n"
			     "big:x:99999999999:1:::\n"
			     "42:x:7:8::relative:\n"
			     "last:x:65534:100::/srv/last:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "adm:x:4:www,last\n"
			    "100:x:5:\n"
			    "video:x:44:www\n"
			    "www:x:33:www\n"
			    "bad:x:4294967295:www\n";

static struct cs_err err;

static int find(const char *user, const char *const *add, struct eng_user *u)
{
	const struct eng_user_files f = { passwd, group, sizeof(passwd) - 1, sizeof(group) - 1 };
	struct eng_strv v = { add, 0 };

	while (add && add[v.n])
		v.n++;
	err = CS_ERR_INIT;
	return eng_user_resolve(&f, user, &v, u, &err);
}

/* "uid gid home groups" */
static void check(const char *user, const char *const *add, const char *want)
{
	eng_auto_user struct eng_user u = ENG_USER_INIT;
	char got[256];
	int n;

	ck_assert_msg(find(user, add, &u) == 0, "%s: %s", user, err.msg);
	n = snprintf(got, sizeof(got), "%u %u %s", u.uid, u.gid, u.home);
	for (size_t i = 0; i < u.n_groups; i++)
		n += snprintf(got + n, sizeof(got) - (size_t)n, " %u", u.groups[i]);
	ck_assert_str_eq(got, want);
}

START_TEST(test_found)
{
	static const char *const more[] = { "video", "777", "adm", "0", NULL };

	check("", NULL, "0 0 /root");
	check(NULL, NULL, "0 0 /root");
	check("www", NULL, "33 33 /var/www 4 44");
	check("33", NULL, "33 33 /var/www 4 44");
	check("www:adm", NULL, "33 4 /var/www");
	check("www:100", NULL, "33 5 /var/www");
	check("www:101", NULL, "33 101 /var/www");
	check("1234", NULL, "1234 0 /");
	check("1234:5678", NULL, "1234 5678 /");
	check("last", NULL, "65534 100 /srv/last 4");
	/* a name before a number */
	check("42", NULL, "7 8 /");
	check(":adm", NULL, "0 4 /root");
	check("root", more, "0 0 /root 4 44 777");
}
END_TEST

START_TEST(test_missing)
{
	static const char *const no[] = { "nogroup", NULL };
	struct eng_user u = ENG_USER_INIT;

	ck_assert_int_eq(find("nobody", NULL, &u), -ENOENT);
	ck_assert(strstr(err.msg, "/etc/passwd"));
	ck_assert_int_eq(find("www:nobody", NULL, &u), -ENOENT);
	ck_assert(strstr(err.msg, "/etc/group"));
	ck_assert_int_eq(find("root", no, &u), -ENOENT);
	ck_assert_int_eq(find("4294967295", NULL, &u), -ENOENT);
	ck_assert_int_eq(find("-1", NULL, &u), -ENOENT);
	ck_assert_int_eq(find("big", NULL, &u), -ENOENT);
	ck_assert_ptr_null(u.home);
}
END_TEST

/* Files that a container made to be in the way. */
START_TEST(test_hostile)
{
	struct unit_tmp t = unit_tmp_init();
	int root = t.fd;
	eng_auto_user struct eng_user u = ENG_USER_INIT;

	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_user_find(root, "7:8", NULL, &u, &err), 0);
	ck_assert_uint_eq(u.uid, 7);
	eng_user_fini(&u);
	ck_assert_int_eq(mkdirat(root, "etc", 0755), 0);
	ck_assert_int_eq(mkfifoat(root, "etc/passwd", 0644), 0);
	ck_assert_int_eq(symlinkat("/etc/group", root, "etc/group"), 0);
	ck_assert_int_eq(eng_user_find(root, "root", NULL, &u, &err), -ENOENT);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("engine/user", test_found, test_missing, test_hostile)
