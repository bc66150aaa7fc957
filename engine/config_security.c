#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/config.h"
#include "engine/config_int.h"
#include "engine/seccomp_default.h"
#include "engine/strv.h"
#include "runtime/defaults.h"

static int bad(const char *text, struct cs_err *err, const char *why)
{
	return cs_err_set(err, EINVAL, "--security-opt %.100s: %s", text, why);
}

/* Paths with ":" between them. */
static int paths(struct cfg *c, const char *text, const char *value, struct eng_strv *to,
		 struct cs_err *err)
{
	while (*value) {
		size_t n = strcspn(value, ":");
		char *one = cs_arena_str(c->a, value, n);
		int ret;

		if (!one)
			return eng_cfg_oom(err);
		if (one[0] != '/' && strcasecmp(one, "ALL") != 0)
			return bad(text, err, "paths must be absolute");
		ret = eng_strv_add(c->a, to, one, err);
		if (ret < 0)
			return ret;
		value += n;
		value += *value == ':';
	}
	return 0;
}

/* label=disable, label=user:U, role:, type:, level: */
static int label(struct cfg *c, const char *text, const char *value, struct cs_err *err)
{
	struct cfg_security *s = &c->sec;
	const struct {
		const char *prefix;
		const char **to;
	} rows[] = {
		{ "user:", &s->user },
		{ "role:", &s->role },
		{ "type:", &s->domain },
		{ "level:", &s->level },
	};

	if (strcmp(value, "disable") == 0 || strcmp(value, "nested") == 0) {
		s->selinux = false;
		return 0;
	}
	for (size_t i = 0; i < CS_LEN(rows); i++) {
		if (!cs_str_starts(value, rows[i].prefix))
			continue;
		*rows[i].to = value + strlen(rows[i].prefix);
		s->selinux = true;
		return 0;
	}
	return bad(text, err, "write label=disable, or label=user:, role:, type: or level:");
}

static int no_new_privileges(struct cfg *c, const char *text, const char *value, struct cs_err *err)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		c->sec.no_new_privileges = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		c->sec.no_new_privileges = false;
	else
		return bad(text, err, "true or false");
	return 0;
}

static int seccomp(struct cfg *c, const char *text, const char *value, struct cs_err *err)
{
	c->sec.seccomp_unconfined = strcmp(value, "unconfined") == 0;
	c->sec.seccomp_file = NULL;
	if (c->sec.seccomp_unconfined || strcmp(value, "builtin") == 0)
		return 0;
	if (!*value)
		return bad(text, err, "write seccomp=unconfined, builtin or a profile's file");
	c->sec.seccomp_file = value;
	return 0;
}

static int apparmor(struct cfg *c, const char *text, const char *value, struct cs_err *err)
{
	if (!*value)
		return bad(text, err, "write apparmor=PROFILE or apparmor=unconfined");
	c->sec.apparmor_given = true;
	c->sec.apparmor = strcmp(value, "unconfined") == 0 ? NULL : value;
	return 0;
}

static int option(struct cfg *c, const char *text, struct cs_err *err)
{
	/* docker took ":" once, and many papers still write it */
	size_t n = strcspn(text, "=:");
	const char *value = text[n] ? text + n + 1 : NULL;
	char *key = cs_arena_str(c->a, text, n);

	if (!key)
		return eng_cfg_oom(err);
	if (strcmp(key, "no-new-privileges") == 0)
		return no_new_privileges(c, text, value, err);
	if (!value)
		return bad(text, err,
			   "write no-new-privileges, seccomp=, apparmor=, label=, mask=, unmask= "
			   "or systempaths=unconfined");
	if (strcmp(key, "seccomp") == 0)
		return seccomp(c, text, value, err);
	if (strcmp(key, "apparmor") == 0)
		return apparmor(c, text, value, err);
	if (strcmp(key, "label") == 0)
		return label(c, text, value, err);
	if (strcmp(key, "mask") == 0)
		return paths(c, text, value, &c->sec.mask, err);
	if (strcmp(key, "unmask") == 0)
		return paths(c, text, value, &c->sec.unmask, err);
	if (strcmp(key, "systempaths") == 0 && strcmp(value, "unconfined") == 0) {
		c->sec.no_masks = true;
		return 0;
	}
	return bad(text, err,
		   "unknown: no-new-privileges, seccomp=, apparmor=, label=, mask=, unmask= and "
		   "systempaths=unconfined are there");
}

