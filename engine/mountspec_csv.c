#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/mountspec.h"
#include "engine/mountspec_int.h"
#include "engine/record.h"
#include "engine/strv.h"

/* --mount: a line of CSV whose fields are KEY or KEY=VALUE. */

/* What was said before it is known what kind of mount it is. */
struct fields {
	const char *type, *source, *target, *subpath;
	const char *propagation, *recursive;
	const char *size, *mode;
	bool read_only, no_copy, non_recursive, create;
};

/* A field of CSV (RFC 4180); *@text is past it, NULL at the end. */
static int csv_field(const struct mspec *s, const char **text, char **out, struct cs_err *err)
{
	const char *p = *text;
	char *one = cs_arena_str(s->a, p, strlen(p));
	size_t n = 0;

	if (!one)
		return eng_mspec_err(s, err, ENOMEM, "out of memory");
	if (*p == '"') {
		for (p++; *p && !(*p == '"' && p[1] != '"'); p++) {
			p += *p == '"';
			one[n++] = *p;
		}
		if (*p != '"' || (p[1] && p[1] != ','))
			return eng_mspec_err(s, err, EINVAL,
					     "a field that begins with \" must end with \"");
		p++;
	} else {
		while (*p && *p != ',') {
			if (*p == '"')
				return eng_mspec_err(s, err, EINVAL,
						     "\" in the middle of a field: put all of "
						     "the field in quotes, and double this one");
			one[n++] = *p++;
		}
	}
	one[n] = '\0';
	*text = *p ? p + 1 : NULL;
	*out = one;
	return 0;
}

static int truth(const struct mspec *s, const char *key, const char *value, bool *out,
		 struct cs_err *err)
{
	static const char *const yes[] = { "true", "1", "True", "TRUE", "t", "T" };
	static const char *const no[] = { "false", "0", "False", "FALSE", "f", "F" };

	if (!value || cs_str_in(value, yes, CS_LEN(yes)))
		*out = true;
	else if (cs_str_in(value, no, CS_LEN(no)))
		*out = false;
	else
		return eng_mspec_err(s, err, EINVAL, "%s is true or false, not \"%.32s\"", key,
				     value);
	return 0;
}

