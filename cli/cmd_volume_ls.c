#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/volume.h"

struct ls_opts {
	struct cli_strv filters;
	const char *format;
	bool noheading, quiet;
};

static const struct cli_opt ls_optv[] = {
	CLI_STRV(struct ls_opts, filters, "filter", 'f', "KEY=VALUE",
		 "only those that pass: dangling, name, label, label!, driver"),
	CLI_STR(struct ls_opts, format, "format", 0, "FORMAT",
		"\"table\", \"json\", \"jsonl\", \"yaml\", or a template"),
	CLI_BOOL(struct ls_opts, noheading, "noheading", 0, "a table without its heading"),
	CLI_BOOL(struct ls_opts, quiet, "quiet", 'q', "names only"),
};

static const struct cli_heading headings[] = {
	{ "Name", "VOLUME NAME" },
	{ "CreatedAt", "CREATED AT" },
};

static int add(struct cli_format *f, const struct eng *e, const struct cli_vol_filter *filter,
	       const char *name, struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err gone = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = eng_volume_load(e, name, &v, &gone);

	if (ret == -ENOENT) /* removed meanwhile */
		return 0;
	if (ret < 0) {
		*err = gone;
		return ret;
	}
	if (!cli_vol_filter(filter, &v))
		return 0;
	ret = cli_vol_view(&w, e, &v, err);
	if (ret == 0)
		ret = cs_jw_take(&w, &text, &len, err);
	return ret == 0 ? cli_format_add(f, text, len, err) : ret;
}

static int ls_run(struct cli_call *call, struct cs_err *err)
{
	const struct ls_opts *o = call->opts;
	eng_auto_volume_list struct eng_volume_list l = { 0 };
	eng_auto_volume_uses struct eng_volume_uses uses = { 0 };
	const struct cli_vol_filter filter = { .given = &o->filters, .uses = &uses };
	cli_auto_format struct cli_format *f = NULL;
	eng_auto struct eng e = ENG_INIT;
	int ret = cli_format_parse(o->quiet ? "{{.Name}}" : o->format, "table",
				   "{{.Driver}}\\t{{.Name}}", &f, err);

	if (ret == 0)
		ret = cli_vol_filter_check(&o->filters, false, err);
	if (ret == 0)
		ret = cli_vol_open(call, &e, err);
	if (ret == 0)
		ret = eng_volume_list(&e, &l, err);
	if (ret == 0 && o->filters.n)
		ret = eng_volume_uses(&e, &uses, err);
	if (ret < 0)
		return ret;
	cli_format_headings(f, headings, CS_LEN(headings));
	if (o->noheading)
		cli_format_no_heading(f);
	for (size_t i = 0; ret == 0 && i < l.n; i++)
		ret = add(f, &e, &filter, l.v[i], err);
	return ret == 0 ? cli_format_print(f, err) : ret;
}

const struct cli_cmd cli_cmd_volume_ls = {
	.name = "volume ls",
	.synopsis = "[OPTION...]",
	.help = "list volumes",
	.opts = CLI_OPTS(ls_optv),
	.opts_size = sizeof(struct ls_opts),
	.fail_status = CAISSON_FAILED,
	.run = ls_run,
};
