#include "runtime/ns/rtnl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

enum { ANSWER_SIZE = 32 << 10 }; /* the kernel's largest piece of a dump */

/* The uapi macros for these are signed. */
static const size_t msg_head = sizeof(struct nlmsghdr);
static const size_t attr_head = sizeof(struct nlattr);

static size_t aligned(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

void ctr_rtnl_init(struct ctr_rtnl_req *req, uint16_t type, uint16_t flags, const void *body,
		   size_t body_len)
{
	const struct nlmsghdr h = { .nlmsg_type = type,
				    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags) };

	memset(req, 0, sizeof(*req));
	memcpy(req->buf, &h, sizeof(h));
	memcpy(req->buf + msg_head, body, body_len);
	req->len = msg_head + aligned(body_len);
}

void ctr_rtnl_put(struct ctr_rtnl_req *req, uint16_t type, const void *data, size_t len)
{
	const struct nlattr a = { .nla_len = (uint16_t)(attr_head + len), .nla_type = type };
	size_t room = sizeof(req->buf) - req->len;

	if (len > room || attr_head + aligned(len) > room) {
		req->failed = true;
		return;
	}
	memcpy(req->buf + req->len, &a, sizeof(a));
	memcpy(req->buf + req->len + attr_head, data, len);
	req->len += attr_head + aligned(len);
}

int ctr_rtnl_open(struct ctr_rtnl *nl, struct cs_err *err)
{
	cs_auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const int on = 1;

	if (fd < 0)
		return cs_err_sys(err, "make a netlink socket");
	/* words with errors; errors without our request in them; dumps filtered by the kernel */
	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) < 0)
		return cs_err_sys(err, "set up a netlink socket");
	nl->fd = cs_take_fd(&fd);
	nl->seq = 0;
	return 0;
}

void ctr_rtnl_close(struct ctr_rtnl *nl)
{
	cs_close_fd(&nl->fd);
}

bool ctr_rtnl_next(const void *p, size_t len, size_t *pos, struct ctr_rtnl_attr *a)
{
	const unsigned char *s = p;
	struct nlattr h;

	if (*pos > len || len - *pos < attr_head)
		return false;
	memcpy(&h, s + *pos, sizeof(h));
	if (h.nla_len < attr_head || h.nla_len > len - *pos)
		return false;
	a->type = h.nla_type & (uint16_t) ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER);
	a->data = s + *pos + attr_head;
	a->len = (size_t)h.nla_len - attr_head;
	*pos += aligned((size_t)h.nla_len);
	return true;
}

/* The kernel's refusal or acknowledgement. */
static int answer_ack(const struct nlmsghdr *h, const void *body, size_t len, struct cs_err *err)
{
	struct nlmsgerr e;
	struct ctr_rtnl_attr a;
	size_t pos = sizeof(e);
	const char *words = NULL;
	int words_len = 0;

	if (len < sizeof(e.error))
		return cs_err_set(err, EPROTO, "netlink: short answer");
	memcpy(&e.error, body, sizeof(e.error));
	if (!e.error)
		return 0;
	if (len >= sizeof(e) && (h->nlmsg_flags & NLM_F_ACK_TLVS))
		while (ctr_rtnl_next(body, len, &pos, &a))
			if (a.type == NLMSGERR_ATTR_MSG) {
				words = a.data;
				words_len = (int)strnlen(words, a.len);
			}
	if (words)
		return cs_err_errno(err, -e.error, "kernel says \"%.*s\"", words_len, words);
	return cs_err_errno(err, -e.error, "netlink");
}

/* One message of our answer. 1 when it was the last. */
static int answer_message(const struct nlmsghdr *h, const void *body, ctr_rtnl_fn fn, void *arg,
			  struct cs_err *err)
{
	size_t len = h->nlmsg_len - msg_head;
	int rc;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		return cs_err_set(err, EAGAIN, "netlink: changed while read");
	if (h->nlmsg_type == NLMSG_DONE)
		return 1;
	if (h->nlmsg_type == NLMSG_ERROR) {
		rc = answer_ack(h, body, len, err);
		return rc < 0 ? rc : 1;
	}
	return fn ? fn(h, body, len, arg, err) : 0;
}

/* One datagram of the answer. 1 when the answer is complete. */
static int answer_part(const unsigned char *p, size_t len, uint32_t seq, ctr_rtnl_fn fn, void *arg,
		       struct cs_err *err)
{
	int rc = 0;

	while (rc == 0 && len >= msg_head) {
		struct nlmsghdr h;
		size_t step;

		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < msg_head || h.nlmsg_len > len)
			return cs_err_set(err, EPROTO, "netlink: broken answer");
		if (h.nlmsg_seq == seq)
			rc = answer_message(&h, p + msg_head, fn, arg, err);
		step = aligned((size_t)h.nlmsg_len);
		step = step < len ? step : len;
		p += step;
		len -= step;
	}
	return rc;
}

int ctr_rtnl_call(struct ctr_rtnl *nl, struct ctr_rtnl_req *req, ctr_rtnl_fn fn, void *arg,
		  struct cs_err *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	cs_auto_free unsigned char *buf = NULL;
	struct nlmsghdr h;
	int rc = 0;

	if (req->failed)
		return cs_err_set(err, EMSGSIZE, "netlink: request too long");
	buf = malloc(ANSWER_SIZE);
	if (!buf)
		return cs_err_set(err, ENOMEM, "netlink: out of memory");
	memcpy(&h, req->buf, sizeof(h));
	h.nlmsg_len = (uint32_t)req->len;
	h.nlmsg_seq = ++nl->seq; /* what an ended call left unread has an older one */
	memcpy(req->buf, &h, sizeof(h));
	if (sendto(nl->fd, req->buf, req->len, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return cs_err_sys(err, "netlink: send");
	while (rc == 0) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(nl->fd, buf, ANSWER_SIZE, MSG_TRUNC, (struct sockaddr *)&from,
				     &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "netlink: receive");
		if (n > ANSWER_SIZE)
			return cs_err_set(err, EMSGSIZE, "netlink: answer too long");
		if (from.nl_pid != 0) /* another process */
			continue;
		rc = answer_part(buf, (size_t)n, h.nlmsg_seq, fn, arg, err);
	}
	return rc < 0 ? rc : 0;
}
