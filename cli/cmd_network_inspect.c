#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/network.h"

struct inspect_opts {
	const char *format;
};

static const struct cli_opt inspect_optv[] = {
	CLI_STR(struct inspect_opts, format, "format", 'f', "FORMAT",
		"json (default), jsonl, yaml, table, or a template"),
};

static int inspect_one(struct cli_format *f, const struct net_store *st, const char *name,
		       struct cs_err *err)
{
	net_auto_net struct net_net n = NET_NET_INIT;

	if (net_net_open(st, name, &n, err) < 0 || net_sweep(st, &n, true, err) < 0)
		return -err->code;
	return cli_net_add(f, st, &n, true, err);
}

static int inspect_run(struct cli_call *call, struct cs_err *err)
{
	const struct inspect_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	net_auto_store struct net_store st = NET_STORE_INIT;

	if (cli_net_format_parse(o->format, "json", &f, err) < 0 ||
	    cli_net_store(call, &st, err) < 0)
		return -err->code;
	for (size_t i = 0; i < call->argc; i++)
		if (inspect_one(f, &st, call->argv[i], err) < 0)
			return -err->code;
	return cli_format_print(f, err);
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
