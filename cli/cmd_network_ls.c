#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "cli/out.h"
#include "netns/addr.h"
#include "netns/record.h"

struct ls_opts {
	struct cli_strv filters;
	const char *format;
	bool quiet;
};

static const struct cli_opt ls_optv[] = {
	CLI_STRV(struct ls_opts, filters, "filter", 'f', "KEY=VALUE",
		 "only those with this: name=PART, mode=MODE, label=KEY[=VALUE]"),
	CLI_STR(struct ls_opts, format, "format", 0, "FORMAT", "table (default), json or jsonl"),
	CLI_BOOL(struct ls_opts, quiet, "quiet", 'q', "names only"),
};

/* What is listed, in the form that is asked for. */
struct listing {
	const struct ls_opts *o;
	enum cli_net_format format;
	struct cli_table t;
	struct cs_buf b;
	struct cs_jw w;
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

static int add_row(struct listing *l, const struct net_config *c, const struct net_members *m,
		   struct cs_err *err)
{
	char four[NET_PREFIX_TEXT], six[NET_PREFIX_TEXT], both[2 * NET_PREFIX_TEXT], count[24];

	net_prefix_text(&c->v4.subnet, four);
	net_prefix_text(&c->v6.subnet, six);
	snprintf(both, sizeof(both), "%s%s%s", four, *four && *six ? "," : "", six);
	snprintf(count, sizeof(count), "%zu", m->n);
	if (cli_table_add(&l->t, c->name, err) < 0 ||
	    cli_table_add(&l->t, net_mode_name(c->mode), err) < 0 ||
	    cli_table_add(&l->t, c->bridge, err) < 0 || cli_table_add(&l->t, count, err) < 0 ||
	    cli_table_add(&l->t, both, err) < 0)
		return -err->code;
	return 0;
}

static int add(struct listing *l, const struct net_store *st, const char *name, struct cs_err *err)
{
	net_auto_members struct net_members m = { 0 };
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
	if (wanted(l->o, &n.c, &yes, err) < 0)
		return -err->code;
	if (!yes)
		return 0;
	if (l->o->quiet) {
		cs_buf_addf(&l->b, "%s\n", n.c.name);
		return 0;
	}
	if (net_network_members(st, &n, &m, err) < 0)
		return -err->code;
	if (l->format == CLI_NET_TABLE)
		return add_row(l, &n.c, &m, err);
	cs_jw_obj(&l->w, NULL);
	cli_net_json(&n.c, &m, &l->w);
	cs_jw_obj_end(&l->w);
	if (l->format == CLI_NET_JSON)
		return 0;
	return cli_out_json(&l->w, true, err);
}

static int print(struct listing *l, struct cs_err *err)
{
	if (!l->o->quiet && l->format == CLI_NET_JSON) {
		cs_jw_arr_end(&l->w);
		return cli_out_json(&l->w, true, err);
	}
	if (!l->o->quiet && l->format == CLI_NET_TABLE)
		cli_table_format(&l->t, &l->b);
	return cli_out(&l->b, err);
}

static int ls_run(struct cli_call *call, struct cs_err *err)
{
	static const char *const head[] = { "NAME", "MODE", "BRIDGE", "MEMBERS", "SUBNETS" };
	struct listing l = { .o = call->opts, .t = { .head = head, .n_cols = CS_LEN(head) } };
	net_auto_store struct net_store st = NET_STORE_INIT;
	net_auto_list struct net_list names = { 0 };
	int ret = cli_net_format(l.o->format, CLI_NET_TABLE, &l.format, err);

	if (ret == 0)
		ret = cli_net_store(call, &st, err);
	if (ret == 0)
		ret = net_store_list(&st, &names, err);
	l.w.pretty = l.format == CLI_NET_JSON;
	if (ret == 0 && l.format == CLI_NET_JSON)
		cs_jw_arr(&l.w, NULL);
	for (size_t i = 0; ret == 0 && i < names.n; i++)
		ret = add(&l, &st, names.v[i], err);
	if (ret == 0)
		ret = print(&l, err);
	cli_table_fini(&l.t);
	cs_buf_fini(&l.b);
	cs_jw_fini(&l.w);
	return ret;
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
