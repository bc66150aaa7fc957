#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/out.h"
#include "engine/diff.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/store.h"

struct diff_opts {
	const char *format;
};

static const struct cli_opt diff_optv[] = {
	CLI_STR(struct diff_opts, format, "format", 0, "FORMAT",
		"\"json\": an object of three lists"),
};

static void put_list(struct cs_jw *w, const char *key, char kind, const struct eng_changes *c)
{
	cs_jw_arr(w, key);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].kind == kind)
			cs_jw_str(w, NULL, c->v[i].path);
	cs_jw_arr_end(w);
}

static int print_json(const struct eng_changes *c, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	put_list(&w, "changed", 'C', c);
	put_list(&w, "added", 'A', c);
	put_list(&w, "deleted", 'D', c);
	cs_jw_obj_end(&w);
	return cli_out_json(&w, true, err);
}

/* A file's name may hold anything: a line stays a line. */
static int print_lines(const struct eng_changes *c, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t i = 0; i < c->n; i++) {
		cs_str_plain(c->v[i].path);
		cs_buf_addf(&b, "%c %s\n", c->v[i].kind, c->v[i].path);
	}
	return cli_out(&b, err);
}

static int diff_run(struct cli_call *call, struct cs_err *err)
{
	const struct diff_opts *o = call->opts;
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	eng_auto_changes struct eng_changes c = { 0 };
	eng_auto struct eng e = ENG_INIT;
	char id[ENG_ID_LEN + 1];

	if (o->format && strcmp(o->format, "json") != 0)
		return cs_err_set(err, EINVAL, "option --format: \"%.40s\" is not json", o->format);
	if (cli_ctr_engine(call, &e, err) < 0 || eng_find(&e, call->argv[0], id, err) < 0 ||
	    eng_record_load(&e, id, &r, err) < 0 || eng_diff(&e, &r, &c, err) < 0)
		return -err->code;
	return o->format ? print_json(&c, err) : print_lines(&c, err);
}

const struct cli_cmd cli_cmd_diff = {
	.name = "diff",
	.synopsis = "[--format json] CONTAINER",
	.help = "list what a container changed in its image's files",
	.opts = CLI_OPTS(diff_optv),
	.opts_size = sizeof(struct diff_opts),
	.min_args = 1,
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = diff_run,
};
