#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/imgview.h"
#include "images/gc.h"

static int tag_run(struct cli_call *call, struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;
	int ret = cli_img_store(call, &st, err);

	for (size_t i = 1; i < call->argc && ret == 0; i++) {
		struct img_ref ref;

		ret = img_ref_local(call->argv[i], &ref, err);
		if (ret == 0 && *ref.digest)
			ret = cs_err_set(err, EINVAL, "a name for an image cannot have a digest");
		if (ret == 0)
			ret = img_tag(st, call->argv[0], &ref, err);
	}
	return ret;
}

const struct cli_cmd cli_cmd_tag = {
	.name = "tag",
	.synopsis = "IMAGE NAME...",
	.help = "give an image more names",
	.min_args = 2,
	.max_args = CLI_ANY_ARGS,
	.run = tag_run,
};

const struct cli_cmd cli_cmd_image_tag = {
	.name = "image tag",
	.synopsis = "IMAGE NAME...",
	.help = "give an image more names",
	.min_args = 2,
	.max_args = CLI_ANY_ARGS,
	.run = tag_run,
};

/* Every name of the image, or those that are given. */
static int untag_run(struct cli_call *call, struct cs_err *err)
{
	const struct img_remove how = { .keep_last = true };
	img_auto_store struct img_store *st = NULL;
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	int ret = cli_img_store(call, &st, err);

	if (ret == 0)
		ret = img_store_image(st, call->argv[0], &im, err);
	if (ret < 0)
		return ret;
	for (size_t i = 1; i < call->argc && ret == 0; i++)
		ret = img_remove(st, call->argv[i], &how, err);
	for (size_t i = 0; call->argc == 1 && i < im.list.n && ret == 0; i++) {
		const struct img_record *r = &im.list.v[i];

		if (*r->name && strcmp(r->id, im.rec->id) == 0)
			ret = img_remove(st, r->name, &how, err);
	}
	return ret;
}

const struct cli_cmd cli_cmd_untag = {
	.name = "untag",
	.synopsis = "IMAGE [NAME...]",
	.help = "take names (all of them) from an image, which stays",
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.run = untag_run,
};

const struct cli_cmd cli_cmd_image_untag = {
	.name = "image untag",
	.synopsis = "IMAGE [NAME...]",
	.help = "take names (all of them) from an image, which stays",
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.run = untag_run,
};
