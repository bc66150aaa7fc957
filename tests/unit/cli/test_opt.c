#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/opt.h"
#include "tests/unit/unit.h"

struct values {
	const char *str;
	struct cli_strv list;
	unsigned int count;
	struct cli_num num;
	struct cli_num size;
	struct cli_time time;
	bool flag;
	bool other;
};

static const struct cli_opt table[] = {
	CLI_BOOL(struct values, flag, "flag", 'f', "a switch"),
	CLI_BOOL(struct values, other, "other", 0, "another"),
	CLI_STR(struct values, str, "str", 's', "TEXT", "a text"),
	CLI_STRV(struct values, list, "list", 'l', "TEXT", "texts"),
	CLI_UINT(struct values, count, "count", 0, "N", "a count"),
	CLI_NUM(struct values, num, "num", 0, -1, "N", "a number"),
	CLI_SIZE(struct values, size, "size", 0, "BYTES", "a size"),
	CLI_TIME(struct values, time, "time", 0, "TIME", "a time"),
};

static const struct cli_opts opts = CLI_OPTS(table);

enum { MAX_WORDS = 16 };

/* One parse of words split at blanks; "~" stands for an empty word. */
struct parse {
	struct values v;
	struct cli_args args;
	struct cs_err err;
	char text[256];
	char *argv[MAX_WORDS + 1];
};

static bool letters; /* docker's grammar instead of Go's */

static int parse(struct parse *p, bool in_order, const char *line)
{
	size_t argc = 0, len = strlen(line);
	char *word;

	memset(p, 0, sizeof(*p));
	ck_assert_uint_lt(len, sizeof(p->text));
	memcpy(p->text, line, len + 1);
	word = p->text;
	while (*word) {
		size_t n = strcspn(word, " ");
		bool last = !word[n];

		word[n] = '\0';
		ck_assert_uint_lt(argc, MAX_WORDS);
		p->argv[argc++] = strcmp(word, "~") == 0 ? word + 1 : word;
		word += n + !last;
	}
	p->args = (struct cli_args){ .argv = p->argv, .argc = argc, .letters = letters };
	return cli_opt_parse(&opts, &p->v, in_order, &p->args, &p->err);
}

static void done(struct parse *p)
{
	cli_opt_fini(&opts, &p->v);
	cli_opt_fini(&opts, &p->v);
}

/* What is left after parsing @line is @rest, joined by blanks. */
static void check_rest(bool in_order, const char *line, const char *rest)
{
	struct parse p;
	char got[256] = "";

	ck_assert_msg(parse(&p, in_order, line) == 0, "%s: %s", line, p.err.msg);
	for (size_t i = 0; i < p.args.argc; i++) {
		strncat(got, i ? " " : "", sizeof(got) - strlen(got) - 1);
		strncat(got, p.args.argv[i], sizeof(got) - strlen(got) - 1);
	}
	ck_assert_ptr_null(p.args.argv[p.args.argc]);
	ck_assert_str_eq(got, rest);
	done(&p);
}

static void check_error(const char *line, const char *part)
{
	struct parse p;

	ck_assert_int_eq(parse(&p, false, line), -EINVAL);
	ck_assert_int_eq(p.err.code, EINVAL);
	ck_assert_msg(strstr(p.err.msg, part), "%s: %s", line, p.err.msg);
	done(&p);
}

START_TEST(test_forms)
{
	static const char *const lines[] = {
		"--str x --flag --list a --list=b",
		"-str x -flag -list a -list=b",
		"-s x -f -l a -l b",
		"-s=x -f=true --l=a -l b",
		"--s x --f=1 --l a --l=b",
	};

	for (size_t i = 0; i < CS_LEN(lines); i++) {
		struct parse p;

		ck_assert_msg(parse(&p, true, lines[i]) == 0, "%s: %s", lines[i], p.err.msg);
		ck_assert_str_eq(p.v.str, "x");
		ck_assert(p.v.flag);
		ck_assert(!p.v.other);
		ck_assert_uint_eq(p.v.list.n, 2);
		ck_assert_str_eq(p.v.list.v[0], "a");
		ck_assert_str_eq(p.v.list.v[1], "b");
		ck_assert_ptr_null(p.v.list.v[2]);
		ck_assert_uint_eq(p.args.argc, 0);
		done(&p);
	}
}
END_TEST

START_TEST(test_values)
{
	struct parse p;

	ck_assert_int_eq(
		parse(&p, true, "--count 3 --num -1 --size 1.5g --time 2s --flag=false --str a=b"),
		0);
	ck_assert_uint_eq(p.v.count, 3);
	ck_assert(p.v.num.set);
	ck_assert_int_eq(p.v.num.v, -1);
	ck_assert(p.v.size.set);
	ck_assert_int_eq(p.v.size.v, INT64_C(3) << 29);
	ck_assert(p.v.time.set);
	ck_assert_int_eq(p.v.time.ms, 2000);
	ck_assert(!p.v.flag);
	ck_assert_str_eq(p.v.str, "a=b");
	done(&p);
	/* the last one counts; an empty number is one not given; a text may look like an option */
	ck_assert_int_eq(parse(&p, true, "--num 7 --num ~ --flag --flag=0 --str --flag --size="),
			 0);
	ck_assert(!p.v.num.set);
	ck_assert(!p.v.size.set);
	ck_assert(!p.v.flag);
	ck_assert_str_eq(p.v.str, "--flag");
	done(&p);
	ck_assert_int_eq(parse(&p, true, "--str="), 0);
	ck_assert_str_eq(p.v.str, "");
	done(&p);
}
END_TEST

