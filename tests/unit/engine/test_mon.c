#include "tests/unit/engine/monfix.h"

/* The monitor's life: report, status, output, exit, restarts. */

static char text[1 << 20];

START_TEST(test_attached)
{
	struct mf f;
	struct eng_report rep;
	struct eng_status st;
	char *log, *calls;

	mf_setup(&f, "echo out; echo err >&2; exit 7");
	mf_start_with(&f, true, ENG_WANT_STDOUT | ENG_WANT_STDERR);
	rep = mf_report(&f);
	ck_assert_msg(rep.ok, "%s", rep.err.msg);
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 7);
	ck_assert_ptr_nonnull(strstr(text, "out\n"));
	ck_assert_ptr_nonnull(strstr(text, "err\n"));
	st = mf_status(&f); /* true before EXIT is said */
	ck_assert_int_eq(st.state, ENG_EXITED);
	ck_assert_int_eq(st.exit_code, 7);
	ck_assert_int_eq(st.pid, 0);
	ck_assert_int_gt(st.started_ns, 0);
	ck_assert_int_ge(st.finished_ns, st.started_ns);
	ck_assert_int_eq(mf_wait(&f), 0);
	log = mf_text(&f, MF_LOG);
	ck_assert_ptr_nonnull(
		strstr(log, "{\"log\":\"out\\n\",\"stream\":\"stdout\",\"time\":\"20"));
	ck_assert_ptr_nonnull(
		strstr(log, "{\"log\":\"err\\n\",\"stream\":\"stderr\",\"time\":\"20"));
	calls = mf_text(&f, "state/calls");
	ck_assert_str_eq(calls, "bring\ndown\n");
	free(log);
	free(calls);
	mf_fini(&f);
}
END_TEST

START_TEST(test_failed_start)
{
	struct mf f;
	struct eng_report rep;
	struct eng_status st;
	char *calls;

	mf_setup(&f, "FAIL");
	mf_start(&f, false);
	rep = mf_report(&f);
	ck_assert(!rep.ok);
	ck_assert_int_eq(rep.exit_code, 127);
	ck_assert_str_eq(rep.err.msg, "no such program");
	ck_assert_int_eq(mf_wait(&f), 1);
	st = mf_status(&f);
	ck_assert_int_eq(st.state, ENG_CREATED);
	ck_assert_int_eq(st.exit_code, 127);
	ck_assert_str_eq(st.error, "no such program");
	calls = mf_text(&f, "state/calls");
	ck_assert_str_eq(calls, "bring\ndown\n");
	free(calls);
	mf_fini(&f);
}
END_TEST

