#include "netns/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

UNIT_NO_LEAK_CHECK

/* A network namespace of the test's own; false where that is not allowed. */
static bool own_netns(void)
{
	if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
		return true;
	unit_say_skipped("no network namespace of one's own can be made");
	return false;
}

static void put_link(struct net_nl_req *r, const char *name, const char *kind)
{
	const struct ifinfomsg ifi = { 0 };
	size_t info;

	net_nl_msg(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_IFNAME, name);
	info = net_nl_nest(r, IFLA_LINKINFO);
	net_nl_put_str(r, IFLA_INFO_KIND, kind);
	net_nl_nest_end(r, info);
}

static bool pass_exist(unsigned index, int code, void *arg)
{
	unsigned *seen = arg;

	*seen |= 1U << index;
	return code == EEXIST;
}

static int count_link(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		      struct cs_err *err)
{
	const struct nlattr *tb[IFLA_IFNAME + 1];
	int *n = arg;

	(void)err;
	ck_assert_uint_eq(h->nlmsg_type, RTM_NEWLINK);
	ck_assert_uint_ge(len, sizeof(struct ifinfomsg));
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + sizeof(struct ifinfomsg),
		     len - sizeof(struct ifinfomsg));
	ck_assert_ptr_nonnull(net_nl_get_str(tb[IFLA_IFNAME]));
	++*n;
	return 0;
}

START_TEST(test_route)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct cs_err err = CS_ERR_INIT;
	const struct ifinfomsg all = { 0 };
	unsigned seen = 0;
	int n = 0;
	struct net_nl_answer count = { .fn = count_link, .arg = &n };
	struct net_nl_answer pass = { .pass = pass_exist, .arg = &seen };

	if (!own_netns())
		return;
	ck_assert_int_eq(net_nl_open(&nl, NETLINK_ROUTE, &err), 0);
	ck_assert_int_eq(net_nl_call(&nl, &r, NULL, &err), 0);
	for (int i = 0; i < 200; i++) {
		char name[IF_NAMESIZE];

		snprintf(name, sizeof(name), "v%d", i);
		put_link(&r, name, "bridge");
	}
	ck_assert_int_eq(net_nl_call(&nl, &r, NULL, &err), 0);
	net_nl_req_reset(&r);
	net_nl_msg(&r, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	ck_assert_int_eq(net_nl_call(&nl, &r, &count, &err), 0);
	ck_assert_int_ge(n, 201);
	/* one refused, one done, in one datagram; then passed over */
	net_nl_req_reset(&r);
	put_link(&r, "w0", "bridge");
	put_link(&r, "v7", "bridge");
	put_link(&r, "w1", "bridge");
	ck_assert_int_eq(net_nl_call(&nl, &r, &pass, &err), 0);
	ck_assert_uint_eq(seen, 2);
	ck_assert_uint_gt(if_nametoindex("w1"), 0);
	count.refused = 99;
	ck_assert_int_eq(net_nl_call(&nl, &r, &count, &err), -EEXIST);
	ck_assert_uint_eq(count.refused, 0);
	cs_err_clear(&err);
	/* the socket is empty again */
	n = 0;
	net_nl_req_reset(&r);
	net_nl_msg(&r, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	ck_assert_int_eq(net_nl_call(&nl, &r, &count, &err), 0);
	ck_assert_int_ge(n, 203);
	/* the kernel's own words */
	net_nl_req_reset(&r);
	put_link(&r, "x", "no-such-kind");
	ck_assert_int_eq(net_nl_call(&nl, &r, NULL, &err), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(err.msg, "Unknown device type"));
}
END_TEST

static void put_batch(struct net_nl_req *r, uint16_t type)
{
	const struct nfgenmsg g = { .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	net_nl_msg(r, type, 0, &g, sizeof(g));
}

static void put_table(struct net_nl_req *r, uint16_t msg, uint16_t flags, const char *name)
{
	const struct nfgenmsg g = { .nfgen_family = NFPROTO_INET };

	net_nl_msg(r, NFNL_SUBSYS_NFTABLES << 8 | msg, flags, &g, sizeof(g));
	net_nl_put_str(r, NFTA_TABLE_NAME, name);
}

START_TEST(test_netfilter)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct net_nl_answer answer = { .refused = 99 };

	if (!own_netns())
		return;
	if (net_nl_open(&nl, NETLINK_NETFILTER, &err) == -EPROTONOSUPPORT) {
		unit_say_skipped(err.msg);
		return;
	}
	ck_assert_int_eq(err.code, 0);
	put_batch(&r, NFNL_MSG_BATCH_BEGIN);
	put_table(&r, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, "a");
	put_table(&r, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, "b");
	put_batch(&r, NFNL_MSG_BATCH_END);
	ck_assert_int_eq(net_nl_call(&nl, &r, NULL, &err), 0);
	ck_assert_int_eq(net_nl_call(&nl, &r, &answer, &err), -EEXIST);
	ck_assert_uint_eq(answer.refused, 1);
	cs_err_clear(&err);
	/* the whole batch is undone */
	net_nl_req_reset(&r);
	put_batch(&r, NFNL_MSG_BATCH_BEGIN);
	put_table(&r, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, "c");
	put_table(&r, NFT_MSG_DELTABLE, 0, "none");
	put_batch(&r, NFNL_MSG_BATCH_END);
	ck_assert_int_eq(net_nl_call(&nl, &r, &answer, &err), -ENOENT);
	ck_assert_uint_eq(answer.refused, 2);
	cs_err_clear(&err);
	net_nl_req_reset(&r);
	put_table(&r, NFT_MSG_GETTABLE, 0, "b");
	ck_assert_int_eq(net_nl_call(&nl, &r, NULL, &err), 0);
	net_nl_req_reset(&r);
	put_table(&r, NFT_MSG_GETTABLE, 0, "c");
	ck_assert_int_eq(net_nl_call(&nl, &r, NULL, &err), -ENOENT);
}
END_TEST

START_TEST(test_too_long)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct cs_err err = CS_ERR_INIT;
	static const char big[40000];
	size_t nest;

	ck_assert_int_eq(net_nl_open(&nl, NETLINK_ROUTE, &err), 0);
	net_nl_msg(&r, RTM_NEWLINK, 0, NULL, 0);
	nest = net_nl_nest(&r, IFLA_LINKINFO);
	net_nl_put(&r, 1, big, sizeof(big));
	ck_assert(!r.failed);
	net_nl_put(&r, 2, big, sizeof(big));
	net_nl_nest_end(&r, nest);
	ck_assert(r.failed);
	ck_assert_int_eq(net_nl_call(&nl, &r, NULL, &err), -ENOMEM);
	net_nl_req_reset(&r);
	/* an attribute without a message */
	net_nl_put_u8(&r, 1, 1);
	ck_assert(r.failed);
}
END_TEST

