#include "netns/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "netns/foreign_int.h"
#include "netns/fw_rules.h"
#include "netns/nl.h"

#define NFT(msg) ((NFNL_SUBSYS_NFTABLES << 8) | (msg))

/* Tables with a chain that is of interest; more than there ever are. */
enum { TABLES_MAX = 64 };

struct search {
	const char *bridge;
	struct foreign_table t[TABLES_MAX];
	size_t n;
};

static struct foreign_table *table_of(struct search *s, uint8_t family, const char *name)
{
	struct foreign_table *t;

	for (size_t i = 0; i < s->n; i++)
		if (s->t[i].family == family && strcmp(s->t[i].name, name) == 0)
			return &s->t[i];
	if (s->n == TABLES_MAX || strlen(name) >= sizeof(t->name))
		return NULL;
	t = &s->t[s->n++];
	*t = (struct foreign_table){ .family = family };
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

/* The nested attribute @a taken apart. */
static void nested(const struct nlattr *a, const struct nlattr **tb, size_t n)
{
	size_t len = 0;
	const void *p = a ? net_nl_attr_data(a, &len) : NULL;

	net_nl_attrs(tb, n, p, len);
}

static void see_hook(const struct nlattr *const *tb, const char *chain, struct foreign_table *t)
{
	const struct nlattr *hook[NFTA_HOOK_MAX + 1];
	uint32_t num = 0, policy = NF_ACCEPT;

	nested(tb[NFTA_CHAIN_HOOK], hook, CS_LEN(hook));
	if (!net_nl_get_be32(hook[NFTA_HOOK_HOOKNUM], &num) ||
	    !net_nl_get_be32(tb[NFTA_CHAIN_POLICY], &policy) || policy != NF_DROP)
		return;
	if (num == NF_INET_FORWARD)
		(void)snprintf(t->forward, sizeof(t->forward), "%.63s", chain);
	else if (num == NF_INET_LOCAL_IN)
		(void)snprintf(t->input, sizeof(t->input), "%.63s", chain);
}

static int see_chain(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		     struct cs_err *err)
{
	const struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	struct nfgenmsg head;
	const char *table, *chain;
	struct foreign_table *t;

	(void)err;
	if (h->nlmsg_type != NFT(NFT_MSG_NEWCHAIN) || len < sizeof(head))
		return 0;
	memcpy(&head, body, sizeof(head));
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + sizeof(head), len - sizeof(head));
	table = net_nl_get_str(tb[NFTA_CHAIN_TABLE]);
	chain = net_nl_get_str(tb[NFTA_CHAIN_NAME]);
	if (!table || !chain || strncmp(table, FW_TABLES, strlen(FW_TABLES)) == 0 ||
	    (head.nfgen_family != NFPROTO_IPV4 && head.nfgen_family != NFPROTO_IPV6 &&
	     head.nfgen_family != NFPROTO_INET))
		return 0;
	t = table_of(arg, head.nfgen_family, table);
	if (!t)
		return 0;
	t->firewalld = strcmp(table, "firewalld") == 0;
	t->docker |= strcmp(chain, "DOCKER-USER") == 0;
	t->ufw |= strncmp(chain, "ufw", 3) == 0;
	see_hook(tb, chain, t);
	return 0;
}

/* One expression of a rule: does it compare with the bridge's name, load where a packet came from,
 * or accept? */
struct rule_seen {
	bool names, in, accepts;
};

static bool is_name(const struct nlattr *value, const char *bridge)
{
	size_t len = 0, n = strlen(bridge);
	const char *p = value ? net_nl_attr_data(value, &len) : NULL;

	return p && len >= n && memcmp(p, bridge, n) == 0 && (len == n || p[n] == '\0');
}

static void see_expr(const struct nlattr *a, const char *bridge, struct rule_seen *seen)
{
	const struct nlattr *e[NFTA_EXPR_MAX + 1], *tb[8], *data[NFTA_DATA_MAX + 1];
	const struct nlattr *verdict[NFTA_VERDICT_MAX + 1];
	const char *name;
	uint32_t v;

	nested(a, e, CS_LEN(e));
	name = net_nl_get_str(e[NFTA_EXPR_NAME]);
	nested(e[NFTA_EXPR_DATA], tb, CS_LEN(tb));
	if (!name)
		return;
	if (strcmp(name, "cmp") == 0) {
		nested(tb[NFTA_CMP_DATA], data, CS_LEN(data));
		seen->names |= is_name(data[NFTA_DATA_VALUE], bridge);
	} else if (strcmp(name, "meta") == 0) {
		seen->in |= net_nl_get_be32(tb[NFTA_META_KEY], &v) && v == NFT_META_IIFNAME;
	} else if (strcmp(name, "immediate") == 0) {
		nested(tb[NFTA_IMMEDIATE_DATA], data, CS_LEN(data));
		nested(data[NFTA_DATA_VERDICT], verdict, CS_LEN(verdict));
		seen->accepts |= net_nl_get_be32(verdict[NFTA_VERDICT_CODE], &v) && v == NF_ACCEPT;
	}
}

