#include "images/registries.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/ref.h"
#include "images/toml.h"
#include "images/url.h"

/* A file being read. */
struct reading {
	struct img_registries *r;
	struct img_registry *reg;  /* the table we are in */
	struct img_mirror *mirror; /* as well */
	struct img_mirror **mirror_end;
	struct img_registry *before; /* the list as it was before this file */
};

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "out of memory");
}

void img_registries_fini(struct img_registries *r)
{
	cs_arena_free(r->arena);
	*r = IMG_REGISTRIES_INIT;
}

static int want(const struct img_toml *t, enum img_toml_type type, struct cs_err *err)
{
	static const char *const names[] = {
		[IMG_TOML_STRING] = "a string",
		[IMG_TOML_BOOL] = "true or false",
		[IMG_TOML_STRINGS] = "an array of strings",
	};

	return t->type == type ? 0 : img_toml_err(t, err, "%s must be %s", t->key, names[type]);
}

/* "host[:port][/path...]" in lower case, as a location, a prefix or a search registry. */
static bool place_ok(const char *s)
{
	char host[IMG_HOST_MAX];
	size_t n = strcspn(s, "/");

	if (n >= sizeof(host) || strlen(s) >= IMG_HOST_MAX)
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	if (!img_url_authority_ok(host))
		return false;
	s += n;
	if (!*s)
		return true;
	for (const char *p = s; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-/", *p))
			return false;
		if (*p == '/' && (p[1] == '/' || p[1] == '\0' || p[1] == '.'))
			return false;
	}
	return true;
}

static int take_place(const struct img_toml *t, const char **out, struct cs_err *err)
{
	const char *s;
	int ret = want(t, IMG_TOML_STRING, err);

	if (ret < 0)
		return ret;
	s = t->str;
	if (strcmp(t->key, "prefix") == 0 && cs_str_starts(s, "*."))
		s += 2;
	if (!place_ok(s))
		return img_toml_err(t, err,
				    "%s \"%.100s\" must be HOST[:PORT][/PATH], without a "
				    "scheme",
				    t->key, t->str);
	*out = t->str;
	return 0;
}

static int take_bool(const struct img_toml *t, bool *out, struct cs_err *err)
{
	int ret = want(t, IMG_TOML_BOOL, err);

	if (!ret)
		*out = t->boolean;
	return ret;
}

static int unknown(const struct img_toml *t, struct cs_err *err)
{
	if (cs_str_starts(t->table, "registries."))
		return img_toml_err(t, err,
				    "[%s] is of version 1 of this file: write [[registry]] "
				    "and unqualified-search-registries",
				    t->table);
	if (!t->key)
		return img_toml_err(t, err, "[%s] is not known here", t->table);
	return img_toml_err(t, err, "%s is not known here", t->key);
}

static int top_key(const struct reading *rd, const struct img_toml *t, struct cs_err *err)
{
	static const char *const modes[] = { "enforcing", "permissive", "disabled" };
	int ret;

	if (strcmp(t->key, "unqualified-search-registries") == 0) {
		ret = want(t, IMG_TOML_STRINGS, err);
		for (size_t i = 0; !ret && i < t->n; i++)
			if (!place_ok(t->strv[i]))
				ret = img_toml_err(t, err, "\"%.100s\" is no registry", t->strv[i]);
		if (ret < 0)
			return ret;
		rd->r->search = t->strv;
		rd->r->n_search = t->n;
		return 0;
	}
	if (strcmp(t->key, "short-name-mode") == 0) {
		ret = want(t, IMG_TOML_STRING, err);
		if (!ret && !cs_str_in(t->str, modes, CS_LEN(modes)))
			ret = img_toml_err(t, err,
					   "short-name-mode must be enforcing, permissive "
					   "or disabled");
		return ret;
	}
	if (strcmp(t->key, "credential-helpers") == 0) {
		ret = want(t, IMG_TOML_STRINGS, err);
		/* The files that are read anyway. */
		for (size_t i = 0; !ret && i < t->n; i++)
			if (strcmp(t->strv[i], "containers-auth.json") != 0)
				ret = img_toml_err(t, err,
						   "credential-helpers are taken from "
						   "auth.json's credHelpers and "
						   "credsStore only");
		return ret;
	}
	return unknown(t, err);
}

static int new_registry(struct reading *rd, struct cs_err *err)
{
	struct img_registry *reg = cs_arena_alloc(rd->r->arena, sizeof(*reg));

	if (!reg)
		return oom(err);
	*reg = (struct img_registry){ .next = rd->r->v };
	rd->r->v = rd->reg = reg;
	rd->mirror = NULL;
	rd->mirror_end = &reg->mirrors;
	return 0;
}

