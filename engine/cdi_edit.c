#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/cdi_int.h"
#include "engine/config_int.h"
#include "engine/strv.h"

/* What a CDI device changes of a container. The file is the host's administrator's, but may be
 * wrong. */

static const char *copy(struct cfg *c, const char *s, struct cs_err *err)
{
	const char *p = cs_arena_str(c->a, s, strlen(s));

	if (!p)
		eng_cfg_oom(err);
	return p;
}

/* A string that may be missing (then *@out stays), copied. */
static int str(struct cfg *c, const struct cs_json *obj, const char *key, const char **out,
	       struct cs_err *err)
{
	const char *s = NULL;
	int ret = cs_json_str(obj, key, &s, err);

	if (ret <= 0)
		return ret;
	s = copy(c, s, err);
	if (!s)
		return -ENOMEM;
	*out = s;
	return 0;
}

static int path(struct cfg *c, const struct cs_json *obj, const char *key, const char **out,
		struct cs_err *err)
{
	int ret = str(c, obj, key, out, err);

	if (ret == 0 && (!*out || **out != '/'))
		return cs_json_err(obj, err, EINVAL, "%s: must be an absolute path", key);
	return ret;
}

static int strv(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *obj,
		const char *key, struct eng_strv *out, struct cs_err *err)
{
	const char *const *v = NULL;
	size_t n = 0;
	int ret = cs_json_strv(doc, obj, key, &v, &n, err);

	for (size_t i = 0; ret >= 0 && i < n; i++) {
		const char *s = copy(c, v[i], err);

		ret = s ? eng_strv_add(c->a, out, s, err) : -ENOMEM;
	}
	return ret < 0 ? ret : 0;
}

/* Type and numbers as the host has them, where the file does not say. */
static int from_host(struct cfg *c, const struct cs_json *obj, const char *host,
		     struct cfg_device *d, struct cs_err *err)
{
	struct stat sb;

	if (!c->p) {
		d->type = 'c';
		return 0;
	}
	if (stat(host, &sb) < 0)
		return cs_err_sys(err, "CDI device node %.200s", host);
	if (!S_ISCHR(sb.st_mode) && !S_ISBLK(sb.st_mode))
		return cs_json_err(obj, err, EINVAL, "%.200s is no device", host);
	d->type = S_ISBLK(sb.st_mode) ? 'b' : 'c';
	d->major = major(sb.st_rdev);
	d->minor = minor(sb.st_rdev);
	if (!d->has_mode)
		d->mode = sb.st_mode & 07777;
	d->has_mode = true;
	return 0;
}

static int ids(const struct cs_json *obj, struct cfg_device *d, struct cs_err *err)
{
	uint32_t mode = 0;
	int ret = cs_json_u32(obj, "uid", &d->uid, err);

	d->has_uid = ret > 0;
	if (ret >= 0)
		ret = cs_json_u32(obj, "gid", &d->gid, err);
	d->has_gid = ret > 0;
	if (ret >= 0)
		ret = cs_json_u32(obj, "fileMode", &mode, err);
	d->has_mode = ret > 0;
	d->mode = mode & 07777;
	return ret < 0 ? ret : 0;
}

static int numbers(struct cfg *c, const struct cs_json *obj, const char *host, struct cfg_device *d,
		   struct cs_err *err)
{
	const char *type = NULL;
	int64_t maj = 0, min = 0;
	int ret = cs_json_str(obj, "type", &type, err), got;

	if (ret < 0)
		return ret;
	got = cs_json_i64(obj, "major", &maj, err);
	ret = got < 0 ? got : cs_json_i64(obj, "minor", &min, err);
	if (ret < 0)
		return ret;
	if (maj < 0 || maj > 0xfff || min < 0 || min > 0xfffff)
		return cs_json_err(obj, err, EINVAL, "major and minor are out of range");
	if (!type || !*type || got == 0)
		return from_host(c, obj, host, d, err);
	if (strlen(type) != 1 || !strchr("cub", *type))
		return cs_json_err(cs_json_get(obj, "type"), err, EINVAL, "must be c, u or b");
	d->type = *type == 'b' ? 'b' : 'c';
	d->major = (uint32_t)maj;
	d->minor = (uint32_t)min;
	return 0;
}

static int node(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *obj,
		struct cs_err *err)
{
	const char *access = "rwm", *host = NULL;
	struct cfg_device d = { 0 };
	int ret = path(c, obj, "path", &d.path, err);

	(void)doc;
	host = d.path;
	if (ret == 0)
		ret = str(c, obj, "hostPath", &host, err);
	if (ret == 0)
		ret = str(c, obj, "permissions", &access, err);
	if (ret == 0)
		ret = ids(obj, &d, err);
	if (ret == 0)
		ret = numbers(c, obj, host, &d, err);
	if (ret < 0)
		return ret;
	if (!*access || strlen(access) > 3 || access[strspn(access, "rwm")])
		return cs_json_err(cs_json_get(obj, "permissions"), err, EINVAL, "must be of rwm");
	return eng_cfg_device(c, &d, access, err);
}