static int refuse(const struct mspec *s, const char *key, struct cs_err *err)
{
	static const struct {
		const char *key, *advice;
	} rows[] = {
		{ "volume-driver", "make the volume with \"caisson volume create\" first" },
		{ "volume-opt", "make the volume with \"caisson volume create -o\" first" },
		{ "volume-label", "make the volume with \"caisson volume create --label\" first" },
		{ "U", "change the owner of the files by hand" },
		{ "chown", "change the owner of the files by hand" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		if (strcmp(key, rows[i].key) == 0)
			return eng_mspec_err(s, err, EOPNOTSUPP, "\"%s\" is not there: %s", key,
					     rows[i].advice);
	}
	return eng_mspec_err(s, err, EINVAL, "unknown key \"%.64s\"", key);
}

/* Keys whose value is a text. 1: it was one. */
static int text_key(const struct mspec *s, struct fields *f, const char *key, const char *value,
		    struct cs_err *err)
{
	const struct {
		const char *key;
		const char **to;
	} rows[] = {
		{ "type", &f->type },
		{ "source", &f->source },
		{ "src", &f->source },
		{ "target", &f->target },
		{ "dst", &f->target },
		{ "destination", &f->target },
		{ "volume-subpath", &f->subpath },
		{ "subpath", &f->subpath },
		{ "bind-propagation", &f->propagation },
		{ "bind-recursive", &f->recursive },
		{ "tmpfs-size", &f->size },
		{ "tmpfs-mode", &f->mode },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		if (strcmp(key, rows[i].key) != 0)
			continue;
		if (!value || !*value)
			return eng_mspec_err(s, err, EINVAL, "\"%s\" needs a value: %s=...", key,
					     key);
		*rows[i].to = value;
		return 1;
	}
	return 0;
}

static int flag_key(const struct mspec *s, struct fields *f, const char *key, const char *value,
		    struct cs_err *err)
{
	const struct {
		const char *key;
		bool *to;
		bool inverse;
	} rows[] = {
		{ "readonly", &f->read_only, false },
		{ "ro", &f->read_only, false },
		{ "rw", &f->read_only, true },
		{ "volume-nocopy", &f->no_copy, false },
		{ "bind-nonrecursive", &f->non_recursive, false },
		{ "bind-create-src", &f->create, false },
		{ "create", &f->create, false },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		bool on = false;
		int ret;

		if (strcmp(key, rows[i].key) != 0)
			continue;
		ret = truth(s, key, value, &on, err);
		if (ret == 0)
			*rows[i].to = on != rows[i].inverse;
		return ret < 0 ? ret : 1;
	}
	return 0;
}

static int field(const struct mspec *s, struct fields *f, char *text, struct cs_err *err)
{
	/* podman's relabel and docker's consistency change nothing here */
	static const char *const nothing[] = { "consistency", "relabel", "z", "Z", "notmpcopyup" };
	static const char *const attrs[] = { "idmap", "tmpcopyup" };
	char *equal = strchr(text, '=');
	const char *value = equal ? equal + 1 : NULL;
	int ret;

	if (equal)
		*equal = '\0';
	ret = text_key(s, f, text, value, err);
	if (ret == 0)
		ret = flag_key(s, f, text, value, err);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	if (cs_str_in(text, nothing, CS_LEN(nothing)))
		return 0;
	if (!value && (eng_mspec_is_attr(text) || cs_str_in(text, attrs, CS_LEN(attrs))))
		return eng_mspec_option(s, text, err);
	return refuse(s, text, err);
}

static int only_for(const struct mspec *s, const char *kind, const char *key, struct cs_err *err)
{
	return eng_mspec_err(s, err, EINVAL, "\"%s\" is only for type=%s", key, kind);
}

/* Keys of one kind on another. */
static int kinds_check(const struct mspec *s, const struct fields *f, struct cs_err *err)
{
	int64_t t = s->m->type;

	if (t != ENG_MOUNT_BIND && f->propagation)
		return only_for(s, "bind", "bind-propagation", err);
	if (t != ENG_MOUNT_BIND && (f->non_recursive || f->recursive))
		return only_for(s, "bind", f->recursive ? "bind-recursive" : "bind-nonrecursive",
				err);
	if (t != ENG_MOUNT_VOLUME && f->no_copy)
		return only_for(s, "volume", "volume-nocopy", err);
	if (t != ENG_MOUNT_VOLUME && f->subpath)
		return only_for(s, "volume", "volume-subpath", err);
	if (t != ENG_MOUNT_TMPFS && (f->size || f->mode))
		return only_for(s, "tmpfs", f->size ? "tmpfs-size" : "tmpfs-mode", err);
	return 0;
}

static int bind_recursion(const struct mspec *s, const struct fields *f, struct cs_err *err)
{
	const char *r = f->recursive ? f->recursive : f->non_recursive ? "disabled" : "enabled";
	bool ro = s->m->read_only;

	if (strcmp(r, "disabled") == 0)
		return eng_mspec_option(s, "bind", err);
	if (strcmp(r, "writable") == 0)
		return 0;
	if (strcmp(r, "readonly") == 0 && !ro)
		return eng_mspec_err(s, err, EINVAL, "bind-recursive=readonly needs readonly");
	if (strcmp(r, "enabled") == 0 || strcmp(r, "readonly") == 0)
		return ro ? eng_mspec_option(s, "rro", err) : 0;
	return eng_mspec_err(s, err, EINVAL,
			     "bind-recursive is enabled, disabled, writable or readonly, not "
			     "\"%.32s\"",
			     r);
}

static int bind_fields(const struct mspec *s, const struct fields *f, struct cs_err *err)
{
	int ret;

	if (!f->source)
		return eng_mspec_err(s, err, EINVAL, "source is missing: the host's path");
	if (f->propagation && !eng_mspec_is_propagation(f->propagation))
		return eng_mspec_err(s, err, EINVAL,
				     "bind-propagation is private, rprivate, shared, rshared, "
				     "slave or rslave, not \"%.32s\"",
				     f->propagation);
	s->m->create = f->create;
	ret = eng_mspec_path(s, f->source, err);
	if (ret == 0 && f->propagation)
		ret = eng_mspec_option(s, f->propagation, err);
	return ret < 0 ? ret : bind_recursion(s, f, err);
}

/* A path within a volume: relative, and not out of it. */
static int subpath_check(const struct mspec *s, const char *path, struct cs_err *err)
{
	const char *p = path;

	if (*p == '/')
		return eng_mspec_err(s, err, EINVAL, "volume-subpath must be relative");
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return eng_mspec_err(s, err, EINVAL, "volume-subpath must not have \"..\"");
		p += n;
		p += *p == '/';
	}
	return 0;
}

