#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/network.h"
#include "cli/out.h"
#include "netns/addr.h"
#include "netns/record.h"

struct create_opts {
	const char *mode, *ipv6;
	bool internal, isolate, no_dns;
	struct cli_num mtu;
	struct cli_strv subnets, gateways, ranges, labels;
};

static const struct cli_opt create_optv[] = {
	CLI_STRV(struct create_opts, gateways, "gateway", 0, "ADDRESS",
		 "the bridge's address in the subnet (default: its first)"),
	CLI_BOOL(struct create_opts, internal, "internal", 0, "the same as --mode=isolated"),
	CLI_STRV(struct create_opts, ranges, "ip-range", 0, "RANGE",
		 "addresses given out: a part of the subnet, or FIRST-LAST"),
	CLI_STR(struct create_opts, ipv6, "ipv6", 0, "yes|no",
		"an IPv6 subnet as well (default: yes)"),
	CLI_BOOL(struct create_opts, isolate, "isolate", 0, "members do not reach each other"),
	CLI_STRV(struct create_opts, labels, "label", 0, "KEY=VALUE", "a note on the network"),
	CLI_STR(struct create_opts, mode, "mode", 'm', "MODE",
		"nat (default), routed, isolated, or bridge=NAME"),
	CLI_NUM(struct create_opts, mtu, "mtu", 0, 68, "BYTES",
		"largest packet (default: the default route's)"),
	CLI_BOOL(struct create_opts, no_dns, "no-dns", 0, "members are not found by their names"),
	CLI_STRV(struct create_opts, subnets, "subnet", 0, "ADDRESS/LENGTH",
		 "the subnet, one for each family (default: a free one)"),
};

static int set_mode(const struct create_opts *o, struct net_config *c, struct cs_err *err)
{
	const char *mode = o->mode ? o->mode : o->internal ? "isolated" : "nat";

	c->dns = !o->no_dns;
	c->isolate = o->isolate;
	if (o->internal && strcmp(mode, "isolated") != 0)
		return cs_err_set(err, EINVAL, "--internal and --mode=%s exclude each other", mode);
	if (strcmp(mode, "nat") == 0) {
		c->mode = NET_MODE_NAT;
	} else if (strcmp(mode, "routed") == 0) {
		c->mode = NET_MODE_ROUTED;
	} else if (strcmp(mode, "isolated") == 0) {
		c->mode = NET_MODE_ISOLATED;
	} else if (cs_str_starts(mode, "bridge=")) {
		c->mode = NET_MODE_BRIDGE;
		c->dns = false;
		mode += strlen("bridge=");
		if (net_ifname_check(mode, err) < 0)
			return cs_err_wrap(err, "option --mode");
		snprintf(c->bridge, sizeof(c->bridge), "%s", mode);
	} else {
		return cs_err_set(err, EINVAL,
				  "option --mode: \"%s\" is not nat, routed, isolated or "
				  "bridge=NAME",
				  mode);
	}
	return 0;
}

static struct net_subnet *family_of(struct net_config *c, uint8_t family)
{
	return family == AF_INET ? &c->v4 : &c->v6;
}

static int set_subnets(const struct create_opts *o, struct net_config *c, struct cs_err *err)
{
	for (size_t i = 0; i < o->subnets.n; i++) {
		struct net_prefix p;
		struct net_subnet *s;

		if (net_prefix_parse(o->subnets.v[i], &p) < 0)
			return cs_err_set(err, EINVAL,
					  "option --subnet: \"%s\" is not ADDRESS/LENGTH",
					  o->subnets.v[i]);
		s = family_of(c, p.addr.family);
		if (net_addr_is_set(&s->subnet.addr))
			return cs_err_set(err, EINVAL, "option --subnet: one for each family");
		s->subnet = p;
	}
	return 0;
}

static int set_gateways(const struct create_opts *o, struct net_config *c, struct cs_err *err)
{
	for (size_t i = 0; i < o->gateways.n; i++) {
		struct net_addr a;
		struct net_subnet *s;

		if (net_addr_parse(o->gateways.v[i], &a) < 0)
			return cs_err_set(err, EINVAL, "option --gateway: \"%s\" is no address",
					  o->gateways.v[i]);
		s = family_of(c, a.family);
		if (!net_prefix_has(&s->subnet, &a))
			return cs_err_set(err, EINVAL, "option --gateway: %s is in no --subnet",
					  o->gateways.v[i]);
		s->gateway = a;
	}
	return 0;
}

/* What --ipv6 says, where it is given, and what else is said. */
static int check_ipv6(const struct create_opts *o, bool ipv6, const struct net_config *c,
		      struct cs_err *err)
{
	bool given = net_addr_is_set(&c->v6.subnet.addr);
	char text[NET_PREFIX_TEXT];

