#include "runtime/passwd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static const char text[] = "root:x:0:0:root:/root:/bin/sh\n"
			   "broken line\n"
			   "short:x:7\n"
			   "minus:x:-1:0::/minus:\n"
			   "big:x:4294967296:0::/big:\n"
			   "web:x:33:33:web:/srv/web:/bin/false\n"
			   "twice:x:33:33::/second:\n"
			   "last:x:1000:1000::/srv/last:/bin/sh";

static const char *home_of(uid_t uid)
{
	static char home[64];
	struct ctr_passwd pw;

	if (!ctr_passwd_find(text, strlen(text), uid, &pw))
		return NULL;
	snprintf(home, sizeof(home), "%.*s", (int)pw.home_len, pw.home);
	return home;
}

START_TEST(test_find)
{
	struct ctr_passwd pw;

	ck_assert_str_eq(home_of(0), "/root");
	ck_assert_str_eq(home_of(33), "/srv/web");
	ck_assert_str_eq(home_of(1000), "/srv/last");
	ck_assert_ptr_null(home_of(7));
	ck_assert_ptr_null(home_of(UINT32_MAX));
	ck_assert_int_eq(ctr_passwd_find("", 0, 0, &pw), 0);
}
END_TEST

/* The file is the container's: none, a symlink out of the root, a FIFO nobody writes to. */
START_TEST(test_home_hostile)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char home[64];

	ck_assert_int_eq(ctr_passwd_home(t.fd, 0, home, sizeof(home), &err), 0);
	ck_assert_str_eq(home, "/");
	ck_assert_int_eq(mkdirat(t.fd, "etc", 0755), 0);
	ck_assert_int_eq(mkfifoat(t.fd, "etc/passwd", 0644), 0);
	ck_assert_int_eq(ctr_passwd_home(t.fd, 0, home, sizeof(home), &err), 0);
	ck_assert_str_eq(home, "/");
	ck_assert_int_eq(unlinkat(t.fd, "etc/passwd", 0), 0);
	ck_assert_int_eq(symlinkat("../../../../../../etc/passwd", t.fd, "etc/passwd"), 0);
	ck_assert_int_eq(ctr_passwd_home(t.fd, 0, home, sizeof(home), &err), 0);
	ck_assert_str_eq(home, "/");
	ck_assert_int_eq(unlinkat(t.fd, "etc/passwd", 0), 0);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_home)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char home[64], tiny[4];
	int etc;

	ck_assert_int_eq(mkdirat(t.fd, "etc", 0755), 0);
	etc = openat(t.fd, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(cs_file_replace(etc, "passwd", text, strlen(text), 0644, false, &err), 0);
	ck_assert_int_eq(ctr_passwd_home(t.fd, 33, home, sizeof(home), &err), 0);
	ck_assert_str_eq(home, "/srv/web");
	ck_assert_int_eq(ctr_passwd_home(t.fd, 34, home, sizeof(home), &err), 0);
	ck_assert_str_eq(home, "/");
	ck_assert_int_lt(ctr_passwd_home(t.fd, 33, tiny, sizeof(tiny), &err), 0);
	close(etc);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_owner)
{
	struct cs_err err = CS_ERR_INIT;
	char *name = NULL;

	ck_assert_int_eq(ctr_passwd_owner(0, &name, &err), 0);
	ck_assert_str_eq(name, "root");
	free(name);
	ck_assert_int_eq(ctr_passwd_owner(3999999999, &name, &err), 0);
	ck_assert_str_eq(name, "3999999999");
	free(name);
}
END_TEST

UNIT_MAIN("runtime/passwd", test_find, test_home, test_home_hostile, test_owner)
