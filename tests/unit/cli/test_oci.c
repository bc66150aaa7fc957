/* The tables of the OCI command line: whole, sorted, without doubles, and each option takes what
 * it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/oci.h"
#include "tests/unit/unit.h"

static void check_opts(const char *where, const struct cli_opts *opts)
{
	for (size_t i = 0; i < opts->n; i++) {
		const struct cli_opt *o = &opts->v[i];

		ck_assert_msg(o->name && strlen(o->name) > 1, "%s: option %zu", where, i);
		ck_assert_msg(strcmp(o->name, "help") != 0 && o->letter != 'h', "%s: --%s", where,
			      o->name);
		ck_assert_msg(o->help && *o->help, "%s: --%s has no help", where, o->name);
		ck_assert_msg((o->type == CLI_OPT_BOOL) == !o->arg, "%s: --%s: name of the value",
			      where, o->name);
		for (size_t j = 0; j < i; j++) {
			ck_assert_msg(strcmp(o->name, opts->v[j].name) != 0, "%s: --%s twice",
				      where, o->name);
			ck_assert_msg(!o->letter || o->letter != opts->v[j].letter, "%s: -%c twice",
				      where, o->letter);
			ck_assert_msg(o->off != opts->v[j].off, "%s: --%s and --%s share a field",
				      where, o->name, opts->v[j].name);
		}
	}
}

START_TEST(test_tables)
{
	const struct cli_prog *prog = &cli_oci_prog;

	check_opts(prog->name, &prog->opts);
	for (size_t i = 0; i < prog->n_cmds; i++) {
		const struct cli_cmd *cmd = prog->cmds[i];

		check_opts(cmd->name, &cmd->opts);
		ck_assert_ptr_nonnull(cmd->run);
		ck_assert_ptr_nonnull(cmd->synopsis);
		ck_assert_ptr_nonnull(cmd->help);
		ck_assert_msg((cmd->opts_size > 0) == (cmd->opts.n > 0), "%s", cmd->name);
		ck_assert_msg(cmd->max_args == CLI_ANY_ARGS || cmd->min_args <= cmd->max_args, "%s",
			      cmd->name);
		for (size_t j = 0; j < cmd->opts.n; j++)
			ck_assert_msg(cmd->opts.v[j].off < cmd->opts_size, "%s --%s", cmd->name,
				      cmd->opts.v[j].name);
		if (i > 0)
			ck_assert_str_lt(prog->cmds[i - 1]->name, cmd->name);
	}
}
END_TEST

static const char *sample(enum cli_opt_type type)
{
	switch (type) {
	case CLI_OPT_BOOL:
		return "true";
	case CLI_OPT_UINT:
	case CLI_OPT_NUM:
		return "1";
	case CLI_OPT_SIZE:
		return "1m";
	case CLI_OPT_TIME:
		return "1s";
	case CLI_OPT_STR:
	case CLI_OPT_STRV:
		break;
	}
	return "text";
}

/* "--NAME=VALUE", then as many arguments as the command needs. */
static void check_takes(const struct cli_cmd *cmd, const struct cli_opt *o)
{
	cs_auto_free void *values = calloc(1, cmd->opts_size);
	struct cs_err err = CS_ERR_INIT;
	struct cli_args args = { 0 };
	char word[128], id[] = "id";
	char *argv[] = { word, id, id, id, NULL };
	size_t argc = 1 + (size_t)cmd->min_args;
	const unsigned char *field = values;
	size_t set = 0;

	ck_assert_ptr_nonnull(values);
	ck_assert_uint_lt(argc, CS_LEN(argv));
	argv[argc] = NULL;
	args = (struct cli_args){ .argv = argv, .argc = argc };
	snprintf(word, sizeof(word), "--%s=%s", o->name, sample(o->type));
	ck_assert_msg(cli_cmd_parse(cmd, values, &args, &err) == 0, "%s %s: %s", cmd->name, word,
		      err.msg);
	ck_assert_uint_eq(args.argc, (size_t)cmd->min_args);
	for (size_t i = o->off; i < o->off + sizeof(void *) && i < cmd->opts_size; i++)
		set += field[i] != 0;
	ck_assert_msg(set > 0, "%s %s sets nothing", cmd->name, word);
	cli_opt_fini(&cmd->opts, values);
}

