#include "netns/network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "netns/addr.h"
#include "netns/foreign.h"
#include "netns/link.h"
#include "netns/nl.h"
#include "netns/pool.h"
#include "netns/record.h"
#include "netns/route.h"

enum { BRIDGES_MAX = 10000, ULA_TRIES = 16, RESOLV_MAX = 64 * 1024 };

static const char config_name[] = "network.json";
static const char lock_name[] = ".lock";

/* A network being made. */
struct maker {
	const struct net_store *st;
	struct net_nl nl;
	struct net_used used; /* by other networks, and unless it is for a bridge that was there, by
			       * the host */
	struct net_config c;
};

static int use_networks(struct maker *m, const struct net_list *l, struct cs_err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		net_auto_net struct net_net n = NET_NET_INIT;

		if (net_net_open(m->st, l->v[i], &n, err) < 0)
			return -err->code;
		if (strcmp(n.c.bridge, m->c.bridge) == 0)
			return cs_err_set(err, EEXIST, "bridge %s is network %s's", n.c.bridge,
					  n.c.name);
		if (n.c.mode == NET_MODE_BRIDGE && m->c.mode == NET_MODE_BRIDGE)
			continue;
		if ((net_addr_is_set(&n.c.v4.subnet.addr) &&
		     net_used_add(&m->used, &n.c.v4.subnet, err, "network %s has it", n.c.name) <
			     0) ||
		    (net_addr_is_set(&n.c.v6.subnet.addr) &&
		     net_used_add(&m->used, &n.c.v6.subnet, err, "network %s has it", n.c.name) <
			     0))
			return -err->code;
	}
	return 0;
}

static int use_host(struct maker *m, struct cs_err *err)
{
	struct cs_err ignored = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	cs_auto_fd int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t len = 0;

	if (m->c.mode == NET_MODE_BRIDGE)
		return 0;
	if (net_route_used(&m->nl, &m->used, err) < 0)
		return -err->code;
	/* not there, or a link to what some service writes: then its servers are local ones */
	if (etc < 0 || cs_file_read(etc, "resolv.conf", RESOLV_MAX, &text, &len, &ignored) < 0)
		return 0;
	return net_used_resolv_conf(&m->used, text, err);
}

/* A subnet that was asked for. */
static int check_subnet(const struct maker *m, const struct net_subnet *s, struct cs_err *err)
{
	char text[NET_PREFIX_TEXT], other[NET_PREFIX_TEXT];
	const struct net_prefix *p;
	const char *why = "";

	p = net_used_find(&m->used, &s->subnet, &why);
	if (!p)
		return 0;
	return cs_err_set(err, EADDRINUSE, "subnet %s overlaps %s: %s",
			  net_prefix_text(&s->subnet, text), net_prefix_text(p, other), why);
}

static int random_bytes(void *p, size_t n, struct cs_err *err)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		return cs_err_sys(err, "random bytes");
	return 0;
}

static int choose_v6(struct maker *m, struct cs_err *err)
{
	unsigned char r[7];

	for (int i = 0; i < ULA_TRIES; i++) {
		cs_err_clear(err);
		if (random_bytes(r, sizeof(r), err) < 0)
			return -err->code;
		if (net_pool_v6(&m->used, r, &m->c.v6.subnet, err) == 0)
			return 0;
	}
	return -err->code;
}

/* Completes a family; a gateway that was not given is none of ours where the bridge was there. */
static int finish_subnet(const struct maker *m, struct net_subnet *s, struct cs_err *err)
{
	bool no_gateway = m->c.mode == NET_MODE_BRIDGE && !net_addr_is_set(&s->gateway);

	if (!net_addr_is_set(&s->subnet.addr))
		return 0;
	if (no_gateway && !net_addr_is_set(&s->first))
		return cs_err_set(err, EINVAL,
				  "addresses on bridge %s: give --ip-range, those that nobody else "
				  "there has, or --gateway",
				  m->c.bridge);
	if (net_subnet_complete(s, err) < 0)
		return -err->code;
	if (no_gateway)
		s->gateway = (struct net_addr){ 0 };
	return check_subnet(m, s, err);
}

static int choose_subnets(struct maker *m, bool ipv6, struct cs_err *err)
{
	struct net_config *c = &m->c;
	bool given = net_addr_is_set(&c->v4.subnet.addr) || net_addr_is_set(&c->v6.subnet.addr);

	if (c->mode != NET_MODE_BRIDGE) {
		if (!given && net_pool_v4(&m->used, &c->v4.subnet, err) < 0)
			return -err->code;
		if (ipv6 && !net_addr_is_set(&c->v6.subnet.addr) && choose_v6(m, err) < 0)
			return -err->code;
	}
	if (finish_subnet(m, &c->v4, err) < 0 || finish_subnet(m, &c->v6, err) < 0 ||
	    net_mtu_check(c, err) < 0)
		return -err->code;
	return 0;
}

static bool bridge_is_ours(const struct net_store *st, const struct net_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		net_auto_net struct net_net n = NET_NET_INIT;
		struct cs_err ignored = CS_ERR_INIT;

		if (net_net_open(st, l->v[i], &n, &ignored) == 0 && strcmp(n.c.bridge, name) == 0)
			return true;
	}
	return false;
}

