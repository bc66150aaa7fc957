#include "cli/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/format.h"
#include "cli/out.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/store.h"
#include "netns/addr.h"
#include "netns/foreign.h"
#include "netns/names.h"
#include "netns/portspec.h"
#include "netns/record.h"

int cli_net_store(const struct cli_call *call, struct net_store *st, struct cs_err *err)
{
	return net_store_open(st, call->dirs->root, call->dirs->state, err);
}

int cli_net_target(const struct cli_call *call, const char *text, struct cli_net_target *out,
		   struct cs_err *err)
{
	int ret = cli_ctr_engine(call, &out->e, err);

	if (ret == 0)
		ret = eng_find(&out->e, text, out->id, err);
	if (ret == -ENOENT) {
		cs_err_clear(err);
		return cs_str_fmt(out->id, sizeof(out->id), err, "%s", text);
	}
	if (ret < 0)
		return ret;
	out->lock = eng_lock(&out->e, out->id, err);
	return out->lock < 0 ? out->lock : eng_record_load(&out->e, out->id, &out->r, err);
}

void cli_net_target_fini(struct cli_net_target *t)
{
	eng_record_fini(&t->r);
	eng_close(&t->e);
	cs_close_fd(&t->lock);
}

static int parse_addr(const char *option, const char *s, uint8_t family, struct net_addr *out,
		      struct cs_err *err)
{
	if (!s)
		return 0;
	if (net_addr_parse(s, out) < 0 || out->family != family)
		return cs_err_set(err, EINVAL, "option --%s: \"%s\" is no %s address", option, s,
				  family == AF_INET ? "IPv4" : "IPv6");
	return 0;
}

int cli_net_wish(const struct cli_net_wish_opts *o, struct net_wish *w, struct net_port **ports,
		 struct cs_err *err)
{
	cs_auto_free struct net_port *v = calloc(o->ports.n + 1, sizeof(*v));

	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (parse_addr("ip", o->ip, AF_INET, &w->ip4, err) < 0 ||
	    parse_addr("ip6", o->ip6, AF_INET6, &w->ip6, err) < 0)
		return -err->code;
	if (o->mac && net_mac_parse(o->mac, &w->mac) < 0)
		return cs_err_set(err, EINVAL, "option --mac: \"%s\" is no MAC address of one host",
				  o->mac);
	for (size_t i = 0; i < o->ports.n; i++)
		if (net_port_parse(o->ports.v[i], &v[i], err) < 0)
			return cs_err_wrap(err, "option --publish");
	w->ports = v;
	w->n_ports = o->ports.n;
	w->name = o->name;
	w->ifname = o->ifname;
	w->aliases = o->aliases.v;
	w->n_aliases = o->aliases.n;
	*ports = cs_take_ptr(&v);
	return 0;
}

