#include "engine/log.h"

#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/logread.h"
#include "engine/tail.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

/* Logs are written and read back: nothing lost, nothing twice. */

static struct unit_tmp tmp;
static struct eng_log_opts opts;

static void use(const char *driver, const char *size, const char *files)
{
	struct cs_err err = CS_ERR_INIT;
	const char *const v[] = { size, files };
	int ret = eng_log_opts(driver, v, size ? (files ? 2 : 1) : 0, &opts, &err);

	ck_assert_msg(ret == 0, "%s", err.msg);
}

static void open_log(struct eng_log *l)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = eng_log_open(tmp.fd, &opts, l, &err);

	ck_assert_msg(ret == 0, "%s", err.msg);
}

/* All text of a stream as it was written; counts records. */
static size_t read_back(enum eng_log_stream s, char *out, size_t size, size_t tail, size_t *records)
{
	struct eng_tail t = ENG_TAIL_INIT;
	struct cs_err err = CS_ERR_INIT;
	size_t n = 0, len;
	char *line;

	*records = 0;
	ck_assert_int_eq(eng_tail_open(&t, tmp.fd, "log", tail, &err), 0);
	while (eng_tail_next(&t, &line, &len, &err) == 1) {
		struct eng_log_entry e;

		if (eng_log_parse(line, len, &e) < 0)
			continue;
		(*records)++;
		if (e.stream != s)
			continue;
		ck_assert_uint_lt(n + e.len + 1, size);
		memcpy(out + n, e.text, e.len);
		n += e.len;
		if (e.ended)
			out[n++] = '\n';
	}
	ck_assert_int_eq(err.code, 0);
	eng_tail_close(&t);
	out[n] = '\0';
	return n;
}

static const char *const drivers[] = { "json-file", "k8s-file" };
static char big[1 << 20], back[2 << 20];

/* Every byte there is, lines of many lengths, in pieces of many lengths. */
START_TEST(test_bytes)
{
	struct eng_log l = ENG_LOG_INIT;
	size_t n = 0, records, step = 1;
	unsigned int seed = 1;

	tmp = unit_tmp_init();
	use(drivers[_i % 2], NULL, NULL);
	open_log(&l);
	while (n < sizeof(big)) {
		seed = seed * 1103515245 + 12345;
		big[n++] = (char)(seed >> 16);
		if (seed % 5000 == 0 && n + 40000 < sizeof(big)) {
			memset(big + n, 'x', 40000); /* a line longer than a record */
			n += 40000;
		}
	}
	for (size_t at = 0; at < n; at += step) {
		step = step * 7 % 30011;
		if (step > n - at)
			step = n - at;
		eng_log_add(&l, ENG_LOG_STDOUT, big + at, step);
	}
	eng_log_end(&l);
	eng_log_close(&l);
	ck_assert_uint_eq(read_back(ENG_LOG_STDOUT, back, sizeof(back), SIZE_MAX, &records), n);
	ck_assert(memcmp(big, back, n) == 0);
	unit_tmp_fini(&tmp);
}
END_TEST

START_TEST(test_form)
{
	struct eng_log l = ENG_LOG_INIT;
	size_t records;
	char text[4096] = "";
	int fd;

	tmp = unit_tmp_init();
	use(drivers[_i % 2], NULL, NULL);
	open_log(&l);
	eng_log_add(&l, ENG_LOG_STDOUT, "a\"b\n", 4);
	eng_log_add(&l, ENG_LOG_STDERR, "no ", 3);
	eng_log_add(&l, ENG_LOG_STDERR, "end", 3);
	fd = openat(tmp.fd, "log", O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	if (_i % 2) {
		ck_assert_ptr_nonnull(strstr(text, "Z stdout F a\"b\n"));
	} else {
		ck_assert_ptr_nonnull(strstr(text, "{\"log\":\"a\\\"b\\n\",\"stream\":\"stdout\","
						   "\"time\":\"20"));
	}
	ck_assert_ptr_null(strstr(text, "no end")); /* has no end yet */
	eng_log_end(&l);
	eng_log_close(&l);
	ck_assert_uint_eq(read_back(ENG_LOG_STDERR, text, sizeof(text), SIZE_MAX, &records), 6);
	ck_assert_str_eq(text, "no end");
	ck_assert_uint_eq(records, 2);
	unit_tmp_fini(&tmp);
}
END_TEST

START_TEST(test_rotate)
{
	struct eng_log l = ENG_LOG_INIT;
	size_t records, n = 0;
	struct stat st;
	char line[64];

	tmp = unit_tmp_init();
	use(drivers[_i % 2], "max-size=4k", "max-file=4");
	open_log(&l);
	for (int i = 0; i < 120; i++) {
		int len = snprintf(line, sizeof(line), "line number %d\n", i);

		eng_log_add(&l, i % 2 ? ENG_LOG_STDOUT : ENG_LOG_STDERR, line, (size_t)len);
	}
	eng_log_close(&l);
	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), i ? "log.%d" : "log", i);
		if (fstatat(tmp.fd, line, &st, 0) == 0) {
			ck_assert_int_lt(st.st_size, 4096 + 200);
			n++;
		}
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_int_lt(fstatat(tmp.fd, "log.4", &st, 0), 0);
	read_back(ENG_LOG_STDOUT, back, sizeof(back), SIZE_MAX, &records);
	ck_assert_uint_eq(records, 120);
	read_back(ENG_LOG_STDOUT, back, sizeof(back), 100, &records); /* over several files */
	ck_assert_uint_eq(records, 100);
	read_back(ENG_LOG_STDOUT, back, sizeof(back), 1, &records);
	ck_assert_uint_eq(records, 1);
	ck_assert_str_eq(back, "line number 119\n");
	read_back(ENG_LOG_STDOUT, back, sizeof(back), 0, &records);
	ck_assert_uint_eq(records, 0);
	unit_tmp_fini(&tmp);
}
END_TEST

