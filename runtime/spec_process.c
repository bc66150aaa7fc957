#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/spec_int.h"

/* config.md, Process: for `create` and, alone, for `exec --process`. */

static const struct ctr_name rlimit_rows[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};
static const struct ctr_names rlimits = { rlimit_rows, CS_LEN(rlimit_rows) };

static int user(const struct cs_json_doc *doc, const struct cs_json *process, struct ctr_user *out,
		struct cs_err *err)
{
	const struct cs_json *obj = NULL, *gids = NULL;
	int64_t umask = 0;
	int rc;

	rc = cs_json_obj(process, "user", &obj, err);
	if (rc <= 0)
		return rc;
	rc = ctr_spec_id(obj, "uid", &out->uid, err);
	if (rc >= 0)
		rc = ctr_spec_id(obj, "gid", &out->gid, err);
	if (rc >= 0)
		rc = ctr_spec_int(obj, "umask", 0, 0777, &umask, err);
	if (rc < 0)
		return rc;
	out->has_umask = rc > 0;
	out->umask = (mode_t)umask;
	rc = cs_json_arr(obj, "additionalGids", &gids, err);
	if (rc > 0)
		rc = ctr_spec_u32v(doc, gids, UINT32_MAX - 1, &out->additional_gids, err);
	if (rc == 0 && gids)
		out->n_additional_gids = gids->n;
	return rc < 0 ? rc : 0;
}

static int args(const struct cs_json_doc *doc, const struct cs_json *obj, struct ctr_process *p,
		struct cs_err *err)
{
	int rc = cs_json_strv(doc, obj, "args", &p->args, &p->n_args, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return ctr_spec_missing(obj, "args", err);
	if (p->n_args == 0)
		return cs_json_err(cs_json_get(obj, "args"), err, EINVAL, "must not be empty");
	return 0;
}

/* Leaves out of @v what a later entry of the same name overrides: getenv(3) would find the first
 * one, while callers append what shall count. @keys is sorted by name and place. */
static int env_last(const struct cs_json_doc *doc, const struct ctr_spec_key *keys,
		    struct ctr_process *p, struct cs_err *err)
{
	cs_auto_free bool *over = NULL;
	size_t kept = 0;
	const char **v;

	over = calloc(p->n_env, sizeof(*over));
	v = cs_json_alloc(doc, p->n_env + 1, sizeof(*v));
	if (!over || !v)
		return ctr_spec_oom(err);
	for (size_t i = 1; i < p->n_env; i++)
		over[keys[i - 1].i] = ctr_spec_same(&keys[i - 1], &keys[i]);
	for (size_t i = 0; i < p->n_env; i++) {
		if (!over[i])
			v[kept++] = p->env[i];
	}
	p->env = v;
	p->n_env = kept;
	return 0;
}

/* Values may be secrets: no message has them. */
static int env(const struct cs_json_doc *doc, const struct cs_json *obj, struct ctr_process *p,
	       struct cs_err *err)
{
	static const char *const none[] = { NULL };
	cs_auto_free struct ctr_spec_key *keys = NULL;
	const struct cs_json *c;
	int rc;

	p->env = none;
	rc = cs_json_strv(doc, obj, "env", &p->env, &p->n_env, err);
	if (rc <= 0 || p->n_env == 0)
		return rc < 0 ? rc : 0;
	keys = calloc(p->n_env, sizeof(*keys));
	if (!keys)
		return ctr_spec_oom(err);
	c = cs_json_get(obj, "env")->child;
	for (size_t i = 0; i < p->n_env; i++, c = c->next) {
		const char *eq = strchr(p->env[i], '=');

		if (!eq || eq == p->env[i])
			return cs_json_err(c, err, EINVAL, "must be NAME=value");
		keys[i] = (struct ctr_spec_key){ p->env[i], (size_t)(eq - p->env[i]), i };
	}
	if (ctr_spec_twice(keys, p->n_env) == p->n_env)
		return 0;
	return env_last(doc, keys, p, err);
}

static int need_u64(const struct cs_json *obj, const char *key, uint64_t *out, struct cs_err *err)
{
	int rc = cs_json_u64(obj, key, out, err);

	if (rc == 0)
		return ctr_spec_missing(obj, key, err);
	return rc < 0 ? rc : 0;
}

static int rlimit_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		       struct cs_err *err)
{
	struct ctr_rlimit *r = out;
	uint64_t type = 0;
	int rc;

	(void)doc;
	rc = ctr_spec_word(item, "type", &rlimits, &type, err);
	if (rc == 0)
		return ctr_spec_missing(item, "type", err);
	if (rc > 0)
		rc = need_u64(item, "soft", &r->soft, err);
	if (rc == 0)
		rc = need_u64(item, "hard", &r->hard, err);
	if (rc < 0)
		return rc;
	if (r->soft > r->hard)
		return cs_json_err(cs_json_get(item, "soft"), err, EINVAL,
				   "must not be above hard");
	r->resource = (int)type;
	r->name = ctr_spec_find(&rlimits, cs_json_get(item, "type")->str)->name;
	return 0;
}

