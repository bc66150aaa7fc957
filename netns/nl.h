#ifndef CS_NETNS_NL_H
#define CS_NETNS_NL_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * A netlink conversation (netlink(7)), for NETLINK_ROUTE and NETLINK_NETFILTER: several
 * requests in one datagram, one answer for all, errors in the kernel's own words (extended ack).
 */
struct net_nl {
	int fd;	      /* owned; -EBADF: closed */
	int bus;      /* NETLINK_ROUTE or NETLINK_NETFILTER */
	uint32_t seq; /* of the last request sent */
};
#define NET_NL_INIT ((struct net_nl){ .fd = -EBADF }) /* needs errno.h */

/* Opens the socket in the caller's network namespace, which it speaks for ever after. */
int net_nl_open(struct net_nl *nl, int bus, struct cs_err *err);
/* Idempotent. */
void net_nl_close(struct net_nl *nl);
#define net_auto_nl CS_CLEANUP(net_nl_close) /* needs base/cleanup.h */

/*
 * Requests being built: messages one behind another, attributes of the last one. Grows as needed.
 * A failure sticks (out of memory, an attribute of more than 64 KiB) and is reported by the call
 * that sends. Texts and structs are copied.
 */
struct net_nl_req {
	unsigned char *buf; /* owned */
	size_t len, cap;
	size_t msg; /* offset of the last message */
	unsigned n; /* messages */
	bool failed;
};
#define NET_NL_REQ_INIT ((struct net_nl_req){ 0 })

void net_nl_req_fini(struct net_nl_req *r);
#define net_auto_nl_req CS_CLEANUP(net_nl_req_fini) /* needs base/cleanup.h */
/* Empties it; keeps the memory. */
void net_nl_req_reset(struct net_nl_req *r);

/* Begins the next message, with its family's own header of @size bytes (ifinfomsg, nfgenmsg, ...).
 * NLM_F_REQUEST is added to @flags. NLM_F_ACK need not be given: net_nl_call() asks for what it
 * needs. */
void net_nl_msg(struct net_nl_req *r, uint16_t type, uint16_t flags, const void *head, size_t size);

void net_nl_put(struct net_nl_req *r, uint16_t type, const void *data, size_t len);
void net_nl_put_u8(struct net_nl_req *r, uint16_t type, uint8_t v);
void net_nl_put_u16(struct net_nl_req *r, uint16_t type, uint16_t v);
void net_nl_put_u32(struct net_nl_req *r, uint16_t type, uint32_t v);
/* In network byte order, as nftables has its numbers. */
void net_nl_put_be16(struct net_nl_req *r, uint16_t type, uint16_t v);
void net_nl_put_be32(struct net_nl_req *r, uint16_t type, uint32_t v);
void net_nl_put_be64(struct net_nl_req *r, uint16_t type, uint64_t v);
/* With its NUL. */
void net_nl_put_str(struct net_nl_req *r, uint16_t type, const char *s);

/* A family's own header inside a nested attribute (a veth's peer). */
void net_nl_put_head(struct net_nl_req *r, const void *head, size_t size);

/* Begins a nested attribute (NLA_F_NESTED is added); hand what it returns to net_nl_nest_end(). */
size_t net_nl_nest(struct net_nl_req *r, uint16_t type);
void net_nl_nest_end(struct net_nl_req *r, size_t nest);

/* A message of the answer that is neither error nor end: its type is h->nlmsg_type, @body the @len
 * bytes behind the netlink header. Returns 0, or what it set @err to, which ends the call. */
typedef int (*net_nl_fn)(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
			 struct cs_err *err);

/* A refused message: its index in the request from 0, and errno. Return true to pass over it (an
 * rtnetlink message that failed does not keep those behind it from being done; an nftables batch
 * is then undone as a whole). */
typedef bool (*net_nl_pass_fn)(unsigned index, int code, void *arg);

struct net_nl_answer {
	net_nl_fn fn;	     /* NULL: nothing but acks is wanted */
	net_nl_pass_fn pass; /* NULL: any refusal is an error */
	void *arg;	     /* for both */
	unsigned refused;    /* out: index of the first refused message not passed over */
};

/*
 * Sends all messages of @r as one datagram and takes every answer. For a dump (NLM_F_DUMP) @r is
 * one message, answered until its end; EAGAIN when what it lists changed meanwhile: ask again. For
 * nftables @r begins with NFNL_MSG_BATCH_BEGIN and ends with NFNL_MSG_BATCH_END (or is one get or
 * dump without them); it is done as a whole or not at all. @answer may be NULL. The error is the
 * kernel's code and words for the first refusal, without what was asked: wrap it.
 */
int net_nl_call(struct net_nl *nl, struct net_nl_req *r, struct net_nl_answer *answer,
		struct cs_err *err);

/*
 * One datagram of an answer, taken apart; net_nl_call() calls it for each that comes. Pure, for any
 * bytes. Set up: seq and n of the request.
 */
struct net_nl_reply {
	uint32_t seq; /* of the request's first message */
	unsigned n;   /* of its messages */
	struct net_nl_answer *answer;
	bool ended; /* out: NLMSG_DONE came, or the last message's ack or refusal */
	bool again; /* out: a dump was interrupted */
};
int net_nl_reply_take(struct net_nl_reply *rep, const void *buf, size_t len, struct cs_err *err);

/* Attributes of type below @n in the @len bytes at @p, each at @tb[type] (the last of its type);
 * NULL where there is none. Nothing outside of the bytes is pointed at. */
void net_nl_attrs(const struct nlattr **tb, size_t n, const void *p, size_t len);
/* The next attribute of a list; NULL at its end. *@pos begins as 0. */
const struct nlattr *net_nl_attr_next(const void *p, size_t len, size_t *pos);
/* An attribute's type without flags, and its payload. */
uint16_t net_nl_attr_type(const struct nlattr *a);
const void *net_nl_attr_data(const struct nlattr *a, size_t *len);
/* The values of attributes as table cells: false or NULL if @a is NULL or of another size. */
bool net_nl_get_u8(const struct nlattr *a, uint8_t *v);
bool net_nl_get_u16(const struct nlattr *a, uint16_t *v);
bool net_nl_get_u32(const struct nlattr *a, uint32_t *v);
bool net_nl_get_be16(const struct nlattr *a, uint16_t *v);
bool net_nl_get_be32(const struct nlattr *a, uint32_t *v);
bool net_nl_get_be64(const struct nlattr *a, uint64_t *v);
const char *net_nl_get_str(const struct nlattr *a); /* NUL-terminated */

#endif
