#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/imgview.h"
#include "images/digest.h"
#include "images/layer.h"

struct history_opts {
	bool human;
	bool no_trunc;
	bool quiet;
	const char *format;
};

static const struct cli_opt history_optv[] = {
	CLI_STR(struct history_opts, format, "format", 0, "FORMAT",
		"\"table\", \"json\", \"jsonl\", \"yaml\", or a template"),
	CLI_BOOL(struct history_opts, human, "human", 'H', "accepted: sizes and times always are"),
	CLI_BOOL(struct history_opts, no_trunc, "no-trunc", 0, "show everything whole"),
	CLI_BOOL(struct history_opts, quiet, "quiet", 'q', "show ids only"),
};

static const struct cli_heading headings[] = {
	{ "ID", "IMAGE" },
	{ "CreatedSince", "CREATED" },
	{ "CreatedBy", "CREATED BY" },
};

/* Bytes of the layer that a step made. */
static uint64_t layer_size(const struct img_store *st, const char *diff_id)
{
	struct cs_err ignored = CS_ERR_INIT;
	struct img_layer_info info;
	struct img_digest d;

	if (img_digest_parse(diff_id, "layer", &d, &ignored) < 0 ||
	    img_layer_info_read(img_store_fd(st), &d, &info, &ignored) < 0)
		return 0;
	return info.size;
}

static int add(struct cli_format *f, const struct img_image *im, const struct img_history *h,
	       uint64_t size, const struct history_opts *o, struct cs_err *err)
{
	bool whole = o->no_trunc || cli_format_is_json(f);
	bool last = h == &im->config.history[im->config.n_history - 1];
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *json = NULL;
	char id[IMG_DIGEST_TEXT], text[64], by[64];
	int64_t created = 0;
	size_t len = 0;
	int ret;

	if (img_time_parse(h->created, &created) < 0)
		created = 0;
	snprintf(id, sizeof(id), whole ? "%s" : "%.12s", whole ? im->rec->id : im->rec->id + 7);
	snprintf(by, sizeof(by), "%.44s%s", h->created_by, strlen(h->created_by) > 44 ? "..." : "");
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "ID", last ? id : "<missing>");
	cs_jw_str(&w, "Created", h->created);
	cli_ago_text(created, text);
	cs_jw_str(&w, "CreatedSince", text);
	cs_jw_str(&w, "CreatedAt", h->created);
	cs_jw_str(&w, "CreatedBy", whole ? h->created_by : by);
	cli_size_text(size, text);
	cs_jw_str(&w, "Size", text);
	cs_jw_u64(&w, "Bytes", size);
	cs_jw_str(&w, "Comment", h->comment);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &json, &len, err);
	return ret < 0 ? ret : cli_format_add(f, json, len, err);
}

static int history_run(struct cli_call *call, struct cs_err *err)
{
	const struct history_opts *o = call->opts;
	img_auto_store struct img_store *st = NULL;
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	cli_auto_format struct cli_format *f = NULL;
	size_t layer;
	int ret = cli_format_parse(o->quiet ? "{{.ID}}" : o->format, "table",
				   "{{.ID}}\\t{{.CreatedSince}}\\t{{.CreatedBy}}\\t{{.Size}}"
				   "\\t{{.Comment}}",
				   &f, err);

	if (ret == 0)
		ret = cli_img_store(call, &st, err);
	if (ret == 0)
		ret = img_store_image(st, call->argv[0], &im, err);
	if (ret < 0)
		return ret;
	cli_format_headings(f, headings, CS_LEN(headings));
	layer = im.config.n_diff_ids;
	/* the newest first; a step without a layer of its own is empty */
	for (size_t i = im.config.n_history; i-- > 0 && ret == 0;) {
		const struct img_history *h = &im.config.history[i];
		uint64_t size = 0;

		if (!h->empty_layer && layer > 0)
			size = layer_size(st, im.config.diff_ids[--layer]);
		ret = add(f, &im, h, size, o, err);
	}
	return ret < 0 ? ret : cli_format_print(f, err);
}

const struct cli_cmd cli_cmd_history = {
	.name = "history",
	.synopsis = "[OPTION...] IMAGE",
	.help = "show how an image was made",
	.opts = CLI_OPTS(history_optv),
	.opts_size = sizeof(struct history_opts),
	.min_args = 1,
	.max_args = 1,
	.run = history_run,
};

const struct cli_cmd cli_cmd_image_history = {
	.name = "image history",
	.synopsis = "[OPTION...] IMAGE",
	.help = "show how an image was made",
	.opts = CLI_OPTS(history_optv),
	.opts_size = sizeof(struct history_opts),
	.min_args = 1,
	.max_args = 1,
	.run = history_run,
};
