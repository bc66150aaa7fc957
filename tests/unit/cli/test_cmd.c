#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "tests/unit/unit.h"

struct opts {
	bool force;
	const char *name;
};

static const struct cli_opt optv[] = {
	CLI_BOOL(struct opts, force, "force", 'f', "use force"),
	CLI_STR(struct opts, name, "name", 0, "NAME", "give it a name"),
};

static const struct cli_cmd create = { .name = "create", .synopsis = "ID", .help = "make one" };
static const struct cli_cmd delete = {
	.name = "delete",
	.synopsis = "[OPTION...] ID",
	.help = "remove one",
	.text = "It is gone.\n",
	.opts = CLI_OPTS(optv),
	.opts_size = sizeof(struct opts),
	.min_args = 1,
	.max_args = 1,
};
static const struct cli_cmd run = {
	.name = "run",
	.synopsis = "ID COMMAND...",
	.help = "start one",
	.opts = CLI_OPTS(optv),
	.opts_size = sizeof(struct opts),
	.min_args = 2,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
};
static const struct cli_cmd secret = {
	.name = "secret",
	.synopsis = "",
	.help = "not shown",
	.hidden = true,
	.any_opts = true,
	.max_args = CLI_ANY_ARGS,
};
static const struct cli_cmd *const cmds[] = { &create, &delete, &run, &secret };

static const struct cli_cmd net_create = { .name = "net create", .help = "make a net" };
static const struct cli_cmd net_ls = { .name = "net ls", .help = "list nets" };
static const struct cli_cmd netstat = { .name = "netstat", .help = "show figures" };
static const struct cli_cmd *const grouped_cmds[] = { &create, &net_create, &net_ls, &netstat };
static const struct cli_group groups[] = { { .name = "net", .help = "handle nets" } };
static const struct cli_prog grouped = {
	.name = "tool",
	.help = "handle things",
	.cmds = grouped_cmds,
	.n_cmds = CS_LEN(grouped_cmds),
	.groups = groups,
	.n_groups = CS_LEN(groups),
};
static const struct cli_prog prog = {
	.name = "tool",
	.help = "handle things",
	.opts = CLI_OPTS(optv),
	.cmds = cmds,
	.n_cmds = CS_LEN(cmds),
};

START_TEST(test_find)
{
	ck_assert_ptr_eq(cli_cmd_find(&prog, "run"), &run);
	ck_assert_ptr_eq(cli_cmd_find(&prog, "secret"), &secret);
	ck_assert_ptr_null(cli_cmd_find(&prog, "ru"));
	ck_assert_ptr_null(cli_cmd_find(&prog, ""));
}
END_TEST

static void check_suggestion(const char *typed, const char *want)
{
	const struct cli_cmd *cmd = cli_cmd_suggest(&prog, typed);

	ck_assert_msg(want ? cmd && strcmp(cmd->name, want) == 0 : !cmd, "%s: %s", typed,
		      cmd ? cmd->name : "none");
}

START_TEST(test_suggest)
{
	check_suggestion("creat", "create");
	check_suggestion("dlete", "delete");
	check_suggestion("delteed", "delete");
	check_suggestion("rn", "run");
	check_suggestion("urn", "run"); /* a swap is one edit */
	check_suggestion("ps", NULL);
	check_suggestion("", NULL);
	check_suggestion("secre", NULL);
	check_suggestion("frobnicate", NULL);
	check_suggestion("a-name-much-longer-than-any-command-of-ours", NULL);
}
END_TEST

START_TEST(test_unknown)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cli_cmd_unknown(&prog, "dxlete", &err), -EINVAL);
	ck_assert_str_eq(err.msg, "unknown command \"dxlete\"; did you mean \"delete\"?");
	cs_err_clear(&err);
	ck_assert_int_eq(cli_cmd_unknown(&prog, "frobnicate", &err), -EINVAL);
	ck_assert_str_eq(err.msg, "unknown command \"frobnicate\"; \"tool --help\" lists them");
}
END_TEST

