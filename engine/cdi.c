#include "engine/cdi.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/cdi_int.h"
#include "engine/config_int.h"
#include "engine/strv.h"

void eng_cdi_fini(struct eng_cdi *s)
{
	cs_json_fini(&s->doc);
	*s = (struct eng_cdi){ 0 };
}

static int need_str(const struct cs_json *obj, const char *key, const char **out,
		    struct cs_err *err)
{
	int ret = cs_json_str(obj, key, out, err);

	if (ret == 0 || (ret > 0 && !**out))
		return cs_json_err(obj, err, EINVAL, "%s: missing", key);
	return ret < 0 ? ret : 0;
}

static int check_device(const struct cs_json *d, struct cs_err *err)
{
	const struct cs_json *edits = NULL;
	const char *name = NULL;
	int ret;

	if (d->type != CS_JSON_OBJECT)
		return cs_json_err(d, err, EINVAL, "must be an object");
	ret = need_str(d, "name", &name, err);
	if (ret == 0)
		ret = cs_json_obj(d, "containerEdits", &edits, err);
	return ret < 0 ? ret : 0;
}

static int read_spec(struct eng_cdi *s, struct cs_err *err)
{
	const struct cs_json *root = s->doc.root, *d;
	const char *version = NULL;
	int ret;

	if (!root || root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "CDI file: must be an object");
	ret = need_str(root, "cdiVersion", &version, err);
	if (ret == 0 && !cs_str_starts(version, "0.") && !cs_str_starts(version, "1."))
		return cs_json_err(cs_json_get(root, "cdiVersion"), err, EINVAL,
				   "only 0.x and 1.x are known");
	if (ret == 0)
		ret = need_str(root, "kind", &s->kind, err);
	if (ret == 0)
		ret = cs_json_obj(root, "containerEdits", &s->edits, err);
	if (ret >= 0)
		ret = cs_json_arr(root, "devices", &s->devices, err);
	if (ret == 0)
		return cs_json_err(root, err, EINVAL, "devices: missing");
	if (ret < 0)
		return ret;
	cs_json_for_each (d, s->devices) {
		ret = check_device(d, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int eng_cdi_parse(const char *buf, size_t len, struct eng_cdi *out, struct cs_err *err)
{
	eng_auto_cdi struct eng_cdi s = { 0 };
	int ret = cs_json_parse(buf, len, "CDI file", &s.doc, err);

	if (ret == 0)
		ret = read_spec(&s, err);
	if (ret < 0)
		return ret;
	*out = s;
	s = (struct eng_cdi){ 0 };
	return 0;
}

int eng_cdi_check(const char *buf, size_t len, struct cs_err *err)
{
	eng_auto_cdi struct eng_cdi s = { 0 };
	struct cfg c = { 0 };
	const struct cs_json *d;
	int ret = eng_cdi_parse(buf, len, &s, err);

	if (ret < 0)
		return ret;
	c.a = cs_arena_new(0);
	if (!c.a)
		return eng_cfg_oom(err);
	ret = eng_cdi_edit(&c, &s.doc, s.edits, err);
	cs_json_for_each (d, s.devices) {
		if (ret == 0)
			ret = eng_cdi_edit(&c, &s.doc, cs_json_get(d, "containerEdits"), err);
	}
	cs_arena_free(c.a);
	return ret;
}

/* --- files --------------------------------------------------------------------------------------
 */

/* What is looked for, and what was found so far. */
struct search {
	const char *kind, *name;
	struct eng_cdi found;	      /* owned; kind NULL: nothing */
	const struct cs_json *device; /* of it */
	unsigned int in_dir;	      /* how many of this folder have it */
	const char *dir;
	char yaml[300];	   /* a file that was not read */
	struct cs_err bad; /* the first that could not be; code 0: none */
};

static const struct cs_json *device_of(const struct eng_cdi *s, const char *name)
{
	const struct cs_json *d;

	cs_json_for_each (d, s->devices) {
		if (strcmp(cs_json_get(d, "name")->str, name) == 0)
			return d;
	}
	return NULL;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

static int look_at(struct search *s, int dirfd, const char *file, struct cs_err *err)
{
	eng_auto_cdi struct eng_cdi spec = { 0 };
	cs_auto_free char *text = NULL;
	const struct cs_json *d;
	size_t len = 0;
	int ret = cs_file_read(dirfd, file, ENG_CDI_MAX, &text, &len, err);

	if (ret == 0)
		ret = eng_cdi_parse(text, len, &spec, err);
	/* somebody else's device, perhaps */
	if (ret < 0) {
		cs_err_wrap(err, "%s/%s", s->dir, file);
		if (s->bad.code == 0)
			s->bad = *err;
		cs_err_clear(err);
		return 0;
	}
	d = spec.kind && strcmp(spec.kind, s->kind) == 0 ? device_of(&spec, s->name) : NULL;
	if (!d)
		return 0;
	if (s->in_dir++)
		return cs_err_set(err, EINVAL,
				  "CDI device %s=%s: two files in %s have it, take it out of one",
				  s->kind, s->name, s->dir);
	eng_cdi_fini(&s->found);
	s->found = spec;
	s->device = d;
	spec = (struct eng_cdi){ 0 };
	return 0;
}

static int look_in(struct search *s, const char *path, struct cs_err *err)
{
	cs_auto_dir DIR *dir = opendir(path);
	const struct dirent *entry;
	int ret = 0;

	if (!dir)
		return errno == ENOENT ? 0 : cs_err_sys(err, "open %s", path);
	s->dir = path;
	s->in_dir = 0;
	while (ret == 0 && (entry = readdir(dir))) {
		if (ends_with(entry->d_name, ".json"))
			ret = look_at(s, dirfd(dir), entry->d_name, err);
		else if (ends_with(entry->d_name, ".yaml") || ends_with(entry->d_name, ".yml"))
			snprintf(s->yaml, sizeof(s->yaml), "%.40s/%.200s", path, entry->d_name);
	}
	return ret;
}

static int not_found(const struct search *s, struct cs_err *err)
{
	if (s->bad.code)
		return cs_err_set(err, ENOENT,
				  "CDI device %.80s=%.80s: not found; unreadable: %.250s", s->kind,
				  s->name, s->bad.msg);
	if (*s->yaml)
		return cs_err_set(
			err, ENOENT,
			"CDI device %.100s=%.100s: no JSON file has it; %s is YAML, which is "
			"not read: have its maker write JSON",
			s->kind, s->name, s->yaml);
	return cs_err_set(err, ENOENT,
			  "CDI device %.100s=%.100s: no file in /etc/cdi or "
			  "/var/run/cdi has it",
			  s->kind, s->name);
}

/* A file's own edits are made once, however many of its devices are used. */
static int file_edits(struct cfg *c, const struct search *s, struct cs_err *err)
{
	char *kind;
	int ret;

	if (eng_strv_has(&c->cdi_kinds, s->kind))
		return 0;
	kind = cs_arena_str(c->a, s->kind, strlen(s->kind));
	ret = kind ? eng_strv_add(c->a, &c->cdi_kinds, kind, err) : eng_cfg_oom(err);
	return ret == 0 ? eng_cdi_edit(c, &s->found.doc, s->found.edits, err) : ret;
}

int eng_cdi_device_in(struct cfg *c, const char *const *dirs, const char *name, struct cs_err *err)
{
	size_t n = strcspn(name, "=");
	struct search s = { .kind = cs_arena_str(c->a, name, n) };
	int ret = 0;

	if (!s.kind)
		return eng_cfg_oom(err);
	if (!strchr(s.kind, '/') || !name[n] || !name[n + 1])
		return cs_err_set(err, EINVAL, "--device %.100s: a CDI device is VENDOR/CLASS=NAME",
				  name);
	s.name = name + n + 1;
	for (size_t i = 0; ret == 0 && dirs[i]; i++)
		ret = look_in(&s, dirs[i], err);
	if (ret == 0 && !s.device)
		ret = not_found(&s, err);
	else if (ret == 0 && s.bad.code)
		cs_log(CS_LOG_WARN, "CDI: %s", s.bad.msg);
	if (ret == 0)
		ret = file_edits(c, &s, err);
	if (ret == 0)
		ret = eng_cdi_edit(c, &s.found.doc, cs_json_get(s.device, "containerEdits"), err);
	eng_cdi_fini(&s.found);
	return ret;
}

int eng_cdi_device(struct cfg *c, const char *name, struct cs_err *err)
{
	static const char *const dirs[] = { "/etc/cdi", "/var/run/cdi", NULL };

	/* they need be there only when it is started */
	return c->p ? eng_cdi_device_in(c, dirs, name, err) : 0;
}
