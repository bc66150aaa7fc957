#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/network.h"
#include "netns/record.h"

struct ls_opts {
	struct cli_strv filters;
	const char *format;
	bool quiet;
};

static const struct cli_opt ls_optv[] = {
	CLI_STRV(struct ls_opts, filters, "filter", 'f', "KEY=VALUE",
		 "only those with this: name=PART, mode=MODE, label=KEY[=VALUE]"),
	CLI_STR(struct ls_opts, format, "format", 0, "FORMAT",
		"table (default), json, jsonl, yaml, or a template"),
	CLI_BOOL(struct ls_opts, quiet, "quiet", 'q', "names only"),
};

static int filter_one(const struct net_config *c, const char *f, bool *out, struct cs_err *err)
{
	if (cs_str_starts(f, "name="))
		*out = strstr(c->name, f + 5);
	else if (cs_str_starts(f, "mode="))
		*out = strcmp(net_mode_name(c->mode), f + 5) == 0;
	else if (cs_str_starts(f, "label="))
		*out = cli_net_has_label(c, f + 6);
	else
		return cs_err_set(err, EINVAL,
				  "option --filter: \"%s\" is not name=, mode= or label=", f);
	return 0;
}

static int wanted(const struct ls_opts *o, const struct net_config *c, bool *out,
		  struct cs_err *err)
{
	bool all = true;

	for (size_t i = 0; i < o->filters.n; i++) {
		bool yes = false;

		if (filter_one(c, o->filters.v[i], &yes, err) < 0)
			return -err->code;
		all = all && yes;
	}
	*out = all;
	return 0;
}

static int add(struct cli_format *f, const struct ls_opts *o, const struct net_store *st,
	       const char *name, struct cs_err *err)
{
	net_auto_net struct net_net n = NET_NET_INIT;
	struct cs_err gone = CS_ERR_INIT;
	bool yes = false;
	int ret = net_net_open(st, name, &n, &gone);

	if (ret < 0) {
		if (ret == -ENOENT) /* removed meanwhile */
			return 0;
		*err = gone;
		return ret;
	}
	if (wanted(o, &n.c, &yes, err) < 0)
		return -err->code;
	return yes ? cli_net_add(f, st, &n, !o->quiet, err) : 0;
}

static int ls_run(struct cli_call *call, struct cs_err *err)
{
	const struct ls_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	net_auto_store struct net_store st = NET_STORE_INIT;
	net_auto_list struct net_list names = { 0 };
	int ret = cli_net_format_parse(o->quiet ? "{{.Name}}" : o->format, "table", &f, err);

	if (ret == 0)
		ret = cli_net_store(call, &st, err);
	if (ret == 0)
		ret = net_store_list(&st, &names, err);
	for (size_t i = 0; ret == 0 && i < names.n; i++)
		ret = add(f, o, &st, names.v[i], err);
	return ret < 0 ? ret : cli_format_print(f, err);
}

const struct cli_cmd cli_cmd_network_ls = {
	.name = "network ls",
	.synopsis = "[OPTION...]",
	.help = "list networks",
	.opts = CLI_OPTS(ls_optv),
	.opts_size = sizeof(struct ls_opts),
	.fail_status = CAISSON_FAILED,
	.run = ls_run,
};
