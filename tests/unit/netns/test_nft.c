#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "netns/nft.h"
#include "netns/nl.h"

UNIT_NO_LEAK_CHECK

/* A namespace of our own, in which nftables can be spoken to; false where there is none. */
static bool open_private(struct net_nl *nl)
{
	struct cs_err err = CS_ERR_INIT;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		unit_say_skipped("a network namespace of one's own takes root");
		return false;
	}
	if (net_nl_open(nl, NETLINK_NETFILTER, &err) == 0)
		return true;
	unit_say_skipped(err.msg);
	return false;
}

struct found {
	size_t n;
	uint32_t sum; /* of the keys, as numbers */
	char comment[200];
	uint8_t data[8];
};

static int see(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	struct found *f = arg;
	uint32_t key;

	(void)err;
	ck_assert_uint_eq(e->key_len, sizeof(key));
	memcpy(&key, e->key, sizeof(key));
	f->n++;
	f->sum += key;
	if (e->comment)
		(void)snprintf(f->comment, sizeof(f->comment), "%s", e->comment);
	if (e->data)
		memcpy(f->data, e->data, e->data_len < 8 ? e->data_len : 8);
	return 0;
}

static const struct net_nft_set map = { "m", NFT_SET_MAP, 4, 4, 4, 4 };

static int put(struct net_nl *nl, uint32_t from, uint32_t n, struct cs_err *err)
{
	struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nft_list l = { &r, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, "t", "m", 0 };
	int ret;

	net_nft_begin(&r);
	for (uint32_t i = from; i < from + n; i++)
		net_nft_list_elem(&l, &(struct net_nft_elem){ .key = &i,
							      .key_len = sizeof(i),
							      .data = "abcd",
							      .data_len = 4,
							      .comment = "whose" });
	net_nft_list_end(&l);
	ret = net_nft_commit(nl, &r, NULL, err);
	net_nl_req_fini(&r);
	return ret;
}

static void make_table(struct net_nl *nl)
{
	struct net_nl_req r = NET_NL_REQ_INIT;
	struct cs_err err = CS_ERR_INIT;

	net_nft_begin(&r);
	net_nft_table_add(&r, "t", 0, "c");
	net_nft_set_add(&r, "t", &map, 1);
	ck_assert_msg(net_nft_commit(nl, &r, NULL, &err) == 0, "%s", err.msg);
	net_nl_req_fini(&r);
}

