#ifndef CS_TESTS_UNIT_RUNTIME_CHILD_H
#define CS_TESTS_UNIT_RUNTIME_CHILD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* For steps that change the calling process for good: they are tried in a child. */

/* Exit codes of a child's function; small ones are the test's own. */
enum { CHILD_OK = 0, CHILD_SETUP = 99 };

/* Runs @fn in a child; what waitpid(2) says of it, its exit code being @fn's value. */
static inline int child_run(int (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(fn(arg));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

#define ck_assert_child_ok(fn, arg) ck_assert_int_eq(child_run(fn, arg), 0)

/* The rest of the line "<key>:\t..." of /proc/self/status, in @out. */
static inline void child_status_line(const char *key, char *out, size_t size)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[512];

	*out = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		size_t n = strlen(key);

		if (strncmp(line, key, n) || line[n] != ':')
			continue;
		n += 1 + strspn(line + n + 1, " \t");
		for (size_t len = strlen(line); len > n && strchr(" \n", line[len - 1]);)
			line[--len] = '\0';
		snprintf(out, size, "%s", line + n);
	}
	if (f)
		fclose(f);
}

/* A hexadecimal value of /proc/self/status. */
static inline unsigned long long child_status_hex(const char *key)
{
	char text[64];

	child_status_line(key, text, sizeof(text));
	return strtoull(text, NULL, 16);
}

/* As UNIT_MAIN, for tests that need root's rights. */
#define CHILD_MAIN(name, ...)                                                   \
	int main(void)                                                          \
	{                                                                       \
		const TTest *const tests[] = { __VA_ARGS__ };                   \
		if (geteuid() != 0) {                                           \
			puts("1..0 # SKIP needs root");                         \
			return EXIT_SUCCESS;                                    \
		}                                                               \
		return unit_run(name, tests, sizeof(tests) / sizeof(tests[0])); \
	}

#endif
