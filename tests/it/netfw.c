/*
 * The firewall and the names of netns/ by hand, for tests:
 *
 *	netfw DIR COMMAND [net=NAME [br=BRIDGE] [mode=nat|routed|isolated] [isolate=1]
 *[v4=GATEWAY/LEN] [v6=GATEWAY/LEN] [owner=ID [ip4=ADDR] [ip6=ADDR] [mac=MAC] [name=NAME]
 *[alias=NAME] [port=PORT]...]...]...
 *
 * Commands on the first network or its first member: add del is-in publish unpublish choose
 * name unname mend hosts; on all: restore; foreign BRIDGE. `dead=ID` is a holder that is no more.
 * Prints what there is to print; an error's message, on stderr, and status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "netns/addr.h"
#include "netns/firewall.h"
#include "netns/foreign.h"
#include "netns/names.h"
#include "netns/ports.h"
#include "netns/portspec.h"

enum { NETS_MAX = 8, ATTS_MAX = 2048, PORTS_MAX = 64, NAMES_MAX = 4 };

static struct net_config nets[NETS_MAX];
static struct net_attachment atts[ATTS_MAX];
static struct net_port ports[ATTS_MAX][PORTS_MAX];
static char *aliases[ATTS_MAX][NAMES_MAX];
static size_t n_nets, n_atts;
static const char *dead = "";

static void usage(const char *what)
{
	(void)fprintf(stderr, "netfw: what is %s?\n", what);
	exit(2);
}

static void subnet(struct net_subnet *s, const char *v)
{
	if (net_prefix_parse(v, &s->subnet) < 0)
		usage(v);
	s->gateway = s->subnet.addr;
	s->subnet.addr = net_addr_mask(&s->gateway, s->subnet.len);
}

static void mode(struct net_config *n, const char *v)
{
	static const char *const names[] = {
		[NET_MODE_NAT] = "nat",
		[NET_MODE_ROUTED] = "routed",
		[NET_MODE_ISOLATED] = "isolated",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], v) == 0)
			n->mode = (enum net_mode)i;
}

static void net_option(const char *key, const char *v)
{
	struct net_config *n = n_nets ? &nets[n_nets - 1] : NULL;

	if (strcmp(key, "net") == 0) {
		n = &nets[n_nets++];
		n->dns = true;
		(void)snprintf(n->name, sizeof(n->name), "%s", v);
	} else if (n && strcmp(key, "br") == 0) {
		(void)snprintf(n->bridge, sizeof(n->bridge), "%s", v);
	} else if (n && strcmp(key, "mode") == 0) {
		mode(n, v);
	} else if (n && strcmp(key, "isolate") == 0) {
		n->isolate = true;
	} else if (n && strcmp(key, "v4") == 0) {
		subnet(&n->v4, v);
	} else if (n && strcmp(key, "v6") == 0) {
		subnet(&n->v6, v);
	} else {
		usage(key);
	}
}

static bool att_option(const char *key, char *v)
{
	struct net_attachment *a = n_atts ? &atts[n_atts - 1] : NULL;
	struct cs_err err = CS_ERR_INIT;

	if (strcmp(key, "owner") == 0) {
		a = &atts[n_atts];
		a->ports = ports[n_atts];
		a->aliases = aliases[n_atts++];
		(void)snprintf(a->owner, sizeof(a->owner), "%s", v);
		(void)snprintf(a->ifname, sizeof(a->ifname), "eth0");
		return true;
	}
	if (!a)
		return false;
	if (strcmp(key, "ip4") == 0)
		return net_addr_parse(v, &a->ip4.addr) == 0;
	if (strcmp(key, "ip6") == 0)
		return net_addr_parse(v, &a->ip6.addr) == 0;
	if (strcmp(key, "mac") == 0) {
		a->ifname[0] = '\0';
		return net_mac_parse(v, &a->mac) == 0;
	}
	if (strcmp(key, "name") == 0)
		return (a->name = v) != NULL;
	if (strcmp(key, "alias") == 0)
		return (a->aliases[a->n_aliases++] = v) != NULL;
	if (strcmp(key, "port") != 0)
		return false;
	if (net_port_parse(v, &a->ports[a->n_ports++], &err) == 0)
		return true;
	(void)fprintf(stderr, "%s\n", err.msg);
	exit(1);
}

static void options(char **argv)
{
	for (; *argv; argv++) {
		char *v = strchr(*argv, '=');

		if (!v)
			usage(*argv);
		*v++ = '\0';
		if (strcmp(*argv, "dead") == 0)
			dead = v;
		else if (!att_option(*argv, v))
			net_option(*argv, v);
	}
}

static int alive(const char *owner, char holder[NET_FW_HOLDER], void *arg, struct cs_err *err)
{
	(void)holder;
	(void)arg;
	(void)err;
	return strcmp(owner, dead) != 0;
}

static int say_foreign(const struct net_foreign *f, void *arg, struct cs_err *err)
{
	(void)arg;
	(void)err;
	(void)printf("%s\n\t%s\n", f->what, f->help);
	return 0;
}

static int restore(const struct net_fw *fw, struct cs_err *err)
{
	const struct net_config *n[NETS_MAX];
	const struct net_attachment *a[ATTS_MAX];
	const struct net_fw_want want = { n, n_nets, a, n_atts };

	for (size_t i = 0; i < n_nets; i++)
		n[i] = &nets[i];
	for (size_t i = 0; i < n_atts; i++)
		a[i] = &atts[i];
	return net_fw_restore(fw, &want, err);
}

static int choose(const struct net_fw *fw, struct cs_err *err)
{
	int ret = net_ports_choose(fw, atts[0].ports, atts[0].n_ports, err);
	char text[NET_PORT_TEXT];

	for (size_t i = 0; ret == 0 && i < atts[0].n_ports; i++)
		puts(net_port_text(&atts[0].ports[i], text));
	return ret;
}

static int hosts(int dir, struct cs_err *err)
{
	char *text = NULL;
	int ret = net_names_hosts(dir, &atts[0], &text, err);

	if (ret == 0)
		(void)fputs(text, stdout);
	free(text);
	return ret;
}

static int run(const char *cmd, int dir, struct cs_err *err)
{
	const struct net_fw fw = { .run_dir = dir, .table = "caisson-test" };

	if (strcmp(cmd, "add") == 0)
		return net_fw_network_add(&fw, &nets[0], err);
	if (strcmp(cmd, "del") == 0)
		return net_fw_network_del(&fw, &nets[0], err);
	if (strcmp(cmd, "is-in") == 0)
		return printf("%d\n", net_fw_network_is_in(&fw, &nets[0], err)) < 0;
	if (strcmp(cmd, "publish") == 0)
		return net_fw_publish(&fw, &atts[0], alive, NULL, err);
	if (strcmp(cmd, "unpublish") == 0)
		return net_fw_unpublish(&fw, &atts[0], err);
	if (strcmp(cmd, "restore") == 0)
		return restore(&fw, err);
	if (strcmp(cmd, "choose") == 0)
		return choose(&fw, err);
	if (strcmp(cmd, "name") == 0)
		return net_names_add(dir, &nets[0], &atts[0], err);
	if (strcmp(cmd, "unname") == 0)
		return net_names_del(dir, &nets[0], atts[0].owner, NULL, err);
	if (strcmp(cmd, "mend") == 0)
		return net_names_mend(dir, &nets[0], err);
	if (strcmp(cmd, "hosts") == 0)
		return hosts(dir, err);
	usage(cmd);
	return 2;
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	struct cs_err err = CS_ERR_INIT;
	double begin;
	int dir, ret;

	if (argc < 3)
		usage("wanted");
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		perror(argv[1]);
		return 2;
	}
	if (strcmp(argv[2], "foreign") == 0 && argc == 4) {
		ret = net_foreign_find(argv[3], say_foreign, NULL, &err);
	} else {
		options(argv + 3);
		begin = now_us();
		ret = run(argv[2], dir, &err);
		if (getenv("NETFW_TIME"))
			(void)fprintf(stderr, "%.0f us\n", now_us() - begin);
	}
	if (err.code)
		(void)fprintf(stderr, "%s\n", err.msg);
	return ret < 0 || err.code != 0;
}
