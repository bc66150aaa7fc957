#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/help.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "cli/stdio.h"
#include "runtime/container.h"
#include "runtime/ns/early.h"
#include "runtime/ns/self.h"

const char ctr_early_commands[] = OCI_EARLY_COMMANDS;
const char ctr_early_options[] = OCI_EARLY_OPTIONS;

/* The state of one invocation. */
struct oci_main {
	const char *name; /* what it was called as */
	struct oci_global g;
	char root[PATH_MAX];
	struct ctr_rt rt;
	int log_fd; /* owned unless it is standard error */
	enum cs_log_format log_format;
	int status;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int setup_log(struct oci_main *m, struct cs_err *err)
{
	const char *format = m->g.log_format;

	if (!format || strcmp(format, "text") == 0)
		m->log_format = CS_LOG_TEXT;
	else if (strcmp(format, "json") == 0)
		m->log_format = CS_LOG_JSON;
	else
		return cs_err_set(err, EINVAL,
				  "option --log-format: \"%s\" is not \"text\" or \"json\"",
				  format);
	if (m->g.log && *m->g.log && strcmp(m->g.log, "/dev/stderr") != 0) {
		int fd = open(m->g.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

		if (fd < 0)
			return cs_err_sys(err, "open log %s", m->g.log);
		m->log_fd = fd;
	}
	cs_log_setup(m->log_fd, m->log_format, m->g.debug ? CS_LOG_DEBUG : CS_LOG_INFO, m->name);
	return 0;
}

/* The one line about what went wrong: into the log, and, where that is a file, for whoever looks at
 * standard error too. */
static void report(const struct oci_main *m, const struct cs_err *err)
{
	cs_log(CS_LOG_ERROR, "%s", err->msg);
	if (m->log_fd == STDERR_FILENO)
		return;
	cs_log_setup(STDERR_FILENO, CS_LOG_TEXT, CS_LOG_ERROR, m->name);
	cs_log(CS_LOG_ERROR, "%s", err->msg);
}

static int set_root(struct oci_main *m, struct cs_err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	m->rt.root = m->root;
	if (m->g.root && *m->g.root == '/')
		return cs_str_fmt(m->root, sizeof(m->root), err, "%s", m->g.root);
	if (m->g.root && *m->g.root) {
		char cwd[PATH_MAX];

		if (!getcwd(cwd, sizeof(cwd)))
			return cs_err_sys(err, "working folder");
		return cs_str_fmt(m->root, sizeof(m->root), err, "%s/%s", cwd, m->g.root);
	}
	if (geteuid() != 0 && run && *run == '/')
		return cs_str_fmt(m->root, sizeof(m->root), err, "%s/caisson", run);
	return cs_str_fmt(m->root, sizeof(m->root), err, "/run/caisson");
}

/* --isolation decides, else the name the program was called by. */
static int set_wall(struct oci_main *m, struct cs_err *err)
{
	const char *wall = m->g.isolation;

	if (!wall)
		wall = strcmp(m->name, "caisson-vm") == 0 ? "vm" : "container";
	if (strcmp(wall, "container") != 0 && strcmp(wall, "vm") != 0)
		return cs_err_set(err, EINVAL,
				  "option --isolation: \"%s\" is not \"container\" or \"vm\"",
				  wall);
	m->rt.wall = wall;
	return 0;
}

static int set_rootless(const struct oci_main *m, struct cs_err *err)
{
	const char *s = m->g.rootless;

	if (!s || strcmp(s, "auto") == 0 || strcmp(s, "false") == 0)
		return 0;
	if (strcmp(s, "true") == 0)
		return cs_err_set(err, ENOTSUP, "option --rootless=true is not supported yet");
	return cs_err_set(err, EINVAL,
			  "option --rootless: \"%s\" is not \"true\", \"false\" or \"auto\"", s);
}

static int setup(struct oci_main *m, struct cs_err *err)
{
	int ret = set_rootless(m, err);

	if (ret == 0)
		ret = set_wall(m, err);
	if (ret == 0)
		ret = set_root(m, err);
	m->rt.systemd_cgroup = m->g.systemd_cgroup;
	return ret;
}

static int print_version(const struct oci_main *m, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const struct scmp_version *v = seccomp_version();

	cs_buf_addf(&b, "%s version %s\nspec: %s\n", m->name, CS_VERSION, CLI_OCI_SPEC_VERSION);
	if (v)
		cs_buf_addf(&b, "libseccomp: %u.%u.%u\n", v->major, v->minor, v->micro);
	return cli_out(&b, err);
}

static int print_help(const struct cli_cmd *cmd, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (cmd)
		cli_help_cmd(&cli_oci_prog, cmd, &b);
	else
		cli_help_prog(&cli_oci_prog, &b);
	return cli_out(&b, err);
}

static int print_dump(struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cli_help_dump(&cli_oci_prog, &b);
	return cli_out(&b, err);
}

static int call_command(struct oci_main *m, const struct cli_cmd *cmd, struct cli_args *args,
			struct cs_err *err)
{
	cs_auto_free void *values = calloc(1, cmd->opts_size ? cmd->opts_size : 1);
	struct cli_call call = { .prog = &cli_oci_prog, .cmd = cmd, .rt = &m->rt, .status = -1 };
	int ret;

	if (!values)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = cli_cmd_parse(cmd, values, args, err);
	if (ret == 0 && args->help) {
		ret = print_help(cmd, err);
	} else if (ret == 0) {
		call.opts = values;
		call.argv = args->argv;
		call.argc = args->argc;
		ret = setup(m, err);
		if (ret == 0)
			ret = cmd->run(&call, err);
		if (ret < 0)
			m->status = cmd->fail_status ? cmd->fail_status : EXIT_FAILURE;
		if (call.status >= 0)
			m->status = call.status;
	}
	cli_opt_fini(&cmd->opts, values);
	return ret;
}

static int dispatch(struct oci_main *m, int argc, char **argv, struct cs_err *err)
{
	struct cli_args args = { .argv = argv + 1, .argc = (size_t)argc - 1 };
	const struct cli_cmd *cmd;
	int ret;

	ret = cli_stdio_fill(err);
	if (ret < 0)
		return ret;
	ret = cli_opt_parse(&cli_oci_prog.opts, &m->g, true, &args, err);
	if (ret < 0)
		return ret;
	if (m->g.version)
		return print_version(m, err);
	if (m->g.dump_options)
		return print_dump(err);
	if (args.help || args.argc == 0)
		return print_help(NULL, err);
	cmd = cli_cmd_find(&cli_oci_prog, args.argv[0]);
	if (cmd && cmd->seal) {
		ret = ctr_self_seal(argv, err);
		if (ret < 0)
			return ret;
	}
	ret = setup_log(m, err);
	if (ret < 0)
		return ret;
	if (!cmd)
		return cli_cmd_unknown(&cli_oci_prog, args.argv[0], err);
	args.argv++;
	args.argc--;
	return call_command(m, cmd, &args, err);
}

int main(int argc, char **argv)
{
	struct oci_main m = { .name = cli_oci_prog.name, .log_fd = STDERR_FILENO };
	struct cs_err err = CS_ERR_INIT;

	if (argc < 1 || !argv[0])
		return EXIT_FAILURE;
	/* Less asking for memory bit by bit: what is not touched costs nothing. */
	mallopt(M_TOP_PAD, 512 << 10);
	m.name = base_name(argv[0]);
	cs_log_setup(STDERR_FILENO, CS_LOG_TEXT, CS_LOG_INFO, m.name);
	if (dispatch(&m, argc, argv, &err) < 0) {
		if (m.status == 0)
			m.status = EXIT_FAILURE;
		report(&m, &err);
	}
	return m.status;
}
