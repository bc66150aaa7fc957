#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/imgview.h"
#include "images/source.h"

struct save_opts {
	const char *output;
	const char *format;
	bool quiet;
	bool multi;
};

static const struct cli_opt save_optv[] = {
	CLI_STR(struct save_opts, format, "format", 0, "FORMAT",
		"\"docker-archive\" (default), \"oci-archive\", \"oci-dir\" or \"docker-dir\""),
	CLI_BOOL(struct save_opts, multi, "multi-image-archive", 'm',
		 "accepted: several images always are"),
	CLI_STR(struct save_opts, output, "output", 'o', "FILE",
		"file, or folder, to write (default: standard output)"),
	CLI_BOOL(struct save_opts, quiet, "quiet", 'q', "accepted for podman's sake"),
};

static const struct {
	const char *name;
	enum img_save_format format;
} formats[] = {
	{ "docker-archive", IMG_SAVE_DOCKER },
	{ "oci-archive", IMG_SAVE_OCI },
	{ "oci-dir", IMG_SAVE_OCI_DIR },
	{ "docker-dir", IMG_SAVE_DIR },
};

static int parse_format(const char *s, enum img_save_format *out, struct cs_err *err)
{
	for (size_t i = 0; i < CS_LEN(formats); i++) {
		if (strcmp(s ? s : "docker-archive", formats[i].name) == 0) {
			*out = formats[i].format;
			return 0;
		}
	}
	return cs_err_set(err, EINVAL,
			  "option --format: \"%.40s\" is not docker-archive, "
			  "oci-archive, oci-dir or docker-dir",
			  s);
}

/* Into a file beside that gets the name once it is whole. */
static int save_file(struct img_store *st, struct img_save *s, const char *path, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char tmp[4200];
	int ret = cs_str_fmt(tmp, sizeof(tmp), err, "%s.%d.tmp", path, (int)getpid());

	if (ret < 0)
		return ret;
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return cs_err_sys(err, "make %s", tmp);
	s->fd = fd;
	ret = img_save(st, s, err);
	if (ret == 0 && rename(tmp, path) < 0)
		ret = cs_err_sys(err, "rename %s to %s", tmp, path);
	if (ret < 0)
		unlink(tmp);
	return ret;
}

/* A pipe or a device is written to as it is. */
static bool is_special(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && !S_ISREG(sb.st_mode);
}

static int save_special(struct img_store *st, struct img_save *s, const char *path,
			struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;

	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return cs_err_sys(err, "open %s", path);
	s->fd = fd;
	return img_save(st, s, err);
}

static int save_run(struct cli_call *call, struct cs_err *err)
{
	const struct save_opts *o = call->opts;
	img_auto_store struct img_store *st = NULL;
	struct img_save s = {
		.fd = STDOUT_FILENO,
		.path = o->output,
		.names = call->argv,
		.n_names = call->argc,
	};
	bool folder;
	int ret = parse_format(o->format, &s.format, err);

	if (ret < 0)
		return ret;
	folder = s.format == IMG_SAVE_OCI_DIR || s.format == IMG_SAVE_DIR;
	if (folder && !o->output)
		return cs_err_set(err, EINVAL,
				  "save: this format is a folder: say which by --output");
	if (!o->output && isatty(STDOUT_FILENO))
		return cs_err_set(err, EINVAL,
				  "save: standard output is a terminal: use --output FILE");
	ret = cli_img_store(call, &st, err);
	if (ret < 0)
		return ret;
	if (folder || !o->output)
		return img_save(st, &s, err);
	if (is_special(o->output))
		return save_special(st, &s, o->output, err);
	return save_file(st, &s, o->output, err);
}

const struct cli_cmd cli_cmd_save = {
	.name = "save",
	.synopsis = "[OPTION...] IMAGE...",
	.help = "write images to an archive or folder",
	.opts = CLI_OPTS(save_optv),
	.opts_size = sizeof(struct save_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.run = save_run,
};

const struct cli_cmd cli_cmd_image_save = {
	.name = "image save",
	.synopsis = "[OPTION...] IMAGE...",
	.help = "write images to an archive or folder",
	.opts = CLI_OPTS(save_optv),
	.opts_size = sizeof(struct save_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.run = save_run,
};