START_TEST(test_rest)
{
	check_rest(true, "", "");
	check_rest(true, "id", "id");
	check_rest(true, "-f id -f --str", "id -f --str");
	check_rest(true, "-f -- -f id", "-f id");
	check_rest(true, "-", "-");
	check_rest(true, "id --help", "id --help");
	check_rest(true, "id -- x", "id -- x");
	check_rest(false, "id -f", "id");
	check_rest(false, "id -f KILL --str x", "id KILL");
	check_rest(false, "-f id --str x KILL", "id KILL");
	check_rest(false, "id -9", "id -9");
	check_rest(false, "id -f -- -f", "id -f");
	check_rest(false, "-- -f id", "-f id");
	check_rest(false, "--", "");
}
END_TEST

START_TEST(test_permuted_values)
{
	struct parse p;

	ck_assert_int_eq(parse(&p, false, "id --str x KILL -f"), 0);
	ck_assert_str_eq(p.v.str, "x");
	ck_assert(p.v.flag);
	done(&p);
	ck_assert_int_eq(parse(&p, false, "id -- -f"), 0);
	ck_assert(!p.v.flag);
	done(&p);
}
END_TEST

START_TEST(test_help)
{
	static const char *const lines[] = {
		"--help", "-h", "-help", "--h", "-f --help x", "x -h"
	};
	struct parse p;

	for (size_t i = 0; i < CS_LEN(lines); i++) {
		ck_assert_int_eq(parse(&p, false, lines[i]), 0);
		ck_assert_msg(p.args.help, "%s", lines[i]);
		done(&p);
	}
	ck_assert_int_eq(parse(&p, true, "x -h"), 0);
	ck_assert(!p.args.help);
	done(&p);
}
END_TEST

START_TEST(test_errors)
{
	check_error("--nope", "unknown option \"--nope\"");
	check_error("-x", "unknown option \"-x\"");
	check_error("-fl", "unknown option \"-fl\"");
	check_error("---flag", "unknown option \"---flag\"");
	check_error("--flga", "unknown option \"--flga\"; did you mean \"--flag\"?");
	check_error("--conut=1", "unknown option \"--conut=1\"; did you mean \"--count\"?");
	check_error("-sizes", "did you mean \"--size\"?");
	check_error("--=x", "unknown option \"--=x\"");
	check_error("-=x", "unknown option \"-=x\"");
	check_error("--str", "--str needs a value (TEXT)");
	check_error("-f -s", "--str needs a value");
	check_error("--flag=maybe", "option --flag: \"maybe\" is not");
	check_error("--flag=", "option --flag: \"\" is not");
	check_error("--count -1", "option --count");
	check_error("--count x", "not a whole number");
	check_error("--count ~", "option --count");
	check_error("--count 4294967296", "out of range");
	check_error("--num -2", "out of range");
	check_error("--num 1k", "not a whole number");
	check_error("--num 9223372036854775808", "out of range");
	check_error("--size 1x", "size");
	check_error("--time 5", "time");
	check_error("id --count x", "option --count");
}
END_TEST

START_TEST(test_find)
{
	ck_assert_ptr_eq(cli_opt_find(&opts, "flag", 4), &table[0]);
	ck_assert_ptr_eq(cli_opt_find(&opts, "f=x", 1), &table[0]);
	ck_assert_ptr_null(cli_opt_find(&opts, "fla", 3));
	ck_assert_ptr_null(cli_opt_find(&opts, "", 0));
	ck_assert_ptr_null(cli_opt_find(&opts, "\0", 1));
}
END_TEST

/* One dash stands before letters: switches, then perhaps one with a value. */
START_TEST(test_letters)
{
	static const char *const lines[] = { "-fs text a", "-fstext a", "-fs=text a",
					     "-f -s text a", "--flag --str=text a" };
	struct parse p;

	letters = true;
	for (size_t i = 0; i < CS_LEN(lines); i++) {
		ck_assert_msg(parse(&p, true, lines[i]) == 0, "%s: %s", lines[i], p.err.msg);
		ck_assert(p.v.flag);
		ck_assert_str_eq(p.v.str, "text");
		ck_assert_uint_eq(p.args.argc, 1);
		done(&p);
	}
	ck_assert_int_eq(parse(&p, true, "-f=false -h"), 0);
	ck_assert(!p.v.flag && p.args.help);
	done(&p);
	check_error("-fx", "-x");
	check_error("-fs", "needs a value");
	check_rest(true, "-f cmd -x -s", "cmd -x -s");
	letters = false;
}
END_TEST

UNIT_MAIN("cli/opt", test_forms, test_values, test_rest, test_permuted_values, test_help,
	  test_errors, test_letters, test_find)
