#ifndef CS_RUNTIME_NS_RTNL_H
#define CS_RUNTIME_NS_RTNL_H

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * As much rtnetlink(7) as moving an interface takes.
 */

/* A request under construction. Large enough for all that this folder asks; a put that does not
 * fit sticks and fails the call. */
struct ctr_rtnl_req {
	_Alignas(8) unsigned char buf[512];
	size_t len;
	bool failed;
};

/* @body is the family's fixed part (struct ifinfomsg, …). @flags besides NLM_F_REQUEST. */
void ctr_rtnl_init(struct ctr_rtnl_req *req, uint16_t type, uint16_t flags, const void *body,
		   size_t body_len);
void ctr_rtnl_put(struct ctr_rtnl_req *req, uint16_t type, const void *data, size_t len);

/* A socket, in the network namespace that the calling process was in when it was opened. */
struct ctr_rtnl {
	int fd; /* owned; -EBADF: not open */
	uint32_t seq;
};
#define CTR_RTNL_INIT        \
	{                    \
		.fd = -EBADF \
	}

int ctr_rtnl_open(struct ctr_rtnl *nl, struct cs_err *err);
void ctr_rtnl_close(struct ctr_rtnl *nl);

/* Gets each message of the answer; @len bytes at @body, behind the netlink header. Its negative
 * value ends the call. */
typedef int (*ctr_rtnl_fn)(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
			   struct cs_err *err);

/* Sends @req and reads the whole answer (@fn NULL: only the acknowledgement). The error is the
 * kernel's, with its own words where it has any. EAGAIN: a dump that changed while it was read. */
int ctr_rtnl_call(struct ctr_rtnl *nl, struct ctr_rtnl_req *req, ctr_rtnl_fn fn, void *arg,
		  struct cs_err *err);

/* Walks the attributes in @len bytes at @p: true and *@a, its data and length, until there are no
 * more (whole) ones. Start with *@pos 0. */
struct ctr_rtnl_attr {
	uint16_t type;
	const void *data;
	size_t len;
};
bool ctr_rtnl_next(const void *p, size_t len, size_t *pos, struct ctr_rtnl_attr *a);

#endif
