/*
 * Removing networks. The record's new name is what decides: from then on the network does not
 * exist, and what is left of it is removed by this command or, if that was killed, by the next.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "netns/attach.h"
#include "netns/attach_int.h"
#include "netns/firewall.h"
#include "netns/ipam.h"
#include "netns/link.h"
#include "netns/names.h"
#include "netns/network.h"
#include "netns/nl.h"
#include "netns/record.h"

enum { RECORD_MAX = 16 * 1024 * 1024, FORCE_TRIES = 4096 };
enum { LEAVE_TRIES = 250, LEAVE_PAUSE_MS = 20 };

static const char live[] = "network.json";
static const char dead[] = "removed.json";
static const char lock_name[] = ".lock";

static int stop_names(const struct net_store *st, const char *name, struct cs_err *err)
{
	char path[NET_NAME_MAX + 8];
	cs_auto_fd int dir = -EBADF;

	snprintf(path, sizeof(path), "%s/names", name);
	dir = openat(st->state, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "open %s", path);
	return net_names_stop(dir, err);
}

/* Another store's bridge may have got the name. */
static int remove_bridge(const struct net_config *c, struct cs_err *err)
{
	const struct net_mac mac = net_network_mac(c);
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	struct net_link_info info = { 0 };
	int ret;

	if (c->mode == NET_MODE_BRIDGE)
		return 0;
	ret = net_nl_open(&nl, NETLINK_ROUTE, err);
	if (ret == 0)
		ret = net_link_get(&nl, c->bridge, &info, err);
	if (ret <= 0 || !info.bridge || memcmp(info.mac.b, mac.b, sizeof(mac.b)) != 0)
		return ret < 0 ? ret : 0;
	return net_undo_link(c->bridge, err);
}

/* What a network without a record has: all may be done twice. */
static int remove_rest(const struct net_store *st, int dir, const char *name, struct cs_err *err)
{
	const struct net_fw fw = net_store_fw(st);
	net_auto_config struct net_config c = { 0 };
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = cs_file_read(dir, dead, RECORD_MAX, &text, &len, err);

	if (ret == 0)
		ret = net_config_parse(text, len, &c, err);
	if (ret == -ENOENT) /* killed while it was made: there is nothing more */
		cs_err_clear(err);
	else if (ret < 0)
		return cs_err_wrap(err, "network %s", name);
	if (stop_names(st, name, err) < 0)
		return -err->code;
	if (ret == 0 && (net_fw_network_del(&fw, &c, err) < 0 || remove_bridge(&c, err) < 0))
		return -err->code;
	if (cs_file_rmtree(st->state, name, err) < 0)
		return -err->code;
	return cs_file_rmtree(st->root, name, err);
}

/* With .lock held. */
static int tidy_one(const struct net_store *st, const char *name, struct cs_err *err)
{
	cs_auto_fd int dir =
		openat(st->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0 || faccessat(dir, live, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return remove_rest(st, dir, name, err);
}

int net_network_tidy(const struct net_store *st, struct cs_err *err)
{
	cs_auto_fd int fd = openat(st->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d)
		return cs_err_sys(err, "list networks");
	cs_take_fd(&fd);
	while ((e = readdir(d)))
		if (*e->d_name != '.' && strlen(e->d_name) <= NET_NAME_MAX &&
		    tidy_one(st, e->d_name, err) < 0)
			return -err->code;
	return 0;
}

/* Who is on it, for a message. */
static int busy(const struct net_net *n, const struct net_ipam *t, struct cs_err *err)
{
	const char *owner = "?";
	size_t members = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].state != NET_LEASE_FREE) {
			owner = t->v[i].owner;
			members++;
		}
	return cs_err_set(
		err, EBUSY, "network %s is in use by %.64s%s: detach %s first, or use --force",
		n->c.name, owner, members > 1 ? " and others" : "", members > 1 ? "them" : "it");
}

