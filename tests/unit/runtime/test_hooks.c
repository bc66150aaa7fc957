#include "runtime/ns/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/unit/unit.h"

static const char state[] = "{\"id\":\"c1\",\"status\":\"creating\"}";

/* A folder that is the working folder of the hooks. */
static char dir[] = "/tmp/caisson-unit-XXXXXX";
static int dir_fd = -EBADF;

static void enter(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
}

static void leave(void)
{
	int tmp = open("/tmp", O_PATH | O_CLOEXEC);
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_file_rmtree(tmp, dir + sizeof("/tmp"), &err), 0);
	close(tmp);
	close(dir_fd);
}

static void assert_file(const char *name, const char *want)
{
	struct cs_err err = CS_ERR_INIT;
	char *text = NULL;
	size_t len = 0;

	ck_assert_msg(cs_file_read(dir_fd, name, 4096, &text, &len, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(text, want);
	free(text);
}

/* Runs shell commands as the hooks of a kind. */
static int run(enum ctr_hook_kind kind, const char *const *scripts, size_t n, int timeout_s,
	       struct cs_err *err)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "WHO=hook", NULL };
	const char *args[8][4];
	struct ctr_hook v[8];
	struct ctr_hooks hooks = { v, n };

	ck_assert_uint_le(n, CS_LEN(v));
	for (size_t i = 0; i < n; i++) {
		args[i][0] = "sh";
		args[i][1] = "-c";
		args[i][2] = scripts[i];
		args[i][3] = NULL;
		v[i] = (struct ctr_hook){
			.path = "/bin/sh", .args = args[i], .env = env, .timeout_s = timeout_s
		};
	}
	return ctr_hooks_run(&hooks, kind, state, err);
}

START_TEST(test_order)
{
	static const char *const scripts[] = { "cat >>out; echo >>out", "echo $WHO $0 >>out",
					       "read x; echo \"$x\" >>out; exit 0" };
	struct cs_err err = CS_ERR_INIT;
	char want[256];

	enter();
	ck_assert_msg(run(CTR_HOOK_PRESTART, scripts, 3, 0, &err) == 0, "%s", err.msg);
	snprintf(want, sizeof(want), "%s\nhook sh\n%s\n", state, state);
	assert_file("out", want);
	leave();
}
END_TEST

START_TEST(test_none)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(run(CTR_HOOK_POSTSTOP, NULL, 0, 0, &err), 0);
}
END_TEST

/* The first that fails is named, with its status and last words; those behind it do not run. */
START_TEST(test_failed)
{
	static const char *const scripts[] = {
		"true", "echo one; printf 'no such\\tdevice\\n\\n' >&2; exit 3", "touch ran"
	};
	struct cs_err err = CS_ERR_INIT;

	enter();
	ck_assert_int_lt(run(CTR_HOOK_CREATE_RUNTIME, scripts, 3, 0, &err), 0);
	ck_assert_str_eq(err.msg, "error running createRuntime hook #1: exit status 3, output: "
				  "one no such device");
	ck_assert_int_lt(faccessat(dir_fd, "ran", F_OK, 0), 0);
	leave();
}
END_TEST

START_TEST(test_killed)
{
	static const char *const scripts[] = { "kill -TERM $$" };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_lt(run(CTR_HOOK_POSTSTART, scripts, 1, 0, &err), 0);
	ck_assert_str_eq(err.msg, "error running poststart hook #0: signal 15, output: ");
}
END_TEST

/* A hook that writes without end fits, by its end, into the error's text. */
START_TEST(test_loud)
{
	static const char *const scripts[] = {
		"i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 1"
	};
	struct cs_err err = CS_ERR_INIT;
	const char *last = "line 19999";

	ck_assert_int_lt(run(CTR_HOOK_POSTSTOP, scripts, 1, 0, &err), 0);
	ck_assert_uint_gt(strlen(err.msg), 300);
	ck_assert_str_eq(err.msg + strlen(err.msg) - strlen(last), last);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
}
END_TEST

START_TEST(test_not_there)
{
	const struct ctr_hook v[] = { { .path = "/nonexistent/hook" } };
	const struct ctr_hooks hooks = { v, 1 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(ctr_hooks_run(&hooks, CTR_HOOK_START_CONTAINER, state, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "error running startContainer hook #0: "));
	ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/hook"));
}
END_TEST

/* Is the process whose id the hook wrote into "pid" gone, within two seconds? */
static bool gone(void)
{
	struct cs_err err = CS_ERR_INIT;
	char *text = NULL;
	size_t len = 0;
	pid_t pid;

	ck_assert_int_eq(cs_file_read(dir_fd, "pid", 64, &text, &len, &err), 0);
	pid = (pid_t)strtol(text, NULL, 10);
	free(text);
	ck_assert_int_gt(pid, 1);
	for (int i = 0; i < 200; i++) {
		const struct timespec wait = { .tv_nsec = 10000000 };

		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		nanosleep(&wait, NULL);
	}
	kill(pid, SIGKILL);
	return false;
}

/* Out of time: it and what it started are killed, and the next one does not run. */
START_TEST(test_timeout)
{
	static const char *const scripts[] = { "sleep 50 & echo $! >pid; wait", "touch ran" };
	struct cs_err err = CS_ERR_INIT;
	struct timespec start, end;

	enter();
	clock_gettime(CLOCK_MONOTONIC, &start);
	ck_assert_int_eq(run(CTR_HOOK_CREATE_CONTAINER, scripts, 2, 1, &err), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ck_assert_int_lt(end.tv_sec - start.tv_sec, 5);
	ck_assert_ptr_nonnull(strstr(err.msg, "error running createContainer hook #0: "));
	ck_assert_int_lt(faccessat(dir_fd, "ran", F_OK, 0), 0);
	ck_assert(gone());
	leave();
}
END_TEST

/* A hook that does not read its state is fine. */
START_TEST(test_stdin_closed)
{
	static const char *const scripts[] = { "exec <&-; sleep 0.05" };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(run(CTR_HOOK_PRESTART, scripts, 1, 0, &err) == 0, "%s", err.msg);
}
END_TEST

UNIT_MAIN("runtime/hooks", test_order, test_none, test_failed, test_killed, test_loud,
	  test_not_there, test_timeout, test_stdin_closed)
