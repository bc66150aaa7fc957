#ifndef CS_NETNS_NFT_H
#define CS_NETNS_NFT_H

#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct net_nl;
struct net_nl_answer;
struct net_nl_req;

/*
 * nftables (linux/netfilter/nf_tables.h) as messages behind one another in a net_nl_req, for tables
 * of the inet family, and one small kind of the bridge family. A batch begins with net_nft_begin()
 * and ends with net_nft_commit(), which sends it: all of it is done, or nothing. A failure to build
 * sticks in the request and is reported by the commit. Nothing here talks to the kernel but commit,
 * get and list.
 */

void net_nft_begin(struct net_nl_req *r);
/* Sends the batch. @answer may be NULL; as net_nl_call(). */
int net_nft_commit(struct net_nl *nl, struct net_nl_req *r, struct net_nl_answer *answer,
		   struct cs_err *err);

/* A table is made if it is not there (NLM_F_EXCL in @flags: one that is there is EEXIST), with
 * @comment unless NULL; removed with all that is in it. */
void net_nft_table_add(struct net_nl_req *r, const char *table, uint16_t flags,
		       const char *comment);
void net_nft_table_del(struct net_nl_req *r, const char *table);

struct net_nft_chain {
	const char *name;
	const char *type; /* "filter", "nat" */
	uint32_t hook;	  /* NF_INET_PRE_ROUTING, ... */
	int32_t priority;
};
/* A base chain with policy accept. */
void net_nft_chain_add(struct net_nl_req *r, const char *table, const struct net_nft_chain *c);

/* Data types as the nft program numbers them, so that it shows sets in words. A concatenation of
 * several is written in 6 bits each, and each part takes whole 4 bytes of the key. */
enum {
	NET_NFT_IPV4 = 7,
	NET_NFT_IPV6 = 8,
	NET_NFT_PROTO = 12,
	NET_NFT_SERVICE = 13,
	NET_NFT_IFNAME = 41,
};

struct net_nft_set {
	const char *name;
	uint32_t flags; /* NFT_SET_INTERVAL, NFT_SET_MAP */
	uint32_t key_type, key_len;
	uint32_t data_type, data_len; /* of a map */
};
void net_nft_set_add(struct net_nl_req *r, const char *table, const struct net_nft_set *s,
		     uint32_t id);

/* An element: to add, to delete (the key is enough), to ask for, or as the kernel tells it. */
struct net_nft_elem {
	const void *key;
	size_t key_len;
	const void *data; /* of a map; NULL: none */
	size_t data_len;
	uint32_t flags;	     /* NFT_SET_ELEM_INTERVAL_END */
	const char *comment; /* up to 127 characters; NULL: none */
};

/* Elements of one set, in as many messages as it takes. Several lists one after the other. */
struct net_nft_list {
	struct net_nl_req *r;
	uint16_t msg; /* NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_GETSETELEM */
	uint16_t flags;
	const char *table, *set;
	size_t nest; /* offset of the open list; 0: no message is open */
};
/* Elements to add (NLM_F_EXCL in @flags: one that is there is EEXIST), or to delete. */
void net_nft_list_elem(struct net_nft_list *l, const struct net_nft_elem *e);
void net_nft_list_end(struct net_nft_list *l);

/*
 * Rules as tables of expressions: each loads into, compares or uses a register. Registers are of 4
 * bytes, 0 to 15; a value or key takes as many in a row as it has bytes.
 */
enum net_nft_op {
	NET_NFT_META,	  /* reg = meta key @arg */
	NET_NFT_META_SET, /* meta key @arg = reg */
	NET_NFT_VALUE,	  /* reg = @data, @len bytes */
	NET_NFT_CT,	  /* reg = ct key @arg */
	NET_NFT_FIB,	  /* reg = type of the destination address */
	NET_NFT_PAYLOAD,  /* reg = @len bytes at @off of header @arg */
	NET_NFT_MASK,	  /* reg &= @data, @len bytes */
	NET_NFT_CMP,	  /* go on if reg == @data, @len bytes; != if @inv */
	NET_NFT_LOOKUP,	  /* go on if reg is in @set; not in if @inv */
	NET_NFT_MAP,	  /* go on if reg is in the map @set, with its value in reg @arg */
	NET_NFT_DNAT,	  /* destination of family @arg: address in reg, port in reg @off */
	NET_NFT_MASQ,	  /* source: address of the link it leaves by */
	NET_NFT_VERDICT,  /* @arg: NF_ACCEPT, NF_DROP, NFT_RETURN */
	NET_NFT_REJECT,	  /* refused by the administrator (ICMP or ICMPv6) */
};

struct net_nft_expr {
	enum net_nft_op op;
	bool inv;
	uint8_t reg;
	int32_t arg;
	uint32_t off, len;
	const char *set;
	uint8_t data[16];
};

struct net_nft_rule {
	const char *chain;
	const struct net_nft_expr *expr;
	size_t n;
};
void net_nft_rule_add(struct net_nl_req *r, const char *table, const struct net_nft_rule *rule);

/* A table of the bridge family, made anew with one chain and the @n rules of it; removed (ENOENT
 * when it is not there). */
void net_nft_bridge_add(struct net_nl_req *r, const char *table, const struct net_nft_chain *c,
			const struct net_nft_rule *rules, size_t n);
void net_nft_bridge_del(struct net_nl_req *r, const char *table);

/* An element the kernel tells of. Returns 0 or what it set @err to. */
typedef int (*net_nft_elem_fn)(const struct net_nft_elem *e, void *arg, struct cs_err *err);

/* Takes the elements of one NFT_MSG_NEWSETELEM out of its @len bytes behind the netlink header and
 * calls @fn for each. Pure, for any bytes; what is malformed is passed over. */
int net_nft_elems_parse(const void *body, size_t len, net_nft_elem_fn fn, void *arg,
			struct cs_err *err);

/* Asks for one element: calls @fn for it and returns 1, 0 if it, the set or the table is not there.
 */
int net_nft_elem_get(struct net_nl *nl, const char *table, const char *set,
		     const struct net_nft_elem *key, net_nft_elem_fn fn, void *arg,
		     struct cs_err *err);
/* Has the chain any rule? 1, or 0 also when it, or the table, is not there. */
int net_nft_has_rules(struct net_nl *nl, const char *table, const char *chain, struct cs_err *err);

/* The same for many, some in one datagram: @fn is called for those of them that are there, in any
 * order. All keys between two calls of net_nft_asks_end() are of one set. */
struct net_nft_asks {
	struct net_nl *nl;
	const char *table, *set;
	net_nft_elem_fn fn;
	void *arg;
	struct net_nl_req *r; /* empty at first */
};
int net_nft_asks_elem(struct net_nft_asks *a, const struct net_nft_elem *key, struct cs_err *err);
int net_nft_asks_end(struct net_nft_asks *a, struct cs_err *err);

/*
 * Every element of a set, once; none if the set or the table is not there. The kernel reorders a
 * set's hash some time after it has grown, and tells nobody: what is read in several datagrams
 * meanwhile has elements twice and lacks others. So it is read until two readings agree; EAGAIN
 * when they do not for long. Where the keys are known, asking for them is cheaper.
 */
int net_nft_elems_list(struct net_nl *nl, const char *table, const char *set, net_nft_elem_fn fn,
		       void *arg, struct cs_err *err);

#endif
