#include "engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/record.h"
#include "engine/status.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

/* Containers on disk: found by name, id and the beginning of one; a name is one container's. */

static struct unit_tmp tmp;

static struct eng opened(void)
{
	struct cs_err err = CS_ERR_INIT;
	struct eng e = ENG_INIT;

	tmp = unit_tmp_init();
	ck_assert_msg(eng_open(&e, tmp.path, tmp.path, &err) == 0, "%s", err.msg);
	return e;
}

static int add(const struct eng *e, const char *id, const char *name, struct cs_err *err)
{
	struct eng_record r = ENG_RECORD_INIT;

	r.id = id;
	r.name = name;
	return eng_store_add(e, &r, err);
}

#define A "a123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "a199996789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(found)
{
	eng_auto struct eng e = opened();
	eng_auto_ids struct eng_ids ids = { 0 };
	struct cs_err err = CS_ERR_INIT;
	char id[ENG_ID_LEN + 1];

	ck_assert_int_eq(add(&e, A, "web", &err), 0);
	ck_assert_int_eq(add(&e, B, "db", &err), 0);
	ck_assert_int_eq(eng_find(&e, "web", id, &err), 0);
	ck_assert_str_eq(id, A);
	ck_assert_int_eq(eng_find(&e, "a12", id, &err), 0);
	ck_assert_str_eq(id, A);
	ck_assert_int_eq(eng_find(&e, B, id, &err), 0);
	ck_assert_int_eq(eng_find(&e, "a1", id, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(eng_find(&e, "b", id, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(eng_find(&e, "../web", id, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(eng_list(&e, &ids, &err), 0);
	ck_assert_uint_eq(ids.n, 2);
	unit_tmp_fini(&tmp);
}
END_TEST

START_TEST(one_name)
{
	eng_auto struct eng e = opened();
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct cs_err err = CS_ERR_INIT;
	char id[ENG_ID_LEN + 1];

	ck_assert_int_eq(add(&e, A, "web", &err), 0);
	ck_assert_int_eq(add(&e, B, "web", &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, "a12345678"));
	cs_err_clear(&err);
	/* nothing of the second is left */
	ck_assert_int_eq(eng_find(&e, B, id, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(eng_record_load(&e, A, &r, &err), 0);
	ck_assert_int_eq(eng_store_rename(&e, &r, "site", &err), 0);
	ck_assert_int_eq(eng_find(&e, "web", id, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(add(&e, B, "web", &err), 0);
	ck_assert_int_eq(eng_store_drop(&e, A, &r, &err), 0);
	ck_assert_int_eq(eng_find(&e, "site", id, &err), -ENOENT);
	unit_tmp_fini(&tmp);
}
END_TEST

/* A name whose holder never got a record was left by a killed command. */
START_TEST(taken_over)
{
	eng_auto struct eng e = opened();
	struct cs_err err = CS_ERR_INIT;
	char id[ENG_ID_LEN + 1];

	ck_assert(mkdirat(e.containers, ".names", 0700) == 0 || errno == EEXIST);
	ck_assert_int_eq(symlinkat(A, e.containers, ".names/web"), 0);
	ck_assert_int_eq(mkdirat(e.containers, A, 0700), 0);
	ck_assert_int_eq(add(&e, B, "web", &err), 0);
	ck_assert_int_eq(eng_find(&e, "web", id, &err), 0);
	ck_assert_str_eq(id, B);
	unit_tmp_fini(&tmp);
}
END_TEST

/* A rename that was killed when the record said both names and only then had one of them, or both:
 * its name can be taken, and goes with the container. */
START_TEST(half_renamed)
{
	eng_auto struct eng e = opened();
	eng_auto_record struct eng_record r = ENG_RECORD_INIT, again = ENG_RECORD_INIT;
	struct cs_err err = CS_ERR_INIT;
	char id[ENG_ID_LEN + 1];

	ck_assert_int_eq(add(&e, A, "web", &err), 0);
	ck_assert_int_eq(eng_record_load(&e, A, &r, &err), 0);
	ck_assert_int_eq(eng_store_rename(&e, &r, "web", &err), 0);
	r.other_name = "site";
	ck_assert_int_eq(eng_store_save(&e, &r, &err), 0);
	ck_assert_int_eq(symlinkat(A, e.containers, ".names/site"), 0);
	ck_assert_int_eq(add(&e, B, "web", &err), -EEXIST);
	cs_err_clear(&err);
	ck_assert_int_eq(eng_record_load(&e, A, &again, &err), 0);
	ck_assert_str_eq(again.other_name, "site");
	ck_assert_int_eq(add(&e, B, "site", &err), 0);
	ck_assert_int_eq(eng_find(&e, "site", id, &err), 0);
	ck_assert_str_eq(id, B);
	/* it is another's by now */
	ck_assert_int_eq(eng_store_drop(&e, A, &again, &err), 0);
	ck_assert_int_eq(eng_find(&e, "site", id, &err), 0);
	ck_assert_int_eq(eng_find(&e, "web", id, &err), -ENOENT);
	unit_tmp_fini(&tmp);
}
END_TEST

START_TEST(status)
{
	eng_auto struct eng e = opened();
	struct eng_status st = ENG_STATUS_INIT, back;
	struct cs_err err = CS_ERR_INIT;
	int live;

	ck_assert_int_eq(add(&e, A, "web", &err), 0);
	ck_assert_int_eq(eng_status_load(&e, A, &back, &err), 0);
	ck_assert_int_eq(back.state, ENG_CREATED);
	st.state = ENG_RUNNING;
	st.pid = 7;
	st.exit_code = 137;
	live = eng_live_take(&e, A, &err);
	ck_assert_int_ge(live, 0);
	ck_assert_int_eq(eng_status_save(&e, A, &st, &err), 0);
	/* a lock of our own fd is seen as another's: by open file description */
	ck_assert_int_eq(eng_status_load(&e, A, &back, &err), 0);
	ck_assert_int_eq(back.state, ENG_RUNNING);
	ck_assert_int_eq(back.pid, 7);
	ck_assert_int_eq(eng_live_take(&e, A, &err), -EBUSY);
	cs_err_clear(&err);
	close(live);
	ck_assert_int_eq(eng_status_load(&e, A, &back, &err), 0);
	ck_assert_int_eq(back.state, ENG_DEAD);
	ck_assert_int_eq(back.exit_code, 137);
	ck_assert_int_eq(eng_live_wait(&e, A, 0, &err), 1);
	unit_tmp_fini(&tmp);
}
END_TEST

/* The lock outlives its file: who ends takes that away, and the next start makes another. */
START_TEST(live)
{
	eng_auto struct eng e = opened();
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int one = eng_live_take(&e, A, &err), two = -EBADF;

	ck_assert_int_ge(one, 0);
	ck_assert_int_eq(eng_live(&e, A, &err), 1);
	ck_assert_int_eq(eng_live_take(&e, A, &err), -EBUSY);
	cs_err_clear(&err);
	ck_assert_int_eq(mkdirat(e.run, A "/etc", 0700), 0);
	ck_assert_int_eq(eng_live_end(&e, A, &err), 0);
	ck_assert_int_eq(faccessat(e.run, A, F_OK, 0), -1);
	ck_assert_int_eq(eng_live(&e, A, &err), 0);
	two = eng_live_take(&e, A, &err);
	ck_assert_int_ge(two, 0);
	ck_assert_int_eq(eng_live(&e, A, &err), 1);
	ck_assert_int_eq(eng_live_end(&e, A, &err), 0);
	ck_assert_int_eq(eng_live_end(&e, A, &err), 0);
	unit_tmp_fini(&tmp);
}
END_TEST

START_TEST(damaged_status)
{
	static const char *const rows[] = {
		"",
		"{}",
		"{\"state\":\"paused\"}",
		"{\"state\":\"exited\",\"exit_code\":256}",
		"{\"state\":\"running\",\"pid\":-1}",
		"{\"state\":3}",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct eng_status st = ENG_STATUS_INIT;
		struct cs_err err = CS_ERR_INIT;

		ck_assert_msg(eng_status_parse(rows[i], strlen(rows[i]), &st, &err) < 0, "%s",
			      rows[i]);
	}
}
END_TEST

UNIT_MAIN("engine/store", found, one_name, taken_over, half_renamed, status, live, damaged_status)
