#include "netns/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/nl.h"

/* Of our filters: one that nobody else has, for filters of one priority are of one kind. */
#define FILTER_PRIO 0xca15U

static bool is_bridge(const struct nlattr *info)
{
	const struct nlattr *tb[IFLA_INFO_KIND + 1];
	const char *kind;
	const void *p;
	size_t len;

	if (!info)
		return false;
	p = net_nl_attr_data(info, &len);
	net_nl_attrs(tb, CS_LEN(tb), p, len);
	kind = net_nl_get_str(tb[IFLA_INFO_KIND]);
	return kind && strcmp(kind, "bridge") == 0;
}

static int take_link(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		     struct cs_err *err)
{
	const struct nlattr *tb[IFLA_LINKINFO + 1];
	struct net_link_info *out = arg;
	struct ifinfomsg ifi;
	size_t mac_len = 0;
	const void *mac;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (len < sizeof(ifi))
		return cs_err_set(err, EPROTO, "netlink: a link is cut short");
	memcpy(&ifi, body, sizeof(ifi));
	net_nl_attrs(tb, CS_LEN(tb), (const char *)body + sizeof(ifi), len - sizeof(ifi));
	*out = (struct net_link_info){ .index = (uint32_t)ifi.ifi_index,
				       .up = ifi.ifi_flags & IFF_UP };
	net_nl_get_u32(tb[IFLA_MTU], &out->mtu);
	net_nl_get_u32(tb[IFLA_MASTER], &out->master);
	net_nl_get_u32(tb[IFLA_LINK], &out->peer);
	out->bridge = is_bridge(tb[IFLA_LINKINFO]);
	if (tb[IFLA_ADDRESS]) {
		mac = net_nl_attr_data(tb[IFLA_ADDRESS], &mac_len);
		if (mac_len == sizeof(out->mac.b))
			memcpy(out->mac.b, mac, mac_len);
	}
	return 0;
}

