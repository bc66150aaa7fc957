#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/volume.h"

struct inspect_opts {
	const char *format;
};

static const struct cli_opt inspect_optv[] = {
	CLI_STR(struct inspect_opts, format, "format", 'f', "FORMAT",
		"\"json\" (default), \"jsonl\", \"yaml\", or a template"),
};

static int inspect_one(struct cli_format *f, const struct eng *e, const char *name,
		       struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = eng_volume_load(e, name, &v, err);

	if (ret == 0)
		ret = cli_vol_view(&w, e, &v, err);
	if (ret == 0)
		ret = cs_jw_take(&w, &text, &len, err);
	return ret == 0 ? cli_format_add(f, text, len, err) : ret;
}

static int inspect_run(struct cli_call *call, struct cs_err *err)
{
	const struct inspect_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	eng_auto struct eng e = ENG_INIT;
	struct cs_err last = CS_ERR_INIT;
	int ret = cli_format_parse(o->format, "json", "{{.Name}}", &f, err);

	if (ret == 0)
		ret = cli_vol_open(call, &e, err);
	if (ret < 0)
		return ret;
	/* those that are there are shown; the last failure is the command's */
	for (size_t i = 0; i < call->argc; i++) {
		struct cs_err one = CS_ERR_INIT;

		if (inspect_one(f, &e, call->argv[i], &one) == 0)
			continue;
		if (last.code)
			cs_log(CS_LOG_ERROR, "%s", last.msg);
		last = one;
	}
	ret = cli_format_print(f, err);
	if (ret < 0)
		return ret;
	*err = last;
	return -last.code;
}

const struct cli_cmd cli_cmd_volume_inspect = {
	.name = "volume inspect",
	.synopsis = "[OPTION...] VOLUME...",
	.help = "show volumes",
	.opts = CLI_OPTS(inspect_optv),
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = inspect_run,
};
