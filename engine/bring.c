#include "engine/bring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/etcfiles.h"
#include "engine/join.h"
#include "engine/record.h"
#include "engine/store.h"
#include "netns/addr.h"
#include "netns/attach.h"
#include "netns/portspec.h"
#include "netns/record.h"
#include "netns/store.h"
#include "runtime/container.h"

/* Where it is on its networks. */
struct places {
	struct net_attachment *v; /* owned */
	struct eng_etc_net *etc;  /* owned */
	size_t n;
};

static void places_fini(struct places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		eng_etc_net_fini(&p->etc[i]);
		net_attachment_fini(&p->v[i]);
	}
	free(p->etc);
	free(p->v);
}

static int parse_addr(const char *what, const char *s, int family, struct net_addr *out,
		      struct cs_err *err)
{
	if (!s)
		return 0;
	if (net_addr_parse(s, out) < 0 || out->family != family)
		return cs_err_set(err, EINVAL, "%s \"%s\" is no %s address", what, s,
				  family == AF_INET ? "IPv4" : "IPv6");
	return 0;
}

/* What is wanted of one network. Ports are published on the first alone. */
static int make_wish(const struct eng_record *r, const struct eng_net *n, struct net_wish *w,
		     struct net_port *ports, struct cs_err *err)
{
	w->owner = r->id;
	w->name = r->name;
	w->aliases = n->aliases.v;
	w->n_aliases = n->aliases.n;
	w->ifname = n->ifname;
	w->ns_is_ours = true;
	if (parse_addr("--ip", n->ip, AF_INET, &w->ip4, err) < 0 ||
	    parse_addr("--ip6", n->ip6, AF_INET6, &w->ip6, err) < 0)
		return -err->code;
	if (n->mac && net_mac_parse(n->mac, &w->mac) < 0)
		return cs_err_set(err, EINVAL, "--mac-address \"%s\" is no MAC address of one host",
				  n->mac);
	if (n != r->nets)
		return 0;
	for (size_t i = 0; i < r->ports.n; i++)
		if (net_port_parse(r->ports.v[i], &ports[i], err) < 0)
			return cs_err_wrap(err, "--publish");
	w->ports = ports;
	w->n_ports = r->ports.n;
	return 0;
}

static int attach_all(const struct eng *e, const struct eng_record *r, pid_t pid, struct places *p,
		      struct cs_err *err)
{
	cs_auto_free struct net_port *ports = calloc(r->ports.n + 1, sizeof(*ports));
	net_auto_store struct net_store st = NET_STORE_INIT;
	char path[32];

	p->v = calloc(r->n_nets + 1, sizeof(*p->v));
	p->etc = calloc(r->n_nets + 1, sizeof(*p->etc));
	if (!ports || !p->v || !p->etc)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (net_store_open(&st, e->root, e->state, err) < 0)
		return -err->code;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	for (size_t i = 0; i < r->n_nets; i++) {
		struct net_wish w = { .ns = -EBADF };
		cs_auto_fd int ns = net_life_of_path(&st, path, &w.life, err);

		if (ns < 0)
			return ns;
		w.ns = ns;
		if (make_wish(r, &r->nets[i], &w, ports, err) < 0 ||
		    net_attach(&st, r->nets[i].network, &w, &p->v[p->n], NULL, err) < 0)
			return cs_err_wrap(err, "network %s", r->nets[i].network);
		p->n++;
		if (eng_etc_net_init(&st, &p->v[i], &p->etc[i], err) < 0)
			return -err->code;
	}
	return 0;
}

static int detach_all(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	const struct net_whom whom = { .owner = r->id, .ns_is_ours = true };
	net_auto_store struct net_store st = NET_STORE_INIT;

	if (r->n_nets == 0)
		return 0;
	if (net_store_open(&st, e->root, e->state, err) < 0)
		return -err->code;
	for (size_t i = 0; i < r->n_nets; i++) {
		struct cs_err one = CS_ERR_INIT;
		int ret = net_detach(&st, r->nets[i].network, &whom, &one);

		if (ret < 0 && ret != -ENOENT && err->code == 0)
			cs_err_set(err, one.code, "network %s: %s", r->nets[i].network, one.msg);
	}
	return -err->code;
}

