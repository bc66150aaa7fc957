#ifndef CS_TESTS_UNIT_UNIT_H
#define CS_TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdlib.h>

/* One Check program a test file: UNIT_MAIN("base/str", test_a, test_b) at its end. Output is TAP,
 * which automake's test driver and the summary read. */
static inline int unit_run(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_MAIN(name, ...)                                                    \
	int main(void)                                                          \
	{                                                                       \
		const TTest *const tests[] = { __VA_ARGS__ };                   \
		return unit_run(name, tests, sizeof(tests) / sizeof(tests[0])); \
	}

#endif