/* caisson0 is the default network's, unless another store has it; the next free number another's.
 */
static int choose_bridge(struct maker *m, const struct net_list *l, struct cs_err *err)
{
	struct net_link_info info = { 0 };
	int ret;

	if (m->c.mode == NET_MODE_BRIDGE) {
		ret = net_link_get(&m->nl, m->c.bridge, &info, err);
		if (ret == 0)
			return cs_err_set(err, ENODEV, "bridge %s does not exist", m->c.bridge);
		if (ret > 0 && !info.bridge)
			return cs_err_set(err, EINVAL, "%s is not a bridge", m->c.bridge);
		return ret < 0 ? ret : 0;
	}
	for (int i = strcmp(m->c.name, NET_DEFAULT_NAME) == 0 ? 0 : 1; i < BRIDGES_MAX; i++) {
		snprintf(m->c.bridge, sizeof(m->c.bridge), "caisson%d", i);
		ret = net_link_get(&m->nl, m->c.bridge, NULL, err);
		if (ret < 0)
			return ret;
		if (ret == 0 && !bridge_is_ours(m->st, l, m->c.bridge))
			return 0;
	}
	return cs_err_set(err, ENOSPC, "there are too many bridges");
}

static int write_record(const struct maker *m, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = true };
	cs_auto_free char *text = NULL;
	cs_auto_fd int dir = -EBADF;
	size_t len = 0;

	cs_jw_obj(&w, NULL);
	net_config_write(&m->c, &w);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	/* with the lock held, what is there is what a killed command left */
	if (cs_file_rmtree(m->st->root, m->c.name, err) < 0)
		return -err->code;
	if (mkdirat(m->st->root, m->c.name, 0700) < 0)
		return cs_err_sys(err, "make %s", m->c.name);
	dir = openat(m->st->root, m->c.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return cs_err_sys(err, "open %s", m->c.name);
	if (cs_file_replace(dir, config_name, text, len, 0600, true, err) < 0)
		return -err->code;
	if (fsync(m->st->root) < 0)
		return cs_err_sys(err, "sync networks");
	return 0;
}

static int fill_in(struct maker *m, bool ipv6, struct cs_err *err)
{
	net_auto_list struct net_list list = { 0 };
	unsigned char id[32];

	if (net_nl_open(&m->nl, NETLINK_ROUTE, err) < 0 || net_store_list(m->st, &list, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.v[i], m->c.name) == 0)
			return cs_err_set(err, EEXIST, "network %s exists already", m->c.name);
	if (use_networks(m, &list, err) < 0 || use_host(m, err) < 0 ||
	    choose_subnets(m, ipv6, err) < 0 || choose_bridge(m, &list, err) < 0 ||
	    random_bytes(id, sizeof(id), err) < 0)
		return -err->code;
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(m->c.id + 2 * i, 3, "%02x", id[i]);
	m->c.created = time(NULL);
	return write_record(m, err);
}

/* A host without IPv6, or with none on new links, gets networks without. */
static bool host_has_ipv6(void)
{
	static const char *const off[] = { "/proc/sys/net/ipv6/conf/all/disable_ipv6",
					   "/proc/sys/net/ipv6/conf/default/disable_ipv6" };

	for (size_t i = 0; i < CS_LEN(off); i++) {
		cs_auto_fd int fd = open(off[i], O_RDONLY | O_CLOEXEC);
		char c = '1';

		if (fd < 0 || read(fd, &c, 1) != 1 || c != '0')
			return false;
	}
	return true;
}

/* With .lock held. */
static int create_locked(const struct net_store *st, const struct net_config *c, bool ipv6,
			 struct cs_err *err)
{
	struct maker m = { .st = st, .nl = NET_NL_INIT, .used = NET_USED_INIT, .c = *c };
	int ret = net_name_check(c->name, err);

	if (ret == 0)
		ret = fill_in(&m, ipv6 && host_has_ipv6(), err);
	net_used_fini(&m.used);
	net_nl_close(&m.nl);
	return ret;
}

int net_network_create(const struct net_store *st, const struct net_config *c, bool ipv6,
		       struct cs_err *err)
{
	cs_auto_fd int lock = cs_file_lock(st->root, lock_name, false, err);

	if (lock < 0 || net_network_tidy(st, err) < 0)
		return -err->code;
	return create_locked(st, c, ipv6, err);
}

int net_network_get(const struct net_store *st, const char *name, struct net_net *out,
		    struct cs_err *err)
{
	struct net_config c = { .name = NET_DEFAULT_NAME, .mode = NET_MODE_NAT, .dns = true };
	int ret = net_net_open(st, name, out, err);

	if (ret != -ENOENT || strcmp(name, NET_DEFAULT_NAME) != 0)
		return ret;
	cs_err_clear(err);
	ret = net_network_create(st, &c, true, err);
	if (ret < 0 && ret != -EEXIST) /* another made it meanwhile */
		return cs_err_wrap(err, "make network %s", name);
	cs_err_clear(err);
	if (net_net_open(st, name, out, err) < 0)
		return -err->code;
	if (ret == 0)
		net_foreign_warn(&out->c, false);
	return 0;
}
