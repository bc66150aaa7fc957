#include "netns/fw_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "netns/link.h"
#include "netns/nl.h"

/* Metric of the route by which answers to ::1 come in from a bridge: any, as long as it is worse
 * than the kernel's own, 0. */
enum { LO6_METRIC = 1024 };

/* The number a file of /proc/sys/net holds, of the caller's network namespace; -1: there is none.
 */
static int get(int dir, const char *path)
{
	cs_auto_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char c[2] = "";

	if (fd < 0 || read(fd, c, sizeof(c)) < 1 || c[0] < '0' || c[0] > '9')
		return -1;
	return c[0] - '0';
}

/* Writes only what is not so already: /proc/sys may be read-only, and some writes have side
 * effects even so. */
static int set(int dir, const char *path, int value, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char c = (char)('0' + value);

	if (get(dir, path) == value)
		return 0;
	fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, &c, 1) != 1)
		return cs_err_sys(err, "set net/%s to %d", path, value);
	return 0;
}

/* A router takes no router advertisements, unless accept_ra is 2: links that do take them must not
 * lose the default route they have from there. Not ours, which take none (accept_ra 0), and not
 * what later links get. */
static int keep_router_advertisements(int sys, struct cs_err *err)
{
	cs_auto_dir DIR *d = NULL;
	cs_auto_fd int fd = openat(sys, "ipv6/conf", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	char path[64 + IF_NAMESIZE];

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return cs_err_sys(err, "open net/ipv6/conf");
	(void)cs_take_fd(&fd);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "all") == 0 ||
		    strcmp(e->d_name, "default") == 0 || strcmp(e->d_name, "lo") == 0 ||
		    strlen(e->d_name) >= IF_NAMESIZE)
			continue;
		(void)snprintf(path, sizeof(path), "ipv6/conf/%s/accept_ra", e->d_name);
		if (get(sys, path) == 1 && set(sys, path, 2, err) < 0)
			return -err->code;
	}
	return 0;
}

static int forward_v6(int sys, struct cs_err *err)
{
	if (get(sys, "ipv6/conf/all/forwarding") == 1)
		return 0;
	if (keep_router_advertisements(sys, err) < 0)
		return -err->code;
	return set(sys, "ipv6/conf/all/forwarding", 1, err);
}

/* "local ::1 dev BRIDGE": the kernel looks for a loopback address only on the link a packet came
 * in by. Nothing from outside gets here: a packet that comes with ::1 is dropped before. */
static int route_lo6(const char *bridge, struct cs_err *err)
{
	const struct rtmsg rt = { .rtm_family = AF_INET6,
				  .rtm_dst_len = 128,
				  .rtm_table = RT_TABLE_LOCAL,
				  .rtm_protocol = RTPROT_STATIC,
				  .rtm_scope = RT_SCOPE_UNIVERSE,
				  .rtm_type = RTN_LOCAL };
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	unsigned int link = if_nametoindex(bridge);
	int ret;

	if (link == 0)
		return cs_err_sys(err, "find bridge %s", bridge);
	if (net_nl_open(&nl, NETLINK_ROUTE, err) < 0)
		return -err->code;
	net_nl_msg(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, &rt, sizeof(rt));
	net_nl_put(&r, RTA_DST, &in6addr_loopback, sizeof(in6addr_loopback));
	net_nl_put_u32(&r, RTA_OIF, link);
	net_nl_put_u32(&r, RTA_PRIORITY, LO6_METRIC);
	ret = net_nl_call(&nl, &r, NULL, err);
	if (ret == -EEXIST) {
		cs_err_clear(err);
		return 0;
	}
	return ret < 0 ? cs_err_wrap(err, "route ::1 to bridge %s", bridge) : 0;
}

static bool pass_guarded(unsigned index, int code, void *arg)
{
	(void)index;
	(void)arg;
	return code == EEXIST;
}

/* What route_localnet opens on a bridge stays shut when somebody flushes the firewall. A kernel
 * that cannot has the firewall's own rule. */
static int guard_loopback(const char *bridge, struct cs_err *err)
{
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	struct net_nl_answer answer = { .pass = pass_guarded };
	unsigned int link = if_nametoindex(bridge);
	int ret;

	if (link == 0)
		return cs_err_sys(err, "find bridge %s", bridge);
	if (net_nl_open(&nl, NETLINK_ROUTE, err) < 0)
		return -err->code;
	net_link_put_no_loopback(&r, link);
	ret = net_nl_call(&nl, &r, &answer, err);
	if (ret == -ENOENT || ret == -EOPNOTSUPP) {
		cs_log(CS_LOG_DEBUG, "bridge %s: no filter for loopback addresses: %s", bridge,
		       err->msg);
		cs_err_clear(err);
		return 0;
	}
	return ret < 0 ? cs_err_wrap(err, "shut bridge %s for loopback addresses", bridge) : 0;
}

int net_fw_host_prepare(const struct net_config *net, struct cs_err *err)
{
	cs_auto_fd int sys = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool forwards = net->mode == NET_MODE_NAT || net->mode == NET_MODE_ROUTED;
	char path[64 + IF_NAMESIZE];

	if (sys < 0)
		return cs_err_sys(err, "open the folder of network sysctls");
	if (net_link_no_advertisements(net->bridge, err) < 0)
		return -err->code;
	if (!forwards)
		return 0;
	if (net->v4.subnet.addr.family) {
		(void)snprintf(path, sizeof(path), "ipv4/conf/%s/route_localnet", net->bridge);
		if (guard_loopback(net->bridge, err) < 0 ||
		    set(sys, "ipv4/ip_forward", 1, err) < 0 || set(sys, path, 1, err) < 0)
			return -err->code;
	}
	if (net->v6.subnet.addr.family) {
		if (forward_v6(sys, err) < 0 || route_lo6(net->bridge, err) < 0)
			return -err->code;
	}
	return 0;
}

int net_fw_host_bridge_calls_ip6tables(void)
{
	cs_auto_fd int sys = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return get(sys, "bridge/bridge-nf-call-ip6tables") == 1;
}
