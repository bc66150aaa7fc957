#include "images/staging.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static struct img_staging make(const struct unit_tmp *t)
{
	struct img_staging s = IMG_STAGING_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(img_staging_make(t->fd, &s, &err) == 0, "%s", err.msg);
	return s;
}

START_TEST(private_and_gone)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_staging a = make(&t), b = make(&t);
	struct stat sb;

	ck_assert_str_ne(a.name, b.name);
	ck_assert_int_eq(fstat(a.fd, &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 0700);
	unit_write_str(a.fd, "half", "x");
	img_staging_fini(&a);
	img_staging_fini(&a);
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 1);
	img_staging_fini(&b);
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 0);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(publishes_once)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_staging a = make(&t), b = make(&t);
	struct cs_err err = CS_ERR_INIT;

	unit_write_str(a.fd, "f", "a");
	unit_write_str(b.fd, "f", "b");
	ck_assert_msg(img_staging_publish(&a, "layers/x", &err) == 0, "%s", err.msg);
	ck_assert_int_eq(img_staging_publish(&b, "layers/x", &err), -EEXIST);
	img_staging_fini(&a);
	img_staging_fini(&b);
	ck_assert(unit_has_text(t.fd, "layers/x/f", "a"));
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 0);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(sweeps_what_is_dead)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	struct img_staging live;
	int status = 0;
	pid_t pid;

	ck_assert_int_eq(img_staging_sweep(t.fd, &err), 0); /* no staging/ at all */
	live = make(&t);
	unit_write_str(live.fd, "f", "live");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct img_staging dead = make(&t);

		unit_write_str(dead.fd, "f", "dead");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(symlinkat("/", t.fd, "staging/planted"), 0);
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 3);
	ck_assert_msg(img_staging_sweep(t.fd, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 1);
	ck_assert(unit_has_text(live.fd, "f", "live"));
	img_staging_fini(&live);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(bad_places)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_staging a = make(&t);
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_staging_publish(&a, "x", &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(img_staging_publish(&a, "/x", &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(img_staging_publish(&a, "layers/", &err), -EINVAL);
	img_staging_fini(&a);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("images/staging", private_and_gone, publishes_once, sweeps_what_is_dead, bad_places)
