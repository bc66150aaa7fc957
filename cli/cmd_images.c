#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/imgview.h"

struct images_opts {
	bool all;
	bool digests;
	bool no_trunc;
	bool noheading;
	bool quiet;
	struct cli_strv filter;
	const char *format;
};

static const struct cli_opt images_optv[] = {
	CLI_BOOL(struct images_opts, all, "all", 'a', "accepted for docker's sake: all are shown"),
	CLI_BOOL(struct images_opts, digests, "digests", 0, "show digests"),
	CLI_STRV(struct images_opts, filter, "filter", 'f', "KEY=VALUE",
		 "only images that pass: dangling, reference, label, before, since, until"),
	CLI_STR(struct images_opts, format, "format", 0, "FORMAT",
		"\"table\", \"json\", \"jsonl\", \"yaml\", or a template"),
	CLI_BOOL(struct images_opts, no_trunc, "no-trunc", 0, "show ids whole"),
	CLI_BOOL(struct images_opts, noheading, "noheading", 0, "a table without its heading"),
	CLI_BOOL(struct images_opts, quiet, "quiet", 'q', "show ids only"),
};

static const struct cli_heading headings[] = {
	{ "ID", "IMAGE ID" },
	{ "CreatedSince", "CREATED" },
	{ "CreatedAt", "CREATED AT" },
};

/* Is it one that an argument asks for: by repository, or name, or pattern? */
static int asked_for(const struct cli_call *call, const struct img_list *l,
		     const struct img_record *r, struct cs_err *err)
{
	const char *text;
	cs_auto_free char *pattern = NULL;
	struct cli_strv one = { .v = &text, .n = 1 };
	struct cli_img_filter f = { .given = &one, .list = l };
	size_t size;

	if (call->argc == 0)
		return 1;
	size = strlen(call->argv[0]) + sizeof("reference=");
	pattern = malloc(size);
	if (!pattern)
		return cs_err_set(err, ENOMEM, "out of memory");
	snprintf(pattern, size, "reference=%s", call->argv[0]);
	text = pattern; /* cppcheck-suppress unreadVariable ; f points to it */
	return *call->argv[0] ? cli_img_filter(&f, r, err) : 1;
}

static int add(struct cli_format *f, const struct img_record *r, const struct images_opts *o,
	       struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	bool whole = o->no_trunc || (cli_format_is_json(f) && !o->quiet);
	size_t len = 0;
	int ret;

	cli_img_row(&w, r, whole, o->digests || !cli_format_is_table(f));
	ret = cs_jw_take(&w, &text, &len, err);
	return ret < 0 ? ret : cli_format_add(f, text, len, err);
}

static int images_run(struct cli_call *call, struct cs_err *err)
{
	const struct images_opts *o = call->opts;
	img_auto_store struct img_store *st = NULL;
	img_auto_list struct img_list l = IMG_LIST_INIT;
	cli_auto_format struct cli_format *f = NULL;
	struct cli_img_filter filter = { .given = &o->filter };
	const char *format = o->quiet ? "{{.ID}}" : o->format;
	int ret = cli_format_parse(format, "table",
				   o->digests ? "{{.Repository}}\\t{{.Tag}}\\t{{.Digest}}\\t{{.ID}}"
						"\\t{{.CreatedSince}}\\t{{.Size}}"
					      : "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}"
						"\\t{{.CreatedSince}}\\t{{.Size}}",
				   &f, err);

	if (ret == 0)
		ret = cli_img_filter_check(&o->filter, err);
	if (ret == 0)
		ret = cli_img_store(call, &st, err);
	if (ret == 0)
		ret = img_store_list(st, &l, err);
	if (ret < 0)
		return ret;
	cli_format_headings(f, headings, CS_LEN(headings));
	if (o->noheading)
		cli_format_no_heading(f);
	filter.st = st;
	filter.list = &l;
	for (size_t i = 0; i < l.n; i++) {
		ret = asked_for(call, &l, &l.v[i], err);
		if (ret > 0)
			ret = cli_img_filter(&filter, &l.v[i], err);
		if (ret > 0)
			ret = add(f, &l.v[i], o, err);
		if (ret < 0)
			return ret;
	}
	return cli_format_print(f, err);
}

const struct cli_cmd cli_cmd_images = {
	.name = "images",
	.synopsis = "[OPTION...] [NAME]",
	.help = "list images",
	.opts = CLI_OPTS(images_optv),
	.opts_size = sizeof(struct images_opts),
	.max_args = 1,
	.run = images_run,
};

const struct cli_cmd cli_cmd_image_ls = {
	.name = "image ls",
	.synopsis = "[OPTION...] [NAME]",
	.help = "list images",
	.opts = CLI_OPTS(images_optv),
	.opts_size = sizeof(struct images_opts),
	.max_args = 1,
	.run = images_run,
};
