#include "netns/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "netns/nl.h"

/* What is behind the netlink header of each message: nfgenmsg, then attributes. */
#define HEAD_LEN sizeof(struct nfgenmsg)

/* The value of NFTA_SET_ELEM_KEY or _DATA: an attribute inside of it. */
static const void *value_of(const struct nlattr *a, size_t *len)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1] = { 0 };
	const void *p;
	size_t n;

	if (!a)
		return NULL;
	p = net_nl_attr_data(a, &n);
	net_nl_attrs(tb, CS_LEN(tb), p, n);
	return tb[NFTA_DATA_VALUE] ? net_nl_attr_data(tb[NFTA_DATA_VALUE], len) : NULL;
}

/* The comment in userdata: the first type-length-value of type 0 that ends in a NUL. */
static const char *comment_of(const struct nlattr *a)
{
	const unsigned char *p;
	size_t len;

	if (!a)
		return NULL;
	p = net_nl_attr_data(a, &len);
	while (len >= 2 && (size_t)p[1] + 2 <= len) {
		size_t n = p[1];

		if (p[0] == 0 && n > 0 && p[2 + n - 1] == '\0')
			return (const char *)p + 2;
		p += 2 + n;
		len -= 2 + n;
	}
	return NULL;
}

static int one_elem(const struct nlattr *a, net_nft_elem_fn fn, void *arg, struct cs_err *err)
{
	const struct nlattr *tb[NFTA_SET_ELEM_MAX + 1] = { 0 };
	struct net_nft_elem e = { 0 };
	size_t len;
	const void *p = net_nl_attr_data(a, &len);

	net_nl_attrs(tb, CS_LEN(tb), p, len);
	e.key = value_of(tb[NFTA_SET_ELEM_KEY], &e.key_len);
	if (!e.key)
		return 0;
	e.data = value_of(tb[NFTA_SET_ELEM_DATA], &e.data_len);
	e.comment = comment_of(tb[NFTA_SET_ELEM_USERDATA]);
	(void)net_nl_get_be32(tb[NFTA_SET_ELEM_FLAGS], &e.flags);
	return fn(&e, arg, err);
}

int net_nft_elems_parse(const void *body, size_t len, net_nft_elem_fn fn, void *arg,
			struct cs_err *err)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1] = { 0 };
	const struct nlattr *a;
	size_t n, pos = 0;
	const void *p;
	int ret;

	if (len < HEAD_LEN)
		return 0;
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + HEAD_LEN, len - HEAD_LEN);
	if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	p = net_nl_attr_data(tb[NFTA_SET_ELEM_LIST_ELEMENTS], &n);
	while ((a = net_nl_attr_next(p, n, &pos))) {
		ret = one_elem(a, fn, arg, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

struct reader {
	net_nft_elem_fn fn;
	void *arg;
	size_t n;   /* messages with elements */
	bool ended; /* by @fn, with an error of its own */
};

static int take(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		struct cs_err *err)
{
	struct reader *rd = arg;
	int ret;

	if (h->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWSETELEM))
		return 0;
	rd->n++;
	ret = net_nft_elems_parse(body, len, rd->fn, rd->arg, err);
	rd->ended = ret < 0;
	return ret;
}

static bool pass_absent(unsigned index, int code, void *arg)
{
	(void)index;
	(void)arg;
	return code == ENOENT;
}

static int ask(struct net_nl *nl, struct net_nl_req *r, struct reader *rd, const char *set,
	       struct cs_err *err)
{
	struct net_nl_answer answer = { .fn = take, .pass = pass_absent, .arg = rd };
	int ret = net_nl_call(nl, r, &answer, err);

	return ret < 0 && !rd->ended ? cs_err_wrap(err, "ask nftables for set %s", set) : ret;
}

int net_nft_elem_get(struct net_nl *nl, const char *table, const char *set,
		     const struct net_nft_elem *key, net_nft_elem_fn fn, void *arg,
		     struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nft_list l = { &r, NFT_MSG_GETSETELEM, 0, table, set, 0 };
	struct reader rd = { .fn = fn, .arg = arg };

	net_nft_list_elem(&l, key);
	net_nft_list_end(&l);
	if (ask(nl, &r, &rd, set, err) < 0)
		return -err->code;
	return rd.n > 0;
}

/* How often a set is read before two readings have to agree; and rules, while others change some.
 */
enum { READINGS = 50 };

static int saw_rule(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		    struct cs_err *err)
{
	(void)h;
	(void)body;
	(void)len;
	(void)err;
	*(int *)arg = 1;
	return 0;
}

int net_nft_has_rules(struct net_nl *nl, const char *table, const char *chain, struct cs_err *err)
{
	const struct nfgenmsg head = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	int any = 0, ret = -EAGAIN;
	struct net_nl_answer answer = { .fn = saw_rule, .pass = pass_absent, .arg = &any };

	net_nl_msg(&r, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP, &head,
		   sizeof(head));
	net_nl_put_str(&r, NFTA_RULE_TABLE, table);
	net_nl_put_str(&r, NFTA_RULE_CHAIN, chain);
	/* somebody changes a table of his while this is read */
	for (int i = 0; i < READINGS && ret == -EAGAIN && !any; i++) {
		cs_err_clear(err);
		ret = net_nl_call(nl, &r, &answer, err);
	}
	if (any)
		cs_err_clear(err);
	else if (ret < 0)
		return cs_err_wrap(err, "ask nftables for the rules of chain %s", chain);
	return any;
}

/* Each answer takes a page and more of the socket's buffer, 208 KiB as systems come. */
enum { ASKS_AT_ONCE = 24 };

int net_nft_asks_elem(struct net_nft_asks *a, const struct net_nft_elem *key, struct cs_err *err)
{
	struct net_nft_list l = { a->r, NFT_MSG_GETSETELEM, 0, a->table, a->set, 0 };

	net_nft_list_elem(&l, key);
	net_nft_list_end(&l);
	return a->r->n < ASKS_AT_ONCE ? 0 : net_nft_asks_end(a, err);
}

int net_nft_asks_end(struct net_nft_asks *a, struct cs_err *err)
{
	struct reader rd = { .fn = a->fn, .arg = a->arg };
	int ret = ask(a->nl, a->r, &rd, a->set, err);

	net_nl_req_reset(a->r);
	return ret;
}

/* One reading of a set: the bodies of its messages, each behind its length, and what of them does
 * not depend on their order. */
struct reading {
	struct cs_buf bodies;
	uint64_t n, sum;
};

static int digest(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	struct reading *g = arg;
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a, 64 bits */

	(void)err;
	for (size_t i = 0; i < e->key_len; i++)
		h = (h ^ ((const uint8_t *)e->key)[i]) * 0x100000001b3;
	g->n++;
	g->sum += h ^ (h >> 29);
	return 0;
}

static int keep(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		struct cs_err *err)
{
	struct reading *g = arg;

	if (h->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWSETELEM))
		return 0;
	cs_buf_add_mem(&g->bodies, &len, sizeof(len));
	cs_buf_add_mem(&g->bodies, body, len);
	return net_nft_elems_parse(body, len, digest, g, err);
}