START_TEST(test_stdin)
{
	struct mf f;

	mf_setup(&f, "cat; echo done");
	f.r.stdin_open = true;
	mf_start_with(&f, true, ENG_WANT_STDIN | ENG_WANT_STDOUT);
	ck_assert_int_eq(eng_msg_send(f.client, ENG_F_STDIN, "hello\n", 6), 1);
	ck_assert(mf_report(&f).ok);
	ck_assert_int_eq(eng_msg_send(f.client, ENG_F_EOF, NULL, 0), 1);
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "hello\ndone\n");
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* Detached with -i: a later client's end is not the end of stdin. */
START_TEST(test_stdin_stays)
{
	struct mf f;
	int one, two;

	mf_setup(&f, "read a; read b; echo $a-$b");
	f.r.stdin_open = true;
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	one = mf_connect(&f, ENG_WANT_STDIN);
	ck_assert_int_eq(eng_msg_send(one, ENG_F_STDIN, "x\n", 2), 1);
	ck_assert_int_eq(eng_msg_send(one, ENG_F_EOF, NULL, 0), 1);
	close(one);
	two = mf_connect(&f, ENG_WANT_STDIN | ENG_WANT_STDOUT);
	ck_assert_int_eq(eng_msg_send(two, ENG_F_STDIN, "y\n", 2), 1);
	ck_assert_int_eq(mf_collect(two, text, sizeof(text)), 0);
	ck_assert(strcmp(text, "x-y\n") == 0 || strcmp(text, "y-x\n") == 0);
	close(two);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* The first client is killed: its input ends. */
START_TEST(test_stdin_killed)
{
	struct mf f;

	mf_setup(&f, "cat >/dev/null; exit 3");
	f.r.stdin_open = true;
	mf_start_with(&f, true, ENG_WANT_STDIN | ENG_WANT_STDOUT);
	ck_assert(mf_report(&f).ok);
	cs_close_fd(&f.client);
	mf_wait(&f);
	ck_assert_int_eq(mf_status(&f).exit_code, 3);
	mf_fini(&f);
}
END_TEST

START_TEST(test_tty)
{
	static const uint16_t size[] = { 33, 77 };
	struct mf f;

	mf_setup(&f, "read go; stty size; tty >/dev/null && echo yes");
	f.r.stdin_open = true;
	f.r.tty = true;
	mf_start_with(&f, true, ENG_WANT_STDIN | ENG_WANT_STDOUT);
	ck_assert_int_eq(eng_msg_send(f.client, ENG_F_RESIZE, size, sizeof(size)), 1);
	ck_assert(mf_report(&f).ok);
	ck_assert_int_eq(eng_msg_send(f.client, ENG_F_STDIN, "\n", 1), 1);
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "33 77\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "yes\r\n"));
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

START_TEST(test_restart)
{
	struct mf f;
	struct eng_status st;
	char *calls;

	mf_setup(&f, "exit 4");
	f.r.restart = "on-failure";
	f.r.restart_max = 2;
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	ck_assert_int_eq(mf_wait(&f), 0);
	st = mf_status(&f);
	ck_assert_int_eq(st.state, ENG_EXITED);
	ck_assert_int_eq(st.exit_code, 4);
	ck_assert_int_eq(st.restarts, 2);
	calls = mf_text(&f, "state/calls");
	ck_assert_str_eq(calls, "bring\ndown keep\nbring\ndown keep\nbring\ndown\n");
	free(calls);
	mf_fini(&f);
}
END_TEST

START_TEST(test_stop_in_backoff)
{
	struct mf f;
	struct eng_status st;
	int waiter;

	mf_setup(&f, "exit 5");
	f.r.restart = "always";
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	for (int i = 0; i < 3000 && mf_status(&f).restarts < 2; i++)
		usleep(10000);
	waiter = mf_connect(&f, 0);
	unit_write_str(f.e.run, MF_ID "/stop", "");
	ck_assert_int_eq(eng_msg_send(waiter, ENG_F_STOP, NULL, 0), 1);
	ck_assert_int_eq(mf_collect(waiter, text, sizeof(text)), 5);
	close(waiter);
	mf_wait(&f);
	st = mf_status(&f);
	ck_assert_int_eq(st.state, ENG_EXITED);
	ck_assert(st.user_stopped);
	mf_fini(&f);
}
END_TEST

START_TEST(test_remove)
{
	struct mf f;

	mf_setup(&f, "exit 0");
	f.r.auto_remove = true;
	mf_start_with(&f, true, 0);
	ck_assert(mf_report(&f).ok);
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 0);
	ck_assert_int_lt(faccessat(f.e.containers, MF_ID, F_OK, 0), 0);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* What could not be taken down must be found again. */
START_TEST(test_remove_stuck)
{
	struct mf f;
	struct eng_status st;
	char *calls;

	mf_setup(&f, "exit 3 # STUCK");
	f.r.auto_remove = true;
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	mf_wait(&f);
	calls = mf_text(&f, "state/calls");
	ck_assert_str_eq(calls, "bring\ndown\n");
	free(calls);
	ck_assert(eng_has_record(&f.e, MF_ID));
	st = mf_status(&f);
	ck_assert_int_eq(st.state, ENG_EXITED);
	ck_assert_str_eq(st.error, "take down: something is stuck");
	mf_fini(&f);
}
END_TEST

START_TEST(test_timeout)
{
	struct mf f;

	mf_setup(&f, "exec sleep 1000");
	f.r.timeout_s = 1;
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	mf_wait(&f);
	ck_assert_int_eq(mf_status(&f).exit_code, 128 + SIGKILL);
	mf_fini(&f);
}
END_TEST

UNIT_MAIN("engine/mon", test_attached, test_failed_start, test_stdin, test_stdin_stays,
	  test_stdin_killed, test_tty, test_restart, test_stop_in_backoff, test_remove,
	  test_remove_stuck, test_timeout)
