#include "images/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/ref.h"

enum { HISTORY_MAX = 4096, STRINGS_MAX = 65536 };

static const char *const no_strings[] = { NULL };

static int get_str(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err)
{
	*out = "";
	return cs_json_str(obj, key, out, err);
}

static int get_strv(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		    const char *const **out, size_t *n, struct cs_err *err)
{
	*out = no_strings;
	*n = 0;
	return cs_json_strv(doc, obj, key, out, n, err);
}

static int parse_health(struct img_config *c, const struct cs_json *obj, struct cs_err *err)
{
	struct img_healthcheck *h = &c->health;
	int ret;

	h->test = no_strings;
	if (!obj)
		return 0;
	ret = get_strv(&c->doc, obj, "Test", &h->test, &h->n_test, err);
	if (ret >= 0)
		ret = cs_json_i64(obj, "Interval", &h->interval_ns, err);
	if (ret >= 0)
		ret = cs_json_i64(obj, "Timeout", &h->timeout_ns, err);
	if (ret >= 0)
		ret = cs_json_i64(obj, "StartPeriod", &h->start_period_ns, err);
	if (ret >= 0)
		ret = cs_json_i64(obj, "Retries", &h->retries, err);
	return ret;
}

/* Labels are texts. */
static int check_labels(const struct cs_json *labels, struct cs_err *err)
{
	const struct cs_json *c;
	const char *s;
	int ret;

	if (!labels)
		return 0;
	cs_json_for_each (c, labels) {
		ret = cs_json_as_str(c, &s, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The members that say how to run it. */
static int parse_process(struct img_config *c, const struct cs_json *obj, struct cs_err *err)
{
	const struct cs_json *health = NULL;
	const struct {
		const char *key;
		const char **out;
	} texts[] = {
		{ "User", &c->user },
		{ "WorkingDir", &c->workdir },
		{ "StopSignal", &c->stop_signal },
	};
	const struct {
		const char *key;
		const char *const **out;
		size_t *n;
	} lists[] = {
		{ "Entrypoint", &c->entrypoint, &c->n_entrypoint },
		{ "Cmd", &c->cmd, &c->n_cmd },
		{ "Env", &c->env, &c->n_env },
		{ "Shell", &c->shell, &c->n_shell },
	};
	const struct {
		const char *key;
		const struct cs_json **out;
	} maps[] = {
		{ "Volumes", &c->volumes },
		{ "ExposedPorts", &c->ports },
		{ "Labels", &c->labels },
		{ "Healthcheck", &health },
	};
	int ret = 0;

	for (size_t i = 0; i < CS_LEN(texts) && ret >= 0; i++)
		ret = get_str(obj, texts[i].key, texts[i].out, err);
	for (size_t i = 0; i < CS_LEN(lists) && ret >= 0; i++)
		ret = get_strv(&c->doc, obj, lists[i].key, lists[i].out, lists[i].n, err);
	for (size_t i = 0; i < CS_LEN(maps) && ret >= 0; i++)
		ret = cs_json_obj(obj, maps[i].key, maps[i].out, err);
	if (ret >= 0)
		ret = cs_json_arr(obj, "OnBuild", &c->onbuild, err);
	if (ret >= 0)
		ret = check_labels(c->labels, err);
	return ret < 0 ? ret : parse_health(c, health, err);
}

static int parse_rootfs(struct img_config *c, struct cs_err *err)
{
	const struct cs_json *rootfs = NULL, *ids, *id;
	int ret = cs_json_obj(c->doc.root, "rootfs", &rootfs, err);

	if (ret == 0)
		return cs_err_set(err, EINVAL, "has no rootfs: it is no image's configuration");
	if (ret > 0)
		ret = get_strv(&c->doc, rootfs, "diff_ids", &c->diff_ids, &c->n_diff_ids, err);
	if (ret < 0)
		return ret;
	if (c->n_diff_ids > IMG_LAYERS_MAX)
		return cs_err_set(err, EFBIG, "has %zu layers, more than %d", c->n_diff_ids,
				  IMG_LAYERS_MAX);
	ids = cs_json_get(rootfs, "diff_ids");
	for (id = ids ? ids->child : NULL; id; id = id->next) {
		if (!img_ref_digest_ok(id->str))
			return cs_json_err(id, err, EINVAL,
					   "must be sha256: and 64 lower-case hex digits");
	}
	return 0;
}

static int parse_event(const struct cs_json *obj, struct img_history *h, struct cs_err *err)
{
	int ret;

	if (obj->type != CS_JSON_OBJECT)
		return cs_json_err(obj, err, EINVAL, "must be an object");
	ret = get_str(obj, "created", &h->created, err);
	if (ret >= 0)
		ret = get_str(obj, "created_by", &h->created_by, err);
	if (ret >= 0)
		ret = get_str(obj, "author", &h->author, err);
	if (ret >= 0)
		ret = get_str(obj, "comment", &h->comment, err);
	if (ret >= 0)
		ret = cs_json_bool(obj, "empty_layer", &h->empty_layer, err);
	return ret;
}

static int parse_history(struct img_config *c, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *e;
	int ret = cs_json_arr(c->doc.root, "history", &arr, err);

	if (ret <= 0)
		return ret;
	if (arr->n > HISTORY_MAX)
		return cs_json_err(arr, err, EFBIG, "has more than %d entries", HISTORY_MAX);
	c->history = cs_json_alloc(&c->doc, arr->n ? arr->n : 1, sizeof(*c->history));
	if (!c->history)
		return cs_err_set(err, ENOMEM, "out of memory");
	cs_json_for_each (e, arr) {
		ret = parse_event(e, &c->history[c->n_history++], err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int parse_all(struct img_config *c, struct cs_err *err)
{
	const struct cs_json *root = c->doc.root, *process = NULL;
	int ret;

	if (root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "must be an object");
	ret = get_str(root, "created", &c->created, err);
	if (ret >= 0)
		ret = get_str(root, "author", &c->author, err);
	if (ret >= 0)
		ret = get_str(root, "os", &c->platform.os, err);
	if (ret >= 0)
		ret = get_str(root, "architecture", &c->platform.arch, err);
	if (ret >= 0)
		ret = get_str(root, "variant", &c->platform.variant, err);
	if (ret >= 0)
		ret = get_str(root, "os.version", &c->platform.os_version, err);
	if (ret >= 0)
		ret = cs_json_obj(root, "config", &process, err);
	if (ret >= 0)
		ret = parse_process(c, process, err);
	if (ret >= 0)
		ret = parse_rootfs(c, err);
	return ret < 0 ? ret : parse_history(c, err);
}

int img_config_parse(const char *buf, size_t len, const char *what, struct img_config *out,
		     struct cs_err *err)
{
	struct img_config c = IMG_CONFIG_INIT;
	int ret;

	if (len > IMG_MANIFEST_MAX)
		return cs_err_set(err, EFBIG, "%s: more than %d bytes", what, IMG_MANIFEST_MAX);
	ret = cs_json_parse(buf, len, what, &c.doc, err);
	if (ret < 0)
		return ret;
	ret = parse_all(&c, err);
	if (ret < 0) {
		cs_json_fini(&c.doc);
		return cs_err_wrap(err, "%s", what);
	}
	*out = c;
	return 0;
}

void img_config_fini(struct img_config *c)
{
	cs_json_fini(&c->doc);
	*c = IMG_CONFIG_INIT;
}

const char *img_config_label(const struct img_config *c, const char *key)
{
	const struct cs_json *v = cs_json_get(c->labels, key);

	return v ? v->str : NULL;
}

int img_time_parse(const char *s, int64_t *out)
{
	struct tm tm = { 0 };
	int hours = 0, minutes = 0;
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t t;

	if (!end)
		return -EINVAL;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	t = timegm(&tm);
	if ((*end == 'Z' || *end == 'z') && !end[1]) {
		*out = t;
		return 0;
	}
	if ((*end != '+' && *end != '-') || strlen(end) != 6 ||
	    sscanf(end + 1, "%2d:%2d", &hours, &minutes) != 2) /* NOLINT(cert-err34-c) */
		return -EINVAL;
	t += (*end == '+' ? -1 : 1) * (INT64_C(3600) * hours + INT64_C(60) * minutes);
	*out = t;
	return 0;
}

int64_t img_config_created(const struct img_config *c)
{
	int64_t t = 0;

	return c->created && img_time_parse(c->created, &t) == 0 ? t : 0;
}
