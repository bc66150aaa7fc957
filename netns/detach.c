/* Taking a workload off its network. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "netns/attach.h"
#include "netns/attach_int.h"
#include "netns/link.h"
#include "netns/nl.h"
#include "netns/ns.h"
#include "netns/record.h"
#include "netns/store.h"

static size_t find(const struct net_ipam *t, const struct net_whom *w, int procfd)
{
	size_t slot;

	if (w->owner)
		return net_ipam_find(t, w->owner, w->ifname);
	slot = w->ns ? net_ipam_find_ns(t, w->ns, NULL, w->ifname, procfd) : SIZE_MAX;
	if (slot == SIZE_MAX && w->path)
		slot = net_ipam_find_ns(t, NULL, w->path, w->ifname, procfd);
	return slot;
}

/* Finds the lease and marks it as ours to undo. */
static int claim(const struct net_store *st, const struct net_net *n, const struct net_whom *w,
		 struct net_lease *out, size_t *out_slot, struct cs_err *err)
{
	net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
	struct net_lease l;
	size_t slot;

	if (net_ipam_open(&t, n->dir, n->boot, err) < 0)
		return -err->code;
	slot = find(&t, w, st->proc);
	if (slot == SIZE_MAX)
		return cs_err_set(err, ENOENT, "no such member of network %s", n->c.name);
	l = t.v[slot];
	if (l.state != NET_LEASE_UP && net_lease_lives(&l, st->proc))
		return cs_err_set(err, EBUSY, "process %u is %s it", l.busy_pid,
				  l.state == NET_LEASE_PENDING ? "attaching" : "detaching");
	if (net_lease_mark(st, &l, NET_LEASE_LEAVING, err) < 0 ||
	    net_ipam_write(&t, slot, &l, false, err) < 0)
		return -err->code;
	*out = l;
	*out_slot = slot;
	return 0;
}

/* What cannot be done does not matter: the link, or the bridge, may be gone. */
static bool pass_all(unsigned index, int code, void *arg)
{
	(void)index;
	(void)code;
	(void)arg;
	return true;
}

/* The port passes nothing on any more, and the name inside is free for another interface. */
static void cut(const struct net_lease *l)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_all };
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	struct cs_err ignored = CS_ERR_INIT;

	net_link_put_cut(&r, l->hostif);
	if (net_nl_open(&nl, NETLINK_ROUTE, &ignored) == 0)
		net_nl_call(&nl, &r, &answer, &ignored);
}

/* The interface inside, if it is the one of the lease, and not another by its name. */
static void free_name(const struct net_whom *w, const struct net_lease *l)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_all };
	net_auto_nl struct net_nl inside = NET_NL_INIT;
	cs_auto_fd int ns = -EBADF;
	struct cs_err ignored = CS_ERR_INIT;
	struct net_link_info info = { 0 };
	struct net_ns_id id = { 0 };

	if (!w->path || !*l->ifname)
		return;
	ns = net_ns_open(w->path, &id, &ignored);
	if (ns < 0 || !net_ns_same(&id, &l->life.ns) ||
	    net_ns_nl_open(ns, &inside, NETLINK_ROUTE, &ignored) < 0 ||
	    net_link_get(&inside, l->ifname, &info, &ignored) <= 0 ||
	    memcmp(info.mac.b, l->mac, sizeof(l->mac)) != 0)
		return;
	net_link_put_down(&r, l->ifname);
	net_link_put_rename(&r, l->ifname, l->hostif);
	net_nl_call(&inside, &r, &answer, &ignored);
}

/* Link, record and lease; in a process of its own. */
static void finish(const struct net_store *st, const struct net_net *n, struct net_lease *l,
		   size_t slot)
{
	struct cs_err err = CS_ERR_INIT;

	/* from here on it is this process that is at work on it; unless somebody who found the
	 * command gone has undone it meanwhile */
	if (net_lease_mark(st, l, NET_LEASE_LEAVING, &err) < 0 ||
	    net_ipam_replace(n->dir, slot, l->hostif, l, &err) <= 0)
		return;
	if (net_undo_link(l->hostif, &err) == 0 && net_att_drop(n, l->hostif, &err) == 0)
		net_lease_free(n, l, slot, &err);
}

/* The caller's files, a pipe that somebody reads to its end among them, are not kept open. A child
 * that is killed leaves a lease that the next command finishes. */
static int finish_later(const struct net_store *st, const struct net_net *n, struct net_lease *l,
			size_t slot, struct cs_err *err)
{
	const int keep[] = { st->root, st->state, st->proc, n->dir, n->run };
	struct cs_err ignored = CS_ERR_INIT;
	pid_t pid = fork();

	if (pid < 0)
		return cs_err_sys(err, "start a process");
	if (pid > 0)
		return 0;
	setsid();
	if (cs_fd_close_others(0, keep, CS_LEN(keep), &ignored) == 0)
		finish(st, n, l, slot);
	_exit(0);
}

static int leave(const struct net_store *st, const struct net_net *n, const struct net_whom *w,
		 struct net_lease *l, size_t slot, struct cs_err *err)
{
	net_auto_attachment struct net_attachment a = { 0 };
	const struct net_attachment *known = &a;
	int ret = net_att_load(n, l->hostif, &a, err);

	if (ret == -ENOENT) {
		cs_err_clear(err);
		known = NULL;
	}
	if (ret < 0 && ret != -ENOENT)
		return ret;
	cut(l);
	if (net_undo_names(n, l->owner, known, err) < 0 || net_undo_ports(st, &a, err) < 0)
		return -err->code;
	if (!w->ns_is_ours) {
		free_name(w, l);
		return finish_later(st, n, l, slot, err);
	}
	if (net_att_drop(n, l->hostif, err) < 0)
		return -err->code;
	return net_lease_free(n, l, slot, err);
}

int net_detach(const struct net_store *st, const char *network, const struct net_whom *w,
	       struct cs_err *err)
{
	net_auto_net struct net_net n = NET_NET_INIT;
	struct net_lease l = { 0 };
	size_t slot = 0;

	if (net_net_open(st, network, &n, err) < 0 || claim(st, &n, w, &l, &slot, err) < 0)
		return -err->code;
	return leave(st, &n, w, &l, slot, err);
}
