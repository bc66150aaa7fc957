#include "netns/nl.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	ANSWER_SIZE = 64 * 1024, /* more than the kernel puts in one datagram (32 KiB) */
	REQ_FIRST = 4096,
	REQ_MAX = 64 * 1024 * 1024,
	SEND_BUFFER = 16 * 1024 * 1024,
};

static const size_t msg_head = sizeof(struct nlmsghdr);
static const size_t attr_head = sizeof(struct nlattr);

static size_t aligned(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

int net_nl_open(struct net_nl *nl, int bus, struct cs_err *err)
{
	cs_auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus);
	const int on = 1;

	if (fd < 0)
		return cs_err_sys(err, "make a netlink socket");
	/* words with errors, errors without our request in them */
	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		return cs_err_sys(err, "set up a netlink socket");
	/* dumps filtered by the kernel; nftables knows no such thing */
	if (bus == NETLINK_ROUTE &&
	    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) < 0)
		return cs_err_sys(err, "set up a netlink socket");
	nl->fd = cs_take_fd(&fd);
	nl->bus = bus;
	nl->seq = 0;
	return 0;
}

void net_nl_close(struct net_nl *nl)
{
	cs_close_fd(&nl->fd);
}

void net_nl_req_fini(struct net_nl_req *r)
{
	free(r->buf);
	*r = NET_NL_REQ_INIT;
}

void net_nl_req_reset(struct net_nl_req *r)
{
	r->len = 0;
	r->msg = 0;
	r->n = 0;
	r->failed = false;
}

/* Room for @more bytes at the end. */
static bool reserve(struct net_nl_req *r, size_t more)
{
	size_t want = r->len + more, cap = r->cap ? r->cap : REQ_FIRST;
	unsigned char *buf;

	if (r->failed)
		return false;
	if (more > REQ_MAX || want > REQ_MAX) {
		r->failed = true;
		return false;
	}
	if (want <= r->cap)
		return true;
	while (cap < want)
		cap *= 2;
	buf = realloc(r->buf, cap);
	if (!buf) {
		r->failed = true;
		return false;
	}
	r->buf = buf;
	r->cap = cap;
	return true;
}

/* Messages and attributes begin at multiples of 4, and what malloc() gives is aligned as well. */
static struct nlmsghdr *last_msg(const struct net_nl_req *r)
{
	return (struct nlmsghdr *)(void *)(r->buf + r->msg);
}

/* @len bytes at the end of the last message, and zeros up to the next multiple of 4. There is room.
 */
static void append(struct net_nl_req *r, const void *data, size_t len)
{
	size_t full = aligned(len);

	if (len)
		memcpy(r->buf + r->len, data, len);
	memset(r->buf + r->len + len, 0, full - len);
	r->len += full;
	last_msg(r)->nlmsg_len = (uint32_t)(r->len - r->msg);
}

void net_nl_msg(struct net_nl_req *r, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	const struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags };

	if (!reserve(r, msg_head + aligned(size)))
		return;
	r->msg = r->len;
	append(r, &h, sizeof(h));
	append(r, head, size);
	r->n++;
}

void net_nl_put(struct net_nl_req *r, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_type = type };

	if (len > UINT16_MAX - attr_head || !r->n) {
		r->failed = true;
		return;
	}
	if (!reserve(r, attr_head + aligned(len)))
		return;
	a.nla_len = (uint16_t)(attr_head + len);
	append(r, &a, sizeof(a));
	append(r, data, len);
}

void net_nl_put_u8(struct net_nl_req *r, uint16_t type, uint8_t v)
{
	net_nl_put(r, type, &v, sizeof(v));
}

void net_nl_put_u16(struct net_nl_req *r, uint16_t type, uint16_t v)
{
	net_nl_put(r, type, &v, sizeof(v));
}

void net_nl_put_u32(struct net_nl_req *r, uint16_t type, uint32_t v)
{
	net_nl_put(r, type, &v, sizeof(v));
}

void net_nl_put_be16(struct net_nl_req *r, uint16_t type, uint16_t v)
{
	net_nl_put_u16(r, type, htons(v));
}

void net_nl_put_be32(struct net_nl_req *r, uint16_t type, uint32_t v)
{
	net_nl_put_u32(r, type, htonl(v));
}

void net_nl_put_be64(struct net_nl_req *r, uint16_t type, uint64_t v)
{
	uint64_t be = htobe64(v);

	net_nl_put(r, type, &be, sizeof(be));
}

void net_nl_put_str(struct net_nl_req *r, uint16_t type, const char *s)
{
	net_nl_put(r, type, s, strlen(s) + 1);
}

void net_nl_put_head(struct net_nl_req *r, const void *head, size_t size)
{
	if (r->n && reserve(r, aligned(size)))
		append(r, head, size);
}

