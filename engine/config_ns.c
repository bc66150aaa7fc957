#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/config.h"
#include "engine/config_int.h"
#include "engine/engine.h"
#include "engine/strv.h"
#include "engine/userns.h"

/* How one kind of namespace is asked for. */
struct ns_row {
	const char *type;   /* the spec's word */
	const char *option; /* for errors */
	const char *mode;   /* the record's; NULL: a new one */
	const char *path;   /* to join; NULL: none */
	bool ipc;	    /* "shareable" and "none" are new ones, too */
};

static bool is(const char *mode, const char *word)
{
	return mode && strcmp(mode, word) == 0;
}

bool eng_cfg_host_net(const struct eng_record *r)
{
	return is(r->network_mode, "host");
}

static int own_hostname(struct cfg *c, struct cs_err *err)
{
	char host[HOST_NAME_MAX + 1] = "";
	char *copy;

	if (gethostname(host, sizeof(host) - 1) < 0)
		return cs_err_sys(err, "the host's name");
	copy = cs_arena_str(c->a, host, strlen(host));
	if (!copy)
		return eng_cfg_oom(err);
	c->hostname = copy;
	return 0;
}

int eng_cfg_names(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	size_t len;
	char *id;

	c->new_userns = eng_userns_own(r) || is(r->userns, "auto");
	if (r->userns && !is(r->userns, "host") && !is(r->userns, "auto"))
		return cs_err_set(err, EINVAL, "--userns %.64s: host or auto", r->userns);
	if (is(r->uts, "host") && (r->hostname || r->domainname))
		return cs_err_set(
			err, EINVAL,
			"--hostname and --uts=host: the host's name stays, leave one out");
	if (is(r->uts, "host") || (!r->hostname && eng_cfg_host_net(r)))
		return own_hostname(c, err);
	if (r->hostname) {
		if (!*r->hostname || strlen(r->hostname) > HOST_NAME_MAX)
			return cs_err_set(err, EINVAL, "--hostname %.80s: 1 to %d characters",
					  r->hostname, HOST_NAME_MAX);
		c->hostname = r->hostname;
		return 0;
	}
	if (c->p && c->p->hostname) {
		c->hostname = c->p->hostname;
		return 0;
	}
	len = r->id ? strnlen(r->id, ENG_ID_SHORT) : 0;
	id = cs_arena_str(c->a, r->id ? r->id : "", len);
	if (!id)
		return eng_cfg_oom(err);
	c->hostname = len ? id : NULL;
	return 0;
}

static int put_one(struct cfg *c, const struct ns_row *n, struct cs_err *err)
{
	const char *path = n->path;

	if (is(n->mode, "host") && !path)
		return 0;
	if (n->mode && strncmp(n->mode, "container:", 10) == 0) {
		if (!path && c->p)
			return cs_err_set(err, EINVAL,
					  "%s %.80s: that container does not run; start it first",
					  n->option, n->mode);
	} else if (n->mode && !is(n->mode, "private") && !is(n->mode, "host") && *n->mode &&
		   !(n->ipc && (is(n->mode, "shareable") || is(n->mode, "none")))) {
		return cs_err_set(err, EINVAL, "%s %.64s: %sprivate, host or container:NAME",
				  n->option, n->mode, n->ipc ? "none, shareable, " : "");
	}
	cs_jw_obj(&c->w, NULL);
	cs_jw_str(&c->w, "type", n->type);
	if (path)
		cs_jw_str(&c->w, "path", path);
	cs_jw_obj_end(&c->w);
	return 0;
}

static int put_map(struct cfg *c, const char *option, const char *text, struct cs_err *err)
{
	struct ctr_idmap m;
	int ret = eng_idmap_parse(option, text, &m, err);

	if (ret < 0)
		return ret;
	cs_jw_obj(&c->w, NULL);
	cs_jw_u64(&c->w, "containerID", m.container_id);
	cs_jw_u64(&c->w, "hostID", m.host_id);
	cs_jw_u64(&c->w, "size", m.size);
	cs_jw_obj_end(&c->w);
	return 0;
}

static int put_maps(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	const struct eng_strv *u = r->uidmap.n ? &r->uidmap : &r->gidmap;
	const struct eng_strv *g = r->gidmap.n ? &r->gidmap : &r->uidmap;
	int ret = 0;

	if (u->n == 0)
		return c->p ? cs_err_set(err, EINVAL,
					 "--userns=auto: no ids were chosen for this container")
			    : 0;
	cs_jw_arr(&c->w, "uidMappings");
	for (size_t i = 0; ret == 0 && i < u->n; i++)
		ret = put_map(c, "--uidmap", u->v[i], err);
	cs_jw_arr_end(&c->w);
	cs_jw_arr(&c->w, "gidMappings");
	for (size_t i = 0; ret == 0 && i < g->n; i++)
		ret = put_map(c, "--gidmap", g->v[i], err);
	cs_jw_arr_end(&c->w);
	return ret;
}

