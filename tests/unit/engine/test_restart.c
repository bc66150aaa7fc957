#include "engine/restart.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "engine/record.h"
#include "engine/status.h"
#include "tests/unit/unit.h"

START_TEST(test_wanted)
{
	static const struct {
		const char *policy;
		int64_t max;
		int exit_code;
		int64_t restarts;
		bool stopped, rm, want;
	} v[] = {
		{ NULL, 0, 1, 0, false, false, false },
		{ "no", 0, 1, 0, false, false, false },
		{ "always", 0, 0, 1000, false, false, true },
		{ "always", 0, 0, 0, true, false, false },
		{ "always", 0, 0, 0, false, true, false },
		{ "unless-stopped", 0, 0, 0, false, false, true },
		{ "unless-stopped", 0, 1, 0, true, false, false },
		{ "on-failure", 0, 0, 0, false, false, false },
		{ "on-failure", 0, 1, 1000, false, false, true },
		{ "on-failure", 3, 1, 2, false, false, true },
		{ "on-failure", 3, 1, 3, false, false, false },
		{ "on-failure", 3, 137, 0, true, false, false },
	};

	for (size_t i = 0; i < CS_LEN(v); i++) {
		struct eng_record r = ENG_RECORD_INIT;
		struct eng_status st = ENG_STATUS_INIT;

		r.restart = v[i].policy;
		r.restart_max = v[i].max;
		r.auto_remove = v[i].rm;
		st.exit_code = v[i].exit_code;
		st.restarts = v[i].restarts;
		ck_assert_msg(eng_restart_wanted(&r, &st, v[i].stopped) == v[i].want, "row %zu", i);
	}
}
END_TEST

START_TEST(test_boot)
{
	static const struct {
		const char *policy, *boot;
		bool stopped, rm, want;
	} v[] = {
		{ NULL, "old", false, false, false },
		{ "no", "old", false, false, false },
		{ "on-failure", "old", false, false, false },
		{ "always", "old", false, false, true },
		{ "always", "old", true, false, true },
		{ "always", "", false, false, false }, /* never started */
		{ "always", "new", false, false, false },
		{ "always", "old", false, true, false },
		{ "unless-stopped", "old", false, false, true },
		{ "unless-stopped", "old", true, false, false },
		{ "unless-stopped", "new", false, false, false },
	};

	for (size_t i = 0; i < CS_LEN(v); i++) {
		struct eng_record r = ENG_RECORD_INIT;
		struct eng_status st = ENG_STATUS_INIT;

		r.restart = v[i].policy;
		r.auto_remove = v[i].rm;
		st.user_stopped = v[i].stopped;
		snprintf(st.boot, sizeof(st.boot), "%s", v[i].boot);
		ck_assert_msg(eng_restart_boot(&r, &st, "new") == v[i].want, "row %zu", i);
	}
}
END_TEST

START_TEST(test_delay)
{
	int64_t d = 0;

	for (int i = 0; i < 10; i++) {
		d = eng_restart_delay(d, 0);
		ck_assert_int_eq(d, 100 << i);
	}
	d = eng_restart_delay(d, 0);
	ck_assert_int_eq(d, 60000);
	ck_assert_int_eq(eng_restart_delay(d, 9999), 60000);
	ck_assert_int_eq(eng_restart_delay(d, 10000), 100);
}
END_TEST

UNIT_MAIN("engine/restart", test_wanted, test_boot, test_delay)
