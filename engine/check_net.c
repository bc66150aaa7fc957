#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/check_int.h"
#include "images/curl.h"
#include "netns/addr.h"
#include "netns/foreign.h"
#include "netns/link.h"
#include "netns/names.h"
#include "netns/network.h"
#include "netns/nl.h"
#include "netns/route.h"
#include "netns/store.h"

/* --- links and firewall, in a network namespace that goes with the process -------------------- */

static int try_links(const struct eng_check *c, void *arg, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	struct net_mac mac = { { 2, 0, 0, 0, 0, 1 } };
	struct net_link_veth veth = { .hostif = "cscheck1", .ifname = "eth0", .mtu = 1500 };
	struct net_link_info bridge = { 0 };
	cs_auto_fd int inner = -EBADF;

	(void)c;
	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		return cs_err_sys(err, "unshare");
	inner = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (inner < 0 || unshare(CLONE_NEWNET) < 0)
		return cs_err_sys(err, "a second network namespace");
	if (net_nl_open(&nl, NETLINK_ROUTE, err) < 0)
		return -err->code;
	net_link_put_bridge(&r, "cscheck0", &mac, 1500);
	if (net_nl_call(&nl, &r, NULL, err) < 0)
		return cs_err_wrap(err, "bridge");
	if (net_link_get(&nl, "cscheck0", &bridge, err) < 0)
		return -err->code;
	net_nl_req_reset(&r);
	mac.b[5] = 2;
	veth.ns = inner;
	veth.bridge = bridge.index;
	veth.mac = mac;
	net_link_put_veth(&r, &veth);
	return net_nl_call(&nl, &r, NULL, err) < 0 ? cs_err_wrap(err, "veth") : 0;
}

/* A whole network: its bridge with addresses, and its nftables table. */
static int try_network(const struct eng_check *c, void *arg, struct cs_err *err)
{
	struct net_config want = { .name = "check", .mode = NET_MODE_NAT };
	net_auto_store struct net_store st = NET_STORE_INIT;
	net_auto_net struct net_net n = NET_NET_INIT;
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	struct net_up up;

	(void)arg;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		return cs_err_sys(err, "unshare");
	if (net_store_open(&st, c->tmp, c->tmp_run, err) < 0 ||
	    net_network_create(&st, &want, true, err) < 0 ||
	    net_net_open(&st, "check", &n, err) < 0 || net_nl_open(&nl, NETLINK_ROUTE, err) < 0)
		return -err->code;
	return net_network_up(&st, &n, &nl, &up, err);
}

/* An address as networks get them, of fd00::/8. */
static int try_v6(const struct eng_check *c, void *arg, struct cs_err *err)
{
	net_auto_nl_req struct net_nl_req r = NET_NL_REQ_INIT;
	net_auto_nl struct net_nl nl = NET_NL_INIT;
	struct net_mac mac = { { 2, 0, 0, 0, 0, 1 } };
	struct net_link_info bridge = { 0 };
	struct net_prefix ula;

	(void)c;
	(void)arg;
	if (net_prefix_parse("fd00:ca15:50::1/64", &ula) < 0)
		return cs_err_set(err, EINVAL, "an address cannot be read");
	if (unshare(CLONE_NEWNET) < 0)
		return cs_err_sys(err, "unshare");
	if (net_nl_open(&nl, NETLINK_ROUTE, err) < 0)
		return -err->code;
	net_link_put_bridge(&r, "cscheck0", &mac, 1500);
	net_link_put_up(&r, "cscheck0");
	if (net_nl_call(&nl, &r, NULL, err) < 0 || net_link_get(&nl, "cscheck0", &bridge, err) < 0)
		return -err->code;
	net_nl_req_reset(&r);
	net_route_put_addr(&r, bridge.index, &ula);
	return net_nl_call(&nl, &r, NULL, err) < 0 ? cs_err_wrap(err, "address") : 0;
}