size_t net_nl_nest(struct net_nl_req *r, uint16_t type)
{
	size_t at = r->len;

	net_nl_put(r, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void net_nl_nest_end(struct net_nl_req *r, size_t nest)
{
	struct nlattr *a;

	if (r->failed)
		return;
	if (r->len - nest > UINT16_MAX) {
		r->failed = true;
		return;
	}
	a = (struct nlattr *)(void *)(r->buf + nest);
	a->nla_len = (uint16_t)(r->len - nest);
}

uint16_t net_nl_attr_type(const struct nlattr *a)
{
	return a->nla_type & (uint16_t) ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER);
}

const void *net_nl_attr_data(const struct nlattr *a, size_t *len)
{
	*len = (size_t)a->nla_len - attr_head;
	return (const unsigned char *)a + attr_head;
}

const struct nlattr *net_nl_attr_next(const void *p, size_t len, size_t *pos)
{
	const unsigned char *at = (const unsigned char *)p + *pos;
	const struct nlattr *a;

	if (*pos > len || len - *pos < attr_head)
		return NULL;
	a = (const struct nlattr *)(const void *)at;
	if (a->nla_len < attr_head || a->nla_len > len - *pos)
		return NULL;
	*pos += aligned(a->nla_len);
	return a;
}

void net_nl_attrs(const struct nlattr **tb, size_t n, const void *p, size_t len)
{
	const struct nlattr *a;
	size_t pos = 0;

	for (size_t i = 0; i < n; i++)
		tb[i] = NULL;
	while ((a = net_nl_attr_next(p, len, &pos)))
		if (net_nl_attr_type(a) < n)
			tb[net_nl_attr_type(a)] = a;
}

static bool get(const struct nlattr *a, void *v, size_t size)
{
	const void *data;
	size_t len;

	if (!a)
		return false;
	data = net_nl_attr_data(a, &len);
	if (len != size)
		return false;
	memcpy(v, data, size);
	return true;
}

bool net_nl_get_u8(const struct nlattr *a, uint8_t *v)
{
	return get(a, v, sizeof(*v));
}

bool net_nl_get_u16(const struct nlattr *a, uint16_t *v)
{
	return get(a, v, sizeof(*v));
}

bool net_nl_get_u32(const struct nlattr *a, uint32_t *v)
{
	return get(a, v, sizeof(*v));
}

bool net_nl_get_be16(const struct nlattr *a, uint16_t *v)
{
	uint16_t be;

	if (!get(a, &be, sizeof(be)))
		return false;
	*v = ntohs(be);
	return true;
}

bool net_nl_get_be32(const struct nlattr *a, uint32_t *v)
{
	uint32_t be;

	if (!get(a, &be, sizeof(be)))
		return false;
	*v = ntohl(be);
	return true;
}

bool net_nl_get_be64(const struct nlattr *a, uint64_t *v)
{
	uint64_t be;

	if (!get(a, &be, sizeof(be)))
		return false;
	*v = be64toh(be);
	return true;
}

const char *net_nl_get_str(const struct nlattr *a)
{
	const char *s;
	size_t len;

	if (!a)
		return NULL;
	s = net_nl_attr_data(a, &len);
	return memchr(s, '\0', len) ? s : NULL;
}

/* Sets the error for a refusal, in the kernel's words if it gave any. */
static int refusal(const struct nlmsghdr *h, const void *body, size_t len, int code,
		   struct cs_err *err)
{
	const size_t head = aligned(sizeof(struct nlmsgerr));
	const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1] = { NULL };
	const char *words;

	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && len >= head)
		net_nl_attrs(tb, CS_LEN(tb), (const unsigned char *)body + head, len - head);
	words = net_nl_get_str(tb[NLMSGERR_ATTR_MSG]);
	if (words)
		return cs_err_errno(err, code, "the kernel says \"%.200s\"", words);
	return cs_err_errno(err, code, "the kernel refuses");
}

/* An acknowledgement or a refusal of message @index. */
static int take_ack(struct net_nl_reply *rep, const struct nlmsghdr *h, const void *body,
		    size_t len, struct cs_err *err)
{
	struct net_nl_answer *answer = rep->answer;
	unsigned index = h->nlmsg_seq - rep->seq;
	int code;

	if (index + 1 == rep->n)
		rep->ended = true;
	if (err->code) /* the first one counts */
		return -err->code;
	if (len < sizeof(code))
		return cs_err_set(err, EPROTO, "netlink: an answer is cut short");
	memcpy(&code, body, sizeof(code));
	if (code == 0)
		return 0;
	if (code > 0 || code < -4095)
		return cs_err_set(err, EPROTO, "netlink: an answer with error %d", code);
	if (answer && answer->pass && answer->pass(index, -code, answer->arg))
		return 0;
	if (answer)
		answer->refused = index;
	return refusal(h, body, len, -code, err);
}

