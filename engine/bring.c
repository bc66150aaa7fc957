#include "engine/bring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "engine/etcfiles.h"
#include "engine/join.h"
#include "engine/logread.h"
#include "engine/pidfile.h"
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
	int tap[CTR_NICS_MAX];	  /* owned; of a machine's */
	size_t n;
};
#define PLACES_INIT ((struct places){ .n = 0 })

static void places_fini(struct places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		eng_etc_net_fini(&p->etc[i]);
		net_attachment_fini(&p->v[i]);
		cs_close_fd(&p->tap[i]);
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

/* What it lives by and where it goes: its namespace, or a tap for a machine (@pid 0), which lives
 * by the monitor, whose child this process is. Returns the namespace's fd, -EBADF for a tap. */
static int find_end(const struct net_store *st, pid_t pid, struct net_wish *w, struct cs_err *err)
{
	char path[32];

	if (pid) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
		return net_life_of_path(st, path, &w->life, err);
	}
	w->ifname = NULL;
	return net_life_of_process(st, getppid(), &w->life, err) < 0 ? -err->code : -EBADF;
}

static int attach_all(const struct eng *e, const struct eng_record *r, pid_t pid, struct places *p,
		      struct cs_err *err)
{
	cs_auto_free struct net_port *ports = calloc(r->ports.n + 1, sizeof(*ports));
	net_auto_store struct net_store st = NET_STORE_INIT;