	if (!ipv6 && given)
		return cs_err_set(err, EINVAL, "--ipv6=no and --subnet=%s exclude each other",
				  net_prefix_text(&c->v6.subnet, text));
	if (o->ipv6 && ipv6 && c->mode == NET_MODE_BRIDGE && !given)
		return cs_err_set(
			err, EINVAL,
			"--ipv6=yes and --mode=%s exclude each other: no subnet is chosen "
			"for a bridge of the host's network, give its own with --subnet",
			o->mode);
	return 0;
}

/* "10.1.2.0/26" or "10.1.2.10-10.1.2.20". */
static int parse_range(const char *s, struct net_addr *first, struct net_addr *last)
{
	const char *dash = strchr(s, '-');
	char text[NET_ADDR_TEXT];
	struct net_prefix p;

	if (net_prefix_parse(s, &p) == 0) {
		*first = net_addr_mask(&p.addr, p.len);
		*last = net_addr_fill(&p.addr, p.len);
		return 0;
	}
	if (!dash || (size_t)(dash - s) >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, (size_t)(dash - s));
	text[dash - s] = '\0';
	if (net_addr_parse(text, first) < 0 || net_addr_parse(dash + 1, last) < 0 ||
	    first->family != last->family)
		return -EINVAL;
	return 0;
}

static int set_ranges(const struct create_opts *o, struct net_config *c, struct cs_err *err)
{
	for (size_t i = 0; i < o->ranges.n; i++) {
		struct net_addr first, last;
		struct net_subnet *s;

		if (parse_range(o->ranges.v[i], &first, &last) < 0)
			return cs_err_set(err, EINVAL,
					  "option --ip-range: \"%s\" is neither ADDRESS/LENGTH nor "
					  "FIRST-LAST",
					  o->ranges.v[i]);
		s = family_of(c, first.family);
		if (!net_addr_is_set(&s->subnet.addr))
			return cs_err_set(err, EINVAL, "option --ip-range: %s is in no --subnet",
					  o->ranges.v[i]);
		s->first = first;
		s->last = last;
	}
	return 0;
}

/* Labels are borrowed but for their split keys, which the caller frees. */
static int set_labels(const struct create_opts *o, struct net_config *c, struct cs_err *err)
{
	if (!o->labels.n)
		return 0;
	c->labels = calloc(o->labels.n, sizeof(*c->labels));
	if (!c->labels)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < o->labels.n; i++) {
		const char *s = o->labels.v[i];
		size_t len = strcspn(s, "=");

		if (len == 0)
			return cs_err_set(err, EINVAL, "option --label: \"%s\" has no key", s);
		c->n_labels++;
		c->labels[i].key = strndup(s, len);
		c->labels[i].value = strdup(s[len] ? s + len + 1 : "");
		if (!c->labels[i].key || !c->labels[i].value)
			return cs_err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int create_run(struct cli_call *call, struct cs_err *err)
{
	const struct create_opts *o = call->opts;
	net_auto_store struct net_store st = NET_STORE_INIT;
	net_auto_config struct net_config c = { 0 };
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	bool ipv6 = !o->ipv6 || strcmp(o->ipv6, "yes") == 0;

	if (!ipv6 && strcmp(o->ipv6, "no") != 0)
		return cs_err_set(err, EINVAL, "option --ipv6: \"%s\" is not yes or no", o->ipv6);
	if (o->mtu.set && o->mtu.v > 65535)
		return cs_err_set(err, EINVAL, "option --mtu: at most 65535");
	c.mtu = o->mtu.set ? (uint32_t)o->mtu.v : 0;
	if (net_name_check(call->argv[0], err) < 0 || set_mode(o, &c, err) < 0 ||
	    set_subnets(o, &c, err) < 0 || set_gateways(o, &c, err) < 0 ||
	    check_ipv6(o, ipv6, &c, err) < 0 || set_ranges(o, &c, err) < 0 ||
	    set_labels(o, &c, err) < 0)
		return -err->code;
	snprintf(c.name, sizeof(c.name), "%s", call->argv[0]);
	if (cli_net_store(call, &st, err) < 0 || net_network_create(&st, &c, ipv6, err) < 0 ||
	    cli_net_notes(&st, c.name, err) < 0)
		return -err->code;
	cs_buf_addf(&b, "%s\n", c.name);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_network_create = {
	.name = "network create",
	.synopsis = "[OPTION...] NETWORK",
	.help = "make a network",
	.opts = CLI_OPTS(create_optv),
	.opts_size = sizeof(struct create_opts),
	.min_args = 1,
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = create_run,
};
