#include "cli/pstable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/which.h"
#include "cli/out.h"
#include "cli/pscols.h"

enum { PS_OUTPUT_MAX = 64 << 20 };

/* Runs ps(1) with the user's options (-ef without any); *@text is the caller's to free. */
static int run_ps(char *const *args, size_t n_args, char **text, struct cs_err *err)
{
	static const char *const usual[] = { "ps", "-ef", NULL };
	cs_auto_free const char **argv = NULL;
	cs_auto_fd int fd = -EBADF;
	char path[4096];
	struct cs_proc_run run = { .path = path, .argv = usual };
	int ret, status = 0;
	size_t len = 0;

	if (!cs_which("ps", path, sizeof(path)))
		return cs_err_set(err, ENOENT,
				  "program ps not found in PATH; --format json needs none");
	if (n_args > 0) {
		argv = calloc(n_args + 2, sizeof(*argv));
		if (!argv)
			return cs_err_set(err, ENOMEM, "out of memory");
		argv[0] = "ps";
		for (size_t i = 0; i < n_args; i++)
			argv[i + 1] = args[i];
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

int cli_ps_table(const pid_t *pids, size_t n, char *const *args, size_t n_args, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_free char *text = NULL;
	int ret = run_ps(args, n_args, &text, err);

	if (ret == 0)
		ret = cli_pscols_filter(text, pids, n, &b, err);
	return ret < 0 ? ret : cli_out(&b, err);
}
