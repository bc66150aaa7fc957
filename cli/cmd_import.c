#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/imgview.h"
#include "cli/out.h"
#include "images/source.h"

struct import_opts {
	struct cli_strv change;
	const char *message;
	const char *platform;
	bool quiet;
};

static const struct cli_opt import_optv[] = {
	CLI_STRV(struct import_opts, change, "change", 'c', "INSTRUCTION",
		 "set CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR"),
	CLI_STR(struct import_opts, message, "message", 'm', "TEXT", "what history says of it"),
	CLI_STR(struct import_opts, platform, "platform", 0, "OS/ARCH[/VARIANT]",
		"what it runs on (default: this host's)"),
	CLI_BOOL(struct import_opts, quiet, "quiet", 'q', "accepted for podman's sake"),
};

static int import_run(struct cli_call *call, struct cs_err *err)
{
	const struct import_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	img_auto_store struct img_store *st = NULL;
	char id[IMG_DIGEST_TEXT], name[IMG_REF_TEXT];
	struct img_location from;
	struct img_ref ref;
	struct img_import im = {
		.path = call->argv[0],
		.fd = -EBADF,
		.message = o->message,
		.platform = o->platform,
		.changes = o->change.v,
		.n_changes = o->change.n,
	};
	int ret = 0;

	if (strcmp(im.path, "-") == 0) {
		im.fd = STDIN_FILENO;
	} else {
		ret = img_location_parse(im.path, &from, err);
		if (ret == 0 && from.transport == IMG_T_TAR)
			im.path = from.path;
		else if (ret == 0 && from.transport != IMG_T_NONE)
			ret = cs_err_set(err, EINVAL,
					 "import takes a root filesystem: images are for `caisson "
					 "load`");
	}
	if (ret == 0 && call->argc > 1) {
		ret = img_ref_local(call->argv[1], &ref, err);
		if (ret == 0)
			img_ref_format(&ref, name);
		im.name = name;
	}
	if (ret == 0)
		ret = cli_img_store(call, &st, err);
	if (ret == 0)
		ret = img_import(st, &im, id, err);
	if (ret < 0)
		return ret;
	cs_buf_addf(&b, "%s\n", id);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_import = {
	.name = "import",
	.synopsis = "[OPTION...] FILE|DIR|- [NAME]",
	.help = "make an image of a root filesystem",
	.opts = CLI_OPTS(import_optv),
	.opts_size = sizeof(struct import_opts),
	.min_args = 1,
	.max_args = 2,
	.transfer = true,
	.run = import_run,
};

const struct cli_cmd cli_cmd_image_import = {
	.name = "image import",
	.synopsis = "[OPTION...] FILE|DIR|- [NAME]",
	.help = "make an image of a root filesystem",
	.opts = CLI_OPTS(import_optv),
	.opts_size = sizeof(struct import_opts),
	.min_args = 1,
	.max_args = 2,
	.transfer = true,
	.run = import_run,
};
