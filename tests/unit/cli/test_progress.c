#include "cli/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

START_TEST(test_bytes)
{
	static const struct {
		uint64_t n;
		const char *want;
	} rows[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 999999, "999.9 kB" },
		{ 1000000, "1.0 MB" },
		{ 95123456, "95.1 MB" },
		{ 1000000000, "1.0 GB" },
		{ UINT64_MAX, "18.4 EB" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		char out[16];

		cli_progress_bytes(rows[i].n, out);
		ck_assert_str_eq(out, rows[i].want);
	}
}
END_TEST

START_TEST(test_time)
{
	static const struct {
		uint64_t n;
		const char *want;
	} rows[] = {
		{ 0, "0 s" },	       { 59, "59 s" },
		{ 60, "1 min 0 s" },   { 3599, "59 min 59 s" },
		{ 3720, "1 h 2 min" }, { UINT64_MAX, "days" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		char out[32];

		cli_progress_time(rows[i].n, out);
		ck_assert_str_eq(out, rows[i].want);
	}
}
END_TEST

START_TEST(test_text)
{
	struct cli_progress_line l = {
		.name = "0123456789abcdef",
		.state = "downloading",
		.done = 12300000,
		.size = 95100000,
		.rate = 10000000,
		.numbers = true,
	};
	char out[256];

	cli_progress_text(&l, 0, out, sizeof(out));
	ck_assert_str_eq(out,
			 "0123456789ab  downloading            12.3 MB / 95.1 MB      10.0 MB/s"
			 "  8 s left");
	cli_progress_text(&l, 20, out, sizeof(out));
	ck_assert_str_eq(out, "0123456789ab  downlo");
	l.done = l.size;
	cli_progress_text(&l, 200, out, sizeof(out));
	ck_assert_ptr_null(strstr(out, "left"));
	l.numbers = false;
	l.state = "done";
	cli_progress_text(&l, 200, out, sizeof(out));
	ck_assert_str_eq(out, "0123456789ab  done");
}
END_TEST

START_TEST(test_parse)
{
	enum cli_progress_mode mode = CLI_PROGRESS_NONE;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cli_progress_parse("json", &mode, &err), 0);
	ck_assert_int_eq(mode, CLI_PROGRESS_JSON);
	ck_assert_int_eq(cli_progress_parse("tty", &mode, &err), 0);
	ck_assert_int_eq(mode, CLI_PROGRESS_TTY);
	setenv("TERM", "dumb", 1);
	ck_assert_int_eq(cli_progress_parse(NULL, &mode, &err), 0);
	ck_assert_int_eq(mode, CLI_PROGRESS_PLAIN);
	ck_assert_int_eq(cli_progress_parse("x", &mode, &err), -EINVAL);
}
END_TEST

UNIT_MAIN("cli/progress", test_bytes, test_time, test_text, test_parse)
