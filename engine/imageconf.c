#include "engine/imageconf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/mountspec.h"
#include "engine/record.h"
#include "engine/strv.h"
#include "images/config.h"

static int command(struct eng_record *r, const struct img_config *c, struct cs_err *err)
{
	bool given = r->entrypoint.n > 0;

	if (given && r->entrypoint.n == 1 && !*r->entrypoint.v[0])
		r->entrypoint = (struct eng_strv){ 0 };
	if (!given && c) {
		if (r->cmd.n == 0)
			r->cmd = (struct eng_strv){ c->cmd, c->n_cmd };
		r->entrypoint = (struct eng_strv){ c->entrypoint, c->n_entrypoint };
	}
	if (r->entrypoint.n == 0 && r->cmd.n == 0)
		return cs_err_set(err, EINVAL,
				  "no command: the image names none, so say what to run after the "
				  "image's name");
	return 0;
}

/* The image's under the user's, by name. */
static int env(struct eng_record *r, const struct img_config *c, struct cs_arena *a,
	       struct cs_err *err)
{
	struct eng_strv merged = { 0 };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < c->n_env; i++) {
		/* an image is no place for a name alone, nor for none */
		if (strchr(c->env[i], '=') > c->env[i])
			ret = eng_strv_set(a, &merged, c->env[i], err);
	}
	for (size_t i = 0; ret == 0 && i < r->env.n; i++)
		ret = eng_strv_set(a, &merged, r->env.v[i], err);
	if (ret == 0)
		r->env = merged;
	return ret;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int labels(struct eng_record *r, const struct img_config *c, struct cs_arena *a,
		  struct cs_err *err)
{
	struct eng_strv merged = { 0 };
	const struct cs_json *l;
	const char **v;
	int ret = 0;

	if (!c->labels)
		return 0;
	cs_json_for_each (l, c->labels) {
		const char *pair;

		/* a key with "=" in it would be another key */
		if (l->type != CS_JSON_STRING || strchr(l->key, '='))
			continue;
		pair = eng_strf(a, err, "%s=%s", l->key, l->str);
		ret = pair ? eng_strv_set(a, &merged, pair, err) : -ENOMEM;
		if (ret < 0)
			return ret;
	}
	for (size_t i = 0; ret == 0 && i < r->labels.n; i++)
		ret = eng_strv_set(a, &merged, r->labels.v[i], err);
	if (ret < 0 || merged.n == 0)
		return ret;
	v = cs_arena_alloc(a, (merged.n + 1) * sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "labels: out of memory");
	memcpy(v, merged.v, (merged.n + 1) * sizeof(*v));
	qsort(v, merged.n, sizeof(*v), by_text);
	r->labels = (struct eng_strv){ v, merged.n };
	return 0;
}

static bool is_target(const struct eng_record *r, const char *target)
{
	for (size_t i = 0; i < r->n_mounts; i++) {
		if (strcmp(r->mounts[i].target, target) == 0)
			return true;
	}
	return false;
}

static int volumes(struct eng_record *r, const struct img_config *c, struct cs_arena *a,
		   struct cs_err *err)
{
	const struct cs_json *v;
	struct eng_mount *m;

	if (!c->volumes || c->volumes->n == 0)
		return 0;
	m = cs_arena_alloc(a, (r->n_mounts + c->volumes->n) * sizeof(*m));
	if (!m)
		return cs_err_set(err, ENOMEM, "volumes: out of memory");
	if (r->n_mounts)
		memcpy(m, r->mounts, r->n_mounts * sizeof(*m));
	r->mounts = m;
	cs_json_for_each (v, c->volumes) {
		int ret = eng_mount_image_volume(a, v->key, &m[r->n_mounts], err);

		if (ret < 0)
			return ret;
		if (!is_target(r, m[r->n_mounts].target))
			r->n_mounts++;
	}
	return 0;
}

static int ports(struct eng_record *r, const struct img_config *c, struct cs_arena *a,
		 struct cs_err *err)
{
	const struct cs_json *p;

	if (!c->ports)
		return 0;
	cs_json_for_each (p, c->ports) {
		const char *port =
			strchr(p->key, '/') ? p->key : eng_strf(a, err, "%s/tcp", p->key);
		int ret = port ? 0 : -ENOMEM;

		if (ret == 0 && !eng_strv_has(&r->expose, port))
			ret = eng_strv_add(a, &r->expose, port, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* "" is as good as nothing. */
static void text(const char **to, const char *from)
{
	if (!*to && from && *from)
		*to = from;
}

int eng_record_merge_image(struct eng_record *r, const struct img_config *c, struct cs_arena *a,
			   struct cs_err *err)
{
	int ret = command(r, c, err);

	if (ret == 0 && c) {
		text(&r->user, c->user);
		text(&r->workdir, c->workdir);
		text(&r->stop_signal, c->stop_signal);
		ret = env(r, c, a, err);
		if (ret == 0)
			ret = labels(r, c, a, err);
		if (ret == 0)
			ret = volumes(r, c, a, err);
		if (ret == 0)
			ret = ports(r, c, a, err);
	}
	if (ret == 0 && r->systemd)
		text(&r->stop_signal, "SIGRTMIN+3");
	return ret;
}
