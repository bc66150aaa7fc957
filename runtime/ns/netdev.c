#include "runtime/ns/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "runtime/ns/rtnl.h"
#include "runtime/spec.h"

enum {
	ADDRS_MAX = 4096, /* of one interface */
	DUMP_TRIES = 10,
};

/* An address to set up again: its message body and the attributes that matter. */
struct addr {
	struct ifaddrmsg head;
	uint32_t flags;
	uint8_t len; /* bytes of an address */
	bool has_local, has_address, has_broadcast;
	uint8_t local[16], address[16], broadcast[16];
	bool has_priority;
	uint32_t priority;
};

/* An interface on its way. */
struct device {
	const char *host_name;
	int index; /* where it is now */
	unsigned int flags;
	struct addr *addrs; /* owned */
	size_t n_addrs;
	char way_name[IFNAMSIZ];
	bool inside;
};

/* Both ends. */
struct move {
	struct ctr_rtnl here, there;
	int here_ns, there_ns; /* fds; here_ns is owned */
};

struct link_info {
	int index;
	unsigned int flags;
};

static int on_link(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		   struct cs_err *err)
{
	struct link_info *out = arg;
	struct ifinfomsg m;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (len < sizeof(m))
		return cs_err_set(err, EPROTO, "netlink: short link message");
	memcpy(&m, body, sizeof(m));
	out->index = m.ifi_index;
	out->flags = m.ifi_flags;
	return 0;
}

static void put_name(struct ctr_rtnl_req *req, const char *name)
{
	ctr_rtnl_put(req, IFLA_IFNAME, name, strlen(name) + 1);
}

static int link_get(struct ctr_rtnl *nl, const char *name, struct link_info *out,
		    struct cs_err *err)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	struct ctr_rtnl_req req;

	ctr_rtnl_init(&req, RTM_GETLINK, 0, &body, sizeof(body));
	put_name(&req, name);
	return ctr_rtnl_call(nl, &req, on_link, out, err);
}

/* Moves the interface @index of @nl's namespace to @netns_fd, as @name. It goes down by that. */
static int link_send(struct ctr_rtnl *nl, int index, int netns_fd, const char *name,
		     struct cs_err *err)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct ctr_rtnl_req req;

	ctr_rtnl_init(&req, RTM_NEWLINK, 0, &body, sizeof(body));
	ctr_rtnl_put(&req, IFLA_NET_NS_FD, &netns_fd, sizeof(netns_fd));
	put_name(&req, name);
	return ctr_rtnl_call(nl, &req, NULL, NULL, err);
}

static int link_rename(struct ctr_rtnl *nl, int index, const char *name, struct cs_err *err)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct ctr_rtnl_req req;

	ctr_rtnl_init(&req, RTM_NEWLINK, 0, &body, sizeof(body));
	put_name(&req, name);
	return ctr_rtnl_call(nl, &req, NULL, NULL, err);
}

static int link_up(struct ctr_rtnl *nl, int index, struct cs_err *err)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC,
					.ifi_index = index,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	struct ctr_rtnl_req req;

	ctr_rtnl_init(&req, RTM_NEWLINK, 0, &body, sizeof(body));
	return ctr_rtnl_call(nl, &req, NULL, NULL, err);
}

static void take_bytes(const struct ctr_rtnl_attr *a, uint8_t *out, bool *has)
{
	if (a->len > 16)
		return;
	memcpy(out, a->data, a->len);
	*has = true;
}

static void addr_attr(struct addr *out, const struct ctr_rtnl_attr *a)
{
	switch (a->type) {
	case IFA_LOCAL:
		take_bytes(a, out->local, &out->has_local);
		break;
	case IFA_ADDRESS:
		take_bytes(a, out->address, &out->has_address);
		break;
	case IFA_BROADCAST:
		take_bytes(a, out->broadcast, &out->has_broadcast);
		break;
	case IFA_FLAGS:
		if (a->len == sizeof(out->flags))
			memcpy(&out->flags, a->data, a->len);
		break;
	case IFA_RT_PRIORITY:
		out->has_priority = a->len == sizeof(out->priority);
		if (out->has_priority)
			memcpy(&out->priority, a->data, a->len);
		break;
	default:
		break;
	}
}

