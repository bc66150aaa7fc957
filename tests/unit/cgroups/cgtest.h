#ifndef CS_TESTS_UNIT_CGROUPS_CGTEST_H
#define CS_TESTS_UNIT_CGROUPS_CGTEST_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "cgroups/cgroup_int.h"

/*
 * For tests on the host's real cgroups. On a hybrid host each is run three times: with all of it
 * (_i is 0), with its v1 hierarchies alone (1), and with its v2 tree alone (2); cgt_use(_i), which
 * each test calls first, sees to that.
 *
 * All they make lies below one cgroup named after the test
 * program's pid, which main() removes, with every process in it, whatever became of the tests.
 */

static struct cg_host cgt_host = { .root = -EBADF };
static struct cg_host cgt_whole = { .root = -EBADF }; /* as it is */
static char cgt_top[32];			      /* "/cstest-<pid>" */

/* Fails the test with the message of @err if @ret is an error. */
#define ck_ok(ret, err) ck_assert_msg((ret) >= 0, "%s:%d: %s", __FILE__, __LINE__, (err).msg)

static void cgt_use(int variant)
{
	bool v2 = variant == 2;

	cgt_host = cgt_whole;
	if (!variant)
		return;
	cgt_host.mode = v2 ? CG_V2 : CG_V1;
	cgt_host.v2 = v2 ? 0 : -1;
	cgt_host.n_hier = 0;
	for (size_t i = 0; i < cgt_whole.n_hier; i++)
		if (cgt_whole.hier[i].v2 == v2)
			cgt_host.hier[cgt_host.n_hier++] = cgt_whole.hier[i];
}

/* "/cstest-<pid>/<name>" */
__attribute__((unused)) static const char *cgt_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", cgt_top, name);
	return path;
}

__attribute__((unused)) static void cgt_create(const char *name, struct cg *out)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cg_create(&cgt_host, cgt_path(name), out, &err);

	ck_ok(ret, err);
}

__attribute__((unused)) static void cgt_destroy(struct cg *cg)
{
	struct cs_err err = CS_ERR_INIT;
	char path[sizeof(cg->path)];
	int ret;

	memcpy(path, cg->path, sizeof(path));
	cg_fini(cg);
	ret = cg_destroy(&cgt_host, path, &err);
	ck_ok(ret, err);
}

/* Is there a folder @path in hierarchy @h? */
__attribute__((unused)) static bool cgt_exists(size_t h, const char *path)
{
	cs_auto_fd int fd = cg_file_open_at(&cgt_host, h, path, "", O_PATH | O_DIRECTORY);

	return fd >= 0;
}

/* A file of the cgroup must read so. */
__attribute__((unused)) static void cgt_file_is(const struct cg *cg, int h, const char *name,
						const char *want)
{
	char text[4096];
	int ret;

	ck_assert_int_ge(h, 0);
	ret = cg_file_read(cg, (size_t)h, name, text, sizeof(text));
	ck_assert_msg(ret >= 0, "%s: %s", name, strerror(-ret));
	ck_assert_msg(strcmp(text, want) == 0, "%s is \"%s\", wanted \"%s\"", name, text, want);
}

/* Applies linux.resources as JSON; returns what cg_apply() does. */
__attribute__((unused)) static int cgt_apply(const struct cg *cg, const char *json,
					     struct cs_err *err)
{
	struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg_resources res = { 0 };
	int ret = cs_json_parse(json, strlen(json), "resources", &doc, err);

	if (!ret)
		ret = cg_resources_parse(&doc, doc.root, &res, err);
	ck_assert_msg(!ret, "%s: %s", json, err->msg);
	ret = cg_apply(cg, &res, err);
	cs_json_fini(&doc);
	return ret;
}

/* Must be applied. */
__attribute__((unused)) static void cgt_set(const struct cg *cg, const char *json)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cgt_apply(cg, json, &err);

	ck_assert_msg(!ret, "%s: %s", json, err.msg);
}

/* Must be refused with words that name @word. */
__attribute__((unused)) static void cgt_refused(const struct cg *cg, const char *json,
						const char *word)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cgt_apply(cg, json, &err);

	ck_assert_msg(ret < 0, "%s: was taken", json);
	ck_assert_msg(strstr(err.msg, word), "%s: %s", json, err.msg);
}

/* A child that joins @cg and then does @body (NULL: sleeps). Returns when it has joined. */
__attribute__((unused)) static pid_t cgt_spawn(const struct cg *cg, void (*body)(void *), void *arg)
{
	int ready[2];
	char c = 0;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct cs_err err = CS_ERR_INIT;
		int ret = cg_join_self(cg, false, &err);

		/* Check's own handler would hand it on to the test */
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		if (ret < 0)
			fprintf(stderr, "# join: %s\n", err.msg);
		if (ret < 0 || write(ready[1], "j", 1) != 1)
			_exit(99);
		close(ready[0]);
		close(ready[1]);
		if (body)
			body(arg);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

/* Waits for @pid to end by signal @signo. */
__attribute__((unused)) static void cgt_died_of(pid_t pid, int signo)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == signo, "wait status %#x",
		      (unsigned int)status);
}