struct rules {
	struct search *s;
	struct foreign_table *t;
};

static int see_rule(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		    struct cs_err *err)
{
	const size_t head = sizeof(struct nfgenmsg);
	const struct rules *r = arg;
	const struct nlattr *tb[NFTA_RULE_MAX + 1], *a;
	struct rule_seen seen = { 0 };
	size_t n = 0, pos = 0;
	const char *chain;
	const void *list;

	(void)err;
	if (h->nlmsg_type != NFT(NFT_MSG_NEWRULE) || len < head)
		return 0;
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + head, len - head);
	if (!tb[NFTA_RULE_EXPRESSIONS])
		return 0;
	list = net_nl_attr_data(tb[NFTA_RULE_EXPRESSIONS], &n);
	while ((a = net_nl_attr_next(list, n, &pos)))
		see_expr(a, r->s->bridge, &seen);
	r->t->names_bridge |= seen.names;
	if (!seen.names || !seen.in || !seen.accepts)
		return 0;
	chain = net_nl_get_str(tb[NFTA_RULE_CHAIN]);
	if (chain && (strcmp(chain, r->t->input) == 0 || strstr(chain, "input")))
		r->t->lets_input = true;
	else
		r->t->lets_forward = true;
	return 0;
}

/* A dump, again when the rules changed in the middle of it. */
static int dump(struct net_nl *nl, uint16_t msg, uint8_t family, const char *table, net_nl_fn fn,
		void *arg, struct cs_err *err)
{
	const struct nfgenmsg head = { .nfgen_family = family, .version = NFNETLINK_V0 };
	int ret = -EAGAIN;

	for (int tries = 0; ret == -EAGAIN && tries < 20; tries++) {
		net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
		struct net_nl_answer answer = { .fn = fn, .arg = arg };

		cs_err_clear(err);
		net_nl_msg(&r, NFT(msg), NLM_F_DUMP, &head, sizeof(head));
		if (table)
			net_nl_put_str(&r, NFTA_RULE_TABLE, table);
		ret = net_nl_call(nl, &r, &answer, err);
	}
	return ret < 0 ? cs_err_wrap(err, "look for firewalls of others") : 0;
}

static int search_nft(struct search *s, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;

	if (net_nl_open(&nl, NETLINK_NETFILTER, err) < 0 ||
	    dump(&nl, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NULL, see_chain, s, err) < 0)
		return -err->code;
	for (size_t i = 0; i < s->n; i++) {
		struct rules r = { s, &s->t[i] };

		if (!r.t->firewalld && !r.t->forward[0] && !r.t->input[0])
			continue;
		if (dump(&nl, NFT_MSG_GETRULE, r.t->family, r.t->name, see_rule, &r, err) < 0)
			return -err->code;
	}
	return 0;
}

static int search_xt(struct search *s, struct cs_err *err)
{
	for (int v6 = 0; v6 < 2 && s->n < TABLES_MAX; v6++) {
		int ret = net_foreign_xt_read(v6, s->bridge, &s->t[s->n], err);

		if (ret < 0)
			return ret;
		s->n += (size_t)ret;
	}
	return 0;
}

static const char *family_word(uint8_t family)
{
	if (family == NFPROTO_INET)
		return "inet";
	return family == NFPROTO_IPV6 ? "ip6" : "ip";
}

/* How to let the bridge through a chain that drops by policy. */
static void help_for(const struct foreign_table *t, bool input, const char *br,
		     struct net_foreign *f)
{
	const char *iptables = t->family == NFPROTO_IPV6 ? "ip6tables" : "iptables";
	const char *legacy = t->legacy ? "-legacy" : "";
	char *out = f->help;
	size_t n = sizeof(f->help);

	if (t->ufw && input)
		(void)snprintf(out, n, "ufw allow in on %s", br);
	else if (t->ufw)
		(void)snprintf(out, n, "ufw route allow in on %s && ufw route allow out on %s", br,
			       br);
	else if (t->docker && !input)
		(void)snprintf(out, n,
			       "%s%s -I DOCKER-USER -i %s -j ACCEPT && "
			       "%s%s -I DOCKER-USER -o %s -j ACCEPT",
			       iptables, legacy, br, iptables, legacy, br);
	else if (t->legacy && input)
		(void)snprintf(out, n, "%s-legacy -I INPUT -i %s -j ACCEPT", iptables, br);
	else if (t->legacy)
		(void)snprintf(out, n,
			       "%s-legacy -I FORWARD -i %s -j ACCEPT && "
			       "%s-legacy -I FORWARD -o %s -j ACCEPT",
			       iptables, br, iptables, br);
	else if (input)
		(void)snprintf(out, n, "nft insert rule %s %s %s iifname %s accept",
			       family_word(t->family), t->name, t->input, br);
	else
		(void)snprintf(out, n,
			       "nft insert rule %s %s %s iifname %s accept && "
			       "nft insert rule %s %s %s oifname %s accept",
			       family_word(t->family), t->name, t->forward, br,
			       family_word(t->family), t->name, t->forward, br);
}