static int mount(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *obj,
		 struct cs_err *err)
{
	const char *host = NULL, *target = NULL, *type = NULL;
	struct eng_strv options = { 0 };
	struct cfg_mount *m;
	int ret = path(c, obj, "containerPath", &target, err);

	if (ret == 0)
		ret = str(c, obj, "hostPath", &host, err);
	if (ret == 0)
		ret = str(c, obj, "type", &type, err);
	if (ret == 0)
		ret = strv(c, doc, obj, "options", &options, err);
	if (ret < 0)
		return ret;
	if (!host || !*host)
		return cs_json_err(obj, err, EINVAL, "hostPath: missing");
	m = eng_cfg_mount(c, target, type && *type ? type : "bind", host, err);
	if (!m)
		return -err->code;
	m->options = options;
	if (strcmp(m->type, "bind") == 0 && !eng_strv_has(&options, "bind") &&
	    !eng_strv_has(&options, "rbind"))
		return eng_strv_add(c->a, &m->options, "rbind", err);
	return 0;
}

static int hook(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *obj,
		struct cs_err *err)
{
	static const char *const names[] = {
		"prestart",	  "createRuntime", "createContainer",
		"startContainer", "poststart",	   "poststop",
	};
	struct cfg_hook h = { 0 };
	void *v = c->hooks;
	int ret = str(c, obj, "hookName", &h.name, err);

	if (ret == 0 && (!h.name || !cs_str_in(h.name, names, CS_LEN(names))))
		return cs_json_err(obj, err, EINVAL,
				   "hookName: must be prestart, createRuntime, "
				   "createContainer, startContainer, poststart or "
				   "poststop");
	if (ret == 0)
		ret = path(c, obj, "path", &h.path, err);
	if (ret == 0)
		ret = strv(c, doc, obj, "args", &h.args, err);
	if (ret == 0)
		ret = strv(c, doc, obj, "env", &h.env, err);
	if (ret == 0)
		ret = cs_json_i64(obj, "timeout", &h.timeout_s, err);
	if (ret >= 0 && (h.timeout_s < 0 || h.timeout_s > 86400))
		return cs_json_err(cs_json_get(obj, "timeout"), err, EINVAL,
				   "must be from 0 to 86400 seconds");
	if (ret >= 0)
		ret = eng_cfg_grow(c, &v, c->n_hooks, sizeof(h), err);
	if (ret < 0)
		return ret;
	c->hooks = v;
	c->hooks[c->n_hooks++] = h;
	return 0;
}

static int env(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *edits,
	       struct cs_err *err)
{
	struct eng_strv v = { 0 };
	int ret = strv(c, doc, edits, "env", &v, err);

	for (size_t i = 0; ret == 0 && i < v.n; i++) {
		if (strcspn(v.v[i], "=") == 0 || !strchr(v.v[i], '='))
			return cs_json_err(cs_json_get(edits, "env"), err, EINVAL,
					   "must be NAME=VALUE");
		ret = eng_strv_set(c->a, &c->env, v.v[i], err);
	}
	return ret;
}

static int groups(struct cfg *c, const struct cs_json *edits, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *v;
	int ret = cs_json_arr(edits, "additionalGIDs", &arr, err);

	if (ret <= 0)
		return ret;
	cs_json_for_each (v, arr) {
		const char *text;
		uint64_t gid = 0;

		ret = cs_json_as_u64(v, &gid, err);
		if (ret < 0)
			return ret;
		if (gid >= UINT32_MAX)
			return cs_json_err(v, err, EINVAL, "is no group id");
		text = eng_strf(c->a, err, "%llu", (unsigned long long)gid);
		ret = text ? eng_strv_add(c->a, &c->gids, text, err) : -ENOMEM;
		if (ret < 0)
			return ret;
	}
	return 0;
}

int eng_cdi_edit(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *edits,
		 struct cs_err *err)
{
	static const struct {
		const char *key;
		int (*fn)(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *obj,
			  struct cs_err *err);
	} lists[] = { { "deviceNodes", node }, { "mounts", mount }, { "hooks", hook } };
	const struct cs_json *arr, *v;
	int ret = 0;

	if (!edits)
		return 0;
	if (cs_json_get(edits, "intelRdt"))
		return cs_json_err(cs_json_get(edits, "intelRdt"), err, EOPNOTSUPP,
				   "is not there yet");
	for (size_t i = 0; ret >= 0 && i < CS_LEN(lists); i++) {
		arr = NULL;
		ret = cs_json_arr(edits, lists[i].key, &arr, err);
		if (ret <= 0)
			continue;
		cs_json_for_each (v, arr) {
			if (v->type != CS_JSON_OBJECT)
				return cs_json_err(v, err, EINVAL, "must be an object");
			ret = lists[i].fn(c, doc, v, err);
			if (ret < 0)
				return ret;
		}
	}
	if (ret >= 0)
		ret = env(c, doc, edits, err);
	return ret < 0 ? ret : groups(c, edits, err);
}