	p->v = calloc(r->n_nets + 1, sizeof(*p->v));
	p->etc = calloc(r->n_nets + 1, sizeof(*p->etc));
	if (!ports || !p->v || !p->etc)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (net_store_open(&st, e->root, e->state, err) < 0)
		return -err->code;
	for (size_t i = 0; i < r->n_nets; i++) {
		struct net_wish w = { .ns = -EBADF };
		cs_auto_fd int ns = -EBADF;

		if (make_wish(r, &r->nets[i], &w, ports, err) < 0)
			return -err->code;
		ns = find_end(&st, pid, &w, err);
		if (err->code)
			return -err->code;
		w.ns = ns;
		if (net_attach(&st, r->nets[i].network, &w, &p->v[p->n], pid ? NULL : &p->tap[p->n],
			       err) < 0)
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

/* Its networks (of the namespace of @pid, or of a machine's with 0), and what /etc says of them. */
static int join_networks(const struct eng *e, const struct eng_record *r, int dir, pid_t pid,
			 struct places *p, struct cs_err *err)
{
	cs_auto_fd int etc = -EBADF;

	for (size_t i = 0; i < CS_LEN(p->tap); i++)
		p->tap[i] = -EBADF;
	if (r->n_nets == 0)
		return 0;
	if (attach_all(e, r, pid, p, err) < 0)
		return -err->code;
	etc = openat(dir, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (etc < 0)
		return cs_err_sys(err, "open the folder of /etc's files");
	return eng_etc_write(etc, r, p->etc, p->n, err);
}

/* A machine's cards, as the runtime takes them. */
struct cards {
	struct ctr_nic v[CTR_NICS_MAX];
	struct {
		char mac[NET_MAC_TEXT], name[IF_NAMESIZE];
		char address[2][NET_PREFIX_TEXT], gateway[2][NET_ADDR_TEXT];
		const char *addresses[3], *gateways[3];
	} text[CTR_NICS_MAX];
};

static void make_card(const struct eng_net *net, const struct places *p, size_t i, struct cards *c)
{
	const struct net_attachment *a = &p->v[i];
	const char **addresses = c->text[i].addresses, **gateways = c->text[i].gateways;

	if (net->ifname)
		snprintf(c->text[i].name, sizeof(c->text[i].name), "%s", net->ifname);
	else
		snprintf(c->text[i].name, sizeof(c->text[i].name), "eth%u", (unsigned int)i);
	if (a->ip4.addr.family)
		*addresses++ = net_prefix_text(&a->ip4, c->text[i].address[0]);
	if (a->ip6.addr.family)
		*addresses = net_prefix_text(&a->ip6, c->text[i].address[1]);
	if (a->gateway4.family)
		*gateways++ = net_addr_text(&a->gateway4, c->text[i].gateway[0]);
	if (a->gateway6.family)
		*gateways = net_addr_text(&a->gateway6, c->text[i].gateway[1]);
	c->v[i] = (struct ctr_nic){
		.tap = p->tap[i],
		.mac = net_mac_text(&a->mac, c->text[i].mac),
		.name = c->text[i].name,
		.mtu = a->mtu,
		.addresses = c->text[i].addresses,
		.gateways = c->text[i].gateways,
	};
}

/* What it is started with, and where its console goes. */
static int choose_boot(const struct eng *e, const struct eng_record *r, struct ctr_boot *out,
		       struct cs_err *err)
{
	cs_auto_fd int dir = eng_dir(e, r->id, err);

	*out = (struct ctr_boot){
		.kernel = r->kernel,
		.initrd = r->initrd,
		.append = r->append,
		.console = -EBADF,
	};
	if (dir < 0)
		return dir;
	out->console = openat(dir, ENG_BOOT_LOG,
			      O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return out->console < 0 ? cs_err_sys(err, "make the log of the machine's console") : 0;
}

/* A machine has its cards from the beginning. */
static int create_machine(const struct eng *e, const struct eng_record *r, int dir,
			  struct ctr_create_opts *opts, struct eng_brought *out, struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = r->isolation };
	ctr_auto_info struct ctr_info info = { 0 };
	struct places p = PLACES_INIT;
	struct cards c = { 0 };
	struct ctr_boot boot;
	int ret;

	if (r->n_nets > CTR_NICS_MAX)
		return cs_err_set(err, EINVAL, "--network: a machine can be on %d networks at most",
				  CTR_NICS_MAX);
	ret = choose_boot(e, r, &boot, err);
	if (ret < 0)
		return ret;
	opts->boot = &boot;
	ret = join_networks(e, r, dir, 0, &p, err);
	for (size_t i = 0; ret == 0 && i < p.n; i++)
		make_card(&r->nets[i], &p, i, &c);
	opts->nics = c.v;
	opts->n_nics = p.n;
	if (ret == 0)
		ret = ctr_create(&rt, r->id, opts, &out->program_exit, err);
	opts->nics = NULL;
	opts->n_nics = 0;
	places_fini(&p);
	cs_close_fd(&boot.console);
	opts->boot = NULL;
	opts->nics = NULL;
	opts->n_nics = 0;
	if (ret == 0)
		ret = ctr_info_get(&rt, r->id, &info, err);
	out->pid = info.state.pid;
	return ret;
}

static int create_container(const struct eng *e, const struct eng_record *r, int dir,
			    const struct ctr_create_opts *opts, struct eng_brought *out,
			    struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = r->isolation };
	ctr_auto_info struct ctr_info info = { 0 };
	struct places p = PLACES_INIT;
	int ret;

	if (ctr_create(&rt, r->id, opts, &out->program_exit, err) < 0 ||
	    eng_join_check(dir, err) < 0 || ctr_info_get(&rt, r->id, &info, err) < 0)
		return -err->code;
	out->pid = info.state.pid;
	ret = join_networks(e, r, dir, out->pid, &p, err);
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
	cs_auto_fd int dir = -EBADF;
	char bundle[PATH_MAX];
	int ret;

	*out = ENG_BROUGHT_INIT;
	opts.bundle = bundle;
	dir = eng_run_dir(e, r->id, err);
	if (dir < 0 ||
	    cs_str_fmt(bundle, sizeof(bundle), err, "%s/containers/%s", e->state, r->id) < 0 ||
	    take_io(io, err) < 0 || eng_join_check(dir, err) < 0 ||
	    (io->again && eng_config_limits(r, dir, err) < 0))
		return -err->code;
	ret = eng_is_vm(r) ? create_machine(e, r, dir, &opts, out, err)
			   : create_container(e, r, dir, &opts, out, err);
	if (ret == 0)
		ret = eng_pidfile_write(r, dir, out->pid, err);
	return ret < 0 ? ret : ctr_start(&rt, r->id, &out->program_exit, err);
}

static int unmount(const struct eng *e, const char *id, const char *name, struct cs_err *err)
{
	char path[PATH_MAX];
	int ret = cs_str_fmt(path, sizeof(path), err, "%s/containers/%s/%s", e->state, id, name);

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
					     "rootfs",	    "console", "shm" };
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
	cs_auto_fd int dir = openat(e->run, r->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ret = ctr_delete(&rt, r->id, true, &first);

	if (dir >= 0)
		eng_pidfile_drop(r, dir);
	if (ret == -ENOENT)
		cs_err_clear(&first);
	if (detach_all(e, r, &next) < 0 && first.code == 0)
		first = next;
	cs_err_clear(&next);
	if (!keep_for_restart &&
	    (unmount(e, r->id, "rootfs", &next) < 0 || unmount(e, r->id, "shm", &next) < 0 ||
	     remove_bundle(e, r->id, &next) < 0) &&
	    first.code == 0)
		first = next;
	if (first.code)
		*err = first;
	return -first.code;
}
