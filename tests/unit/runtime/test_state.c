#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

START_TEST(test_ids)
{
	static const char *const good[] = { "a", "A.b_c+d-1", "0", "a..b" };
	static const char *const bad[] = { "", ".", "..", ".a", "a/b", "a b", "\xc3\xa4", "a\n" };
	char longest[CTR_ID_MAX + 2];
	struct cs_err err = CS_ERR_INIT;

	for (size_t i = 0; i < CS_LEN(good); i++)
		ck_assert_msg(ctr_id_check(good[i], &err) == 0, "%s", good[i]);
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		ck_assert_msg(ctr_id_check(bad[i], &err) == -EINVAL, "%s", bad[i]);
		cs_err_clear(&err);
	}
	memset(longest, 'x', sizeof(longest));
	longest[CTR_ID_MAX] = '\0';
	ck_assert_int_eq(ctr_id_check(longest, &err), 0);
	longest[CTR_ID_MAX] = 'x';
	longest[CTR_ID_MAX + 1] = '\0';
	ck_assert_int_eq(ctr_id_check(longest, &err), -EINVAL);
}
END_TEST

START_TEST(test_root_made)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	char path[128];
	struct stat sb;
	int fd;

	snprintf(path, sizeof(path), "%s/a/b", t.path);
	ck_assert_int_eq(ctr_state_root_open(path, false, &err), -ENOENT);
	cs_err_clear(&err);
	fd = ctr_state_root_open(path, true, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &sb), 0);
	ck_assert_int_eq(sb.st_mode & 0777, 0700);
	close(fd);
	unit_tmp_fini(&t);
}
END_TEST

static struct ctr_state make_state(void)
{
	return (struct ctr_state){
		.id = strdup("one"),
		.bundle = strdup("/srv/\"one\""),
		.rootfs = strdup("/srv/one/rootfs"),
		.oci_version = strdup("1.2.0"),
		.wall = strdup("container"),
		.owner = strdup("root"),
		.created_ns = 1234567890123456789,
		.pid = 42,
		.start_time = UINT64_MAX,
		.own_pidns = true,
		.own_cgroup = true,
	};
}

START_TEST(test_write_read)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	struct ctr_state st = make_state(), again = { 0 };

	ck_assert_int_eq(ctr_state_write(t.fd, &st, &err), 0);
	ck_assert_int_eq(ctr_state_read(t.fd, &again, &err), 0);
	ck_assert_str_eq(again.id, st.id);
	ck_assert_str_eq(again.bundle, st.bundle);
	ck_assert_ptr_null(again.cgroup);
	ck_assert_int_eq(again.pid, 42);
	ck_assert(again.start_time == UINT64_MAX);
	ck_assert(again.created_ns == st.created_ns);
	ck_assert(again.own_pidns && again.own_cgroup && !again.has_rdt);
	ctr_state_fini(&st);
	ctr_state_fini(&again);
	ctr_state_fini(&again);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_parse_errors)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "{}", "state.json: version 0 is not known here (this caisson writes 1)" },
		{ "[]", "state.json: must be an object" },
		{ "{\"version\":1}", "state.json: id: missing" },
		{ "{\"version\":1,\"pid\":-4}", "state.json: pid: must not be negative" },
		{ "{\"version\":1,\"id\":\"a/b\",\"ociVersion\":\"1\",\"bundle\":\"b\","
		  "\"rootfs\":\"r\",\"isolation\":\"vm\"}",
		  "state.json: container id \"a/b\": only A-Z a-z 0-9 _ + - . are allowed" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct ctr_state st = { 0 };

		ck_assert_int_eq(ctr_state_parse(rows[i].text, strlen(rows[i].text), &st, &err),
				 -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].message);
		ck_assert_ptr_null(st.id);
	}
}
END_TEST

/* An id that is in use, one whose create is under way, and one whose create was killed. */
START_TEST(test_create)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	struct ctr_state st = make_state();
	int dir, lock, dir2 = -1, lock2 = -1, fds;

	ck_assert_int_eq(ctr_state_create(t.fd, "one", &dir, &lock, &err), 0);
	fds = unit_fd_count();
	ck_assert_int_eq(ctr_state_create(t.fd, "one", &dir2, &lock2, &err), -EEXIST);
	cs_err_clear(&err);
	ck_assert_int_eq(ctr_state_open(t.fd, "one", &dir2, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(unit_fd_count(), fds);
	close(lock); /* killed here: nothing was made but the folder */
	close(dir);
	ck_assert_int_eq(ctr_state_create(t.fd, "one", &dir, &lock, &err), 0);
	ck_assert_int_eq(ctr_state_write(dir, &st, &err), 0);
	close(lock);
	ck_assert_int_eq(ctr_state_create(t.fd, "one", &dir2, &lock2, &err), -EEXIST);
	cs_err_clear(&err);
	ck_assert_int_eq(ctr_state_open(t.fd, "one", &dir2, &err), 0);
	ck_assert_int_eq(ctr_state_remove(t.fd, dir2, "one", &err), 0);
	ck_assert_int_lt(faccessat(t.fd, "one", F_OK, 0), 0);
	close(dir2);
	close(dir);
	ctr_state_fini(&st);
	unit_tmp_fini(&t);
}
END_TEST

/* More than the runtime knows of is in the folder: it goes all the same. */
START_TEST(test_remove_more)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	int dir, lock;

	ck_assert_int_eq(ctr_state_create(t.fd, "one", &dir, &lock, &err), 0);
	ck_assert_int_eq(mkdirat(dir, "notify", 0755), 0);
	ck_assert_int_eq(mkdirat(dir, "notify/deeper", 0755), 0);
	ck_assert_int_eq(ctr_state_remove(t.fd, dir, "one", &err), 0);
	ck_assert_int_lt(faccessat(t.fd, "one", F_OK, 0), 0);
	close(dir);
	close(lock);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("runtime/state", test_ids, test_root_made, test_write_read, test_parse_errors,
	  test_create, test_remove_more)
