#include "netns/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/err.h"
#include "netns/nl.h"

/* A list of elements is one attribute, so less than 64 KiB: a new message past this many bytes. */
#define LIST_ROOM 48000

/* The nft program keeps a comment as a type-length-value of its own in the userdata: type 0, length
 * with the NUL; a table's and an element's alike. */
enum { UDATA_COMMENT = 0, UDATA_HEAD = 2, COMMENT_MAX = 127 };

static void message_of(struct net_nl_req *r, uint8_t family, uint16_t type, uint16_t flags)
{
	const struct nfgenmsg head = { .nfgen_family = family, .version = NFNETLINK_V0 };

	net_nl_msg(r, (uint16_t)((NFNL_SUBSYS_NFTABLES << 8) | type), flags, &head, sizeof(head));
}

static void message(struct net_nl_req *r, uint16_t type, uint16_t flags)
{
	message_of(r, NFPROTO_INET, type, flags);
}

static void batch(struct net_nl_req *r, uint16_t type)
{
	const struct nfgenmsg head = { .nfgen_family = AF_UNSPEC,
				       .version = NFNETLINK_V0,
				       .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	net_nl_msg(r, type, 0, &head, sizeof(head));
}

void net_nft_begin(struct net_nl_req *r)
{
	batch(r, NFNL_MSG_BATCH_BEGIN);
}

int net_nft_commit(struct net_nl *nl, struct net_nl_req *r, struct net_nl_answer *answer,
		   struct cs_err *err)
{
	batch(r, NFNL_MSG_BATCH_END);
	return net_nl_call(nl, r, answer, err);
}

static void put_comment(struct net_nl_req *r, uint16_t attr, const char *comment)
{
	unsigned char tlv[UDATA_HEAD + COMMENT_MAX + 1];
	size_t len = strnlen(comment, COMMENT_MAX);

	tlv[0] = UDATA_COMMENT;
	tlv[1] = (unsigned char)(len + 1);
	memcpy(tlv + UDATA_HEAD, comment, len);
	tlv[UDATA_HEAD + len] = '\0';
	net_nl_put(r, attr, tlv, UDATA_HEAD + len + 1);
}

void net_nft_table_add(struct net_nl_req *r, const char *table, uint16_t flags, const char *comment)
{
	message(r, NFT_MSG_NEWTABLE, (uint16_t)(NLM_F_CREATE | flags));
	net_nl_put_str(r, NFTA_TABLE_NAME, table);
	if (comment)
		put_comment(r, NFTA_TABLE_USERDATA, comment);
}

void net_nft_table_del(struct net_nl_req *r, const char *table)
{
	message(r, NFT_MSG_DELTABLE, 0);
	net_nl_put_str(r, NFTA_TABLE_NAME, table);
}

static void put_chain(struct net_nl_req *r, uint8_t family, const char *table,
		      const struct net_nft_chain *c)
{
	size_t hook;

	message_of(r, family, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	net_nl_put_str(r, NFTA_CHAIN_TABLE, table);
	net_nl_put_str(r, NFTA_CHAIN_NAME, c->name);
	hook = net_nl_nest(r, NFTA_CHAIN_HOOK);
	net_nl_put_be32(r, NFTA_HOOK_HOOKNUM, c->hook);
	net_nl_put_be32(r, NFTA_HOOK_PRIORITY, (uint32_t)c->priority);
	net_nl_nest_end(r, hook);
	net_nl_put_be32(r, NFTA_CHAIN_POLICY, NF_ACCEPT);
	net_nl_put_str(r, NFTA_CHAIN_TYPE, c->type);
}

void net_nft_chain_add(struct net_nl_req *r, const char *table, const struct net_nft_chain *c)
{
	put_chain(r, NFPROTO_INET, table, c);
}

/* For the nft program: a name is not a number whose bytes are to be turned round to show it. Type
 * 0, the key's byte order; 4 bytes: 1, the host's. */
static const uint8_t name_order[] = { 0, 4, 1, 0, 0, 0 };

void net_nft_set_add(struct net_nl_req *r, const char *table, const struct net_nft_set *s,
		     uint32_t id)
{
	message(r, NFT_MSG_NEWSET, NLM_F_CREATE);
	net_nl_put_str(r, NFTA_SET_TABLE, table);
	net_nl_put_str(r, NFTA_SET_NAME, s->name);
	net_nl_put_be32(r, NFTA_SET_FLAGS, s->flags);
	net_nl_put_be32(r, NFTA_SET_KEY_TYPE, s->key_type);
	net_nl_put_be32(r, NFTA_SET_KEY_LEN, s->key_len);
	if (s->flags & NFT_SET_MAP) {
		net_nl_put_be32(r, NFTA_SET_DATA_TYPE, s->data_type);
		net_nl_put_be32(r, NFTA_SET_DATA_LEN, s->data_len);
	}
	net_nl_put_be32(r, NFTA_SET_ID, id);
	if (s->key_type == NET_NFT_IFNAME)
		net_nl_put(r, NFTA_SET_USERDATA, name_order, sizeof(name_order));
}

static void put_value(struct net_nl_req *r, uint16_t attr, const void *value, size_t len)
{
	size_t nest = net_nl_nest(r, attr);

	net_nl_put(r, NFTA_DATA_VALUE, value, len);
	net_nl_nest_end(r, nest);
}

static void list_begin(struct net_nft_list *l)
{
	message(l->r, l->msg, l->flags);
	net_nl_put_str(l->r, NFTA_SET_ELEM_LIST_TABLE, l->table);
	net_nl_put_str(l->r, NFTA_SET_ELEM_LIST_SET, l->set);
	l->nest = net_nl_nest(l->r, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void net_nft_list_elem(struct net_nft_list *l, const struct net_nft_elem *e)
{
	size_t elem;

	if (l->nest && l->r->len - l->nest > LIST_ROOM)
		net_nft_list_end(l);
	if (!l->nest)
		list_begin(l);
	elem = net_nl_nest(l->r, NFTA_LIST_ELEM);
	put_value(l->r, NFTA_SET_ELEM_KEY, e->key, e->key_len);
	if (e->data)
		put_value(l->r, NFTA_SET_ELEM_DATA, e->data, e->data_len);
	if (e->flags)
		net_nl_put_be32(l->r, NFTA_SET_ELEM_FLAGS, e->flags);
	if (e->comment)
		put_comment(l->r, NFTA_SET_ELEM_USERDATA, e->comment);
	net_nl_nest_end(l->r, elem);
}

void net_nft_list_end(struct net_nft_list *l)
{
	if (l->nest)
		net_nl_nest_end(l->r, l->nest);
	l->nest = 0;
}

/* NFT_REG32_00 and those behind it are of 4 bytes. */
static void put_reg(struct net_nl_req *r, uint16_t attr, uint32_t reg)
{
	net_nl_put_be32(r, attr, NFT_REG32_00 + reg);
}

static void put_mask(struct net_nl_req *r, const struct net_nft_expr *e)
{
	static const uint8_t zero[sizeof(e->data)];

	put_reg(r, NFTA_BITWISE_SREG, e->reg);
	put_reg(r, NFTA_BITWISE_DREG, e->reg);
	net_nl_put_be32(r, NFTA_BITWISE_LEN, e->len);
	put_value(r, NFTA_BITWISE_MASK, e->data, e->len);
	put_value(r, NFTA_BITWISE_XOR, zero, e->len);
}

static void put_lookup(struct net_nl_req *r, const struct net_nft_expr *e, bool map)
{
	net_nl_put_str(r, NFTA_LOOKUP_SET, e->set);
	put_reg(r, NFTA_LOOKUP_SREG, e->reg);
	if (map)
		put_reg(r, NFTA_LOOKUP_DREG, (uint32_t)e->arg);
	if (e->inv)
		net_nl_put_be32(r, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void put_dnat(struct net_nl_req *r, const struct net_nft_expr *e)
{
	net_nl_put_be32(r, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	net_nl_put_be32(r, NFTA_NAT_FAMILY, (uint32_t)e->arg);
	put_reg(r, NFTA_NAT_REG_ADDR_MIN, e->reg);
	put_reg(r, NFTA_NAT_REG_PROTO_MIN, e->off);
}

static void put_verdict(struct net_nl_req *r, const struct net_nft_expr *e)
{
	size_t data, verdict;

	net_nl_put_be32(r, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = net_nl_nest(r, NFTA_IMMEDIATE_DATA);
	verdict = net_nl_nest(r, NFTA_DATA_VERDICT);
	net_nl_put_be32(r, NFTA_VERDICT_CODE, (uint32_t)e->arg);
	net_nl_nest_end(r, verdict);
	net_nl_nest_end(r, data);
}

static void put_expr(struct net_nl_req *r, const struct net_nft_expr *e)
{
	switch (e->op) {
	case NET_NFT_META:
		put_reg(r, NFTA_META_DREG, e->reg);
		net_nl_put_be32(r, NFTA_META_KEY, (uint32_t)e->arg);
		break;
	case NET_NFT_META_SET:
		put_reg(r, NFTA_META_SREG, e->reg);
		net_nl_put_be32(r, NFTA_META_KEY, (uint32_t)e->arg);
		break;
	case NET_NFT_VALUE:
		put_reg(r, NFTA_IMMEDIATE_DREG, e->reg);
		put_value(r, NFTA_IMMEDIATE_DATA, e->data, e->len);
		break;
	case NET_NFT_CT:
		put_reg(r, NFTA_CT_DREG, e->reg);
		net_nl_put_be32(r, NFTA_CT_KEY, (uint32_t)e->arg);
		break;
	case NET_NFT_FIB:
		put_reg(r, NFTA_FIB_DREG, e->reg);
		net_nl_put_be32(r, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		net_nl_put_be32(r, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
		break;
	case NET_NFT_PAYLOAD:
		put_reg(r, NFTA_PAYLOAD_DREG, e->reg);
		net_nl_put_be32(r, NFTA_PAYLOAD_BASE, (uint32_t)e->arg);
		net_nl_put_be32(r, NFTA_PAYLOAD_OFFSET, e->off);
		net_nl_put_be32(r, NFTA_PAYLOAD_LEN, e->len);
		break;
	case NET_NFT_MASK:
		put_mask(r, e);
		break;
	case NET_NFT_CMP:
		put_reg(r, NFTA_CMP_SREG, e->reg);
		net_nl_put_be32(r, NFTA_CMP_OP, e->inv ? NFT_CMP_NEQ : NFT_CMP_EQ);
		put_value(r, NFTA_CMP_DATA, e->data, e->len);
		break;
	case NET_NFT_LOOKUP:
	case NET_NFT_MAP:
		put_lookup(r, e, e->op == NET_NFT_MAP);
		break;
	case NET_NFT_DNAT:
		put_dnat(r, e);
		break;
	case NET_NFT_MASQ:
		break;
	case NET_NFT_VERDICT:
		put_verdict(r, e);
		break;
	case NET_NFT_REJECT:
		net_nl_put_be32(r, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
		net_nl_put_u8(r, NFTA_REJECT_ICMP_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
		break;
	}
}

static const char *const op_names[] = {
	[NET_NFT_META] = "meta",	 [NET_NFT_META_SET] = "meta",
	[NET_NFT_VALUE] = "immediate",	 [NET_NFT_CT] = "ct",
	[NET_NFT_FIB] = "fib",		 [NET_NFT_PAYLOAD] = "payload",
	[NET_NFT_MASK] = "bitwise",	 [NET_NFT_CMP] = "cmp",
	[NET_NFT_LOOKUP] = "lookup",	 [NET_NFT_MAP] = "lookup",
	[NET_NFT_DNAT] = "nat",		 [NET_NFT_MASQ] = "masq",
	[NET_NFT_VERDICT] = "immediate", [NET_NFT_REJECT] = "reject",
};

static void put_rule(struct net_nl_req *r, uint8_t family, const char *table,
		     const struct net_nft_rule *rule)
{
	size_t list, elem, data;

	message_of(r, family, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	net_nl_put_str(r, NFTA_RULE_TABLE, table);
	net_nl_put_str(r, NFTA_RULE_CHAIN, rule->chain);
	list = net_nl_nest(r, NFTA_RULE_EXPRESSIONS);
	for (size_t i = 0; i < rule->n; i++) {
		elem = net_nl_nest(r, NFTA_LIST_ELEM);
		net_nl_put_str(r, NFTA_EXPR_NAME, op_names[rule->expr[i].op]);
		data = net_nl_nest(r, NFTA_EXPR_DATA);
		put_expr(r, &rule->expr[i]);
		net_nl_nest_end(r, data);
		net_nl_nest_end(r, elem);
	}
	net_nl_nest_end(r, list);
}

void net_nft_rule_add(struct net_nl_req *r, const char *table, const struct net_nft_rule *rule)
{
	put_rule(r, NFPROTO_INET, table, rule);
}

static void put_bridge_table(struct net_nl_req *r, uint16_t type, const char *table)
{
	message_of(r, NFPROTO_BRIDGE, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	net_nl_put_str(r, NFTA_TABLE_NAME, table);
}

void net_nft_bridge_add(struct net_nl_req *r, const char *table, const struct net_nft_chain *c,
			const struct net_nft_rule *rules, size_t n)
{
	/* made first, so that there is one to delete */
	put_bridge_table(r, NFT_MSG_NEWTABLE, table);
	put_bridge_table(r, NFT_MSG_DELTABLE, table);
	put_bridge_table(r, NFT_MSG_NEWTABLE, table);
	put_chain(r, NFPROTO_BRIDGE, table, c);
	for (size_t i = 0; i < n; i++)
		put_rule(r, NFPROTO_BRIDGE, table, &rules[i]);
}

void net_nft_bridge_del(struct net_nl_req *r, const char *table)
{
	put_bridge_table(r, NFT_MSG_DELTABLE, table);
}