/* The map's elements are the keys below @n, each told of once. */
static void list_all(struct net_nl *nl, uint32_t n)
{
	struct cs_err err = CS_ERR_INIT;
	struct found f = { 0 };

	ck_assert_msg(net_nft_elems_list(nl, "t", "m", see, &f, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(f.n, n);
	ck_assert_uint_eq(f.sum, (n - 1) * n / 2);
}

/* Thousands of elements are many messages, one batch. */
START_TEST(test_elements)
{
	struct net_nl nl = NET_NL_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct found f = { 0 };
	uint32_t key = 77;
	const struct net_nft_elem want = { .key = &key, .key_len = sizeof(key) };

	if (!open_private(&nl))
		return;
	ck_assert_int_eq(net_nft_elems_list(&nl, "t", "m", see, &f, &err), 0);
	ck_assert_int_eq(net_nft_elem_get(&nl, "t", "m", &want, see, &f, &err), 0);
	make_table(&nl);
	ck_assert_int_eq(net_nft_elem_get(&nl, "t", "m", &want, see, &f, &err), 0);
	ck_assert_uint_eq(f.n, 0);
	ck_assert_msg(put(&nl, 0, 5000, &err) == 0, "%s", err.msg);
	list_all(&nl, 5000);
	memset(&f, 0, sizeof(f));
	ck_assert_int_eq(net_nft_elem_get(&nl, "t", "m", &want, see, &f, &err), 1);
	ck_assert_uint_eq(f.sum, 77);
	ck_assert_str_eq(f.comment, "whose");
	ck_assert_mem_eq(f.data, "abcd", 4);
	/* One that is there: nothing of the batch is done. */
	ck_assert_int_eq(put(&nl, 4999, 5000, &err), -EEXIST);
	list_all(&nl, 5000);
	net_nl_close(&nl);
}
END_TEST

/* However the kernel reorders the set after it has grown, and it does so while it is read: each
 * time every element is told of once. */
START_TEST(test_growing)
{
	struct net_nl nl = NET_NL_INIT;
	struct cs_err err = CS_ERR_INIT;
	uint32_t n = 0;

	if (!open_private(&nl))
		return;
	make_table(&nl);
	for (uint32_t more = 700; n < 20000; more += 300) {
		ck_assert_msg(put(&nl, n, more, &err) == 0, "%s", err.msg);
		n += more;
		list_all(&nl, n);
	}
	net_nl_close(&nl);
}
END_TEST

/* Many keys: those that are there are told of, the others are not missed. */
START_TEST(test_asks)
{
	struct net_nl nl = NET_NL_INIT;
	struct net_nl_req r = NET_NL_REQ_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct found f = { 0 };
	struct net_nft_asks a = { &nl, "t", "m", see, &f, &r };

	if (!open_private(&nl))
		return;
	for (int there = 0; there < 2; there++) {
		for (uint32_t key = 0; key < 3000; key++) {
			const struct net_nft_elem e = { .key = &key, .key_len = sizeof(key) };

			ck_assert_int_eq(net_nft_asks_elem(&a, &e, &err), 0);
		}
		ck_assert_msg(net_nft_asks_end(&a, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(net_nft_asks_end(&a, &err), 0);
		if (!there) {
			ck_assert_uint_eq(f.n, 0);
			make_table(&nl);
			ck_assert_int_eq(put(&nl, 1000, 1500, &err), 0);
		}
	}
	ck_assert_uint_eq(f.n, 1500);
	ck_assert_uint_eq(f.sum, (1000 + 2499) * 1500 / 2);
	ck_assert_str_eq(f.comment, "whose");
	net_nl_req_fini(&r);
	net_nl_close(&nl);
}
END_TEST

/* Each expression is taken by the kernel. */
START_TEST(test_expressions)
{
	static const struct net_nft_expr e[] = {
		{ .op = NET_NFT_META, .arg = NFT_META_NFPROTO },
		{ .op = NET_NFT_CMP, .len = 1, .data = { NFPROTO_IPV4 } },
		{ .op = NET_NFT_CT, .arg = NFT_CT_STATUS },
		{ .op = NET_NFT_FIB },
		{ .op = NET_NFT_PAYLOAD, .arg = NFT_PAYLOAD_NETWORK_HEADER, .off = 12, .len = 4 },
		{ .op = NET_NFT_MASK, .len = 4, .data = { 255 } },
		{ .op = NET_NFT_CMP, .inv = true, .len = 4, .data = { 10 } },
		{ .op = NET_NFT_LOOKUP, .set = "s", .inv = true },
		{ .op = NET_NFT_MAP, .set = "m", .arg = 2 },
		{ .op = NET_NFT_DNAT, .arg = NFPROTO_IPV4, .reg = 2, .off = 2 },
	};
	static const struct net_nft_expr masq[] = { { .op = NET_NFT_MASQ } };
	static const struct net_nft_expr reject[] = { { .op = NET_NFT_REJECT } };
	static const struct net_nft_expr drop[] = { { .op = NET_NFT_VERDICT, .arg = NF_DROP } };
	static const struct net_nft_chain chains[] = {
		{ "pre", "nat", NF_INET_PRE_ROUTING, -100 },
		{ "post", "nat", NF_INET_POST_ROUTING, 100 },
		{ "fwd", "filter", NF_INET_FORWARD, 0 },
	};
	static const struct net_nft_rule rules[] = {
		{ "pre", e, 10 }, { "post", masq, 1 }, { "fwd", reject, 1 }, { "fwd", drop, 1 }
	};
	const struct net_nft_set s = { "s", 0, 4, 4, 0, 0 };
	struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl nl = NET_NL_INIT;
	struct cs_err err = CS_ERR_INIT;

	if (!open_private(&nl))
		return;
	make_table(&nl);
	net_nft_begin(&r);
	net_nft_set_add(&r, "t", &s, 2);
	for (size_t i = 0; i < 3; i++)
		net_nft_chain_add(&r, "t", &chains[i]);
	for (size_t i = 0; i < 4; i++)
		net_nft_rule_add(&r, "t", &rules[i]);
	ck_assert_msg(net_nft_commit(&nl, &r, NULL, &err) == 0, "%s", err.msg);
	net_nl_req_reset(&r);
	net_nft_begin(&r);
	net_nft_table_del(&r, "t");
	net_nft_table_del(&r, "t");
	ck_assert_int_eq(net_nft_commit(&nl, &r, NULL, &err), -ENOENT);
	net_nl_req_fini(&r);
	net_nl_close(&nl);
}
END_TEST

/* What cannot be an answer of the kernel's is passed over. */
START_TEST(test_hostile)
{
	unsigned char buf[64] = { 0 };
	struct found f = { 0 };
	struct cs_err err = CS_ERR_INIT;

	for (size_t len = 0; len <= sizeof(buf); len++) {
		for (unsigned int fill = 0; fill < 256; fill++) {
			memset(buf, (int)fill, sizeof(buf));
			ck_assert_int_eq(net_nft_elems_parse(buf, len, see, &f, &err), 0);
		}
	}
	ck_assert_uint_eq(f.n, 0);
}
END_TEST

UNIT_MAIN("netns/nft", test_elements, test_growing, test_asks, test_expressions, test_hostile)