/* Parses up to three words for @cmd; 0 or the error's text in @msg. */
static int parse(const struct cli_cmd *cmd, struct opts *o, const char *const words[3],
		 struct cli_args *args, struct cs_err *err)
{
	static char store[3][32];
	static char *argv[4];
	size_t n = 0;

	memset(o, 0, sizeof(*o));
	*err = (struct cs_err)CS_ERR_INIT;
	for (; n < 3 && words[n]; n++) {
		ck_assert_uint_lt(strlen(words[n]), sizeof(store[n]));
		strncpy(store[n], words[n], sizeof(store[n]) - 1);
		argv[n] = store[n];
	}
	argv[n] = NULL;
	*args = (struct cli_args){ .argv = argv, .argc = n };
	return cli_cmd_parse(cmd, o, args, err);
}

START_TEST(test_parse)
{
	struct cli_args args = { 0 };
	struct cs_err err;
	struct opts o;

	ck_assert_int_eq(parse(&delete, &o, (const char *[3]){ "x", "-f" }, &args, &err), 0);
	ck_assert(o.force);
	ck_assert_uint_eq(args.argc, 1);
	ck_assert_str_eq(args.argv[0], "x");

	ck_assert_int_eq(parse(&run, &o, (const char *[3]){ "x", "y", "-f" }, &args, &err), 0);
	ck_assert(!o.force);
	ck_assert_uint_eq(args.argc, 3);

	/* --help asks for no arguments */
	ck_assert_int_eq(parse(&run, &o, (const char *[3]){ "--help" }, &args, &err), 0);
	ck_assert(args.help);

	ck_assert_int_eq(parse(&secret, &o, (const char *[3]){ "--any", "-x" }, &args, &err), 0);
	ck_assert_uint_eq(args.argc, 2);
}
END_TEST