static int try_tap(const struct eng_check *c, void *arg, struct cs_err *err)
{
	int fd;

	(void)c;
	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		return cs_err_sys(err, "unshare");
	fd = net_link_tap("cscheck2", 0, false, err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void check_links(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;

	if (eng_check_try(c, try_links, NULL, &why) == 0)
		eng_check_pass(c, "links", "bridges and veth pairs can be made");
	else
		eng_check_fail(c, "links", "load the modules (modprobe bridge veth)", "%s",
			       why.msg);
	cs_err_clear(&why);
	if (*c->tmp && *c->tmp_run) {
		if (eng_check_try(c, try_network, NULL, &why) == 0)
			eng_check_pass(c, "firewall", "nftables takes a network's rules");
		else
			eng_check_fail(c, "firewall",
				       "load the modules (modprobe nf_tables nft_chain_nat "
				       "nft_masq nft_redir); CONFIG_NF_TABLES_INET is needed",
				       "%s", why.msg);
	}
	cs_err_clear(&why);
	if (eng_check_try(c, try_tap, NULL, &why) == 0)
		eng_check_pass(c, "tap", "tap devices can be made");
	else
		eng_check_warn(c, "tap",
			       "load the module (modprobe tun): virtual machines need it for "
			       "their networks",
			       "%s", why.msg);
}

/* --- the host's own --------------------------------------------------------------------------- */

static void check_forwarding(struct eng_check *c)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_forward";
	cs_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	long long on = eng_check_number(path);
	struct cs_err why = CS_ERR_INIT;

	if (on == 1)
		eng_check_pass(c, "forwarding", "is on");
	else if (fd >= 0)
		eng_check_pass(c, "forwarding", "is off; the first network turns it on");
	else
		eng_check_fail(c, "forwarding",
			       "sysctl -w net.ipv4.ip_forward=1, or mount /proc/sys writable",
			       "is off, and cannot be turned on: %s", strerror(errno));
	if (access("/proc/sys/net/ipv6", F_OK) < 0)
		eng_check_warn(c, "IPv6", "boot without ipv6.disable=1",
			       "the host has none: networks have IPv4 alone");
	else if (eng_check_number("/proc/sys/net/ipv6/conf/all/disable_ipv6") == 1)
		eng_check_warn(c, "IPv6", "sysctl -w net.ipv6.conf.all.disable_ipv6=0",
			       "is turned off");
	else if (eng_check_try(c, try_v6, NULL, &why) < 0)
		eng_check_warn(c, "IPv6",
			       "use a kernel with CONFIG_IPV6: without, networks have IPv4 alone",
			       "addresses of fd00::/8 cannot be had: %s", why.msg);
	else
		eng_check_pass(c, "IPv6", "is there; networks can have addresses of fd00::/8");
}

struct foreign {
	struct eng_check *c;
	size_t n;
};

static int in_the_way(const struct net_foreign *f, void *arg, struct cs_err *err)
{
	struct foreign *found = arg;

	(void)err;
	found->n++;
	eng_check_warn(found->c, "other firewalls", f->help, "%s", f->what);
	return found->c->ret;
}

static void check_foreign(struct eng_check *c)
{
	struct foreign found = { .c = c };
	struct cs_err why = CS_ERR_INIT;

	if (net_foreign_find(NET_DEFAULT_BRIDGE, in_the_way, &found, &why) < 0 && c->ret == 0)
		eng_check_warn(c, "other firewalls", "look at nft list ruleset yourself",
			       "cannot be looked at: %s", why.msg);
	else if (found.n == 0)
		eng_check_pass(c, "other firewalls", "none in the way of " NET_DEFAULT_BRIDGE);
}

static int try_curl(const struct eng_check *c, void *arg, struct cs_err *err)
{
	const struct img_curl *curl = NULL;

	(void)c;
	(void)arg;
	return img_curl_load(&curl, err);
}

static void check_others(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	char line[128];

	if (net_names_have_server())
		eng_check_pass(c, "names", "dnsmasq is there");
	else
		eng_check_warn(c, "names",
			       "install dnsmasq-base: without, /etc/hosts has the "
			       "names of the moment a container starts",
			       "dnsmasq is not there");
	if (eng_check_line_of("/etc/resolv.conf", line, sizeof(line)) == 0)
		eng_check_pass(c, "resolver", "/etc/resolv.conf is there");
	else
		eng_check_warn(c, "resolver", "write one, or use --dns",
			       "/etc/resolv.conf cannot be read: containers ask nobody for names");
	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0 ||
	    access("/etc/pki/tls/certs/ca-bundle.crt", R_OK) == 0 ||
	    access("/etc/ssl/cert.pem", R_OK) == 0)
		eng_check_pass(c, "certificates", "registries' can be verified");
	else
		eng_check_warn(c, "certificates", "install ca-certificates",
			       "no authorities are known: pulling by https fails");
	if (eng_check_try(c, try_curl, NULL, &why) == 0)
		eng_check_pass(c, "registries", "libcurl is there");
	else
		eng_check_warn(c, "registries", "install libcurl4: without, nothing can be pulled",
			       "%s", why.msg);
}

void eng_check_network(struct eng_check *c)
{
	check_links(c);
	check_forwarding(c);
	check_foreign(c);
	check_others(c);
}