static int volume_fields(const struct mspec *s, const struct fields *f, struct cs_err *err)
{
	int ret = f->subpath ? subpath_check(s, f->subpath, err) : 0;

	if (ret == 0 && f->source)
		ret = eng_volume_name_check(s->what, f->source, err);
	s->m->source = f->source;
	s->m->anonymous = !f->source;
	s->m->no_copy = f->no_copy;
	s->m->subpath = f->subpath;
	return ret;
}

static int tmpfs_fields(const struct mspec *s, const struct fields *f, struct cs_err *err)
{
	const char *const values[] = { f->size, f->mode };
	const char *const keys[] = { "size", "mode" };

	if (f->source && strcmp(f->source, "tmpfs") != 0)
		return eng_mspec_err(s, err, EINVAL, "a tmpfs has no source");
	for (size_t i = 0; i < CS_LEN(keys); i++) {
		const char *word;
		int ret;

		if (!values[i])
			continue;
		word = eng_strf(s->a, err, "%s=%s", keys[i], values[i]);
		ret = word ? eng_mspec_tmpfs(s, word, err) : -ENOMEM;
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int finish(const struct mspec *s, const struct fields *f, struct cs_err *err)
{
	static const char *const types[] = {
		[ENG_MOUNT_BIND] = "bind",
		[ENG_MOUNT_VOLUME] = "volume",
		[ENG_MOUNT_TMPFS] = "tmpfs",
	};
	const char *type = f->type ? f->type : "volume";
	int ret;

	s->m->type = -1;
	for (size_t i = 0; i < CS_LEN(types); i++) {
		if (strcmp(type, types[i]) == 0)
			s->m->type = (int64_t)i;
	}
	if (s->m->type < 0)
		return eng_mspec_err(s, err, EINVAL, "type is bind, volume or tmpfs, not \"%.32s\"",
				     type);
	if (!f->target)
		return eng_mspec_err(s, err, EINVAL,
				     "target is missing: the place in the container");
	s->m->read_only = f->read_only;
	ret = eng_mspec_target(s, f->target, err);
	if (ret == 0)
		ret = kinds_check(s, f, err);
	if (ret < 0)
		return ret;
	if (s->m->type == ENG_MOUNT_BIND)
		return bind_fields(s, f, err);
	if (s->m->type == ENG_MOUNT_VOLUME)
		return volume_fields(s, f, err);
	return tmpfs_fields(s, f, err);
}

int eng_mount_parse_mount(struct cs_arena *a, const char *text, const char *cwd,
			  struct eng_mount *out, struct cs_err *err)
{
	struct eng_mount m = { .type = ENG_MOUNT_VOLUME };
	const struct mspec s = { .a = a, .what = "--mount", .text = text, .cwd = cwd, .m = &m };
	struct fields f = { 0 };
	int ret;

	if (!*text)
		return eng_mspec_err(&s, err, EINVAL,
				     "empty: write type=bind,source=PATH,target=PATH");
	while (text) {
		char *one = NULL;

		ret = csv_field(&s, &text, &one, err);
		if (ret == 0)
			ret = field(&s, &f, one, err);
		if (ret < 0)
			return ret;
	}
	ret = finish(&s, &f, err);
	if (ret == 0)
		*out = m;
	return ret;
}
