#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static int pipefd[2];

static void setup(enum cs_log_format format, enum cs_log_level max)
{
	ck_assert_int_eq(pipe2(pipefd, O_CLOEXEC | O_NONBLOCK), 0);
	cs_log_setup(pipefd[1], format, max, "caisson-oci");
}

/* What was logged since the last call. */
static const char *logged(void)
{
	static char buf[16384];
	ssize_t n = read(pipefd[0], buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

START_TEST(test_text)
{
	setup(CS_LOG_TEXT, CS_LOG_INFO);
	cs_log(CS_LOG_ERROR, "bad %d", 1);
	ck_assert_str_eq(logged(), "caisson-oci: error: bad 1\n");
	cs_log(CS_LOG_WARN, "x");
	ck_assert_str_eq(logged(), "caisson-oci: warning: x\n");
	cs_log(CS_LOG_INFO, "x");
	ck_assert_str_eq(logged(), "caisson-oci: info: x\n");
	cs_log(CS_LOG_DEBUG, "x");
	ck_assert_str_eq(logged(), "");
	ck_assert(cs_log_on(CS_LOG_INFO));
	ck_assert(!cs_log_on(CS_LOG_DEBUG));
	cs_log_setup(pipefd[1], CS_LOG_TEXT, CS_LOG_DEBUG, "p");
	cs_log(CS_LOG_DEBUG, "x");
	ck_assert_str_eq(logged(), "p: debug: x\n");
}
END_TEST

START_TEST(test_text_is_one_line)
{
	char big[8192];
	const char *line;

	setup(CS_LOG_TEXT, CS_LOG_INFO);
	cs_log(CS_LOG_INFO, "%s", "a\nb: error: fake\x1b[2J\x7f\xc2\x9b");
	ck_assert_str_eq(logged(), "caisson-oci: info: a?b: error: fake?[2J???\n");
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	cs_log(CS_LOG_INFO, "%s", big);
	line = logged();
	ck_assert_uint_gt(strlen(line), 3000);
	ck_assert_uint_le(strlen(line), 4096);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(test_json)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;
	const char *line, *level = "", *msg = "", *stamp = "";
	time_t now = time(NULL);
	struct tm tm = { 0 };

	setup(CS_LOG_JSON, CS_LOG_WARN);
	cs_log(CS_LOG_WARN, "a \"b\"\n\xff%s", "c");
	line = logged();
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	ck_assert_msg(cs_json_parse(line, strlen(line), "log", &doc, &err) == 0, "%s", err.msg);
	cs_json_str(doc.root, "level", &level, &err);
	cs_json_str(doc.root, "msg", &msg, &err);
	cs_json_str(doc.root, "time", &stamp, &err);
	ck_assert_str_eq(level, "warning");
	ck_assert_str_eq(msg, "a \"b\"\n\xef\xbf\xbd"
			      "c");
	ck_assert_ptr_nonnull(strptime(stamp, "%Y-%m-%dT%H:%M:%SZ", &tm));
	ck_assert_int_ge(timegm(&tm), now);
	ck_assert_int_le(timegm(&tm), now + 10);
}
END_TEST

/* Logging happens between a failed call and the use of its errno. */
START_TEST(test_errno_kept)
{
	setup(CS_LOG_JSON, CS_LOG_WARN);
	errno = EXDEV;
	cs_log(CS_LOG_WARN, "x");
	ck_assert_int_eq(errno, EXDEV);
	cs_log_setup(-1, CS_LOG_TEXT, CS_LOG_WARN, "p"); /* the write fails */
	cs_log(CS_LOG_WARN, "x");
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

UNIT_MAIN("base/log", test_text, test_text_is_one_line, test_json, test_errno_kept)