START_TEST(test_parse_errors)
{
	struct cli_args args = { 0 };
	struct cs_err err;
	struct opts o;

	ck_assert_int_eq(parse(&delete, &o, (const char *[3]){ NULL }, &args, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "delete: arguments missing, usage: delete [OPTION...] ID");
	ck_assert_int_eq(parse(&delete, &o, (const char *[3]){ "a", "b" }, &args, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "delete: too many arguments, usage: delete [OPTION...] ID");
	ck_assert_int_eq(parse(&delete, &o, (const char *[3]){ "--nope" }, &args, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "delete: unknown option \"--nope\"; did you mean \"--name\"?");
}
END_TEST

START_TEST(test_help)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cli_help_prog(&prog, &b);
	ck_assert_str_eq(b.s, "tool: handle things\n\n"
			      "Usage: tool [GLOBAL OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n\n"
			      "Commands:\n"
			      "  create  make one\n"
			      "  delete  remove one\n"
			      "  run     start one\n\n"
			      "Global options:\n"
			      "  -f, --force      use force\n"
			      "      --name NAME  give it a name\n"
			      "  -h, --help       show help\n\n"
			      "\"tool COMMAND --help\" tells more of a command.\n");
	cs_buf_fini(&b);
	cli_help_cmd(&prog, &delete, &b);
	ck_assert_str_eq(b.s, "tool delete: remove one\n\n"
			      "Usage: tool [GLOBAL OPTION...] delete [OPTION...] ID\n\n"
			      "It is gone.\n\n"
			      "Options:\n"
			      "  -f, --force      use force\n"
			      "      --name NAME  give it a name\n"
			      "  -h, --help       show help\n");
	cs_buf_fini(&b);
	cli_help_cmd(&prog, &create, &b);
	ck_assert_str_eq(b.s, "tool create: make one\n\n"
			      "Usage: tool [GLOBAL OPTION...] create ID\n\n"
			      "Options:\n"
			      "  -h, --help  show help\n");
}
END_TEST

START_TEST(test_dump)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cli_help_dump(&prog, &b);
	ck_assert_str_eq(b.s, "-\t--force\t-f\t-\tuse force\n"
			      "-\t--name\t-\tNAME\tgive it a name\n"
			      "-\t--help\t-h\t-\tshow help\n"
			      "create\t-\t-\t-\tmake one\n"
			      "delete\t-\t-\t-\tremove one\n"
			      "delete\t--force\t-f\t-\tuse force\n"
			      "delete\t--name\t-\tNAME\tgive it a name\n"
			      "run\t-\t-\t-\tstart one\n"
			      "run\t--force\t-f\t-\tuse force\n"
			      "run\t--name\t-\tNAME\tgive it a name\n"
			      "secret\t-\t-\t-\t(hidden) not shown\n");
}
END_TEST

static char w_create[] = "create", w_ls[] = "ls", w_lss[] = "lss", w_net[] = "net", w_opt[] = "-h",
	    w_netstat[] = "netstat", w_sl[] = "sl";

static int lookup(char **words, size_t n, const struct cli_cmd **cmd,
		  const struct cli_group **group, size_t *used)
{
	struct cs_err err = CS_ERR_INIT;

	*cmd = NULL;
	*group = NULL;
	return cli_cmd_lookup(&grouped, words, n, cmd, group, used, &err);
}

START_TEST(test_lookup)
{
	char *one[] = { w_create, w_ls }, *two[] = { w_net, w_ls, w_sl }, *opt[] = { w_net, w_opt };
	char *near[] = { w_netstat }, *not_there[] = { w_net, w_sl };
	const struct cli_group *group;
	const struct cli_cmd *cmd;
	size_t used = 0;

	ck_assert_int_eq(lookup(one, 2, &cmd, &group, &used), 0);
	ck_assert(cmd == &create && used == 1);
	ck_assert_int_eq(lookup(two, 3, &cmd, &group, &used), 0);
	ck_assert(cmd == &net_ls && used == 2);
	ck_assert_int_eq(lookup(two, 1, &cmd, &group, &used), 0);
	ck_assert(!cmd && group == &groups[0]);
	ck_assert_int_eq(lookup(opt, 2, &cmd, &group, &used), 0);
	ck_assert(!cmd && group == &groups[0]);
	ck_assert_int_eq(lookup(near, 1, &cmd, &group, &used), 0);
	ck_assert(cmd == &netstat && used == 1);
	ck_assert_int_eq(lookup(not_there, 2, &cmd, &group, &used), -EINVAL);
}
END_TEST

START_TEST(test_lookup_error)
{
	char *words[] = { w_net, w_lss };
	const struct cli_group *group = NULL;
	const struct cli_cmd *cmd = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t used = 0;

	ck_assert_int_lt(cli_cmd_lookup(&grouped, words, 2, &cmd, &group, &used, &err), 0);
	ck_assert_str_eq(err.msg, "unknown command \"net lss\"; did you mean \"net ls\"?");
}
END_TEST

START_TEST(test_help_groups)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT, g = CS_BUF_INIT;

	cli_help_prog(&grouped, &b);
	ck_assert_ptr_nonnull(strstr(b.s, "\n  create   make one\n  netstat  show figures\n"
					  "\nCommands of two words:\n  net      handle nets\n"));
	ck_assert_ptr_null(strstr(b.s, "net ls"));
	cli_help_group(&grouped, &groups[0], &g);
	ck_assert_str_eq(g.s,
			 "tool net: handle nets\n\n"
			 "Usage: tool [GLOBAL OPTION...] net COMMAND [OPTION...] [ARGUMENT...]\n\n"
			 "Commands:\n  net create  make a net\n  net ls      list nets\n");
}
END_TEST

UNIT_MAIN("cli/cmd", test_lookup, test_lookup_error, test_help_groups, test_find, test_suggest,
	  test_unknown, test_parse, test_parse_errors, test_help, test_dump)