void cli_net_json(const struct net_config *c, const struct net_members *m, struct cs_jw *w)
{
	net_config_write(c, w);
	cs_jw_arr(w, "members");
	for (size_t i = 0; i < m->n; i++) {
		cs_jw_obj(w, NULL);
		net_attachment_write(&m->v[i], w);
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
}

int cli_net_format_parse(const char *spec, const char *fallback, struct cli_format **out,
			 struct cs_err *err)
{
	static const struct cli_heading headings[] = { { "Prefixes", "SUBNETS" } };
	int ret = cli_format_parse(spec, fallback,
				   "{{.Name}}\\t{{.Mode}}\\t{{.Bridge}}\\t{{len .Members}}\\t"
				   "{{.Prefixes}}",
				   out, err);

	if (ret == 0)
		cli_format_headings(*out, headings, CS_LEN(headings));
	return ret;
}

/* What is for people: both subnets in one cell. */
static void write_prefixes(const struct net_config *c, struct cs_jw *w)
{
	char four[NET_PREFIX_TEXT], six[NET_PREFIX_TEXT], both[2 * NET_PREFIX_TEXT];

	net_prefix_text(&c->v4.subnet, four);
	net_prefix_text(&c->v6.subnet, six);
	snprintf(both, sizeof(both), "%s%s%s", four, *four && *six ? "," : "", six);
	cs_jw_str(w, "prefixes", both);
}

int cli_net_add(struct cli_format *f, const struct net_store *st, const struct net_net *n,
		bool members, struct cs_err *err)
{
	net_auto_members struct net_members m = { 0 };
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;

	if (members && net_network_members(st, n, &m, err) < 0)
		return -err->code;
	cs_jw_obj(&w, NULL);
	cli_net_json(&n->c, &m, &w);
	if (!cli_format_is_json(f))
		write_prefixes(&n->c, &w);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	return cli_format_add(f, text, len, err);
}

static int table_of(const struct net_attachment *a, struct cli_table *t, struct cs_err *err)
{
	char text[NET_PREFIX_TEXT], port[NET_PORT_TEXT];

	if (cli_table_add(t, a->ifname, err) < 0 ||
	    cli_table_add(t, net_prefix_text(&a->ip4, text), err) < 0 ||
	    cli_table_add(t, net_prefix_text(&a->ip6, text), err) < 0 ||
	    cli_table_add(t, net_mac_text(&a->mac, text), err) < 0)
		return -err->code;
	for (size_t i = 0; i < a->n_ports; i++) {
		for (int col = 0; i > 0 && col < 4; col++)
			if (cli_table_add(t, "", err) < 0)
				return -err->code;
		if (cli_table_add(t, net_port_text(&a->ports[i], port), err) < 0)
			return -err->code;
	}
	return a->n_ports ? 0 : cli_table_add(t, "", err);
}

int cli_net_print_attachment(const struct net_attachment *a, const char *format, struct cs_err *err)
{
	static const char *const head[] = { "INTERFACE", "IPV4", "IPV6", "MAC", "PORTS" };
	cli_auto_table struct cli_table t = { .head = head, .n_cols = CS_LEN(head) };
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_jw struct cs_jw w = { .pretty = true };
	enum cli_net_format f;

	if (cli_net_format(format, CLI_NET_TABLE, &f, err) < 0)
		return -err->code;
	if (f == CLI_NET_TABLE) {
		if (table_of(a, &t, err) < 0)
			return -err->code;
		cli_table_format(&t, &b);
		return cli_out(&b, err);
	}
	w.pretty = f == CLI_NET_JSON;
	cs_jw_obj(&w, NULL);
	net_attachment_write(a, &w);
	cs_jw_obj_end(&w);
	return cli_out_json(&w, true, err);
}

static void note_names(const struct net_config *c)
{
	if (c->dns && !net_names_have_server())
		cs_log(CS_LOG_WARN,
		       "network %s: dnsmasq is not installed, so members do not find each other by "
		       "name, and nothing answers DHCP: install it and run \"caisson network "
		       "reload\", or make the network with --no-dns",
		       c->name);
}

int cli_net_notes(const struct net_store *st, const char *network, struct cs_err *err)
{
	net_auto_net struct net_net n = NET_NET_INIT;

	if (net_net_open(st, network, &n, err) < 0)
		return -err->code;
	note_names(&n.c);
	net_foreign_warn(&n.c, true);
	return 0;
}

int cli_net_note_names(const struct net_store *st, const char *network, struct cs_err *err)
{
	net_auto_net struct net_net n = NET_NET_INIT;

	if (net_net_open(st, network, &n, err) < 0)
		return -err->code;
	note_names(&n.c);
	return 0;
}

int cli_net_format(const char *s, enum cli_net_format fallback, enum cli_net_format *out,
		   struct cs_err *err)
{
	static const char *const names[] = { "table", "json", "jsonl" };

	if (!s || !*s) {
		*out = fallback;
		return 0;
	}
	for (size_t i = 0; i < CS_LEN(names); i++)
		if (strcmp(s, names[i]) == 0) {
			*out = (enum cli_net_format)i;
			return 0;
		}
	return cs_err_set(err, EINVAL, "option --format: \"%s\" is not table, json or jsonl", s);
}

bool cli_net_has_label(const struct net_config *c, const char *label)
{
	size_t len = strcspn(label, "=");

	for (size_t i = 0; i < c->n_labels; i++)
		if (strncmp(c->labels[i].key, label, len) == 0 && !c->labels[i].key[len] &&
		    (!label[len] || strcmp(c->labels[i].value, label + len + 1) == 0))
			return true;
	return false;
}
