#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/network.h"
#include "netns/addr.h"
#include "netns/network.h"
#include "netns/record.h"

struct leases_opts {
	const char *format;
	bool no_trunc;
};

static const struct cli_opt leases_optv[] = {
	CLI_STR(struct leases_opts, format, "format", 'f', "FORMAT",
		"table (default), json, jsonl, yaml, or a template"),
	CLI_BOOL(struct leases_opts, no_trunc, "no-trunc", 0, "show ids whole"),
};

static const struct cli_heading headings[] = {
	{ "IPv4", "IPV4" },
	{ "IPv6", "IPV6" },
	{ "MacAddress", "MAC" },
	{ "ID", "CONTAINER ID" },
};

static int add(struct cli_format *f, const struct leases_opts *o, const struct net_attachment *a,
	       struct cs_err *err)
{
	enum { SHORT = 12 };
	bool whole = o->no_trunc || cli_format_is_json(f);
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	char text[NET_PREFIX_TEXT], id[NET_OWNER_MAX + 1];
	cs_auto_free char *json = NULL;
	size_t len = 0;

	snprintf(id, sizeof(id), "%.*s", whole ? NET_OWNER_MAX : SHORT, a->owner);
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "Network", a->network);
	cs_jw_str(&w, "IPv4", net_prefix_text(&a->ip4, text));
	cs_jw_str(&w, "IPv6", net_prefix_text(&a->ip6, text));
	cs_jw_str(&w, "MacAddress", net_mac_text(&a->mac, text));
	cs_jw_str(&w, "Name", a->name ? a->name : "");
	cs_jw_str(&w, "ID", id);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &json, &len, err) < 0)
		return -err->code;
	return cli_format_add(f, json, len, err);
}

static int leases_of(struct cli_format *f, const struct leases_opts *o, const struct net_store *st,
		     const char *name, struct cs_err *err)
{
	net_auto_members struct net_members m = { 0 };
	net_auto_net struct net_net n = NET_NET_INIT;

	/* what nobody lives at any more is given back first */
	if (net_net_open(st, name, &n, err) < 0 || net_sweep(st, &n, true, err) < 0 ||
	    net_network_members(st, &n, &m, err) < 0)
		return -err->code;
	for (size_t i = 0; i < m.n; i++)
		if (add(f, o, &m.v[i], err) < 0)
			return -err->code;
	return 0;
}

static int leases_run(struct cli_call *call, struct cs_err *err)
{
	const struct leases_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	net_auto_store struct net_store st = NET_STORE_INIT;

	if (cli_format_parse(o->format, "table",
			     "{{.Network}}\\t{{.IPv4}}\\t{{.IPv6}}\\t{{.MacAddress}}\\t{{.Name}}"
			     "\\t{{.ID}}",
			     &f, err) < 0 ||
	    cli_net_store(call, &st, err) < 0)
		return -err->code;
	cli_format_headings(f, headings, CS_LEN(headings));
	for (size_t i = 0; i < call->argc; i++)
		if (leases_of(f, o, &st, call->argv[i], err) < 0)
			return -err->code;
	return cli_format_print(f, err);
}

const struct cli_cmd cli_cmd_network_leases = {
	.name = "network leases",
	.synopsis = "[OPTION...] NETWORK...",
	.help = "show which addresses of networks are taken, and by whom",
	.opts = CLI_OPTS(leases_optv),
	.opts_size = sizeof(struct leases_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = leases_run,
};
