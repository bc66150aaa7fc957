#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "cli/proctable.h"
#include "runtime/container.h"

struct ps_opts {
	const char *format;
};

static const struct cli_opt ps_optv[] = {
	CLI_STR(struct ps_opts, format, "format", 'f', "FORMAT", "\"table\" (default) or \"json\""),
};

static int print_json(const pid_t *pids, size_t n, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		cs_jw_i64(&w, NULL, pids[i]);
	cs_jw_arr_end(&w);
	return cli_out_json(&w, true, err);
}

static int ps_run(struct cli_call *call, struct cs_err *err)
{
	const struct ps_opts *o = call->opts;
	bool table = !o->format || strcmp(o->format, "table") == 0;
	cs_auto_free pid_t *pids = NULL;
	size_t n = 0;
	int ret;

	if (!table && strcmp(o->format, "json") != 0)
		return cs_err_set(err, EINVAL,
				  "option --format: \"%s\" is not \"table\" or \"json\"",
				  o->format);
	if (table)
		return cli_proc_table(call->rt, call->argv[0], call->argv + 1, call->argc - 1, err);
	ret = ctr_pids(call->rt, call->argv[0], &pids, &n, err);
	if (ret < 0)
		return ret;
	return print_json(pids, n, err);
}

const struct cli_cmd cli_oci_ps = {
	.name = "ps",
	.synopsis = "[OPTION...] ID [PS-OPTION...]",
	.help = "show the processes of a container",
	.text = "The table is the output of ps(1), called with PS-OPTION or -ef, less the "
		"processes\n"
		"that are not the container's; its output must have a column PID. Of a machine it\n"
		"is the agent's list, without PS-OPTION.\n",
	.opts = CLI_OPTS(ps_optv),
	.opts_size = sizeof(struct ps_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
	.run = ps_run,
};