START_TEST(test_every_option)
{
	for (size_t i = 0; i < cli_oci_prog.n_cmds; i++) {
		const struct cli_cmd *cmd = cli_oci_prog.cmds[i];

		for (size_t j = 0; j < cmd->opts.n; j++)
			check_takes(cmd, &cmd->opts.v[j]);
	}
}
END_TEST

/* What callers of runc rely on: command, then its options by long name and letter. */
struct known {
	const char *cmd;
	const char *opts;
};

/* clang-format off */
static const struct known known[] = {
	{ "checkpoint", "" },
	{ "create", "bundle b console-socket pidfd-socket pid-file no-pivot no-new-keyring "
		    "preserve-fds config f" },
	{ "delete", "force f regex r" },
	{ "events", "interval stats" },
	{ "exec", "console-socket pidfd-socket cwd env e tty t user u additional-gids g process p "
		  "detach d pid-file process-label apparmor no-new-privs cap c preserve-fds "
		  "cgroup ignore-paused" },
	{ "features", "" },
	{ "help", "" },
	{ "kill", "all a regex r" },
	{ "list", "format f quiet q" },
	{ "pause", "" },
	{ "ps", "format f" },
	{ "restore", "" },
	{ "resume", "" },
	{ "run", "bundle b console-socket pidfd-socket detach d keep pid-file no-subreaper "
		 "no-pivot no-new-keyring preserve-fds config f" },
	{ "spec", "bundle b rootless" },
	{ "start", "" },
	{ "state", "" },
	{ "update", "resources r blkio-weight cpu-period cpu-quota cpu-burst cpu-share "
		    "cpu-rt-period cpu-rt-runtime cpuset-cpus cpuset-mems kernel-memory "
		    "kernel-memory-tcp memory cpu-idle memory-reservation memory-swap pids-limit "
		    "l3-cache-schema mem-bw-schema" },
};
/* clang-format on */

static void check_known(const char *where, const struct cli_opts *opts, const char *names)
{
	while (*names) {
		size_t len = strcspn(names, " ");

		ck_assert_msg(cli_opt_find(opts, names, len), "%s lacks %.*s", where, (int)len,
			      names);
		names += len + (names[len] == ' ');
	}
}

START_TEST(test_known)
{
	ck_assert_uint_eq(CS_LEN(known), cli_oci_prog.n_cmds);
	for (size_t i = 0; i < CS_LEN(known); i++) {
		const struct cli_cmd *cmd = cli_cmd_find(&cli_oci_prog, known[i].cmd);

		ck_assert_msg(cmd, "no command %s", known[i].cmd);
		check_known(cmd->name, &cmd->opts, known[i].opts);
	}
	check_known("global", &cli_oci_prog.opts,
		    "root log log-format debug systemd-cgroup rootless version v criu isolation");
}
END_TEST

/* exec's command keeps every word. */
START_TEST(test_exec_words)
{
	char words[][16] = { "-t", "--user", "1:2", "id", "sh", "-c", "--help", "--", "-t" };
	const struct cli_cmd *cmd = cli_cmd_find(&cli_oci_prog, "exec");
	cs_auto_free void *values = NULL;
	char *argv[CS_LEN(words) + 1] = { NULL };
	struct cs_err err = CS_ERR_INIT;
	struct cli_args args = { .argv = argv, .argc = CS_LEN(words) };

	for (size_t i = 0; i < CS_LEN(words); i++)
		argv[i] = words[i];
	values = calloc(1, cmd->opts_size);
	ck_assert_ptr_nonnull(values);
	ck_assert_int_eq(cli_cmd_parse(cmd, values, &args, &err), 0);
	ck_assert(!args.help);
	ck_assert_uint_eq(args.argc, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_str_eq(args.argv[i], words[i + 3]);
	cli_opt_fini(&cmd->opts, values);
}
END_TEST

UNIT_MAIN("cli/oci", test_tables, test_every_option, test_known, test_exec_words)
