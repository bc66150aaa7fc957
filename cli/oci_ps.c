#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "cli/pscols.h"
#include "runtime/container.h"

enum { PS_OUTPUT_MAX = 64 << 20 };

struct ps_opts {
	const char *format;
};

static const struct cli_opt ps_optv[] = {
	CLI_STR(struct ps_opts, format, "format", 'f', "FORMAT", "\"table\" (default) or \"json\""),
};

static int print_json(const pid_t *pids, size_t n, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		cs_jw_i64(&w, NULL, pids[i]);
	cs_jw_arr_end(&w);
	return cli_out_json(&w, true, err);
}

/* ps(1) as a shell would find it. */
static int find_ps(char *out, size_t size, struct cs_err *err)
{
	const char *dirs = getenv("PATH");

	if (!dirs || !*dirs)
		dirs = "/usr/bin:/bin";
	while (*dirs) {
		size_t len = strcspn(dirs, ":");
		int n = snprintf(out, size, "%.*s/ps", (int)len, dirs);

		if (*dirs == '/' && n > 0 && (size_t)n < size && access(out, X_OK) == 0)
			return 0;
		dirs += len + (dirs[len] == ':');
	}
	return cs_err_set(err, ENOENT, "program ps not found in PATH; --format json needs none");
}

/* Runs ps(1) with the user's options (-ef without any); *@text is the caller's to free. */
static int run_ps(const struct cli_call *call, char **text, struct cs_err *err)
{
	static const char *const usual[] = { "ps", "-ef", NULL };
	cs_auto_free const char **argv = NULL;
	cs_auto_fd int fd = -EBADF;
	char path[4096];
	struct cs_proc_run run = { .path = path, .argv = usual };
	int ret, status = 0;
	size_t len = 0;

	ret = find_ps(path, sizeof(path), err);
	if (ret < 0)
		return ret;
	if (call->argc > 1) {
		argv = calloc(call->argc + 1, sizeof(*argv));
		if (!argv)
			return cs_err_set(err, ENOMEM, "out of memory");
		argv[0] = "ps";
		for (size_t i = 1; i < call->argc; i++)
			argv[i] = call->argv[i];
		run.argv = argv;
	}
	fd = memfd_create("ps", MFD_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "memfd_create");
	run.envp = (const char *const *)environ;
	run.out_fd = fd;
	ret = cs_proc_run(&run, &status, err);
	if (ret < 0)
		return cs_err_wrap(err, "%s", path);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return cs_err_sys(err, "output of ps");
	ret = cs_fd_read_all(fd, PS_OUTPUT_MAX, text, &len, err);
	if (ret < 0)
		return cs_err_wrap(err, "output of ps");
	if (status != 0) {
		ret = cs_err_set(err, EIO, "ps failed with status %d: %.200s",
				 cs_proc_exit_code(status), *text);
		free(cs_take_ptr(text));
	}
	return ret;
}

static int print_table(const struct cli_call *call, const pid_t *pids, size_t n, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_free char *text = NULL;
	int ret = run_ps(call, &text, err);

	if (ret == 0)
		ret = cli_pscols_filter(text, pids, n, &b, err);
	return ret < 0 ? ret : cli_out(&b, err);
}

static int ps_run(struct cli_call *call, struct cs_err *err)
{
	const struct ps_opts *o = call->opts;
	bool table = !o->format || strcmp(o->format, "table") == 0;
	cs_auto_free pid_t *pids = NULL;
	size_t n = 0;
	int ret;

	if (!table && strcmp(o->format, "json") != 0)
		return cs_err_set(err, EINVAL,
				  "option --format: \"%s\" is not \"table\" or \"json\"",
				  o->format);
	ret = ctr_pids(call->rt, call->argv[0], &pids, &n, err);
	if (ret < 0)
		return ret;
	return table ? print_table(call, pids, n, err) : print_json(pids, n, err);
}

const struct cli_cmd cli_oci_ps = {
	.name = "ps",
	.synopsis = "[OPTION...] ID [PS-OPTION...]",
	.help = "show the processes of a container",
	.text = "The table is the output of ps(1), called with PS-OPTION or -ef, less the "
		"processes\n"
		"that are not the container's; its output must have a column PID.\n",
	.opts = CLI_OPTS(ps_optv),
	.opts_size = sizeof(struct ps_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
	.run = ps_run,
};