/* One file only: it begins anew, and who reads it does not lose what was there. */
START_TEST(test_rotate_one)
{
	struct eng_log l = ENG_LOG_INIT;
	struct eng_tail t = ENG_TAIL_INIT;
	struct cs_err err = CS_ERR_INIT;
	size_t len, seen = 0;
	char line[64], *got;

	tmp = unit_tmp_init();
	use(drivers[_i % 2], "max-size=1k", NULL);
	open_log(&l);
	ck_assert_int_eq(eng_tail_open(&t, tmp.fd, "log", SIZE_MAX, &err), 0);
	for (int i = 0; i < 200; i++) {
		int n = snprintf(line, sizeof(line), "%d\n", i);

		eng_log_add(&l, ENG_LOG_STDOUT, line, (size_t)n);
		while (eng_tail_next(&t, &got, &len, &err) == 1) {
			struct eng_log_entry e;

			ck_assert_int_eq(eng_log_parse(got, len, &e), 0);
			ck_assert_int_eq(strtol(e.text, NULL, 10), (long)seen++);
		}
	}
	ck_assert_uint_eq(seen, 200);
	ck_assert_int_eq(err.code, 0);
	eng_tail_close(&t);
	eng_log_close(&l);
	unit_tmp_fini(&tmp);
}
END_TEST

/* A reader that is three files behind. */
START_TEST(test_behind)
{
	struct eng_log l = ENG_LOG_INIT;
	struct eng_tail t = ENG_TAIL_INIT;
	struct cs_err err = CS_ERR_INIT;
	size_t len;
	char line[64], *got;
	long next = 0;

	tmp = unit_tmp_init();
	use(drivers[_i % 2], "max-size=1k", "max-file=50");
	open_log(&l);
	eng_log_add(&l, ENG_LOG_STDOUT, "0\n", 2);
	ck_assert_int_eq(eng_tail_open(&t, tmp.fd, "log", SIZE_MAX, &err), 0);
	for (long i = 1; i < 400; i++) {
		int n = snprintf(line, sizeof(line), "%ld\n", i);

		eng_log_add(&l, ENG_LOG_STDOUT, line, (size_t)n);
		if (i % 100 != 99)
			continue;
		while (eng_tail_next(&t, &got, &len, &err) == 1) {
			struct eng_log_entry e;

			ck_assert_int_eq(eng_log_parse(got, len, &e), 0);
			ck_assert_int_eq(strtol(e.text, NULL, 10), next++);
		}
		ck_assert_int_eq(next, i + 1);
	}
	eng_tail_close(&t);
	eng_log_close(&l);
	unit_tmp_fini(&tmp);
}
END_TEST

/* A monitor was killed in the middle of a record. */
START_TEST(test_torn)
{
	struct eng_log l = ENG_LOG_INIT;
	size_t records;

	tmp = unit_tmp_init();
	use(drivers[_i % 2], NULL, NULL);
	open_log(&l);
	eng_log_add(&l, ENG_LOG_STDOUT, "one\n", 4);
	eng_log_close(&l);
	ck_assert_int_ge(l.fd = openat(tmp.fd, "log", O_WRONLY | O_APPEND | O_CLOEXEC), 0);
	ck_assert_int_eq(write(l.fd, "{\"log\":\"tw", 10), 10);
	close(l.fd);
	read_back(ENG_LOG_STDOUT, back, sizeof(back), SIZE_MAX, &records);
	ck_assert_str_eq(back, "one\n");
	open_log(&l);
	eng_log_add(&l, ENG_LOG_STDOUT, "two\n", 4);
	eng_log_close(&l);
	read_back(ENG_LOG_STDOUT, back, sizeof(back), SIZE_MAX, &records);
	ck_assert_str_eq(back, "one\ntwo\n");
	unit_tmp_fini(&tmp);
}
END_TEST

