#include "engine/config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/cgpath.h"
#include "engine/config_int.h"
#include "engine/engine.h"

int eng_cfg_oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "container's configuration: out of memory");
}

int eng_cfg_grow(struct cfg *c, void **v, size_t n, size_t size, struct cs_err *err)
{
	void *p;

	/* full whenever the number is a power of two */
	if (n & (n - 1))
		return 0;
	p = cs_arena_alloc(c->a, (n ? 2 * n : 1) * size);
	if (!p)
		return eng_cfg_oom(err);
	if (n)
		memcpy(p, *v, n * size);
	*v = p;
	return 0;
}

static void put_root(struct cfg *c)
{
	cs_jw_obj(&c->w, "root");
	cs_jw_str(&c->w, "path", c->p ? c->p->rootfs_path : "rootfs");
	cs_jw_bool(&c->w, "readonly", c->r->read_only);
	cs_jw_obj_end(&c->w);
}

static bool host_uts(const struct eng_record *r)
{
	return r->uts && strcmp(r->uts, "private") != 0;
}

static void put_names(struct cfg *c)
{
	if (host_uts(c->r))
		return;
	if (c->hostname)
		cs_jw_str(&c->w, "hostname", c->hostname);
	if (c->r->domainname)
		cs_jw_str(&c->w, "domainname", c->r->domainname);
}

static int put_annotations(struct cfg *c, struct cs_err *err)
{
	const struct eng_strv *v = &c->r->annotations;

	if (v->n == 0)
		return 0;
	cs_jw_obj(&c->w, "annotations");
	for (size_t i = 0; i < v->n; i++) {
		size_t n = strcspn(v->v[i], "=");
		char *key = cs_arena_str(c->a, v->v[i], n);

		if (!key)
			return eng_cfg_oom(err);
		cs_jw_str(&c->w, key, v->v[i][n] ? v->v[i] + n + 1 : "");
	}
	cs_jw_obj_end(&c->w);
	return 0;
}

static void put_hooks_of(struct cfg *c, const char *name)
{
	bool open = false;

	for (size_t i = 0; i < c->n_hooks; i++) {
		const struct cfg_hook *h = &c->hooks[i];

		if (strcmp(h->name, name) != 0)
			continue;
		if (!open)
			cs_jw_arr(&c->w, name);
		open = true;
		cs_jw_obj(&c->w, NULL);
		cs_jw_str(&c->w, "path", h->path);
		if (h->args.n)
			eng_cfg_put_strv(&c->w, "args", &h->args);
		if (h->env.n)
			eng_cfg_put_strv(&c->w, "env", &h->env);
		if (h->timeout_s)
			cs_jw_i64(&c->w, "timeout", h->timeout_s);
		cs_jw_obj_end(&c->w);
	}
	if (open)
		cs_jw_arr_end(&c->w);
}

static void put_hooks(struct cfg *c)
{
	static const char *const names[] = {
		"prestart",	  "createRuntime", "createContainer",
		"startContainer", "poststart",	   "poststop",
	};

	if (c->n_hooks == 0)
		return;
	cs_jw_obj(&c->w, "hooks");
	for (size_t i = 0; i < CS_LEN(names); i++)
		put_hooks_of(c, names[i]);
	cs_jw_obj_end(&c->w);
}

static int put_linux(struct cfg *c, struct cs_err *err)
{
	char path[PATH_MAX];
	int ret = eng_cgroup_path(c->r->cgroup_parent, c->r->id ? c->r->id : "new", path,
				  sizeof(path), err);

	if (ret < 0)
		return ret;
	cs_jw_obj(&c->w, "linux");
	cs_jw_str(&c->w, "cgroupsPath", path);
	ret = eng_cfg_put_ns(c, err);
	if (ret < 0)
		return ret;
	eng_cfg_put_devices(c);
	cs_jw_obj(&c->w, "resources");
	eng_cfg_put_rules(c);
	ret = eng_cfg_put_limits(c, err);
	cs_jw_obj_end(&c->w);
	if (ret == 0)
		ret = eng_cfg_put_sysctl(c, err);
	if (ret < 0)
		return ret;
	eng_cfg_put_paths(c);
	ret = eng_cfg_put_seccomp(c, err);
	cs_jw_obj_end(&c->w);
	return ret;
}

/* What the parts are made from, in the order they need one another. */
static int gather(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	int ret = 0;

	if (c->p)
		ret = eng_user_find(c->p->rootfs, r->user, &r->group_add, &c->user, err);
	if (ret == 0)
		ret = eng_cfg_security(c, err);
	if (ret == 0)
		ret = eng_cfg_caps(c, err);
	if (ret == 0)
		ret = eng_cfg_names(c, err);
	if (ret == 0)
		ret = eng_cfg_env(c, err);
	if (ret == 0)
		ret = eng_cfg_views(c, err);
	if (ret == 0) /* those of CDI bring mounts and more */
		ret = eng_cfg_devices(c, err);
	if (ret == 0)
		ret = eng_cfg_mounts(c, err);
	return ret;
}

static int build(struct cfg *c, struct cs_err *err)
{
	int ret = eng_cfg_vm(c, err);

	if (ret == 0)
		ret = gather(c, err);
	if (ret < 0)
		return ret;
	cs_jw_obj(&c->w, NULL);
	cs_jw_str(&c->w, "ociVersion", "1.3.0");
	put_root(c);
	ret = eng_cfg_put_process(c, err);
	if (ret < 0)
		return ret;
	put_names(c);
	eng_cfg_put_mounts(c);
	put_hooks(c);
	ret = put_annotations(c, err);
	if (ret == 0)
		ret = put_linux(c, err);
	cs_jw_obj_end(&c->w);
	return ret;
}

static void cfg_fini(struct cfg *c)
{
	cs_arena_free(c->a);
	cs_jw_fini(&c->w);
	eng_user_fini(&c->user);
}
#define auto_cfg CS_CLEANUP(cfg_fini)

int eng_config_text(const struct eng *e, const struct eng_record *r, const struct eng_place *p,
		    char **out, size_t *len, struct cs_err *err)
{
	auto_cfg struct cfg c = { .e = e, .r = r, .p = p };
	int ret;

	c.a = cs_arena_new(8192);
	if (!c.a)
		return eng_cfg_oom(err);
	ret = build(&c, err);
	return ret < 0 ? ret : cs_jw_take(&c.w, out, len, err);
}

int eng_config_check(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	auto_cfg struct cfg c = { .e = e, .r = r };

	c.a = cs_arena_new(8192);
	return c.a ? build(&c, err) : eng_cfg_oom(err);
}