int net_link_get(struct net_nl *nl, const char *name, struct net_link_info *out, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	const struct ifinfomsg ifi = { 0 };
	struct net_link_info info = { 0 };
	struct net_nl_answer answer = { .fn = take_link, .arg = &info };
	int ret;

	net_nl_msg(&r, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	net_nl_put_str(&r, IFLA_IFNAME, name);
	net_nl_put_u32(&r, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	ret = net_nl_call(nl, &r, &answer, err);
	if (ret == -ENODEV) {
		cs_err_clear(err);
		return 0;
	}
	if (ret < 0)
		return cs_err_wrap(err, "look for link %s", name);
	if (out)
		*out = info;
	return 1;
}

void net_link_put_bridge(struct net_nl_req *r, const char *name, const struct net_mac *mac,
			 uint32_t mtu)
{
	const struct ifinfomsg ifi = { 0 };
	size_t info, data;

	net_nl_msg(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_IFNAME, name);
	net_nl_put(r, IFLA_ADDRESS, mac->b, sizeof(mac->b));
	if (mtu)
		net_nl_put_u32(r, IFLA_MTU, mtu);
	info = net_nl_nest(r, IFLA_LINKINFO);
	net_nl_put_str(r, IFLA_INFO_KIND, "bridge");
	data = net_nl_nest(r, IFLA_INFO_DATA);
	net_nl_put_u8(r, IFLA_BR_MCAST_SNOOPING, 0);
	net_nl_nest_end(r, data);
	net_nl_nest_end(r, info);
}

/* A message about the link of that name that changes nothing yet. */
static void put_set(struct net_nl_req *r, const char *name, unsigned int flags)
{
	const struct ifinfomsg ifi = { .ifi_flags = flags, .ifi_change = flags };

	net_nl_msg(r, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_IFNAME, name);
}

/* One, as it uses unless it is told otherwise: without being asked the kernel makes one for each
 * processor, puts all but one away, and waits for whoever might see them. */
static void put_queues(struct net_nl_req *r)
{
	net_nl_put_u32(r, IFLA_NUM_TX_QUEUES, 1);
	net_nl_put_u32(r, IFLA_NUM_RX_QUEUES, 1);
}

/* The peer's own link message stands in the pair's. */
static void put_peer(struct net_nl_req *r, const struct net_link_veth *v)
{
	const struct ifinfomsg ifi = { 0 };
	size_t data = net_nl_nest(r, IFLA_INFO_DATA);
	size_t peer = net_nl_nest(r, VETH_INFO_PEER);

	net_nl_put_head(r, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_IFNAME, v->ifname);
	net_nl_put(r, IFLA_ADDRESS, v->mac.b, sizeof(v->mac.b));
	net_nl_put_u32(r, IFLA_MTU, v->mtu);
	put_queues(r);
	net_nl_put_u32(r, IFLA_NET_NS_FD, (uint32_t)v->ns);
	net_nl_nest_end(r, peer);
	net_nl_nest_end(r, data);
}

void net_link_put_veth(struct net_nl_req *r, const struct net_link_veth *v)
{
	const struct ifinfomsg ifi = { 0 };
	size_t info;

	net_nl_msg(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_IFNAME, v->hostif);
	net_nl_put_u32(r, IFLA_MTU, v->mtu);
	put_queues(r);
	net_nl_put_u32(r, IFLA_MASTER, v->bridge);
	if (v->group)
		net_nl_put_u32(r, IFLA_GROUP, v->group);
	info = net_nl_nest(r, IFLA_LINKINFO);
	net_nl_put_str(r, IFLA_INFO_KIND, "veth");
	put_peer(r, v);
	net_nl_nest_end(r, info);
	/* the kernel takes IFLA_AF_SPEC only for a link that is there, and it must be so before the
	 * link is up: messages of their own, in the same datagram */
	net_link_put_no_autoconf(r, v->hostif);
	if (v->isolate)
		net_link_put_isolated(r, v->hostif);
	net_link_put_up(r, v->hostif);
}

void net_link_put_up(struct net_nl_req *r, const char *name)
{
	put_set(r, name, IFF_UP);
}

void net_link_put_no_autoconf(struct net_nl_req *r, const char *name)
{
	size_t spec, inet6;

	put_set(r, name, 0);
	spec = net_nl_nest(r, IFLA_AF_SPEC);
	inet6 = net_nl_nest(r, AF_INET6);
	net_nl_put_u8(r, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	net_nl_nest_end(r, inet6);
	net_nl_nest_end(r, spec);
}

int net_link_no_advertisements(const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char path[64 + IF_NAMESIZE];
	char c = '\0';
	int code;

	/* one way through the folders: those of all namespaces have the same names there, and the
	 * kernel looks at one after the other */
	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	code = fd < 0 ? errno : 0;
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC); /* the folder may be read-only */
	if (fd >= 0 && read(fd, &c, 1) == 1 && c == '0')
		return 0;
	if (code)
		return cs_err_errno(err, code, "set %s to 0", path);
	if (pwrite(fd, "0", 1, 0) != 1)
		return cs_err_sys(err, "set %s to 0", path);
	return 0;
}

/* Where filters of what comes in by a link are put. */
static void put_clsact(struct net_nl_req *r, uint32_t index)
{
	const struct tcmsg qdisc = {
		.tcm_ifindex = (int)index,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT,
	};

	net_nl_msg(r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &qdisc, sizeof(qdisc));
	net_nl_put_str(r, TCA_KIND, "clsact");
}

/* A classic BPF program; @where has link and parent. */
static void put_filter(struct net_nl_req *r, const struct tcmsg *where, uint16_t proto,
		       const struct sock_filter *program, uint16_t n)
{
	struct tcmsg filter = *where;
	size_t options;

	filter.tcm_handle = 1;
	filter.tcm_info = TC_H_MAKE(FILTER_PRIO << 16, htons(proto));
	net_nl_msg(r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &filter, sizeof(filter));
	net_nl_put_str(r, TCA_KIND, "bpf");
	options = net_nl_nest(r, TCA_OPTIONS);
	net_nl_put_u16(r, TCA_BPF_OPS_LEN, n);
	net_nl_put(r, TCA_BPF_OPS, program, n * sizeof(*program));
	net_nl_put_str(r, TCA_BPF_NAME, "caisson");
	net_nl_put_u32(r, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	net_nl_nest_end(r, options);
}

void net_link_put_no_loopback(struct net_nl_req *r, uint32_t index)
{
	/* offsets of RFC 791: the first byte of either address. The protocol is looked at here: a
	 * frame with a VLAN's tag, whose id may be none, is of another to the kernel's filters; of
	 * one with two, a tag is left */
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PROTOCOL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021Q, 9, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021AD, 8, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 127, 5, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 127, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_MARK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET_LINK_LOOPBACK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, (uint32_t)TC_ACT_UNSPEC),
		BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};
	const struct tcmsg where = {
		.tcm_ifindex = (int)index,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
	};

	put_clsact(r, index);
	put_filter(r, &where, ETH_P_ALL, program, CS_LEN(program));
}

static void put_master(struct net_nl_req *r, uint32_t bridge, uint32_t mtu)
{
	net_nl_put_u32(r, IFLA_MASTER, bridge);
	if (mtu)
		net_nl_put_u32(r, IFLA_MTU, mtu);
}

void net_link_put_port(struct net_nl_req *r, const char *name, uint32_t bridge, uint32_t mtu)
{
	put_set(r, name, IFF_UP);
	put_master(r, bridge, mtu);
}

void net_link_put_master(struct net_nl_req *r, const char *name, uint32_t bridge, uint32_t mtu)
{
	put_set(r, name, 0);
	put_master(r, bridge, mtu);
}

void net_link_put_group(struct net_nl_req *r, const char *name, uint32_t group)
{
	put_set(r, name, 0);
	net_nl_put_u32(r, IFLA_GROUP, group);
}

void net_link_put_down(struct net_nl_req *r, const char *name)
{
	const struct ifinfomsg ifi = { .ifi_change = IFF_UP };

	net_nl_msg(r, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_IFNAME, name);
}

/* By the name it has as an alternative one: IFLA_IFNAME is the new name here. */
void net_link_put_rename(struct net_nl_req *r, const char *name, const char *to)
{
	const struct ifinfomsg ifi = { 0 };

	net_nl_msg(r, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_ALT_IFNAME, name);
	net_nl_put_str(r, IFLA_IFNAME, to);
}

/* Attributes of a port of a bridge, between two calls. */
struct port_data {
	size_t info, data;
};

static struct port_data begin_port_data(struct net_nl_req *r, const char *name)
{
	struct port_data d;

	put_set(r, name, 0);
	d.info = net_nl_nest(r, IFLA_LINKINFO);
	net_nl_put_str(r, IFLA_INFO_SLAVE_KIND, "bridge");
	d.data = net_nl_nest(r, IFLA_INFO_SLAVE_DATA);
	return d;
}

static void end_port_data(struct net_nl_req *r, const struct port_data *d)
{
	net_nl_nest_end(r, d->data);
	net_nl_nest_end(r, d->info);
}

void net_link_put_isolated(struct net_nl_req *r, const char *name)
{
	const struct port_data d = begin_port_data(r, name);

	net_nl_put_u8(r, IFLA_BRPORT_ISOLATED, 1);
	end_port_data(r, &d);
}

void net_link_put_cut(struct net_nl_req *r, const char *name)
{
	static const uint16_t off[] = { IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD,
					IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD };
	const struct port_data d = begin_port_data(r, name);

	for (size_t i = 0; i < CS_LEN(off); i++)
		net_nl_put_u8(r, off[i], 0);
	/* the state is another one again once the other end has been down and up: a locked port
	 * takes nothing from who is not known to be behind it, and nobody is */
	net_nl_put_u8(r, IFLA_BRPORT_LOCKED, 1);
	net_nl_put(r, IFLA_BRPORT_FLUSH, NULL, 0);
	net_nl_put_u8(r, IFLA_BRPORT_STATE, BR_STATE_DISABLED);
	end_port_data(r, &d);
}

void net_link_put_del(struct net_nl_req *r, const char *name)
{
	const struct ifinfomsg ifi = { 0 };

	net_nl_msg(r, RTM_DELLINK, 0, &ifi, sizeof(ifi));
	net_nl_put_str(r, IFLA_IFNAME, name);
}

int net_link_tap(const char *name, uid_t uid, bool multi_queue, struct cs_err *err)
{
	const unsigned int offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	const int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	cs_auto_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL;
	struct ifreq ifr = { 0 };

	if (fd < 0)
		return cs_err_sys(err, "open /dev/net/tun");
	if (multi_queue)
		flags |= IFF_MULTI_QUEUE;
	ifr.ifr_flags = (short)flags;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return cs_err_sys(err, "make tap %s", name);
	if (ioctl(fd, TUNSETOWNER, (unsigned long)uid) < 0)
		return cs_err_sys(err, "give tap %s to user %u", name, uid);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(fd, TUNSETOFFLOAD, offload) < 0)
		return cs_err_sys(err, "set up tap %s", name);
	return cs_take_fd(&fd);
}