/* A file that cannot grow is a full disk: whole records only, and the loss is told. */
START_TEST(test_full)
{
	const struct rlimit small = { 4096, RLIM_INFINITY }, no = { RLIM_INFINITY, RLIM_INFINITY };
	struct eng_log l = ENG_LOG_INIT;
	size_t records, lines = 0;
	char line[64];

	signal(SIGXFSZ, SIG_IGN);
	tmp = unit_tmp_init();
	use(drivers[_i % 2], NULL, NULL);
	open_log(&l);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 200; i++) {
		int n = snprintf(line, sizeof(line), "%d\n", i);

		eng_log_add(&l, ENG_LOG_STDOUT, line, (size_t)n);
	}
	ck_assert_uint_gt(l.lost, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &no), 0);
	eng_log_add(&l, ENG_LOG_STDOUT, "last\n", 5);
	ck_assert_uint_eq(l.lost, 0);
	eng_log_close(&l);
	read_back(ENG_LOG_STDERR, back, sizeof(back), SIZE_MAX, &records);
	ck_assert_ptr_nonnull(strstr(back, "records of this log were lost\n"));
	lines = (size_t)strtoul(back + strlen("caisson: "), NULL, 10);
	ck_assert_uint_eq(records - 2 + lines, 200);
	read_back(ENG_LOG_STDOUT, back, sizeof(back), 1, &records);
	ck_assert_str_eq(back, "last\n");
	unit_tmp_fini(&tmp);
}
END_TEST

START_TEST(test_opts)
{
	static const char *const bad[] = { "max-size=",	     "max-size=0",
					   "max-size=10x",   "max-size=k",
					   "max-file=0",     "max-file=501",
					   "max-file=2",     "tag=x",
					   "max-size=10mbb", "max-size=99999999999t" };
	struct eng_log_opts o;
	struct cs_err err = CS_ERR_INIT;

	use(NULL, NULL, NULL);
	ck_assert_int_eq(opts.driver, ENG_LOG_JSON);
	ck_assert_uint_eq(opts.max_size, 0);
	use("json-file", "max-size=10M", "max-file=3");
	ck_assert_uint_eq(opts.max_size, 10 << 20);
	ck_assert_uint_eq(opts.max_file, 3);
	use("k8s-file", "max-size=10mb", NULL);
	ck_assert_uint_eq(opts.max_size, 10 << 20);
	use("none", "max-size=-1", NULL);
	ck_assert_int_eq(opts.driver, ENG_LOG_NONE);
	ck_assert_int_eq(eng_log_opts("journald", NULL, 0, &o, &err), -EINVAL);
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		cs_err_clear(&err);
		ck_assert_msg(eng_log_opts(NULL, &bad[i], 1, &o, &err) == -EINVAL, "%s", bad[i]);
	}
}
END_TEST

START_TEST(test_parse)
{
	static const char *const bad[] = {
		"",
		"{",
		"{}",
		"{\"log\":\"x\"}",
		"x",
		"{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"now\"}",
		"{\"log\":\"x\",\"stream\":\"stdin\",\"time\":\"2026-01-02T03:04:05Z\"}",
		"{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"",
		"{\"log\":\"\\u12\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}",
		"2026-01-02T03:04:05Z stdout",
		"2026-01-02T03:04:05Z stdout X y",
		"2026-01-02T03:04:05Z stdout F",
		"2026-01-02T03:04:05Z stdxxx F a",
	};
	struct eng_log_entry e;
	char line[256];

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		snprintf(line, sizeof(line), "%s", bad[i]);
		ck_assert_msg(eng_log_parse(line, strlen(line), &e) == -EINVAL, "%s", bad[i]);
	}
	/* docker's own, with what it may have besides */
	snprintf(line, sizeof(line), "%s",
		 "{\"log\":\"\\u003c\\ud83d\\ude00\\udcff\\n\",\"stream\":\"stderr\","
		 "\"time\":\"2026-01-02T03:04:05.6Z\",\"more\":\"x\"}");
	ck_assert_int_eq(eng_log_parse(line, strlen(line), &e), 0);
	ck_assert_uint_eq(e.len, 6);
	ck_assert(memcmp(e.text, "<\xf0\x9f\x98\x80\xff", 6) == 0);
	ck_assert(e.ended);
	ck_assert_int_eq(e.stream, ENG_LOG_STDERR);
	snprintf(line, sizeof(line), "%s", "2026-01-02T03:04:05.6+01:00 stdout P ");
	ck_assert_int_eq(eng_log_parse(line, strlen(line), &e), 0);
	ck_assert_uint_eq(e.len, 0);
	ck_assert(!e.ended);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_bytes,	test_form,   test_rotate,
				       test_rotate_one, test_behind, test_torn,
				       test_full,	test_opts,   test_parse };

	return unit_run_times("engine/log", tests, CS_LEN(tests), 2);
}