static int take_msg(struct net_nl_reply *rep, const struct nlmsghdr *h, const void *body,
		    size_t len, struct cs_err *err)
{
	const struct net_nl_answer *answer = rep->answer;
	int code = 0;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		rep->again = true;
	if (h->nlmsg_type == NLMSG_DONE) {
		rep->ended = true;
		if (len >= sizeof(code))
			memcpy(&code, body, sizeof(code));
		if (code < 0 && code >= -4095 && !err->code)
			return cs_err_errno(err, -code, "the kernel ends its list");
		return 0;
	}
	if (h->nlmsg_type == NLMSG_ERROR)
		return take_ack(rep, h, body, len, err);
	if (h->nlmsg_type < NLMSG_MIN_TYPE || !answer || !answer->fn || err->code)
		return 0;
	return answer->fn(h, body, len, answer->arg, err);
}

/* All is read even after a refusal, so that the socket is empty for the next call. */
int net_nl_reply_take(struct net_nl_reply *rep, const void *buf, size_t len, struct cs_err *err)
{
	const unsigned char *p = buf;

	while (len >= msg_head) {
		struct nlmsghdr h;
		size_t step;

		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < msg_head || h.nlmsg_len > len)
			return err->code ? -err->code
					 : cs_err_set(err, EPROTO, "netlink: a broken answer");
		/* what an ended call left unread has an older number */
		if (h.nlmsg_seq - rep->seq < rep->n)
			take_msg(rep, &h, p + msg_head, h.nlmsg_len - msg_head, err);
		step = aligned(h.nlmsg_len);
		step = step < len ? step : len;
		p += step;
		len -= step;
	}
	return -err->code;
}

/* Numbers the messages and asks for an ack of the last: the kernel does one after the other, so
 * that one says that all have been looked at. Returns whether it is a dump. */
static bool number(const struct net_nl *nl, struct net_nl_req *r, struct net_nl_reply *rep)
{
	struct nlmsghdr *last = NULL;
	bool dump = false;
	size_t at = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)(r->buf + at);

		h->nlmsg_seq = nl->seq + 1 + i;
		dump |= (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
		if (nl->bus != NETLINK_NETFILTER || h->nlmsg_type >> 8) {
			last = h;
			rep->n = i + 1;
		}
		at += aligned(h->nlmsg_len);
	}
	if (last && !dump)
		last->nlmsg_flags |= NLM_F_ACK;
	return dump;
}

static int send_all(const struct net_nl *nl, const struct net_nl_req *r, struct cs_err *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct sockaddr *to = (const struct sockaddr *)&kernel;
	const int size = SEND_BUFFER;

	if (sendto(nl->fd, r->buf, r->len, 0, to, sizeof(kernel)) >= 0)
		return 0;
	/* a batch larger than the socket's buffer */
	if (errno == EMSGSIZE &&
	    setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0 &&
	    sendto(nl->fd, r->buf, r->len, 0, to, sizeof(kernel)) >= 0)
		return 0;
	return cs_err_sys(err, "netlink: send");
}

/* One datagram from the kernel: 1 taken, 0 there is none. */
static int receive(const struct net_nl *nl, unsigned char *buf, struct net_nl_reply *rep,
		   struct cs_err *err)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t n;

	do
		n = recvfrom(nl->fd, buf, ANSWER_SIZE, MSG_TRUNC | MSG_DONTWAIT,
			     (struct sockaddr *)&from, &from_len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0 && err->code)
		return -err->code;
	if (n < 0)
		return cs_err_sys(err, "netlink: receive");
	if (n > ANSWER_SIZE)
		return err->code ? -err->code
				 : cs_err_set(err, EMSGSIZE, "netlink: an answer is too long");
	if (from.nl_pid != 0) /* another process */
		return 1;
	net_nl_reply_take(rep, buf, (size_t)n, err);
	return 1;
}

/* The kernel has done all that was asked, and queued what it says to it, when send returns; a dump
 * goes on as it is read. So nothing is ever waited for. */
int net_nl_call(struct net_nl *nl, struct net_nl_req *r, struct net_nl_answer *answer,
		struct cs_err *err)
{
	struct net_nl_reply rep = { .seq = nl->seq + 1, .answer = answer };
	cs_auto_free unsigned char *buf = NULL;
	int rc;

	if (r->failed)
		return cs_err_set(err, ENOMEM, "netlink: out of memory, or a request too long");
	if (!r->n)
		return 0;
	buf = malloc(ANSWER_SIZE);
	if (!buf)
		return cs_err_set(err, ENOMEM, "netlink: out of memory");
	number(nl, r, &rep);
	rc = send_all(nl, r, err);
	if (rc < 0)
		return rc;
	/* answers to what stands behind the last message (the end of a batch) come as well */
	nl->seq += r->n;
	do
		rc = receive(nl, buf, &rep, err);
	while (rc > 0);
	if (err->code)
		return -err->code;
	if (!rep.ended)
		return cs_err_set(err, EPROTO, "netlink: no answer");
	if (rep.again)
		return cs_err_set(err, EAGAIN, "netlink: what is listed changed meanwhile");
	return 0;
}