static int tell_policy(const struct foreign_table *t, bool input, const struct search *s,
		       net_foreign_fn fn, void *arg, struct cs_err *err)
{
	const char *who = t->ufw ? "ufw" : t->docker && !input ? "Docker" : "a firewall";
	struct net_foreign f = { .drops = true };

	(void)snprintf(f.what, sizeof(f.what),
		       "%s (chain %s of table %s %s%s) drops what it does not know: %s", who,
		       input ? t->input : t->forward, family_word(t->family), t->name,
		       t->legacy ? " of the old iptables" : "",
		       input ? "members may not reach the host's name server"
			     : "members may reach nobody outside, and nobody them");
	help_for(t, input, s->bridge, &f);
	return fn(&f, arg, err);
}

static int tell_firewalld(const struct search *s, net_foreign_fn fn, void *arg, struct cs_err *err)
{
	struct net_foreign f = { .drops = true };

	(void)snprintf(
		f.what, sizeof(f.what),
		"firewalld refuses what is forwarded to or from links of no zone: %s is in none",
		s->bridge);
	(void)snprintf(f.help, sizeof(f.help),
		       "firewall-cmd --permanent --zone=trusted --add-interface=%s && "
		       "firewall-cmd --reload",
		       s->bridge);
	return fn(&f, arg, err);
}

static bool sysctl_is_on(const char *path)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
}

static int tell_bridge(bool v6, net_foreign_fn fn, void *arg, struct cs_err *err)
{
	const char *name = v6 ? "bridge-nf-call-ip6tables" : "bridge-nf-call-iptables";
	struct net_foreign f = { .drops = false };
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/bridge/%s", name);
	if (!sysctl_is_on(path))
		return 0;
	(void)snprintf(f.what, sizeof(f.what),
		       "net.bridge.%s is on: members of one network also pass the chains for "
		       "forwarding%s",
		       name, v6 ? ", and published ports are not at ::1" : "");
	(void)snprintf(f.help, sizeof(f.help), "sysctl net.bridge.%s=0", name);
	return fn(&f, arg, err);
}

static int tell_table(const struct foreign_table *t, const struct search *s, net_foreign_fn fn,
		      void *arg, struct cs_err *err)
{
	int ret = 0;

	if (t->firewalld)
		return t->names_bridge ? 0 : tell_firewalld(s, fn, arg, err);
	if (t->forward[0] && !t->lets_forward)
		ret = tell_policy(t, false, s, fn, arg, err);
	if (ret >= 0 && t->input[0] && !t->lets_input)
		ret = tell_policy(t, true, s, fn, arg, err);
	return ret;
}

int net_foreign_find(const char *bridge, net_foreign_fn fn, void *arg, struct cs_err *err)
{
	cs_auto_free struct search *s = calloc(1, sizeof(*s));
	bool firewalld = false;
	int ret;

	if (!s)
		return cs_err_set(err, ENOMEM, "look for firewalls of others: out of memory");
	s->bridge = bridge;
	if (search_nft(s, err) < 0 || search_xt(s, err) < 0)
		return -err->code;
	for (size_t i = 0; i < s->n; i++) {
		/* one line for its tables of several families */
		if (s->t[i].firewalld && firewalld)
			continue;
		firewalld |= s->t[i].firewalld;
		ret = tell_table(&s->t[i], s, fn, arg, err);
		if (ret < 0)
			return ret;
	}
	for (int v6 = 0; v6 < 2; v6++) {
		ret = tell_bridge(v6, fn, arg, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

struct warning {
	const struct net_config *c;
	bool all;
};

static int warn(const struct net_foreign *f, void *arg, struct cs_err *err)
{
	const struct warning *w = arg;

	(void)err;
	if (w->all || f->drops)
		cs_log(CS_LOG_WARN, "network %s: %s; this helps: %s", w->c->name, f->what, f->help);
	return 0;
}

void net_foreign_warn(const struct net_config *c, bool all)
{
	struct warning w = { c, all };
	struct cs_err e = CS_ERR_INIT;

	if (c->mode == NET_MODE_ISOLATED || c->mode == NET_MODE_BRIDGE)
		return;
	/* only a look: what cannot be looked at is in nobody's way */
	if (net_foreign_find(c->bridge, warn, &w, &e) < 0)
		cs_log(CS_LOG_DEBUG, "network %s: %s", c->name, e.msg);
}
