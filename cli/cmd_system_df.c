#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/df.h"
#include "cli/format.h"
#include "cli/out.h"

struct df_opts {
	const char *format;
	bool verbose;
};

static const struct cli_opt df_optv[] = {
	CLI_STR(struct df_opts, format, "format", 0, "FORMAT",
		"\"table\", \"json\", \"jsonl\", \"yaml\", or a template"),
	CLI_BOOL(struct df_opts, verbose, "verbose", 'v', "each image, container and volume"),
};

static const struct cli_heading headings[] = {
	{ "TotalCount", "TOTAL" },	     { "CreatedSince", "CREATED" },
	{ "SharedSize", "SHARED SIZE" },     { "UniqueSize", "UNIQUE SIZE" },
	{ "LocalVolumes", "LOCAL VOLUMES" }, { "RunningFor", "CREATED" },
};

/* The parts of -v. */
static const struct part {
	const char *key, *title, *columns;
	void (*put)(const struct cli_df *df, size_t i, struct cs_jw *w);
} parts[CLI_DF_KINDS] = {
	{ "Images", "Images space usage:",
	  "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}\\t{{.SharedSize}}"
	  "\\t{{.UniqueSize}}\\t{{.Containers}}",
	  cli_df_image },
	{ "Containers", "Containers space usage:",
	  "{{.ID}}\\t{{.Image}}\\t{{.LocalVolumes}}\\t{{.Size}}\\t{{.RunningFor}}\\t{{.Status}}"
	  "\\t{{.Names}}",
	  cli_df_ctr },
	{ "Volumes", "Local Volumes space usage:", "{{.Name}}\\t{{.Links}}\\t{{.Size}}",
	  cli_df_volume },
};

static size_t count(const struct cli_df *df, size_t part)
{
	const size_t n[CLI_DF_KINDS] = { df->images.n, df->n_ctr, df->volumes.n };

	return n[part];
}

static int add(struct cli_format *f, struct cs_jw *w, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = cs_jw_take(w, &text, &len, err);

	cs_jw_fini(w);
	*w = CS_JW_INIT;
	return ret < 0 ? ret : cli_format_add(f, text, len, err);
}

static int summary(const struct cli_df *df, struct cli_format *f, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	for (size_t i = 0; i < CLI_DF_KINDS; i++) {
		cli_df_row(df, i, &w);
		if (add(f, &w, err) < 0)
			return -err->code;
	}
	return cli_format_print(f, err);
}

/* A table each. */
static int tables(const struct cli_df *df, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t p = 0; p < CLI_DF_KINDS; p++) {
		cli_auto_format struct cli_format *f = NULL;
		cs_auto_jw struct cs_jw w = CS_JW_INIT;

		if (cli_format_parse("table", "table", parts[p].columns, &f, err) < 0)
			return -err->code;
		cli_format_headings(f, headings, CS_LEN(headings));
		for (size_t i = 0; i < count(df, p); i++) {
			parts[p].put(df, i, &w);
			if (add(f, &w, err) < 0)
				return -err->code;
		}
		cs_buf_addf(&b, "%s%s\n\n", p ? "\n" : "", parts[p].title);
		if (cli_format_finish(f, &b, err) < 0)
			return -err->code;
	}
	return cli_out(&b, err);
}

/* One object with all in it. */
static void whole(const struct cli_df *df, struct cs_jw *w)
{
	cs_jw_obj(w, NULL);
	for (size_t p = 0; p < CLI_DF_KINDS; p++) {
		cs_jw_arr(w, parts[p].key);
		for (size_t i = 0; i < count(df, p); i++)
			parts[p].put(df, i, w);
		cs_jw_arr_end(w);
	}
	cs_jw_obj_end(w);
}

static int print(const struct cli_df *df, const struct df_opts *o, struct cli_format *f,
		 struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cli_format_headings(f, headings, CS_LEN(headings));
	if (!o->verbose)
		return summary(df, f, err);
	if (!o->format || !*o->format || strcmp(o->format, "table") == 0)
		return tables(df, err);
	w.pretty = strcmp(o->format, "json") == 0;
	whole(df, &w);
	if (w.pretty)
		return cli_out_json(&w, true, err);
	if (add(f, &w, err) < 0)
		return -err->code;
	return cli_format_print(f, err);
}

static int df_run(struct cli_call *call, struct cs_err *err)
{
	const struct df_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	struct cli_df df;
	int ret = cli_format_parse(o->format, "table",
				   "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}"
				   "\\t{{.Reclaimable}}",
				   &f, err);

	if (ret < 0)
		return ret;
	ret = cli_df_load(call, &df, err);
	if (ret == 0)
		ret = print(&df, o, f, err);
	cli_df_fini(&df);
	return ret;
}

const struct cli_cmd cli_cmd_system_df = {
	.name = "system df",
	.synopsis = "[OPTION...]",
	.help = "show how much of the disk is taken, and what could be free",
	.opts = CLI_OPTS(df_optv),
	.opts_size = sizeof(struct df_opts),
	.fail_status = CAISSON_FAILED,
	.run = df_run,
};
