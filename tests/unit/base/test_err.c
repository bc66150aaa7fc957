#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

_Static_assert(sizeof(struct cs_err) == 512, "one line, one atomic write");
_Static_assert(sizeof(struct cs_err) <= PIPE_BUF, "crosses a pipe in one piece");

START_TEST(test_set)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_err_set(&err, EINVAL, "mount %s: bad", "/x"), -EINVAL);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_str_eq(err.msg, "mount /x: bad");
	cs_err_clear(&err);
	ck_assert_int_eq(err.code, 0);
	ck_assert_str_eq(err.msg, "");
	ck_assert_int_eq(cs_err_set(&err, EIO, "again"), -EIO);
}
END_TEST

START_TEST(test_errno_texts)
{
	static const struct {
		int code;
		const char *text;
	} texts[] = {
		{ EPERM, "x: operation not permitted" },
		{ ENOENT, "x: no such file or directory" },
		{ EIO, "x: input/output error" },
		{ EBUSY, "x: device or resource busy" },
		{ EDOTDOT, "x: RFS specific error" }, /* a word all in capitals stays */
		{ ELIBSCN, "x: .lib section in a.out corrupted" },
		{ EINVAL, "x: invalid argument" },
		{ 4095, "x: error 4095" },
	};

	/* Whatever the user's language is. */
	setlocale(LC_ALL, "");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(cs_err_errno(&err, texts[i].code, "%s", "x"), -texts[i].code);
		ck_assert_int_eq(err.code, texts[i].code);
		ck_assert_str_eq(err.msg, texts[i].text);
	}
}
END_TEST

START_TEST(test_sys)
{
	struct cs_err err = CS_ERR_INIT;

	errno = ENOENT;
	ck_assert_int_eq(cs_err_sys(&err, "open %s", "/x"), -ENOENT);
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_str_eq(err.msg, "open /x: no such file or directory");
}
END_TEST

START_TEST(test_wrap)
{
	struct cs_err err = CS_ERR_INIT;

	cs_err_set(&err, EPERM, "no");
	ck_assert_int_eq(cs_err_wrap(&err, "open %d", 7), -EPERM);
	ck_assert_int_eq(cs_err_wrap(&err, "start"), -EPERM);
	ck_assert_str_eq(err.msg, "start: open 7: no");
	ck_assert_int_eq(err.code, EPERM);
}
END_TEST

START_TEST(test_long_messages)
{
	struct cs_err err = CS_ERR_INIT;
	char big[1024];

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';

	cs_err_set(&err, EINVAL, "%s", big);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	/* A full message stays: there is no room for the way to it. */
	cs_err_wrap(&err, "start");
	ck_assert_uint_eq(strspn(err.msg, "a"), sizeof(err.msg) - 1);

	/* The reason is never cut. */
	cs_err_clear(&err);
	cs_err_errno(&err, ENOENT, "open %s", big);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	ck_assert_str_eq(strrchr(err.msg, ':'), ": no such file or directory");

	/* Neither is the cause by what is put in front. */
	cs_err_clear(&err);
	cs_err_set(&err, EINVAL, "cause");
	cs_err_wrap(&err, "%s", big);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	ck_assert_str_eq(strrchr(err.msg, ':') - 1, "a: cause");
}
END_TEST

/* A message cut short ends in a whole character. */
START_TEST(test_utf8_cut)
{
	static const struct {
		const char *sequence;
		size_t len;
	} chars[] = { { "\xc3\xa9", 2 }, { "\xe2\x82\xac", 3 }, { "\xf0\x9f\x98\x80", 4 } };

	for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++) {
		for (size_t pad = 500; pad < 512; pad++) {
			struct cs_err err = CS_ERR_INIT;
			char text[600];
			size_t len, max = sizeof(err.msg) - 1;

			memset(text, 'a', pad);
			memcpy(text + pad, chars[i].sequence, chars[i].len + 1);
			cs_err_set(&err, EINVAL, "%s", text);
			len = strlen(err.msg);
			if (pad + chars[i].len <= max)
				ck_assert_uint_eq(len, pad + chars[i].len);
			else
				ck_assert_uint_eq(len, pad < max ? pad : max);
		}
	}
}
END_TEST

START_TEST(test_control_characters)
{
	struct cs_err err = CS_ERR_INIT;

	cs_err_set(&err, EINVAL, "%s", "a\nb\tc\x1b[31m\x7f\xc2\x9b\xc2\xa0\xc3\xa9");
	ck_assert_str_eq(err.msg, "a?b?c?[31m???\xc2\xa0\xc3\xa9");
	cs_err_wrap(&err, "x\r\n");
	ck_assert_str_eq(err.msg, "x??: a?b?c?[31m???\xc2\xa0\xc3\xa9");
	cs_err_clear(&err);
	cs_err_errno(&err, EIO, "\n");
	ck_assert_str_eq(err.msg, "?: input/output error");
}
END_TEST

static int die_by(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void set_twice(void)
{
	struct cs_err err = CS_ERR_INIT;

	cs_err_set(&err, EINVAL, "one");
	cs_err_set(&err, EINVAL, "two");
}

static void wrap_nothing(void)
{
	struct cs_err err = CS_ERR_INIT;

	cs_err_wrap(&err, "x");
}

static void set_negative(void)
{
	struct cs_err err = CS_ERR_INIT;

	cs_err_set(&err, -EINVAL, "x");
}

/* Errors in the use of errors are found at once. */
START_TEST(test_asserts)
{
	ck_assert_int_eq(die_by(set_twice), SIGABRT);
	ck_assert_int_eq(die_by(wrap_nothing), SIGABRT);
	ck_assert_int_eq(die_by(set_negative), SIGABRT);
}
END_TEST

UNIT_MAIN("base/err", test_set, test_errno_texts, test_sys, test_wrap, test_long_messages,
	  test_utf8_cut, test_control_characters, test_asserts)