/* The moment it goes: nobody gets a lease any more. */
static int take_away(const struct net_net *n, struct cs_err *err)
{
	net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
	cs_auto_fd int lock = net_net_lock(n, err); /* nobody makes its bridge any more, either */

	if (lock < 0 || net_ipam_open(&t, n->dir, n->boot, err) < 0)
		return -err->code;
	if (net_ipam_find(&t, NULL, NULL) != SIZE_MAX)
		return busy(n, &t, err);
	if (renameat(n->dir, live, n->dir, dead) < 0)
		return cs_err_sys(err, "rename %s", live);
	if (unlinkat(n->dir, "leases", 0) < 0 && errno != ENOENT)
		return cs_err_sys(err, "remove leases");
	return 0;
}

static int detach_all(const struct net_store *st, const struct net_net *n, struct cs_err *err)
{
	for (int i = 0; i < FORCE_TRIES; i++) {
		net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
		struct net_lease l;
		size_t slot;

		if (net_ipam_open(&t, n->dir, n->boot, err) < 0)
			return -err->code;
		slot = net_ipam_find(&t, NULL, NULL);
		if (slot == SIZE_MAX)
			return 0;
		l = t.v[slot];
		if (net_lease_mark(st, &l, NET_LEASE_LEAVING, err) < 0 ||
		    net_ipam_write(&t, slot, &l, false, err) < 0)
			return -err->code;
		net_ipam_close(&t);
		if (net_undo(st, n, &l, slot, err) < 0)
			return -err->code;
	}
	return cs_err_set(err, EBUSY, "network %s gets new members all the time", n->c.name);
}

/* A detach leaves the link of a namespace that stays to a process of its own: it is waited for, as
 * long as that may take. */
static int let_leave(const struct net_net *n, struct cs_err *err)
{
	for (int i = 0; i < LEAVE_TRIES; i++) {
		net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
		bool leaving = false;

		if (net_ipam_open(&t, n->dir, n->boot, err) < 0)
			return -err->code;
		for (size_t k = 0; k < t.n; k++)
			leaving |= t.v[k].state == NET_LEASE_LEAVING;
		if (!leaving)
			return 0;
		net_ipam_close(&t);
		poll(NULL, 0, LEAVE_PAUSE_MS);
	}
	return 0; /* who is still there is told by take_away() */
}

/* With the last network goes the firewall. */
static int forget_firewall(const struct net_store *st, struct cs_err *err)
{
	const struct net_fw fw = net_store_fw(st);
	net_auto_list struct net_list l = { 0 };

	if (net_store_list(st, &l, err) < 0)
		return -err->code;
	return l.n ? 0 : net_fw_remove(&fw, err);
}

/* @id: only if it is that one yet, and not another that got its name; NULL: whichever. */
static int remove_one(const struct net_store *st, const char *name, const char *id, bool force,
		      struct cs_err *err)
{
	cs_auto_fd int lock = cs_file_lock(st->root, lock_name, false, err);
	net_auto_net struct net_net n = NET_NET_INIT;

	if (lock < 0 || net_network_tidy(st, err) < 0 || net_net_open(st, name, &n, err) < 0)
		return -err->code;
	if (id && strcmp(n.c.id, id) != 0)
		return cs_err_set(err, ENOENT, "network %s was made anew meanwhile", name);
	if (net_sweep(st, &n, true, err) < 0 || (force && detach_all(st, &n, err) < 0) ||
	    let_leave(&n, err) < 0 || take_away(&n, err) < 0 ||
	    remove_rest(st, n.dir, name, err) < 0)
		return -err->code;
	return forget_firewall(st, err);
}

int net_network_remove(const struct net_store *st, const char *name, bool force, struct cs_err *err)
{
	return remove_one(st, name, NULL, force, err);
}

int net_network_prune(const struct net_store *st, net_removed_fn fn, void *arg, struct cs_err *err)
{
	net_auto_list struct net_list l = { 0 };

	if (net_store_list(st, &l, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l.n; i++) {
		struct cs_err e = CS_ERR_INIT;
		net_auto_net struct net_net n = NET_NET_INIT;

		if (strcmp(l.v[i], NET_DEFAULT_NAME) == 0 || net_net_open(st, l.v[i], &n, &e) < 0 ||
		    !fn(&n.c, false, arg))
			continue;
		if (remove_one(st, l.v[i], n.c.id, false, &e) == 0)
			fn(&n.c, true, arg);
		else if (e.code != EBUSY && e.code != ENOENT)
			cs_log(CS_LOG_WARN, "network %s: %s", l.v[i], e.msg);
	}
	return 0;
}