/* Keeps the addresses that the spec wants kept: permanent, and of use to others. */
static int on_addr(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		   struct cs_err *err)
{
	struct device *d = arg;
	struct ctr_rtnl_attr a;
	struct addr addr = { 0 };
	struct addr *more;
	size_t pos = sizeof(addr.head);

	if (h->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (len < sizeof(addr.head))
		return cs_err_set(err, EPROTO, "netlink: short address message");
	memcpy(&addr.head, body, sizeof(addr.head));
	if (addr.head.ifa_index != (unsigned int)d->index)
		return 0;
	addr.flags = addr.head.ifa_flags;
	addr.len = addr.head.ifa_family == AF_INET6 ? 16 : 4;
	while (ctr_rtnl_next(body, len, &pos, &a))
		addr_attr(&addr, &a);
	if (addr.head.ifa_scope != RT_SCOPE_UNIVERSE || !(addr.flags & IFA_F_PERMANENT))
		return 0;
	if (d->n_addrs == ADDRS_MAX)
		return cs_err_set(err, E2BIG, "more than %d addresses", ADDRS_MAX);
	more = reallocarray(d->addrs, d->n_addrs + 1, sizeof(*more));
	if (!more)
		return cs_err_set(err, ENOMEM, "out of memory");
	d->addrs = more;
	d->addrs[d->n_addrs++] = addr;
	return 0;
}

static int addrs_get(struct ctr_rtnl *nl, struct device *d, struct cs_err *err)
{
	const struct ifaddrmsg body = { .ifa_family = AF_UNSPEC,
					.ifa_index = (unsigned int)d->index };
	struct ctr_rtnl_req req;
	int rc = -EAGAIN;

	for (int i = 0; rc == -EAGAIN && i < DUMP_TRIES; i++) {
		cs_err_clear(err);
		d->n_addrs = 0;
		ctr_rtnl_init(&req, RTM_GETADDR, NLM_F_DUMP, &body, sizeof(body));
		rc = ctr_rtnl_call(nl, &req, on_addr, d, err);
	}
	return rc;
}

static int addr_add(struct ctr_rtnl *nl, int index, const struct addr *a, struct cs_err *err)
{
	/* those that a user can set; the others the kernel sets by itself */
	const uint32_t settable = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
				  IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
	const uint32_t flags = a->flags & settable;
	struct ifaddrmsg body = a->head;
	struct ctr_rtnl_req req;

	body.ifa_index = (unsigned int)index;
	body.ifa_flags = 0;
	ctr_rtnl_init(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	if (a->has_local)
		ctr_rtnl_put(&req, IFA_LOCAL, a->local, a->len);
	if (a->has_address)
		ctr_rtnl_put(&req, IFA_ADDRESS, a->address, a->len);
	if (a->has_broadcast)
		ctr_rtnl_put(&req, IFA_BROADCAST, a->broadcast, a->len);
	if (a->has_priority)
		ctr_rtnl_put(&req, IFA_RT_PRIORITY, &a->priority, sizeof(a->priority));
	ctr_rtnl_put(&req, IFA_FLAGS, &flags, sizeof(flags));
	return ctr_rtnl_call(nl, &req, NULL, NULL, err);
}

static int addrs_add(struct ctr_rtnl *nl, const struct device *d, struct cs_err *err)
{
	for (size_t i = 0; i < d->n_addrs; i++) {
		int rc = addr_add(nl, d->index, &d->addrs[i], err);

		if (rc < 0)
			return cs_err_wrap(err, "set up address %zu again", i);
	}
	return 0;
}

/* A template ("eth%d") is no conflict: the kernel finds a number for it. */
static int name_check(struct move *m, const char *name, struct cs_err *err)
{
	struct link_info taken;
	struct cs_err get_err = CS_ERR_INIT;
	int rc;

	if (strchr(name, '%'))
		return 0;
	rc = link_get(&m->there, name, &taken, &get_err);
	if (rc == 0)
		return cs_err_set(err, EEXIST, "the container has an interface %s already", name);
	if (rc != -ENODEV)
		return cs_err_set(err, -rc, "look for %s inside: %s", name, get_err.msg);
	return 0;
}

/*
 * The kernel renames only after the move, so a name that is taken inside would leave the interface
 * there, under a name of which nobody knows; and a template does not say which number it got. So it
 * travels under a name of its own, and gets its last one inside.
 */
static int device_send(struct move *m, struct device *d, const char *name, struct cs_err *err)
{
	struct link_info info;
	uint32_t random = 0;
	int rc;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return cs_err_sys(err, "a name for the way");
	snprintf(d->way_name, sizeof(d->way_name), "cs%08" PRIx32, random);
	rc = link_send(&m->here, d->index, m->there_ns, d->way_name, err);
	if (rc < 0)
		return cs_err_wrap(err, "move");
	d->inside = true;
	rc = link_get(&m->there, d->way_name, &info, err);
	if (rc < 0)
		return cs_err_wrap(err, "find it inside");
	d->index = info.index;
	rc = link_rename(&m->there, d->index, name, err);
	if (rc < 0)
		return cs_err_wrap(err, "rename to %s", name);
	rc = addrs_add(&m->there, d, err);
	if (rc == 0)
		rc = link_up(&m->there, d->index, err);
	return rc;
}

static int device_move(struct move *m, struct device *d, const char *name, struct cs_err *err)
{
	struct link_info info = { 0 };
	int rc;

	rc = link_get(&m->here, d->host_name, &info, err);
	if (rc < 0)
		return rc;
	if (info.flags & IFF_LOOPBACK)
		return cs_err_set(err, EINVAL, "a loopback interface cannot be moved");
	d->index = info.index;
	d->flags = info.flags;
	rc = name_check(m, name, err);
	if (rc == 0)
		rc = addrs_get(&m->here, d, err);
	if (rc == 0)
		rc = device_send(m, d, name, err);
	return rc;
}

/* Puts the interface back as it was. Nothing more can be done about a failure than to say so. */
static void device_undo(struct move *m, struct device *d)
{
	struct cs_err err = CS_ERR_INIT;
	struct link_info info;
	int rc;

	if (!d->inside)
		return;
	rc = link_send(&m->there, d->index, m->here_ns, d->host_name, &err);
	if (rc == 0)
		rc = link_get(&m->here, d->host_name, &info, &err);
	if (rc == 0) {
		d->index = info.index;
		rc = addrs_add(&m->here, d, &err);
	}
	if (rc == 0 && (d->flags & IFF_UP))
		rc = link_up(&m->here, d->index, &err);
	if (rc < 0)
		cs_log(CS_LOG_ERROR, "linux.netDevices: %s could not be put back: %s", d->host_name,
		       err.msg);
}

/* A netlink socket belongs to the namespace it is made in: goes there and back for one. */
static int move_open(struct move *m, int netns_fd, struct cs_err *err)
{
	struct stat a, b;
	int rc;

	m->there_ns = netns_fd;
	m->here_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (m->here_ns < 0)
		return cs_err_sys(err, "open /proc/self/ns/net");
	if (fstat(m->here_ns, &a) < 0 || fstat(netns_fd, &b) < 0)
		return cs_err_sys(err, "stat the network namespaces");
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return cs_err_set(err, EINVAL, "the container has no network namespace of its own");
	rc = ctr_rtnl_open(&m->here, err);
	if (rc < 0)
		return rc;
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return cs_err_sys(err, "enter the container's network namespace");
	rc = ctr_rtnl_open(&m->there, err);
	if (setns(m->here_ns, CLONE_NEWNET) < 0 && rc == 0)
		rc = cs_err_sys(err, "return from the container's network namespace");
	return rc;
}

static void move_close(struct move *m)
{
	ctr_rtnl_close(&m->here);
	ctr_rtnl_close(&m->there);
	cs_close_fd(&m->here_ns);
}

int ctr_netdev_move(const struct ctr_spec *spec, int netns_fd, struct cs_err *err)
{
	struct move m = { .here = CTR_RTNL_INIT, .there = CTR_RTNL_INIT, .here_ns = -EBADF };
	cs_auto_free struct device *v = NULL;
	size_t n = 0;
	int rc;

	if (!spec->n_net_devices)
		return 0;
	v = calloc(spec->n_net_devices, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "linux.netDevices: out of memory");
	rc = move_open(&m, netns_fd, err);
	if (rc < 0)
		cs_err_wrap(err, "linux.netDevices");
	while (rc == 0 && n < spec->n_net_devices) {
		const struct ctr_net_device *nd = &spec->net_devices[n];

		v[n].host_name = nd->host_name;
		rc = device_move(&m, &v[n], nd->name, err);
		if (rc < 0)
			cs_err_wrap(err, "linux.netDevices[%s]", nd->host_name);
		n++;
	}
	for (size_t i = n; rc < 0 && i > 0; i--)
		device_undo(&m, &v[i - 1]);
	for (size_t i = 0; i < n; i++)
		free(v[i].addrs);
	move_close(&m);
	return rc;
}

int ctr_netdev_lo_up(struct cs_err *err)
{
	/* one call: the flags of an interface besides IFF_UP are not the caller's to set */
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	cs_auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return cs_err_sys(err, "make a socket");
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return cs_err_sys(err, "set the loopback interface up");
	return 0;
}
