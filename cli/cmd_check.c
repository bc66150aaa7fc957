#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/out.h"
#include "engine/check.h"

struct check_opts {
	const char *format;
	bool quiet;
};

static const struct cli_opt check_optv[] = {
	CLI_STR(struct check_opts, format, "format", 0, "FORMAT",
		"\"table\", \"json\", \"jsonl\", \"yaml\", or a template (default: text)"),
	CLI_BOOL(struct check_opts, quiet, "quiet", 'q', "only what is not as it should be"),
};

enum { SOMETHING_FAILED = 1 };

struct check {
	const struct check_opts *o;
	struct cli_format *f; /* owned; NULL: text, a line as soon as it is known */
	bool color;
	size_t warnings, failures;
};

static const char *const verdicts[] = { "PASS", "WARN", "FAIL" };

static int print(const struct check *k, const struct eng_check_line *l, struct cs_err *err)
{
	static const char *const colors[] = { "32", "33", "31" };
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (k->color)
		cs_buf_addf(&b, "\033[%sm%s\033[0m", colors[l->verdict], verdicts[l->verdict]);
	else
		cs_buf_add(&b, verdicts[l->verdict]);
	cs_buf_addf(&b, " %s: %s: %s\n", l->area, l->name, l->what);
	if (*l->help)
		cs_buf_addf(&b, "     %s\n", l->help);
	return cli_out(&b, err);
}

static int take(const struct eng_check_line *l, void *arg, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	struct check *k = arg;
	size_t len = 0;

	k->warnings += l->verdict == ENG_WARN;
	k->failures += l->verdict == ENG_FAIL;
	if (k->o->quiet && l->verdict == ENG_PASS)
		return 0;
	if (!k->f)
		return print(k, l, err);
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "Area", l->area);
	cs_jw_str(&w, "Name", l->name);
	cs_jw_str(&w, "Verdict", verdicts[l->verdict]);
	cs_jw_str(&w, "What", l->what);
	cs_jw_str(&w, "Help", l->help);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	return cli_format_add(k->f, text, len, err);
}

static int summary(const struct check *k, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cs_buf_addf(&b, "%zu failed, %zu warning%s\n", k->failures, k->warnings,
		    k->warnings == 1 ? "" : "s");
	return cli_out(&b, err);
}

static int check_run(struct cli_call *call, struct cs_err *err)
{
	cli_auto_format struct cli_format *f = NULL;
	struct check k = { .o = call->opts };
	int ret = 0;

	if (k.o->format && *k.o->format)
		ret = cli_format_parse(k.o->format, "table",
				       "{{.Verdict}}\\t{{.Area}}\\t{{.Name}}\\t{{.What}}", &f, err);
	k.f = f;
	k.color = !f && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	if (ret == 0)
		ret = eng_check(call->dirs->root, call->dirs->state, take, &k, err);
	if (ret == 0)
		ret = f ? cli_format_print(f, err) : summary(&k, err);
	if (ret == 0 && k.failures)
		call->status = SOMETHING_FAILED;
	return ret;
}

#define CHECK(var, nm)                                                                      \
	const struct cli_cmd cli_cmd_##var = {                                              \
		.name = (nm),                                                               \
		.synopsis = "[OPTION...]",                                                  \
		.help = "try whether this host has what is needed, and say how to mend it", \
		.opts = CLI_OPTS(check_optv),                                               \
		.opts_size = sizeof(struct check_opts),                                     \
		.fail_status = CAISSON_FAILED,                                              \
		.run = check_run,                                                           \
		.transfer = true, /* libcurl is tried, too */                               \
	}

CHECK(check, "check");
CHECK(system_check, "system check");
