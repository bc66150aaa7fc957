#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "cli/out.h"

struct inspect_opts {
	const char *format;
};

static const struct cli_opt inspect_optv[] = {
	CLI_STR(struct inspect_opts, format, "format", 'f', "FORMAT", "json (default) or jsonl"),
};

static int inspect_one(const struct net_store *st, const char *name, struct cs_jw *w,
		       struct cs_err *err)
{
	net_auto_members struct net_members m = { 0 };
	net_auto_net struct net_net n = NET_NET_INIT;

	if (net_net_open(st, name, &n, err) < 0 || net_sweep(st, &n, true, err) < 0 ||
	    net_network_members(st, &n, &m, err) < 0)
		return -err->code;
	cs_jw_obj(w, NULL);
	cli_net_json(&n.c, &m, w);
	cs_jw_obj_end(w);
	return 0;
}

static int inspect_run(struct cli_call *call, struct cs_err *err)
{
	const struct inspect_opts *o = call->opts;
	net_auto_store struct net_store st = NET_STORE_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	enum cli_net_format format;

	if (cli_net_format(o->format, CLI_NET_JSON, &format, err) < 0 ||
	    cli_net_store(call, &st, err) < 0)
		return -err->code;
	if (format == CLI_NET_TABLE)
		return cs_err_set(err, EINVAL, "option --format: \"table\" is for network ls");
	w.pretty = format == CLI_NET_JSON;
	if (w.pretty)
		cs_jw_arr(&w, NULL);
	for (size_t i = 0; i < call->argc; i++) {
		if (inspect_one(&st, call->argv[i], &w, err) < 0)
			return -err->code;
		if (!w.pretty && cli_out_json(&w, true, err) < 0)
			return -err->code;
	}
	if (!w.pretty)
		return 0;
	cs_jw_arr_end(&w);
	return cli_out_json(&w, true, err);
}

const struct cli_cmd cli_cmd_network_inspect = {
	.name = "network inspect",
	.synopsis = "[OPTION...] NETWORK...",
	.help = "show networks and their members",
	.opts = CLI_OPTS(inspect_optv),
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = inspect_run,
};
