#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/alias.h"
#include "cli/caisson.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/stdio.h"
#include "cli/transfer.h"
#include "runtime/ns/early.h"
#include "runtime/ns/self.h"

const char ctr_early_commands[] = CAISSON_EARLY_COMMANDS;
const char ctr_early_options[] = CAISSON_EARLY_OPTIONS;

/* The state of one invocation. */
struct caisson_main {
	struct caisson_global g;
	char root[PATH_MAX];
	char state[PATH_MAX];
	struct caisson_dirs dirs;
	int status;
};

static int absolute(char out[PATH_MAX], const char *path, struct cs_err *err)
{
	char cwd[PATH_MAX];

	if (*path == '/')
		return cs_str_fmt(out, PATH_MAX, err, "%s", path);
	if (!getcwd(cwd, sizeof(cwd)))
		return cs_err_sys(err, "working folder");
	return cs_str_fmt(out, PATH_MAX, err, "%s/%s", cwd, path);
}

/* The option; else a user's own folder, as XDG names them, who is not root; else @system. */
static int set_dir(char out[PATH_MAX], const char *given, const char *xdg, const char *system,
		   struct cs_err *err)
{
	const char *base = getenv(xdg);

	if (given && *given)
		return absolute(out, given, err);
	if (geteuid() != 0 && base && *base == '/')
		return cs_str_fmt(out, PATH_MAX, err, "%s/caisson", base);
	return cs_str_fmt(out, PATH_MAX, err, "%s", system);
}

/* Each store has a state folder of its own: that of one that --root names has its path's hash
 * (FNV-1a) in its name. */
static int set_state(struct caisson_main *m, struct cs_err *err)
{
	char base[PATH_MAX], usual[PATH_MAX];
	uint64_t hash = 0xcbf29ce484222325;

	if (set_dir(base, m->g.state, "XDG_RUNTIME_DIR", "/run/caisson", err) < 0 ||
	    set_dir(usual, NULL, "XDG_DATA_HOME", "/var/lib/caisson", err) < 0)
		return -err->code;
	if ((m->g.state && *m->g.state) || strcmp(m->root, usual) == 0)
		return cs_str_fmt(m->state, sizeof(m->state), err, "%s", base);
	for (const char *p = m->root; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
	return cs_str_fmt(m->state, sizeof(m->state), err, "%s-stores/%016" PRIx64, base, hash);
}

static int setup(struct caisson_main *m, struct cs_err *err)
{
	int ret = set_dir(m->root, m->g.root, "XDG_DATA_HOME", "/var/lib/caisson", err);

	if (ret < 0)
		return cs_err_wrap(err, "option --root");
	ret = set_state(m, err);
	if (ret < 0)
		return cs_err_wrap(err, "option --state");
	m->dirs = (struct caisson_dirs){ .root = m->root, .state = m->state };
	if (m->g.debug)
		cs_log_setup(STDERR_FILENO, CS_LOG_TEXT, CS_LOG_DEBUG, cli_caisson_prog.name);
	return 0;
}

static int print_help(const struct cli_cmd *cmd, const struct cli_group *group, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (cmd)
		cli_help_cmd(&cli_caisson_prog, cmd, &b);
	else if (group)
		cli_help_group(&cli_caisson_prog, group, &b);
	else
		cli_help_prog(&cli_caisson_prog, &b);
	return cli_out(&b, err);
}

static int print_dump(struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cli_help_dump(&cli_caisson_prog, &b);
	return cli_out(&b, err);
}

static int call_command(struct caisson_main *m, const struct cli_cmd *cmd, char *const *words,
			struct cli_args *args, struct cs_err *err)
{
	cs_auto_free void *values = calloc(1, cmd->opts_size ? cmd->opts_size : 1);
	struct cli_call call = {
		.prog = &cli_caisson_prog,
		.cmd = cmd,
		.dirs = &m->dirs,
		.opts = values,
		.words = words,
		.status = -1,
	};
	int ret;

	if (!values)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = cli_cmd_parse(cmd, values, args, err);
	if (ret == 0 && args->help) {
		ret = print_help(cmd, NULL, err);
	} else if (ret == 0) {
		call.argv = args->argv;
		call.argc = args->argc;
		ret = cmd->run(&call, err);
		if (ret < 0 && cmd->fail_status)
			m->status = cmd->fail_status;
		if (call.status >= 0)
			m->status = call.status;
	}
	cli_opt_fini(&cmd->opts, values);
	return ret;
}

static int dispatch(struct caisson_main *m, int argc, char **argv, struct cs_err *err)
{
	struct cli_args args = { .argv = argv + 1, .argc = (size_t)argc - 1, .letters = true };
	const struct cli_group *group = NULL;
	const struct cli_cmd *cmd = NULL;
	size_t words = 0;
	int ret;

	ret = cli_stdio_fill(err);
	if (ret == 0)
		ret = cli_opt_parse(&cli_caisson_prog.opts, &m->g, true, &args, err);
	if (ret == 0)
		ret = setup(m, err);
	if (ret < 0)
		return ret;
	if (m->g.dump_options)
		return print_dump(err);
	if (m->g.version)
		return cli_cmd_version.run(&(struct cli_call){ .prog = &cli_caisson_prog }, err);
	if (args.help || args.argc == 0)
		return print_help(NULL, NULL, err);
	cli_alias(&args);
	ret = cli_cmd_lookup(&cli_caisson_prog, args.argv, args.argc, &cmd, &group, &words, err);
	if (ret < 0)
		return ret;
	if (!cmd)
		return print_help(NULL, group, err);
	if (cmd->transfer && cli_transfer(argv, err) < 0)
		return -err->code;
	if (cmd->seal && ctr_self_seal(argv, err) < 0)
		return -err->code;
	args.argv += words;
	args.argc -= words;
	return call_command(m, cmd, argv, &args, err);
}

int main(int argc, char **argv)
{
	struct caisson_main m = { 0 };
	struct cs_err err = CS_ERR_INIT;

	if (argc < 1)
		return CAISSON_FAILED;
	cs_log_setup(STDERR_FILENO, CS_LOG_TEXT, CS_LOG_INFO, cli_caisson_prog.name);
	if (dispatch(&m, argc, argv, &err) < 0) {
		if (m.status == 0)
			m.status = CAISSON_FAILED;
		cs_log(CS_LOG_ERROR, "%s", err.msg);
	}
	return m.status;
}
