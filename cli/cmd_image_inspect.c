#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/imgview.h"

struct inspect_opts {
	const char *format;
};

static const struct cli_opt inspect_optv[] = {
	CLI_STR(struct inspect_opts, format, "format", 'f', "FORMAT",
		"\"json\" (default), \"jsonl\", \"yaml\", or a template"),
};

static int inspect_run(struct cli_call *call, struct cs_err *err)
{
	const struct inspect_opts *o = call->opts;
	img_auto_store struct img_store *st = NULL;
	cli_auto_format struct cli_format *f = NULL;
	int ret = cli_format_parse(o->format, "json", "{{.Id}}\\t{{.RepoTags}}", &f, err);

	if (ret == 0)
		ret = cli_img_store(call, &st, err);
	for (size_t i = 0; i < call->argc && ret == 0; i++) {
		img_auto_image struct img_image im = IMG_IMAGE_INIT;
		cs_auto_jw struct cs_jw w = CS_JW_INIT;
		cs_auto_free char *text = NULL;
		size_t len = 0;

		ret = img_store_image(st, call->argv[i], &im, err);
		if (ret == 0)
			ret = cli_img_inspect(&w, st, &im, err);
		if (ret == 0)
			ret = cs_jw_take(&w, &text, &len, err);
		if (ret == 0)
			ret = cli_format_add(f, text, len, err);
	}
	return ret < 0 ? ret : cli_format_print(f, err);
}

const struct cli_cmd cli_cmd_image_inspect = {
	.name = "image inspect",
	.synopsis = "[OPTION...] IMAGE...",
	.help = "show all that is known of images",
	.opts = CLI_OPTS(inspect_optv),
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.run = inspect_run,
};
