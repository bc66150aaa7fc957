#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "engine/volume.h"

enum { SHM_DEFAULT = 64 << 20 };

struct cfg_mount *eng_cfg_mount(struct cfg *c, const char *target, const char *type,
				const char *source, struct cs_err *err)
{
	void *v = c->mounts;

	if (eng_cfg_grow(c, &v, c->n_mounts, sizeof(*c->mounts), err) < 0)
		return NULL;
	c->mounts = v;
	c->mounts[c->n_mounts] =
		(struct cfg_mount){ .target = target, .type = type, .source = source };
	return &c->mounts[c->n_mounts++];
}

int eng_cfg_options(struct cfg *c, struct cfg_mount *m, const char *text, struct cs_err *err)
{
	while (text && *text) {
		size_t n = strcspn(text, ",");
		char *one = cs_arena_str(c->a, text, n);
		int ret = one ? 0 : eng_cfg_oom(err);

		if (ret == 0 && n)
			ret = eng_strv_add(c->a, &m->options, one, err);
		if (ret < 0)
			return ret;
		text += n;
		text += *text == ',';
	}
	return 0;
}

/* Does the user mount something on @path, or on a folder it is in? Then it is his. */
static bool taken(const struct cfg *c, const char *path)
{
	for (size_t i = 0; i < c->r->n_mounts; i++) {
		const char *t = c->r->mounts[i].target;
		size_t n = strlen(t);

		if (strncmp(t, path, n) == 0 && (path[n] == '\0' || path[n] == '/'))
			return true;
	}
	return false;
}

static int add(struct cfg *c, const char *target, const char *type, const char *source,
	       const char *options, struct cs_err *err)
{
	struct cfg_mount *m;

	if (taken(c, target))
		return 0;
	m = eng_cfg_mount(c, target, type, source, err);
	return m ? eng_cfg_options(c, m, options, err) : -err->code;
}

static bool is(const char *mode, const char *word)
{
	return mode && strcmp(mode, word) == 0;
}

static int shm(struct cfg *c, struct cs_err *err)
{
	const char *ipc = c->r->ipc;
	int64_t size = c->r->shm_size ? c->r->shm_size : SHM_DEFAULT;
	const char *options;

	if (is(ipc, "none"))
		return 0;
	if (is(ipc, "host"))
		return add(c, "/dev/shm", "bind", "/dev/shm", "rbind,rprivate", err);
	if (c->p && c->p->shm)
		return add(c, "/dev/shm", "bind", c->p->shm, "bind,rprivate,nosuid,noexec,nodev",
			   err);
	options = eng_strf(c->a, err, "nosuid,noexec,nodev,mode=1777,size=%lld", (long long)size);
	return options ? add(c, "/dev/shm", "tmpfs", "shm", options, err) : -ENOMEM;
}

/* A file system whose namespace is the host's cannot be mounted anew by the root of a user
 * namespace: the host's own is shown instead. */
static bool show_hosts(const struct cfg *c, const char *mode)
{
	return c->new_userns && is(mode, "host");
}

static int mqueue(struct cfg *c, struct cs_err *err)
{
	static const char path[] = "/dev/mqueue";

	if (!show_hosts(c, c->r->ipc))
		return add(c, path, "mqueue", "mqueue", "nosuid,noexec,nodev", err);
	if (access(path, F_OK) < 0)
		return 0;
	return add(c, path, "bind", path, "rbind,nosuid,noexec,nodev", err);
}

int eng_cfg_views(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	bool rw = r->privileged;
	int ret;

	if (show_hosts(c, r->pid))
		ret = add(c, "/proc", "bind", "/proc", "rbind,nosuid,noexec,nodev", err);
	else
		ret = add(c, "/proc", "proc", "proc", "nosuid,noexec,nodev", err);
	if (ret == 0)
		ret = add(c, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k",
			  err);
	if (ret == 0)
		ret = add(c, "/dev/pts", "devpts", "devpts",
			  "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5", err);
	if (ret == 0 && show_hosts(c, r->network_mode))
		ret = add(c, "/sys", "bind", "/sys",
			  rw ? "rbind,nosuid,noexec,nodev" : "rbind,nosuid,noexec,nodev,ro", err);
	else if (ret == 0)
		ret = add(c, "/sys", "sysfs", "sysfs",
			  rw ? "nosuid,noexec,nodev" : "nosuid,noexec,nodev,ro", err);
	if (ret == 0)
		ret = add(c, "/sys/fs/cgroup", "cgroup", "cgroup",
			  rw || r->systemd ? "nosuid,noexec,nodev" : "nosuid,noexec,nodev,ro", err);
	if (ret == 0)
		ret = mqueue(c, err);
	if (ret == 0)
		ret = shm(c, err);
	c->n_views = c->n_mounts;
	return ret;
}