static bool unmasked(const struct cfg *c, const char *path)
{
	if (c->sec.no_masks)
		return true;
	for (size_t i = 0; i < c->sec.unmask.n; i++) {
		const char *u = c->sec.unmask.v[i];

		if (strcasecmp(u, "ALL") == 0 || fnmatch(u, path, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

int eng_cfg_mask_all(struct cfg *c, const char *pattern, struct cs_err *err)
{
	glob_t g = { 0 };
	int ret = glob(pattern, GLOB_NOSORT | GLOB_ONLYDIR, NULL, &g);

	if (ret == GLOB_NOSPACE)
		return eng_cfg_oom(err);
	ret = 0;
	for (size_t i = 0; ret == 0 && i < g.gl_pathc; i++) {
		char *path;

		if (unmasked(c, g.gl_pathv[i]))
			continue;
		path = cs_arena_str(c->a, g.gl_pathv[i], strlen(g.gl_pathv[i]));
		ret = path ? eng_strv_add(c->a, &c->sec.mask, path, err) : eng_cfg_oom(err);
	}
	globfree(&g);
	return ret;
}

int eng_cfg_security(struct cfg *c, struct cs_err *err)
{
	if (c->r->privileged) {
		c->sec.no_masks = true;
		c->sec.seccomp_unconfined = true;
	}
	for (size_t i = 0; i < c->r->security_opt.n; i++) {
		int ret = option(c, c->r->security_opt.v[i], err);

		if (ret < 0)
			return ret;
	}
	if (c->p && !c->sec.apparmor_given)
		c->sec.apparmor = c->p->apparmor;
	if (c->sec.no_masks || eng_is_vm(c->r))
		return 0;
	return eng_cfg_mask_all(c, "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle", err);
}

void eng_cfg_put_paths(struct cfg *c)
{
	cs_jw_arr(&c->w, "maskedPaths");
	for (const char *const *p = ctr_default_masked; *p; p++) {
		if (!unmasked(c, *p))
			cs_jw_str(&c->w, NULL, *p);
	}
	for (size_t i = 0; i < c->sec.mask.n; i++)
		cs_jw_str(&c->w, NULL, c->sec.mask.v[i]);
	cs_jw_arr_end(&c->w);
	cs_jw_arr(&c->w, "readonlyPaths");
	for (const char *const *p = ctr_default_readonly; *p; p++) {
		if (!unmasked(c, *p))
			cs_jw_str(&c->w, NULL, *p);
	}
	cs_jw_arr_end(&c->w);
}

int eng_cfg_put_labels(struct cfg *c, struct cs_err *err)
{
	const struct cfg_security *s = &c->sec;
	const char *text;

	if (s->apparmor)
		cs_jw_str(&c->w, "apparmorProfile", s->apparmor);
	if (!s->selinux)
		return 0;
	text = eng_strf(c->a, err, "%s:%s:%s:%s", s->user ? s->user : "system_u",
			s->role ? s->role : "system_r", s->domain ? s->domain : "container_t",
			s->level ? s->level : "s0");
	if (!text)
		return -ENOMEM;
	cs_jw_str(&c->w, "selinuxLabel", text);
	return 0;
}

int eng_cfg_put_seccomp(struct cfg *c, struct cs_err *err)
{
	enum { PROFILE_MAX = 1 << 20 };
	cs_auto_free char *text = NULL;
	size_t len = 0;

	if (c->sec.seccomp_file) {
		int ret =
			cs_file_read(AT_FDCWD, c->sec.seccomp_file, PROFILE_MAX, &text, &len, err);

		if (ret == 0)
			ret = eng_seccomp_profile(text, len, c->caps, &c->w, err);
		return ret < 0 ? cs_err_wrap(err, "--security-opt seccomp=%.100s",
					     c->sec.seccomp_file)
			       : 0;
	}
	if (!c->sec.seccomp_unconfined)
		eng_seccomp_default(c->caps, &c->w);
	return 0;
}