/* Its networks, and what /etc says of them. */
static int join_networks(const struct eng *e, const struct eng_record *r, int dir, pid_t pid,
			 struct cs_err *err)
{
	cs_auto_fd int etc = -EBADF;
	struct places p = { 0 };
	int ret;

	if (r->n_nets == 0)
		return 0;
	ret = attach_all(e, r, pid, &p, err);
	if (ret == 0) {
		etc = openat(dir, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ret = etc < 0 ? cs_err_sys(err, "open the folder of /etc's files")
			      : eng_etc_write(etc, r, p.etc, p.n, err);
	}
	places_fini(&p);
	return ret;
}

static int take_io(const struct eng_bring_io *io, struct cs_err *err)
{
	const int from[3] = { io->in, io->out, io->err };

	for (int i = 0; i < 3; i++)
		if (from[i] != i && dup2(from[i], i) < 0)
			return cs_err_sys(err, "give the container its standard streams");
	return 0;
}

int eng_bring(const struct eng *e, const struct eng_record *r, const struct eng_bring_io *io,
	      struct eng_brought *out, struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = r->isolation };
	struct ctr_create_opts opts = { .console_socket = io->console };
	ctr_auto_info struct ctr_info info = { 0 };
	cs_auto_fd int dir = -EBADF;
	char bundle[PATH_MAX];

	*out = ENG_BROUGHT_INIT;
	opts.bundle = bundle;
	dir = eng_run_dir(e, r->id, err);
	if (dir < 0 ||
	    cs_str_fmt(bundle, sizeof(bundle), err, "%s/containers/%s", e->state, r->id) < 0 ||
	    take_io(io, err) < 0 || eng_join_check(dir, err) < 0 ||
	    ctr_create(&rt, r->id, &opts, &out->program_exit, err) < 0 ||
	    eng_join_check(dir, err) < 0 || ctr_info_get(&rt, r->id, &info, err) < 0)
		return -err->code;
	out->pid = info.state.pid;
	if (join_networks(e, r, dir, out->pid, err) < 0)
		return -err->code;
	return ctr_start(&rt, r->id, &out->program_exit, err);
}

static int unmount_root(const struct eng *e, const char *id, struct cs_err *err)
{
	char path[PATH_MAX];
	int ret = cs_str_fmt(path, sizeof(path), err, "%s/containers/%s/rootfs", e->state, id);

	if (ret < 0)
		return ret;
	/* all that was ever mounted there; what is busy goes when its last user does */
	while (umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
		;
	return errno == EINVAL || errno == ENOENT ? 0 : cs_err_sys(err, "unmount %s", path);
}

/* What prepare and the runs before made, but not "live" and "attach": they are the monitor's. */
static int remove_bundle(const struct eng *e, const char *id, struct cs_err *err)
{
	static const char *const names[] = { "config.json", "joins",   "etc",
					     "rootfs",	    "console", "paused" };
	cs_auto_fd int dir = openat(e->run, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0
				       : cs_err_sys(err, "open the state of container %.12s", id);
	for (size_t i = 0; i < CS_LEN(names); i++)
		if (cs_file_rmtree(dir, names[i], err) < 0)
			return -err->code;
	return 0;
}

int eng_take_down(const struct eng *e, const struct eng_record *r, bool keep_for_restart,
		  struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = r->isolation };
	struct cs_err first = CS_ERR_INIT, next = CS_ERR_INIT;
	int ret = ctr_delete(&rt, r->id, true, &first);

	if (ret == -ENOENT)
		cs_err_clear(&first);
	if (detach_all(e, r, &next) < 0 && first.code == 0)
		first = next;
	cs_err_clear(&next);
	if (!keep_for_restart &&
	    (unmount_root(e, r->id, &next) < 0 || remove_bundle(e, r->id, &next) < 0) &&
	    first.code == 0)
		first = next;
	if (first.code)
		*err = first;
	return -first.code;
}