static int read_set(struct net_nl *nl, const char *table, const char *set, struct reading *g,
		    struct cs_err *err)
{
	const struct nfgenmsg head = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .fn = keep, .pass = pass_absent, .arg = g };

	g->bodies.len = 0;
	g->n = g->sum = 0;
	net_nl_msg(&r, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM, NLM_F_DUMP, &head,
		   sizeof(head));
	net_nl_put_str(&r, NFTA_SET_ELEM_LIST_TABLE, table);
	net_nl_put_str(&r, NFTA_SET_ELEM_LIST_SET, set);
	if (net_nl_call(nl, &r, &answer, err) < 0)
		return -err->code;
	return cs_buf_ok(&g->bodies, err);
}

/* EAGAIN without a message that matters: readings still differ, or the kernel says so itself. */
static int read_steady(struct net_nl *nl, const char *table, const char *set, struct reading *g,
		       struct cs_err *err)
{
	uint64_t n = UINT64_MAX, sum = 0;

	for (int i = 0; i < READINGS; i++) {
		int ret;

		cs_err_clear(err);
		ret = read_set(nl, table, set, g, err);
		if (ret < 0 && ret != -EAGAIN)
			return ret;
		if (ret == 0 && (g->n == 0 || (g->n == n && g->sum == sum)))
			return 0;
		n = ret == 0 ? g->n : UINT64_MAX;
		sum = g->sum;
	}
	cs_err_clear(err);
	return cs_err_set(err, EAGAIN, "it changes all the time");
}

int net_nft_elems_list(struct net_nl *nl, const char *table, const char *set, net_nft_elem_fn fn,
		       void *arg, struct cs_err *err)
{
	cs_auto_buf struct cs_buf bodies = CS_BUF_INIT;
	struct reading g = { .bodies = CS_BUF_INIT };
	int ret = read_steady(nl, table, set, &g, err);

	bodies = g.bodies;
	if (ret < 0)
		return cs_err_wrap(err, "ask nftables for set %s", set);
	for (size_t at = 0, len; ret == 0 && at < bodies.len; at += sizeof(len) + len) {
		memcpy(&len, bodies.s + at, sizeof(len));
		ret = net_nft_elems_parse(bodies.s + at + sizeof(len), len, fn, arg, err);
	}
	return ret;
}
