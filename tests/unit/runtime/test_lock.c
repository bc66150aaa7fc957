#include "runtime/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

/* A process that has the lock, for that, and does not end by itself. Returns when it has it. */
static pid_t holder(int dir, enum ctr_lock_for what, bool ignore_term)
{
	struct cs_err err = CS_ERR_INIT;
	int p[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, ignore_term ? SIG_IGN : SIG_DFL);
		if (ctr_lock_try(dir, what, &err) < 0 || write(p[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(p[1]);
	ck_assert_int_eq(read(p[0], &c, 1), 1);
	close(p[0]);
	return pid;
}

static int end_of(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Who makes a container is ended by force, the hard way if need be. */
START_TEST(test_force)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	int lock = -1, fds = unit_fd_count();

	for (int hard = 0; hard < 2; hard++) {
		pid_t pid = holder(t.fd, CTR_LOCK_CREATE, hard);

		ck_assert_int_eq(ctr_lock_try(t.fd, CTR_LOCK_DELETE, &err), -EWOULDBLOCK);
		cs_err_clear(&err);
		ck_assert_int_eq(ctr_lock_wait(t.fd, "id", true, &lock, &err), 0);
		ck_assert_int_eq(end_of(pid), hard ? SIGKILL : SIGTERM);
		close(lock);
	}
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

/* Without force, and where another deletes, nobody is ended: the message says who it is. */
START_TEST(test_held)
{
	static const struct {
		enum ctr_lock_for what;
		bool force;
		const char *is;
	} rows[] = {
		{ CTR_LOCK_CREATE, false, "made" },
		{ CTR_LOCK_DELETE, true, "deleted" },
	};
	struct unit_tmp t = unit_tmp_init();

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		pid_t pid = holder(t.fd, rows[i].what, false);
		struct cs_err err = CS_ERR_INIT;
		char want[64];
		int lock = -1;

		snprintf(want, sizeof(want), "container id is being %s by process %d, ", rows[i].is,
			 (int)pid);
		ck_assert_int_eq(ctr_lock_wait(t.fd, "id", rows[i].force, &lock, &err),
				 -EWOULDBLOCK);
		ck_assert_msg(strncmp(err.msg, want, strlen(want)) == 0, "%s", err.msg);
		ck_assert_int_eq(lock, -1);
		kill(pid, SIGKILL);
		ck_assert_int_eq(end_of(pid), SIGKILL);
	}
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_gone)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	int dir, lock = -1;

	ck_assert_int_eq(mkdirat(t.fd, "id", 0700), 0);
	dir = openat(t.fd, "id", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(unlinkat(t.fd, "id", AT_REMOVEDIR), 0);
	ck_assert_int_eq(ctr_lock_wait(dir, "id", true, &lock, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "container id does not exist");
	close(dir);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("runtime/lock", test_force, test_held, test_gone)
