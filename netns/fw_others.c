/* Ports that other stores publish in the same network namespace, in tables of their own. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "netns/addr.h"
#include "netns/firewall.h"
#include "netns/fw_int.h"
#include "netns/fw_rules.h"
#include "netns/nl.h"
#include "netns/portspec.h"

enum {
	TABLES_MAX = 64, /* stores in one namespace that are looked at */
	TABLE_NAME = 32, /* of a table of ours, with its NUL */
	TRIES = 20,
};

#define NFT(msg) ((NFNL_SUBSYS_NFTABLES << 8) | (msg))

struct tables {
	const char *own;
	char v[TABLES_MAX][TABLE_NAME];
	size_t n;
};

static int see_table(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		     struct cs_err *err)
{
	const struct nlattr *tb[NFTA_TABLE_NAME + 1];
	struct tables *t = arg;
	const char *name;

	(void)err;
	if (h->nlmsg_type != NFT(NFT_MSG_NEWTABLE) || len < sizeof(struct nfgenmsg))
		return 0;
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + sizeof(struct nfgenmsg),
		     len - sizeof(struct nfgenmsg));
	name = net_nl_get_str(tb[NFTA_TABLE_NAME]);
	if (!name || !cs_str_starts(name, FW_TABLES) || strcmp(name, t->own) == 0 ||
	    strlen(name) >= TABLE_NAME || t->n == TABLES_MAX)
		return 0;
	memcpy(t->v[t->n++], name, strlen(name) + 1);
	return 0;
}

static int list_tables(struct net_nl *nl, struct tables *t, struct cs_err *err)
{
	const struct nfgenmsg head = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	int ret = -EAGAIN;

	for (int i = 0; ret == -EAGAIN && i < TRIES; i++) {
		net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
		struct net_nl_answer answer = { .fn = see_table, .arg = t };

		cs_err_clear(err);
		t->n = 0;
		net_nl_msg(&r, NFT(NFT_MSG_GETTABLE), NLM_F_DUMP, &head, sizeof(head));
		ret = net_nl_call(nl, &r, &answer, err);
	}
	return ret < 0 ? cs_err_wrap(err, "look for tables of other stores") : 0;
}

/* Whose element is one of these? */
struct wanted {
	const char *table;
	uint8_t family; /* of the map */
	const struct net_port *p;
	size_t n;
};

static bool same_host(const struct net_port *p, uint8_t family, const uint8_t *host, size_t len)
{
	static const uint8_t zero[sizeof(p->host.b)];

	if (p->host.family && p->host.family != family)
		return false;
	if (len == 0 || memcmp(p->host.b, zero, sizeof(zero)) == 0)
		return true;
	return len == net_addr_size(p->host.family) && memcmp(p->host.b, host, len) == 0;
}

static int compare(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	const struct wanted *w = arg;
	const uint8_t *key = e->key, *tail = key + e->key_len - 8;
	unsigned int port;

	if (e->key_len < 8) /* no map of ours */
		return 0;
	port = (unsigned int)tail[4] << 8 | tail[5];
	for (size_t i = 0; i < w->n; i++) {
		const struct net_port *p = &w->p[i];

		if (p->proto == tail[0] && port >= p->host_port && port - p->host_port < p->count &&
		    same_host(p, w->family, key, e->key_len - 8))
			return cs_err_set(err, EEXIST,
					  "port %u/%s is published by %.64s of another store "
					  "(--root), in table inet %s",
					  port, net_proto_name(tail[0]),
					  e->comment ? e->comment : "a workload", w->table);
	}
	return 0;
}

int net_fw_others_free(struct net_nl *nl, const char *own, const struct net_port *p, size_t n,
		       struct cs_err *err)
{
	static const struct {
		const char *name;
		uint8_t family;
	} maps[] = {
		{ FW_DNAT4, AF_INET },
		{ FW_HOST4, AF_INET },
		{ FW_DNAT6, AF_INET6 },
		{ FW_HOST6, AF_INET6 },
	};
	cs_auto_free struct tables *t = calloc(1, sizeof(*t));

	if (!t)
		return cs_err_set(err, ENOMEM, "out of memory");
	t->own = own;
	if (list_tables(nl, t, err) < 0)
		return -err->code;
	for (size_t i = 0; i < t->n; i++) {
		for (size_t m = 0; m < CS_LEN(maps); m++) {
			struct wanted w = { t->v[i], maps[m].family, p, n };

			if (net_nft_elems_list(nl, w.table, maps[m].name, compare, &w, err) < 0)
				return -err->code;
		}
	}
	return 0;
}
