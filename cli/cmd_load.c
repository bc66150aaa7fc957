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

struct load_opts {
	const char *input;
	const char *name;
	const char *platform;
	bool quiet;
};

static const struct cli_opt load_optv[] = {
	CLI_STR(struct load_opts, input, "input", 'i', "FILE",
		"archive or folder to read (default: standard input)"),
	CLI_STR(struct load_opts, name, "name", 0, "NAME", "call the image so, whatever is in it"),
	CLI_STR(struct load_opts, platform, "platform", 0, "OS/ARCH[/VARIANT]",
		"of an image for several platforms (default: this host's)"),
	CLI_BOOL(struct load_opts, quiet, "quiet", 'q', "show ids only"),
};

struct told {
	struct cs_buf out;
	bool quiet;
};

static void loaded(void *ctx, const char *name, const char *id)
{
	struct told *t = ctx;

	if (t->quiet)
		cs_buf_addf(&t->out, "%s\n", id);
	else
		cs_buf_addf(&t->out, "Loaded image: %s\n", *name ? name : id);
}

/* What to read: --input FILE, or the argument with its transport, or standard input. */
static int find_source(const struct cli_call *call, struct img_location *from, int *fd,
		       struct cs_err *err)
{
	const struct load_opts *o = call->opts;
	const char *text = call->argc ? call->argv[0] : o->input;
	int ret;

	*from = (struct img_location){ .transport = IMG_T_NONE };
	*fd = -EBADF;
	if (call->argc && o->input)
		return cs_err_set(err, EINVAL, "load: either --input or a location, not both");
	if (!text || strcmp(text, "-") == 0) {
		if (isatty(STDIN_FILENO))
			return cs_err_set(err, EINVAL,
					  "load: standard input is a terminal: use "
					  "--input FILE, or a pipe");
		*fd = STDIN_FILENO;
		return 0;
	}
	ret = img_location_parse(text, from, err);
	if (ret == 0 && from->transport == IMG_T_NONE) {
		memcpy(from->path, text, strlen(text) + 1); /* it was found short enough */
		from->name[0] = '\0';
	}
	return ret;
}

static int load_run(struct cli_call *call, struct cs_err *err)
{
	const struct load_opts *o = call->opts;
	struct told told = { .out = CS_BUF_INIT, .quiet = o->quiet };
	img_auto_store struct img_store *st = NULL;
	struct img_location from;
	char name[IMG_REF_TEXT];
	struct img_ref ref;
	struct cs_err out = CS_ERR_INIT;
	struct img_load l = {
		.from = &from,
		.platform = o->platform,
		.loaded = loaded,
		.ctx = &told,
	};
	int ret = find_source(call, &from, &l.fd, err);

	if (ret == 0 && o->name) {
		ret = img_ref_local(o->name, &ref, err);
		if (ret == 0)
			img_ref_format(&ref, name);
		l.name = name;
	}
	if (ret == 0)
		ret = cli_img_store(call, &st, err);
	if (ret == 0)
		ret = img_load(st, &l, err);
	if (told.out.len && cli_out(&told.out, &out) < 0 && ret == 0) {
		*err = out;
		ret = -out.code;
	}
	cs_buf_fini(&told.out);
	return ret;
}

const struct cli_cmd cli_cmd_load = {
	.name = "load",
	.synopsis = "[OPTION...] [LOCATION]",
	.help = "read images from an archive or folder",
	.text = "LOCATION is FILE, oci:DIR[:NAME], oci-archive:FILE[:NAME],\n"
		"docker-archive:FILE[:NAME] or dir:DIR.\n",
	.opts = CLI_OPTS(load_optv),
	.opts_size = sizeof(struct load_opts),
	.max_args = 1,
	.transfer = true,
	.run = load_run,
};

const struct cli_cmd cli_cmd_image_load = {
	.name = "image load",
	.synopsis = "[OPTION...] [LOCATION]",
	.help = "read images from an archive or folder",
	.text = "LOCATION is FILE, oci:DIR[:NAME], oci-archive:FILE[:NAME],\n"
		"docker-archive:FILE[:NAME] or dir:DIR.\n",
	.opts = CLI_OPTS(load_optv),
	.opts_size = sizeof(struct load_opts),
	.max_args = 1,
	.transfer = true,
	.run = load_run,
};