static int rlimit_list(const struct cs_json_doc *doc, const struct cs_json *obj,
		       struct ctr_process *p, struct cs_err *err)
{
	const struct ctr_spec_list list = { "rlimits", sizeof(struct ctr_rlimit), rlimit_item };
	const struct ctr_rlimit *r;
	unsigned int seen = 0;
	void *v = NULL;
	int rc;

	rc = ctr_spec_items(doc, obj, &list, &v, &p->n_rlimits, err);
	if (rc < 0)
		return rc;
	r = v;
	for (size_t i = 0; i < p->n_rlimits; i++) {
		if (seen & (1U << r[i].resource))
			return cs_json_err(cs_json_get(obj, "rlimits"), err, EINVAL,
					   "%s is there twice", r[i].name);
		seen |= 1U << r[i].resource;
	}
	p->rlimits = r;
	return 0;
}

/* consoleSize is ignored without a terminal. */
static int console(const struct cs_json *obj, struct ctr_process *p, struct cs_err *err)
{
	const struct cs_json *size = NULL;
	int64_t height = 0, width = 0;
	int rc;

	rc = cs_json_bool(obj, "terminal", &p->terminal, err);
	if (rc < 0 || !p->terminal)
		return rc < 0 ? rc : 0;
	rc = cs_json_obj(obj, "consoleSize", &size, err);
	if (rc <= 0)
		return rc;
	rc = ctr_spec_int(size, "height", 0, UINT16_MAX, &height, err);
	if (rc == 0)
		return ctr_spec_missing(size, "height", err);
	if (rc > 0)
		rc = ctr_spec_int(size, "width", 0, UINT16_MAX, &width, err);
	if (rc == 0)
		return ctr_spec_missing(size, "width", err);
	if (rc < 0)
		return rc;
	p->has_console_size = true;
	p->console_height = (uint16_t)height;
	p->console_width = (uint16_t)width;
	return 0;
}

static int cwd(const struct cs_json *obj, struct ctr_process *p, struct cs_err *err)
{
	int rc = ctr_spec_need_str(obj, "cwd", &p->cwd, err);

	return rc < 0 ? rc : ctr_spec_path(obj, "cwd", &p->cwd, err);
}

static int security(const struct cs_json *obj, struct ctr_process *p, struct cs_err *err)
{
	int64_t adj = 0;
	int rc;

	rc = ctr_spec_caps(obj, &p->caps, err);
	if (rc >= 0)
		rc = cs_json_bool(obj, "noNewPrivileges", &p->no_new_privileges, err);
	if (rc >= 0)
		rc = ctr_spec_str(obj, "apparmorProfile", &p->apparmor_profile, err);
	if (rc >= 0)
		rc = ctr_spec_str(obj, "selinuxLabel", &p->selinux_label, err);
	if (rc >= 0)
		rc = ctr_spec_int(obj, "oomScoreAdj", -1000, 1000, &adj, err);
	if (rc < 0)
		return rc;
	p->has_oom_score_adj = rc > 0;
	p->oom_score_adj = (int)adj;
	return 0;
}

int ctr_spec_parse_process(const struct cs_json_doc *doc, const struct cs_json *obj,
			   struct ctr_process *out, struct cs_err *err)
{
	struct ctr_process p = { .present = true };
	int rc;

	if (obj->type != CS_JSON_OBJECT)
		return cs_json_err(obj, err, EINVAL, "must be an object");
	rc = args(doc, obj, &p, err);
	if (rc >= 0)
		rc = cwd(obj, &p, err);
	if (rc >= 0)
		rc = env(doc, obj, &p, err);
	if (rc >= 0)
		rc = user(doc, obj, &p.user, err);
	if (rc >= 0)
		rc = console(obj, &p, err);
	if (rc >= 0)
		rc = security(obj, &p, err);
	if (rc >= 0)
		rc = rlimit_list(doc, obj, &p, err);
	if (rc >= 0)
		rc = ctr_spec_sched(doc, obj, &p, err);
	if (rc < 0)
		return rc;
	*out = p;
	return 0;
}