static int new_mirror(struct reading *rd, const struct img_toml *t, struct cs_err *err)
{
	struct img_mirror *m;

	if (!rd->reg)
		return img_toml_err(t, err, "[[registry.mirror]] needs a [[registry]] before it");
	m = cs_arena_alloc(rd->r->arena, sizeof(*m));
	if (!m)
		return oom(err);
	*m = (struct img_mirror){ 0 };
	*rd->mirror_end = rd->mirror = m;
	rd->mirror_end = &m->next;
	return 0;
}

static int registry_key(const struct reading *rd, const struct img_toml *t, struct cs_err *err)
{
	struct img_registry *reg = rd->reg;

	if (strcmp(t->key, "prefix") == 0)
		return take_place(t, &reg->prefix, err);
	if (strcmp(t->key, "location") == 0)
		return take_place(t, &reg->location, err);
	if (strcmp(t->key, "insecure") == 0)
		return take_bool(t, &reg->insecure, err);
	if (strcmp(t->key, "blocked") == 0)
		return take_bool(t, &reg->blocked, err);
	if (strcmp(t->key, "mirror-by-digest-only") == 0)
		return take_bool(t, &reg->by_digest, err);
	return unknown(t, err);
}

static int mirror_key(const struct reading *rd, const struct img_toml *t, struct cs_err *err)
{
	static const char *const uses[] = {
		[IMG_MIRROR_ALL] = "all",
		[IMG_MIRROR_DIGEST] = "digest-only",
		[IMG_MIRROR_TAG] = "tag-only",
	};
	int ret;

	if (strcmp(t->key, "location") == 0)
		return take_place(t, &rd->mirror->location, err);
	if (strcmp(t->key, "insecure") == 0)
		return take_bool(t, &rd->mirror->insecure, err);
	if (strcmp(t->key, "pull-from-mirror") != 0)
		return unknown(t, err);
	ret = want(t, IMG_TOML_STRING, err);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < CS_LEN(uses); i++) {
		if (strcmp(t->str, uses[i]) == 0) {
			rd->mirror->use = (enum img_mirror_for)i;
			return 0;
		}
	}
	return img_toml_err(t, err, "pull-from-mirror must be all, digest-only or tag-only");
}

static int alias_key(const struct reading *rd, const struct img_toml *t, struct cs_err *err)
{
	struct img_alias *a;
	int ret = want(t, IMG_TOML_STRING, err);

	if (ret < 0)
		return ret;
	if (*t->str && !place_ok(t->str))
		return img_toml_err(t, err, "alias \"%.100s\": \"%.100s\" must be HOST[:PORT]/PATH",
				    t->key, t->str);
	a = cs_arena_alloc(rd->r->arena, sizeof(*a));
	if (!a)
		return oom(err);
	*a = (struct img_alias){ .name = t->key, .value = t->str, .next = rd->r->aliases };
	rd->r->aliases = a;
	return 0;
}

static int on_toml(void *ctx, const struct img_toml *t, struct cs_err *err)
{
	struct reading *rd = ctx;

	if (!*t->table && t->key) /* a table of that name, [""], is unknown */
		return top_key(rd, t, err);
	if (strcmp(t->table, "aliases") == 0 && !t->nth)
		return t->key ? alias_key(rd, t, err) : 0;
	if (strcmp(t->table, "registry") == 0 && t->nth)
		return t->key ? registry_key(rd, t, err) : new_registry(rd, err);
	if (strcmp(t->table, "registry.mirror") == 0 && t->nth)
		return t->key ? mirror_key(rd, t, err) : new_mirror(rd, t, err);
	return unknown(t, err);
}

/* What only shows once the file is through. */
static int check(const struct reading *rd, const char *what, struct cs_err *err)
{
	for (struct img_registry *g = rd->r->v; g != rd->before; g = g->next)
		if (!g->prefix)
			g->prefix = g->location;
	for (const struct img_registry *g = rd->r->v; g != rd->before; g = g->next) {
		if (!g->prefix)
			return cs_err_set(err, EINVAL,
					  "%s: a [[registry]] has neither prefix nor "
					  "location",
					  what);
		if (!g->location && cs_str_starts(g->prefix, "*.") && g->mirrors)
			return cs_err_set(err, EINVAL, "%s: mirrors of \"%.100s\" need a location",
					  what, g->prefix);
		for (const struct img_mirror *m = g->mirrors; m; m = m->next)
			if (!m->location)
				return cs_err_set(err, EINVAL,
						  "%s: a mirror of \"%.100s\" has no "
						  "location",
						  what, g->prefix);
		for (const struct img_registry *o = g->next; o != rd->before; o = o->next)
			if (o->prefix && strcmp(o->prefix, g->prefix) == 0)
				return cs_err_set(err, EINVAL, "%s: \"%.100s\" is there twice",
						  what, g->prefix);
	}
	return 0;
}

int img_registries_parse(const char *buf, size_t len, const char *what, struct img_registries *r,
			 struct cs_err *err)
{
	struct reading rd = { .r = r, .before = r->v };
	int ret;

