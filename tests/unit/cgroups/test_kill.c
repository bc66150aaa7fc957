#include "tests/unit/cgroups/cgtest.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Freezing, signalling and ending, on whatever cgroups the host has. */

/* Memory that a child counts up in while it runs. */
static volatile unsigned int *new_counter(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

static void count(void *arg)
{
	volatile unsigned int *counter = arg;

	for (;;) {
		++*counter;
		poll(NULL, 0, 1);
	}
}

/* Does it count within @ms? */
static bool counts(const volatile unsigned int *counter, int ms)
{
	unsigned int before = *counter;

	for (int i = 0; i < ms && *counter == before; i++)
		poll(NULL, 0, 1);
	return *counter != before;
}

static void freeze(const struct cg *cg, bool frozen)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cg_freeze(cg, frozen, &err);

	ck_ok(ret, err);
	ck_assert_int_eq(cg_is_frozen(cg, &err), frozen);
}

START_TEST(test_freeze)
{
	volatile unsigned int *counter = new_counter();
	struct cg cg = CG_INIT;
	pid_t pid;

	cgt_use(_i);
	cgt_create("freeze", &cg);
	pid = cgt_spawn(&cg, count, (void *)(uintptr_t)counter);
	ck_assert(counts(counter, 1000));
	freeze(&cg, true);
	ck_assert(!counts(counter, 50));
	freeze(&cg, true); /* again is no harm */
	freeze(&cg, false);
	ck_assert(counts(counter, 1000));
	freeze(&cg, false);
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

START_TEST(test_freeze_empty)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;

	cgt_use(_i);
	cgt_create("empty", &cg);
	ck_assert_int_eq(cg_is_frozen(&cg, &err), 0);
	freeze(&cg, true);
	freeze(&cg, false);
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_signal)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, below = CG_INIT;
	pid_t one, two;
	int ret;

	cgt_use(_i);
	cgt_create("signal", &cg);
	one = cgt_spawn(&cg, NULL, NULL);
	cgt_create("signal/below", &below);
	two = cgt_spawn(&below, NULL, NULL);
	ret = cg_kill(&cg, SIGUSR2, &err);
	ck_ok(ret, err);
	cgt_died_of(one, SIGUSR2);
	cgt_died_of(two, SIGUSR2);
	ck_assert_int_eq(cg_is_frozen(&cg, &err), 0);
	ret = cg_kill(&cg, SIGTERM, &err); /* nobody is no harm */
	ck_ok(ret, err);
	cg_fini(&below);
	cgt_destroy(&cg);
}
END_TEST

static void on_term(int signo)
{
	(void)signo;
	_exit(7);
}

static void handle_term(void *arg)
{
	(void)arg;
	signal(SIGTERM, on_term);
	raise(SIGSTOP); /* the test continues it when it has seen this */
}

/* A paused container handles its signals when it is resumed; SIGKILL ends it at once. */
START_TEST(test_signal_frozen)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	int ret, status = 0;
	pid_t pid;

	cgt_use(_i);
	cgt_create("paused", &cg);
	pid = cgt_spawn(&cg, handle_term, NULL);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGCONT);
	freeze(&cg, true);
	ret = cg_kill(&cg, SIGTERM, &err);
	ck_ok(ret, err);
	ck_assert_int_eq(cg_is_frozen(&cg, &err), 1);
	poll(NULL, 0, 10);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	freeze(&cg, false);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);

	pid = cgt_spawn(&cg, NULL, NULL);
	freeze(&cg, true);
	ret = cg_kill(&cg, SIGKILL, &err);
	ck_ok(ret, err);
	cgt_died_of(pid, SIGKILL);
	cgt_destroy(&cg);
}
END_TEST

/* Never the same pid for long. */
static void hop(void *arg)
{
	(void)arg;
	for (;;) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
	}
}

START_TEST(test_kill_hopping)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	int ret;

	cgt_use(_i);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cgt_create("hop", &cg);
	cgt_spawn(&cg, hop, NULL);
	cgt_spawn(&cg, hop, NULL);
	poll(NULL, 0, 5);
	ret = cg_kill(&cg, SIGKILL, &err);
	ck_ok(ret, err);
	while (waitpid(-1, NULL, 0) > 0) /* ends only when all have */
		;
	ck_assert_int_eq(errno, ECHILD);
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_destroy_hopping)
{
	struct cg cg = CG_INIT;

	cgt_use(_i);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cgt_create("hop2", &cg);
	cgt_spawn(&cg, hop, NULL);
	cgt_destroy(&cg);
	while (waitpid(-1, NULL, 0) > 0)
		;
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(test_gone)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	pid_t *pids = NULL;
	size_t n = 1;
	int ret;

	cgt_use(_i);
	ret = cg_open(&cgt_host, cgt_path("gone"), &cg, &err);
	ck_ok(ret, err);
	ck_assert_int_eq(cg_is_frozen(&cg, &err), 0);
	ret = cg_pids(&cg, &pids, &n, &err);
	ck_ok(ret, err);
	ck_assert_uint_eq(n, 0);
	free(pids);
	ret = cg_kill(&cg, SIGKILL, &err);
	ck_ok(ret, err);
	ck_assert_int_lt(cg_freeze(&cg, true, &err), 0);
	cg_fini(&cg);
}
END_TEST

CGT_MAIN("cgroups/kill", NULL, test_freeze, test_freeze_empty, test_signal, test_signal_frozen,
	 test_kill_hopping, test_destroy_hopping, test_gone)
