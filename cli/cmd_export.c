#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/ctrroot.h"
#include "engine/engine.h"
#include "engine/status.h"
#include "engine/store.h"
#include "images/tarw.h"

struct export_opts {
	const char *output;
};

static const struct cli_opt export_optv[] = {
	CLI_STR(struct export_opts, output, "output", 'o', "FILE",
		"file to write (default: standard output)"),
};

static int to_fd(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	return cs_fd_write_all(*(const int *)ctx, buf, len, err);
}

static int write_tar(int root, int out, struct cs_err *err)
{
	struct img_tarw w = { .fn = to_fd, .ctx = &out };
	cs_auto_fd int top = cs_path_open(root, "/", O_RDONLY | O_DIRECTORY, err);

	if (top < 0 || img_tarw_folder(&w, top, false, err) < 0)
		return -err->code;
	return img_tarw_end(&w, err);
}

static int export_run(struct cli_call *call, struct cs_err *err)
{
	const struct export_opts *o = call->opts;
	eng_auto_ctrroot struct eng_ctrroot c = ENG_CTRROOT_INIT;
	eng_auto struct eng e = ENG_INIT;
	cs_auto_fd int file = -EBADF;
	char id[ENG_ID_LEN + 1];
	int ret;

	if (!o->output && isatty(STDOUT_FILENO))
		return cs_err_set(err, EINVAL,
				  "export: standard output is a terminal: use -o FILE, or send it "
				  "to a program");
	if (cli_ctr_engine(call, &e, err) < 0 || eng_find(&e, call->argv[0], id, err) < 0 ||
	    eng_ctrroot_open(&e, id, NULL, &c, err) < 0)
		return -err->code;
	if (o->output) {
		file = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (file < 0)
			return cs_err_sys(err, "export: make %s", o->output);
	}
	ret = write_tar(c.fd, o->output ? file : STDOUT_FILENO, err);
	if (ret < 0 && o->output)
		unlink(o->output);
	return ret < 0 ? cs_err_wrap(err, "export") : 0;
}

const struct cli_cmd cli_cmd_export = {
	.name = "export",
	.synopsis = "[-o FILE] CONTAINER",
	.help = "write a container's files as a tar, without its volumes",
	.opts = CLI_OPTS(export_optv),
	.opts_size = sizeof(struct export_opts),
	.min_args = 1,
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = export_run,
};