	if (!r->arena)
		r->arena = cs_arena_new(4096);
	if (!r->arena)
		return oom(err);
	ret = img_toml_parse(buf, len, what, r->arena, on_toml, &rd, err);
	return ret < 0 ? ret : check(&rd, what, err);
}

/* How many characters of "host/path" the prefix covers; 0: it does not match. */
static size_t covers(const char *prefix, const char *host, const char *path)
{
	size_t n = strlen(host), len;

	if (cs_str_starts(prefix, "*.")) { /* of the host, its port aside */
		size_t name = strcspn(host, ":");

		len = strlen(prefix + 1);
		return name > len && strncmp(host + name - len, prefix + 1, len) == 0 ? 1 : 0;
	}
	if (strncmp(prefix, host, n) != 0)
		return 0;
	if (!prefix[n])
		return n;
	if (prefix[n] != '/')
		return 0;
	len = strlen(prefix + n + 1);
	if (strncmp(path, prefix + n + 1, len) != 0 || (path[len] && path[len] != '/'))
		return 0;
	return n + 1 + len;
}

const struct img_registry *img_registries_find(const struct img_registries *r, const char *host,
					       const char *path)
{
	const struct img_registry *best = NULL;
	size_t most = 0;

	for (const struct img_registry *g = r->v; g; g = g->next) {
		size_t n = covers(g->prefix, host, path);

		if (n > most) {
			most = n;
			best = g;
		}
	}
	return best;
}

const char *img_registries_alias(const struct img_registries *r, const char *name)
{
	for (const struct img_alias *a = r->aliases; a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return *a->value ? a->value : NULL;
	return NULL;
}

int img_registries_default(const struct img_registries *r, const char *name, const char **out,
			   struct cs_err *err)
{
	if (!r->n_search)
		return cs_err_set(err, EINVAL,
				  "%s names no registry: write HOST/%s, or set "
				  "unqualified-search-registries in registries.conf",
				  name, name);
	if (r->n_search > 1)
		return cs_err_set(err, EINVAL,
				  "%s may be at several registries (%s, %s%s): write HOST/%s", name,
				  r->search[0], r->search[1], r->n_search > 2 ? ", ..." : "", name);
	*out = r->search[0];
	return 0;
}

/* Replaces the part of "host/path" that the prefix covers with a location. */
static int place(const char *location, const char *rest, bool insecure, bool mirror,
		 struct img_place *out, struct cs_err *err)
{
	size_t host = strcspn(location, "/");
	const char *path = location[host] ? location + host + 1 : "";
	struct img_place p = { .insecure = insecure, .mirror = mirror };
	int ret = cs_str_fmt(p.host, sizeof(p.host), err, "%.*s", (int)host, location);

	if (!ret)
		ret = cs_str_fmt(p.repo, sizeof(p.repo), err, "%s%s%s", path,
				 *path && *rest ? "/" : "", rest);
	if (!ret && !p.repo[0])
		ret = cs_err_set(err, EINVAL, "%s leads to no repository", location);
	if (!ret)
		*out = p;
	return ret;
}

static bool mirror_fits(const struct img_registry *g, const struct img_mirror *m, bool digest)
{
	if (m->use == IMG_MIRROR_DIGEST || g->by_digest)
		return digest;
	return m->use == IMG_MIRROR_ALL || !digest;
}

int img_registries_places(const struct img_registries *r, const struct img_ref *ref, bool push,
			  struct img_place out[IMG_PLACES], struct cs_err *err)
{
	const struct img_registry *g = img_registries_find(r, ref->host, ref->path);
	const char *rest = ref->path;
	bool star;
	size_t n;
	int count = 0, ret = 0;

	if (!g)
		return place(ref->host, rest, false, false, &out[0], err) < 0 ? -err->code : 1;
	if (g->blocked)
		return cs_err_set(err, EACCES, "registries.conf blocks \"%s\"", g->prefix);
	star = cs_str_starts(g->prefix, "*.");
	n = strlen(g->prefix);
	if (!star && n > strlen(ref->host)) {
		rest = ref->path + (n - strlen(ref->host) - 1);
		rest += *rest == '/';
	}
	for (const struct img_mirror *m = push ? NULL : g->mirrors; m && !ret; m = m->next) {
		if (!mirror_fits(g, m, ref->digest[0] != '\0'))
			continue;
		if (count == IMG_PLACES - 1)
			return cs_err_set(err, E2BIG, "more than %d mirrors of \"%s\"",
					  IMG_PLACES - 1, g->prefix);
		ret = place(m->location, rest, m->insecure, true, &out[count++], err);
	}
	if (!ret && g->location)
		ret = place(g->location, rest, g->insecure, false, &out[count++], err);
	else if (!ret)
		ret = place(ref->host, ref->path, g->insecure, false, &out[count++], err);
	return ret < 0 ? ret : count;
}
