#ifndef CS_TESTS_UNIT_UNIT_H
#define CS_TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* One Check program a test file: UNIT_MAIN("base/str", test_a, test_b) at its end. Output is TAP,
 * which automake's test driver and the summary read. Each test is run @times times, with _i from 0
 * up. */
static inline int unit_run_times(const char *name, const TTest *const *tests, size_t n, int times)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 240);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tc, tests[i], 0, times);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int unit_run(const char *name, const TTest *const *tests, size_t n)
{
	return unit_run_times(name, tests, n, 1);
}

/* For a test that cannot run here: Check knows no skipping, so the log says why it passed. */
static inline void unit_say_skipped(const char *why)
{
	printf("# skipped: %s\n", why);
	(void)fflush(stdout);
}

#define UNIT_MAIN(name, ...)                                                    \
	int main(void)                                                          \
	{                                                                       \
		const TTest *const tests[] = { __VA_ARGS__ };                   \
		return unit_run(name, tests, sizeof(tests) / sizeof(tests[0])); \
	}

/* For tests that leave their mount or pid namespace, where LeakSanitizer cannot do its work: no
 * leak check. Once a program, outside of functions. */
#define UNIT_NO_LEAK_CHECK                                                                    \
	/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name for it */       \
	const char *__asan_default_options(void);                                             \
	/* NOLINTNEXTLINE(bugprone-reserved-identifier) */                                    \
	__attribute__((used, visibility("default"))) const char *__asan_default_options(void) \
	{                                                                                     \
		return "detect_leaks=0";                                                      \
	}

#endif
