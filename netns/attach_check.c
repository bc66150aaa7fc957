/* What is wanted of an attachment, before anything is done. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/attach.h"
#include "netns/attach_int.h"
#include "netns/names.h"
#include "netns/network.h"
#include "netns/portspec.h"
#include "netns/record.h"
#include "netns/store.h"

static int check_owner(const char *owner, struct cs_err *err)
{
	size_t len = strlen(owner);

	if (len == 0 || len > NET_OWNER_MAX || !isalnum((unsigned char)*owner))
		return cs_err_set(err, EINVAL, "a workload's id has 1 to %d characters",
				  NET_OWNER_MAX);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)owner[i]) && !strchr("_.-", owner[i]))
			return cs_err_set(err, EINVAL,
					  "on a network a workload's id is made of letters, "
					  "digits, \"_\", \".\" and \"-\"");
	return 0;
}

int net_wish_check(const struct net_config *c, const struct net_wish *w, struct cs_err *err)
{
	if (check_owner(w->owner, err) < 0 || net_ports_check(w->ports, w->n_ports, err) < 0)
		return -err->code;
	/* also where nobody answers for them: they are in the record */
	if (w->name && net_names_check(w->name, err) < 0)
		return -err->code;
	for (size_t i = 0; i < w->n_aliases; i++)
		if (net_names_check(w->aliases[i], err) < 0)
			return -err->code;
	if (w->n_ports && c->mode == NET_MODE_ISOLATED)
		return cs_err_set(err, EINVAL,
				  "network %s is isolated: no port can be published from it",
				  c->name);
	if (w->n_ports && c->mode == NET_MODE_BRIDGE)
		return cs_err_set(err, EINVAL,
				  "network %s is a bridge of the host's network: no port needs to "
				  "be published, clients reach the workload's own address",
				  c->name);
	return w->ifname ? net_ifname_check(w->ifname, err) : 0;
}

static int names_free(const struct net_net *n, const struct net_wish *w, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int lock = -EBADF;

	if (!n->c.dns)
		return 0;
	lock = net_net_lock(n, err);
	dir = lock < 0 ? lock : net_net_names(n, err);
	return dir < 0 ? dir
		       : net_names_free(dir, w->owner, w->name, w->aliases, w->n_aliases, err);
}

static int lease_free(const struct net_net *n, const struct net_wish *w, struct cs_err *err)
{
	const struct net_ipam_want want = {
		.ip4 = w->ip4,
		.ip6 = w->ip6,
		.mac = w->mac,
		.bridge = net_network_mac(&n->c),
	};
	net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
	struct net_lease l = { 0 };
	size_t slot = 0;

	if (net_ipam_open(&t, n->dir, n->boot, err) < 0)
		return -err->code;
	return net_ipam_choose(&t, &n->c, &want, &l, &slot, err);
}

int net_attach_check(const struct net_store *st, const char *network, const struct net_wish *w,
		     struct cs_err *err)
{
	net_auto_net struct net_net n = NET_NET_INIT;
	int ret;

	if (net_network_get(st, network, &n, err) < 0 || net_wish_check(&n.c, w, err) < 0)
		return -err->code;
	for (int i = 0;; i++) {
		ret = lease_free(&n, w, err);
		if (ret == 0)
			ret = names_free(&n, w, err);
		/* what is in the way may be a dead owner's: all of those are looked at, once */
		if (i > 0 || (ret != -EADDRINUSE && ret != -ENOSPC && ret != -EEXIST))
			return ret;
		cs_err_clear(err);
		ret = net_sweep(st, &n, true, err);
		if (ret < 0)
			return ret;
	}
}