/* Answers no kernel gives. */
START_TEST(test_broken)
{
	struct net_nl_answer answer = { 0 };
	struct net_nl_reply rep = { .seq = 5, .n = 2, .answer = &answer };
	struct cs_err err = CS_ERR_INIT;
	struct {
		struct nlmsghdr h;
		int code;
	} m = { .h = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = 6 } };

	ck_assert_int_eq(net_nl_reply_take(&rep, &m, 10, &err), 0);
	ck_assert(!rep.ended);
	ck_assert_int_eq(net_nl_reply_take(&rep, &m, sizeof(m) - 1, &err), -EPROTO);
	cs_err_clear(&err);
	ck_assert_int_eq(net_nl_reply_take(&rep, &m, sizeof(m), &err), 0);
	ck_assert(rep.ended);
	rep.ended = false;
	m.h.nlmsg_seq = 7; /* of another call */
	ck_assert_int_eq(net_nl_reply_take(&rep, &m, sizeof(m), &err), 0);
	ck_assert(!rep.ended);
	m.h.nlmsg_seq = 5;
	m.code = 3;
	ck_assert_int_eq(net_nl_reply_take(&rep, &m, sizeof(m), &err), -EPROTO);
	cs_err_clear(&err);
	m.code = -EPERM;
	m.h.nlmsg_flags = NLM_F_ACK_TLVS; /* without any */
	ck_assert_int_eq(net_nl_reply_take(&rep, &m, sizeof(m), &err), -EPERM);
	cs_err_clear(&err);
	m.h.nlmsg_len = 16;
	ck_assert_int_eq(net_nl_reply_take(&rep, &m, sizeof(m), &err), -EPROTO);
	cs_err_clear(&err);
	m.h.nlmsg_len = 3;
	ck_assert_int_eq(net_nl_reply_take(&rep, &m, sizeof(m), &err), -EPROTO);
}
END_TEST

UNIT_MAIN("netns/nl", test_route, test_netfilter, test_too_long, test_broken)