/* What systemd wants to find empty, and to write to. */
static int systemd(struct cfg *c, struct cs_err *err)
{
	static const struct {
		const char *target, *options;
	} rows[] = {
		{ "/run", "nosuid,nodev,mode=755" },
		{ "/run/lock", "nosuid,nodev,noexec,mode=1777,size=5m" },
		{ "/tmp", "nosuid,nodev,mode=1777" },
	};
	int ret = 0;

	for (size_t i = 0; c->r->systemd && ret == 0 && i < CS_LEN(rows); i++)
		ret = add(c, rows[i].target, "tmpfs", "tmpfs", rows[i].options, err);
	return ret;
}

static int etc_files(struct cfg *c, struct cs_err *err)
{
	static const char *const names[] = { "hosts", "hostname", "resolv.conf" };
	int ret = 0;

	for (size_t i = 0; c->p && c->p->etc && ret == 0 && i < CS_LEN(names); i++) {
		const char *source = eng_strf(c->a, err, "%s/%s", c->p->etc, names[i]);
		const char *target = eng_strf(c->a, err, "/etc/%s", names[i]);

		if (!source || !target)
			return -ENOMEM;
		if (c->p->dry || access(source, F_OK) == 0)
			ret = add(c, target, "bind", source, "rbind,rprivate", err);
	}
	return ret;
}

static bool has_option(const struct cfg_mount *m, const char *const *words, size_t n)
{
	for (size_t i = 0; i < m->options.n; i++) {
		if (cs_str_in(m->options.v[i], words, n))
			return true;
	}
	return false;
}

/* The options of a bind that were not said. */
static int bind_defaults(struct cfg *c, struct cfg_mount *m, struct cs_err *err)
{
	static const char *const binds[] = { "bind", "rbind" };
	static const char *const propagations[] = {
		"private", "rprivate", "shared",     "rshared",
		"slave",   "rslave",   "unbindable", "runbindable",
	};
	int ret = 0;

	if (!has_option(m, binds, CS_LEN(binds)))
		ret = eng_strv_add(c->a, &m->options, "rbind", err);
	if (ret == 0 && !has_option(m, propagations, CS_LEN(propagations)))
		ret = eng_strv_add(c->a, &m->options, "rprivate", err);
	return ret;
}

static int tmpfs_mount(struct cfg *c, const struct eng_mount *em, struct cs_err *err)
{
	struct cfg_mount *m = eng_cfg_mount(c, em->target, "tmpfs", "tmpfs", err);
	int ret = m ? eng_cfg_options(c, m, "noexec,nosuid,nodev", err) : -err->code;

	if (ret == 0)
		ret = eng_cfg_options(c, m, em->options, err);
	if (ret == 0 && em->read_only)
		ret = eng_strv_add(c->a, &m->options, "ro", err);
	return ret;
}

/* A bind, or a volume, which is one too. */
static int bind_mount(struct cfg *c, const struct eng_mount *em, const char *source,
		      struct cs_err *err)
{
	struct cfg_mount *m = eng_cfg_mount(c, em->target, "bind", source, err);
	int ret = m ? eng_cfg_options(c, m, em->options, err) : -err->code;

	if (ret == 0)
		ret = bind_defaults(c, m, err);
	if (ret == 0 && em->read_only)
		ret = eng_strv_add(c->a, &m->options, "ro", err);
	return ret;
}

static const char *strdup_arena(struct cfg *c, const char *s, struct cs_err *err)
{
	return eng_strf(c->a, err, "%s", s ? s : "");
}

