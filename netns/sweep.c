/* What killed commands and dead owners left. */
#include <errno.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "netns/attach.h"
#include "netns/attach_int.h"
#include "netns/firewall.h"
#include "netns/link.h"
#include "netns/names.h"
#include "netns/nl.h"
#include "netns/record.h"
#include "netns/store.h"

enum { LOOK_AT = 16 }; /* leases in use that one command looks at */

int net_lease_mark(const struct net_store *st, struct net_lease *l, enum net_lease_state state,
		   struct cs_err *err)
{
	uint64_t start = 0;

	if (state == NET_LEASE_PENDING || state == NET_LEASE_LEAVING) {
		/* a child of the one that opened the store */
		if (getpid() != st->pid &&
		    cs_proc_start_time(st->proc, getpid(), false, &start, err) < 0)
			return -err->code;
		if (getpid() == st->pid)
			start = st->start;
		l->busy_pid = (uint32_t)getpid();
	} else {
		l->busy_pid = 0;
	}
	l->busy_start = start;
	l->state = state;
	return 0;
}

int net_lease_free(const struct net_net *n, const struct net_lease *l, size_t slot,
		   struct cs_err *err)
{
	static const struct net_lease none;
	int ret = net_ipam_replace(n->dir, slot, l->hostif, &none, err);

	return ret < 0 ? ret : 0;
}

int net_undo_names(const struct net_net *n, const char *owner, const struct net_attachment *att,
		   struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int lock = -EBADF;

	if (!n->c.dns)
		return 0;
	lock = net_net_lock(n, err);
	dir = lock < 0 ? lock : net_net_names(n, err);
	return dir < 0 ? dir : net_names_del(dir, &n->c, owner, att, err);
}

/* With the gate, so that the table is not made anew meanwhile from what was read before. */
int net_undo_ports(const struct net_store *st, const struct net_attachment *att, struct cs_err *err)
{
	const struct net_fw fw = net_store_fw(st);
	cs_auto_fd int gate = -EBADF;

	if (att->n_ports == 0)
		return 0;
	gate = net_store_gate(st, false, err);
	return gate < 0 ? gate : net_fw_unpublish(&fw, att, err);
}

static bool pass_gone(unsigned index, int code, void *arg)
{
	(void)index;
	(void)arg;
	return code == ENODEV;
}

int net_undo_link(const char *hostif, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_gone };

	if (net_nl_open(&nl, NETLINK_ROUTE, err) < 0)
		return -err->code;
	net_link_put_del(&r, hostif);
	if (net_nl_call(&nl, &r, &answer, err) < 0)
		return cs_err_wrap(err, "remove link %s", hostif);
	return 0;
}

int net_undo(const struct net_store *st, const struct net_net *n, const struct net_lease *l,
	     size_t slot, struct cs_err *err)
{
	net_auto_attachment struct net_attachment a = { 0 };
	int ret = net_att_load(n, l->hostif, &a, err);

	/* killed between lease and record: nothing was done yet; or a record that is damaged */
	if (ret < 0 && ret != -ENOENT)
		cs_log(CS_LOG_WARN, "%s", err->msg);
	cs_err_clear(err);
	/* a name too many harms nobody; what follows would */
	if (net_undo_names(n, l->owner, ret < 0 ? NULL : &a, err) < 0)
		cs_log(CS_LOG_WARN, "%s", err->msg);
	cs_err_clear(err);
	if (net_undo_ports(st, &a, err) < 0)
		return -err->code;
	if (net_undo_link(l->hostif, err) < 0 || net_att_drop(n, l->hostif, err) < 0)
		return -err->code;
	return net_lease_free(n, l, slot, err);
}

/* Is nobody there any more, as far as can be told at once? */
static bool seems_dead(const struct net_lease *l)
{
	if (l->life.pid)
		return kill((pid_t)l->life.pid, 0) < 0 && errno == ESRCH;
	return !*l->life.path || !net_ns_is(l->life.path, &l->life.ns);
}

static bool is_left(const struct net_store *st, const struct net_ipam *t, size_t i, bool all)
{
	const struct net_lease *l = &t->v[i];
	size_t from = t->head.next4 % (t->n ? t->n : 1);

	if (l->state == NET_LEASE_FREE)
		return false;
	if (all || l->state != NET_LEASE_UP)
		return !net_lease_lives(l, st->proc);
	if ((i + t->n - from) % t->n >= LOOK_AT)
		return false;
	return seems_dead(l);
}

int net_sweep_mark(const struct net_store *st, struct net_ipam *t, bool all, struct net_left *out,
		   struct cs_err *err)
{
	cs_auto_free size_t *v = NULL;
	size_t k = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct net_lease l;

		if (!is_left(st, t, i, all))
			continue;
		if (!v)
			v = calloc(t->n, sizeof(*v));
		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		l = t->v[i];
		if (net_lease_mark(st, &l, NET_LEASE_LEAVING, err) < 0 ||
		    net_ipam_write(t, i, &l, false, err) < 0)
			return -err->code;
		v[k++] = i;
	}
	out->slots = cs_take_ptr(&v);
	out->n = k;
	return 0;
}

int net_sweep_undo(const struct net_store *st, const struct net_net *n, const struct net_ipam *t,
		   const struct net_left *left, struct cs_err *err)
{
	for (size_t i = 0; i < left->n; i++) {
		const struct net_lease *l = &t->v[left->slots[i]];

		if (net_undo(st, n, l, left->slots[i], err) < 0)
			return cs_err_wrap(err, "undo what is left of %.64s on network %s",
					   l->owner, n->c.name);
	}
	return 0;
}

void net_left_fini(struct net_left *left)
{
	free(left->slots);
	*left = (struct net_left){ 0 };
}

int net_sweep(const struct net_store *st, const struct net_net *n, bool all, struct cs_err *err)
{
	net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
	net_auto_left struct net_left left = { 0 };

	if (net_ipam_open(&t, n->dir, n->boot, err) < 0 ||
	    net_sweep_mark(st, &t, all, &left, err) < 0)
		return -err->code;
	cs_close_fd(&t.fd);
	return net_sweep_undo(st, n, &t, &left, err);
}