int eng_cfg_put_ns(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	const struct eng_place *p = c->p;
	const char *net = r->network_mode;
	const struct ns_row rows[] = {
		{ "pid", "--pid", r->pid, p ? p->pid_ns : NULL, false },
		{ "network", "--network", is(net, "none") ? NULL : net, p ? p->net_ns : NULL,
		  false },
		{ "ipc", "--ipc", r->ipc, p ? p->ipc_ns : NULL, true },
		{ "uts", "--uts", r->uts, p ? p->uts_ns : NULL, false },
		{ "cgroup", "--cgroupns", r->cgroupns, NULL, false },
		{ "mount", NULL, NULL, NULL, false },
	};
	int ret = 0;

	cs_jw_arr(&c->w, "namespaces");
	for (size_t i = 0; ret == 0 && i < CS_LEN(rows); i++)
		ret = put_one(c, &rows[i], err);
	if (c->new_userns) {
		cs_jw_obj(&c->w, NULL);
		cs_jw_str(&c->w, "type", "user");
		cs_jw_obj_end(&c->w);
	}
	cs_jw_arr_end(&c->w);
	if (ret == 0 && c->new_userns)
		ret = put_maps(c, err);
	return ret;
}

/* Whose namespace must be the container's own for this sysctl; NULL: it has none. */
static const char *sysctl_mode(const struct eng_record *r, const char *name, const char **option)
{
	static const char *const ipc[] = {
		"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
	};

	if (cs_str_starts(name, "net.")) {
		*option = "--network";
		return r->network_mode ? r->network_mode : "private";
	}
	if (cs_str_in(name, ipc, CS_LEN(ipc)) || cs_str_starts(name, "fs.mqueue.")) {
		*option = "--ipc";
		return r->ipc ? r->ipc : "private";
	}
	if (strcmp(name, "kernel.domainname") == 0) {
		*option = "--uts";
		return r->uts ? r->uts : "private";
	}
	return NULL;
}

static int sysctl_check(struct cfg *c, const char *text, const char **key, const char **value,
			struct cs_err *err)
{
	const char *equal = strchr(text, '='), *option = NULL, *mode;
	char *name = equal ? cs_arena_str(c->a, text, (size_t)(equal - text)) : NULL;

	if (!equal)
		return cs_err_set(err, EINVAL, "--sysctl %.100s: write NAME=VALUE", text);
	if (!name)
		return eng_cfg_oom(err);
	/* sysctl(8) takes both spellings */
	if (!strchr(name, '.')) {
		for (char *p = name; *p; p++) {
			if (*p == '/')
				*p = '.';
		}
	}
	mode = sysctl_mode(c->r, name, &option);
	if (!mode)
		return cs_err_set(err, EINVAL,
				  "--sysctl %.100s: it is the whole host's, not a container's; "
				  "net.*, kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.* can "
				  "be set",
				  name);
	if (is(mode, "host"))
		return cs_err_set(err, EINVAL,
				  "--sysctl %.100s: it would change the host with %s=host", name,
				  option);
	*key = name;
	*value = equal + 1;
	return 0;
}

/* An ordinary user may listen on any port and send pings: the network is the container's own. */
static int own_sysctl(struct cfg *c, struct eng_strv *v, struct cs_err *err)
{
	int ret;

	if (c->r->network_mode && !is(c->r->network_mode, "none"))
		return 0;
	ret = eng_strv_add(c->a, v, "net.ipv4.ip_unprivileged_port_start=0", err);
	if (ret == 0 && !c->new_userns)
		ret = eng_strv_add(c->a, v, "net.ipv4.ping_group_range=0 2147483647", err);
	return ret;
}

int eng_cfg_put_sysctl(struct cfg *c, struct cs_err *err)
{
	struct eng_strv all = { 0 };
	int ret = own_sysctl(c, &all, err);

	for (size_t i = 0; ret == 0 && i < c->r->sysctl.n; i++)
		ret = eng_strv_set(c->a, &all, c->r->sysctl.v[i], err);
	cs_jw_obj(&c->w, "sysctl");
	for (size_t i = 0; ret == 0 && i < all.n; i++) {
		const char *key = NULL, *value = NULL;

		ret = sysctl_check(c, all.v[i], &key, &value, err);
		if (ret == 0)
			cs_jw_str(&c->w, key, value);
	}
	cs_jw_obj_end(&c->w);
	return ret;
}