__attribute__((unused)) static bool cgt_has(enum cg_ctl ctl)
{
	return cg_v1_hier(&cgt_host, ctl) >= 0;
}

/* Is @ctl among the controllers of the v2 tree? */
__attribute__((unused)) static bool cgt_has_v2(enum cg_ctl ctl)
{
	char list[512] = " ";
	char word[64];
	int n;

	if (cgt_host.v2 < 0)
		return false;
	n = cg_file_read_at(&cgt_host, (size_t)cgt_host.v2, "/", "cgroup.controllers", list + 1,
			    sizeof(list) - 2);
	if (n < 0)
		return false;
	memcpy(list + 1 + n, " ", 2);
	snprintf(word, sizeof(word), " %s ", cg_ctl_name(ctl, true));
	return strstr(list, word);
}

/* Returns why nothing can be tried here, or NULL. */
static const char *cgt_open(void)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int proc = -EBADF;

	if (geteuid() != 0)
		return "needs root";
	proc = cs_path_proc_open(&err);
	if (proc < 0 || cg_host_open(proc, &cgt_whole, &err) < 0) {
		printf("# %s\n", err.msg);
		return "cannot read the host's cgroups";
	}
	if (!cgt_whole.n_hier)
		return "this host has no cgroups";
	cgt_use(0);
	snprintf(cgt_top, sizeof(cgt_top), "/cstest-%d", getpid());
	return NULL;
}

static void cgt_controllers(char list[512])
{
	list[0] = '\0';
	if (cgt_host.v2 >= 0)
		cg_file_read_at(&cgt_host, (size_t)cgt_host.v2, "/", "cgroup.subtree_control", list,
				512);
}

/* What the tests enabled in the topmost v2 cgroup is disabled again. */
static void cgt_restore(const char *before)
{
	char now[512], *rest = now, *word;

	cgt_controllers(now);
	while ((word = strsep(&rest, " "))) {
		char off[80];

		if (!*word || strstr(before, word))
			continue;
		snprintf(off, sizeof(off), "-%.64s", word);
		cg_file_write_at(&cgt_host, (size_t)cgt_host.v2, "/", "cgroup.subtree_control",
				 off);
	}
}

__attribute__((unused)) static volatile pid_t cgt_child;

__attribute__((unused)) static void cgt_forward(int signo)
{
	if (cgt_child > 0)
		kill(cgt_child, signo);
}

/* Runs the tests in a child, so that nothing that ends it keeps this process from cleaning up. */
__attribute__((unused)) static int cgt_run_tests(const char *name, const TTest *const *tests,
						 size_t n)
{
	int times = cgt_whole.mode == CG_HYBRID ? 3 : 1;
	int status = 0;

	signal(SIGINT, cgt_forward);
	signal(SIGTERM, cgt_forward);
	signal(SIGPIPE, SIG_IGN);
	cgt_child = fork();
	if (!cgt_child) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGPIPE, SIG_DFL);
		setpgid(0, 0); /* Check signals its whole process group */
		exit(unit_run_times(name, tests, n, times));
	}
	while (cgt_child > 0 && waitpid(cgt_child, &status, 0) < 0 && errno == EINTR)
		;
	return cgt_child < 0 || status ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* main()'s body. @reason: why this host cannot run these tests, or NULL. */
__attribute__((unused)) static int cgt_run(const char *name, const char *(*reason)(void),
					   const TTest *const *tests, size_t n)
{
	const char *why = cgt_open();
	struct cs_err err = CS_ERR_INIT;
	char before[512];
	int ret;

	if (!why && reason)
		why = reason();
	if (why) {
		printf("1..0 # SKIP %s\n", why);
		cg_host_fini(&cgt_whole);
		return 0;
	}
	cgt_controllers(before);
	ret = cgt_run_tests(name, tests, n);
	if (cg_destroy(&cgt_host, cgt_top, &err) < 0) {
		printf("# clean-up: %s\n", err.msg);
		ret = EXIT_FAILURE;
	}
	cgt_restore(before);
	cg_host_fini(&cgt_whole);
	return ret;
}

#define CGT_MAIN(name, reason, ...)                                                    \
	int main(void)                                                                 \
	{                                                                              \
		const TTest *const tests[] = { __VA_ARGS__ };                          \
		return cgt_run(name, reason, tests, sizeof(tests) / sizeof(tests[0])); \
	}

#endif