/* A volume that is a mount of something: what docker's local driver calls type, device and o. */
static int volume_special(struct cfg *c, const struct eng_mount *em, const struct eng_volume *v,
			  struct cs_err *err)
{
	const char *type = strdup_arena(c, eng_volume_get(&v->options, "type"), err);
	const char *device = strdup_arena(c, eng_volume_get(&v->options, "device"), err);
	const char *o = strdup_arena(c, eng_volume_get(&v->options, "o"), err);
	struct cfg_mount *m;
	int ret;

	if (!type || !device || !o)
		return -ENOMEM;
	if (strcmp(type, "none") == 0)
		type = "bind";
	m = eng_cfg_mount(c, em->target, type, device, err);
	ret = m ? eng_cfg_options(c, m, o, err) : -err->code;
	if (ret == 0)
		ret = eng_cfg_options(c, m, em->options, err);
	if (ret == 0 && strcmp(type, "bind") == 0)
		ret = bind_defaults(c, m, err);
	if (ret == 0 && em->read_only)
		ret = eng_strv_add(c->a, &m->options, "ro", err);
	return ret;
}

static int volume_mount(struct cfg *c, const struct eng_mount *em, struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	const char *source;
	int ret;

	if (em->subpath)
		return cs_err_set(err, EOPNOTSUPP,
				  "--mount volume-subpath=%.64s is not there yet: mount all of the "
				  "volume",
				  em->subpath);
	if (!c->p)
		return 0; /* it is made yet */
	if (!em->source)
		return cs_err_set(err, EINVAL, "the volume of %.200s has no name", em->target);
	ret = eng_volume_load(c->e, em->source, &v, err);
	if (ret == -ENOENT && c->p->dry)
		cs_err_clear(err);
	else if (ret < 0)
		return ret;
	if (v.options.n)
		return volume_special(c, em, &v, err);
	source = eng_strf(c->a, err, "%s/volumes/%s/_data", c->e->root, em->source);
	return source ? bind_mount(c, em, source, err) : -ENOMEM;
}

static int user_mount(struct cfg *c, const struct eng_mount *em, struct cs_err *err)
{
	if (em->type == ENG_MOUNT_TMPFS)
		return tmpfs_mount(c, em, err);
	if (em->type == ENG_MOUNT_VOLUME)
		return volume_mount(c, em, err);
	if (!em->source)
		return cs_err_set(err, EINVAL, "the bind mount on %.200s has no source",
				  em->target);
	return bind_mount(c, em, em->source, err);
}

static unsigned int depth(const char *path)
{
	unsigned int n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* What is mounted on a folder before what is mounted in it; else as they came. */
static void sort(struct cfg *c, size_t first)
{
	for (size_t i = first; i < c->n_mounts; i++)
		c->mounts[i].depth = depth(c->mounts[i].target);
	for (size_t i = first + 1; i < c->n_mounts; i++) {
		struct cfg_mount m = c->mounts[i];
		size_t at = i;

		for (; at > first && c->mounts[at - 1].depth > m.depth; at--)
			c->mounts[at] = c->mounts[at - 1];
		c->mounts[at] = m;
	}
}

int eng_cfg_mounts(struct cfg *c, struct cs_err *err)
{
	struct cfg_mount *m;
	int ret = systemd(c, err);

	if (ret == 0)
		ret = etc_files(c, err);
	for (size_t i = 0; ret == 0 && i < c->r->n_mounts; i++)
		ret = user_mount(c, &c->r->mounts[i], err);
	if (ret == 0 && c->r->init && c->p && c->p->init) {
		m = eng_cfg_mount(c, ENG_INIT_INSIDE, "bind", c->p->init, err);
		ret = m ? eng_cfg_options(c, m, "bind,ro,rprivate", err) : -err->code;
	}
	if (ret == 0)
		sort(c, c->n_views);
	return ret;
}

void eng_cfg_put_mounts(struct cfg *c)
{
	cs_jw_arr(&c->w, "mounts");
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct cfg_mount *m = &c->mounts[i];

		cs_jw_obj(&c->w, NULL);
		cs_jw_str(&c->w, "destination", m->target);
		cs_jw_str(&c->w, "type", m->type);
		cs_jw_str(&c->w, "source", m->source);
		eng_cfg_put_strv(&c->w, "options", &m->options);
		cs_jw_obj_end(&c->w);
	}
	cs_jw_arr_end(&c->w);
}
