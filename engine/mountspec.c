#include "engine/mountspec.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/mountspec_int.h"
#include "engine/record.h"
#include "engine/strv.h"

enum { VOLUME_NAME_MAX = 255 };

int eng_mspec_err(const struct mspec *s, struct cs_err *err, int code, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return cs_err_set(err, code, "%s %.100s: %s", s->what, s->text, why);
}

static int oom(const struct mspec *s, struct cs_err *err)
{
	return eng_mspec_err(s, err, ENOMEM, "out of memory");
}

int eng_mspec_option(const struct mspec *s, const char *option, struct cs_err *err)
{
	const char *old = s->m->options;
	const char *text = old ? eng_strf(s->a, err, "%s,%s", old, option) : option;

	if (!text)
		return -ENOMEM;
	s->m->options = text;
	return 0;
}

bool eng_mspec_is_propagation(const char *word)
{
	static const char *const words[] = {
		"private", "rprivate", "shared",     "rshared",
		"slave",   "rslave",   "unbindable", "runbindable",
	};

	return cs_str_in(word, words, CS_LEN(words));
}

bool eng_mspec_is_attr(const char *word)
{
	static const char *const words[] = {
		"exec", "noexec", "dev", "nodev", "suid", "nosuid",
	};

	return cs_str_in(word, words, CS_LEN(words)) || eng_mspec_is_propagation(word);
}

/* Without ".", ".." and doubled slashes, as text; NULL when out of memory. @path is absolute. */
static char *clean(struct cs_arena *a, const char *path)
{
	size_t len = strlen(path), n = 0;
	char *out = cs_arena_str(a, path, len);

	if (!out)
		return NULL;
	for (const char *p = path; *p;) {
		size_t part = strcspn(p, "/");

		if (part == 2 && p[0] == '.' && p[1] == '.') {
			while (n > 0 && out[--n] != '/')
				;
		} else if (part && !(part == 1 && p[0] == '.')) {
			out[n++] = '/';
			memmove(out + n, p, part);
			n += part;
		}
		p += part;
		p += *p == '/';
	}
	if (n == 0)
		out[n++] = '/';
	out[n] = '\0';
	return out;
}

int eng_mspec_target(const struct mspec *s, const char *text, struct cs_err *err)
{
	char *path;

	if (text[0] != '/')
		return eng_mspec_err(
			s, err, EINVAL,
			"the place in the container, \"%.64s\", must be an absolute path", text);
	if (strlen(text) >= PATH_MAX)
		return eng_mspec_err(s, err, EINVAL, "the place in the container is too long");
	path = clean(s->a, text);
	if (!path)
		return oom(s, err);
	if (path[1] == '\0')
		return eng_mspec_err(s, err, EINVAL,
				     "nothing can be mounted on the container's \"/\"");
	s->m->target = path;
	return 0;
}

int eng_mspec_path(const struct mspec *s, const char *text, struct cs_err *err)
{
	const char *full = text;
	char *path;

	if (text[0] != '/' && !s->cwd)
		return eng_mspec_err(s, err, EINVAL, "the host's path must be absolute");
	if (text[0] != '/')
		full = eng_strf(s->a, err, "%s/%s", s->cwd, text);
	if (!full)
		return -ENOMEM;
	if (strlen(full) >= PATH_MAX)
		return eng_mspec_err(s, err, EINVAL, "the host's path is too long");
	path = clean(s->a, full);
	if (!path)
		return oom(s, err);
	s->m->source = path;
	return 0;
}

const char *eng_mspec_piece(const struct mspec *s, const char **text, struct cs_err *err)
{
	size_t len = strcspn(*text, ",");
	char *piece = cs_arena_str(s->a, *text, len);

	if (!piece) {
		oom(s, err);
		return NULL;
	}
	*text = (*text)[len] ? *text + len + 1 : NULL;
	return piece;
}

int eng_volume_name_check(const char *what, const char *name, struct cs_err *err)
{
	static const char alnum[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(name), ok = strspn(name, alnum);

	if (ok > 0) {
		while (name[ok] && (strchr(alnum, name[ok]) || strchr("_.-", name[ok])))
			ok++;
	}
	if (len >= 2 && len <= VOLUME_NAME_MAX && ok == len)
		return 0;
	return cs_err_set(err, EINVAL,
			  "%s: \"%.64s\" is no name of a volume: 2 to 255 letters, digits, \"_\", "
			  "\".\" and \"-\", a letter or digit first; a path of the host begins "
			  "with \"/\" or \".\"",
			  what, name);
}

/* One option of -v. */
static int volume_option(const struct mspec *s, const char *word, struct cs_err *err)
{
	static const char *const nothing[] = {
		"rw", "z", "Z", "copy", "cached", "consistent", "delegated", "rbind",
	};
	struct eng_mount *m = s->m;

	if (strcmp(word, "U") == 0 || strcmp(word, "O") == 0)
		return eng_mspec_err(s, err, EOPNOTSUPP, "option \"%s\" is not there: %s", word,
				     word[0] == 'U' ? "change the owner of the files by hand, or "
						      "use idmap with a user namespace"
						    : "use a copy, or a volume");
	if (strcmp(word, "ro") == 0 || strcmp(word, "readonly") == 0) {
		m->read_only = true;
		return 0;
	}
	if (strcmp(word, "nocopy") == 0) {
		if (m->type != ENG_MOUNT_VOLUME)
			return eng_mspec_err(s, err, EINVAL, "\"nocopy\" is for volumes");
		m->no_copy = true;
		return 0;
	}
	if (cs_str_in(word, nothing, CS_LEN(nothing)))
		return 0;
	if (eng_mspec_is_attr(word) || strcmp(word, "bind") == 0 || strcmp(word, "idmap") == 0)
		return eng_mspec_option(s, word, err);
	return eng_mspec_err(s, err, EINVAL,
			     "unknown option \"%.64s\" (ro, rw, nocopy, rshared, rslave, rprivate, "
			     "noexec, nodev, nosuid, ...)",
			     word);
}

static int volume_options(const struct mspec *s, const char *text, struct cs_err *err)
{
	while (text) {
		const char *word = eng_mspec_piece(s, &text, err);
		int ret = word ? 0 : -ENOMEM;

		if (ret == 0 && *word)
			ret = volume_option(s, word, err);
		if (ret < 0)
			return ret;
	}
	/* what is mounted below it must not be a way to write */
	if (s->m->read_only && s->m->type == ENG_MOUNT_BIND)
		return eng_mspec_option(s, "rro", err);
	return 0;
}

static int volume_source(const struct mspec *s, const char *text, struct cs_err *err)
{
	struct eng_mount *m = s->m;

	if (!*text)
		return eng_mspec_err(s, err, EINVAL, "nothing before the first \":\"");
	if (text[0] == '/' || text[0] == '.') {
		m->type = ENG_MOUNT_BIND;
		m->create = true;
		return eng_mspec_path(s, text, err);
	}
	m->source = text;
	return eng_volume_name_check(s->what, text, err);
}

int eng_mount_parse_volume(struct cs_arena *a, const char *text, const char *cwd,
			   struct eng_mount *out, struct cs_err *err)
{
	struct eng_mount m = { .type = ENG_MOUNT_VOLUME };
	const struct mspec s = { .a = a, .what = "-v", .text = text, .cwd = cwd, .m = &m };
	size_t first = strcspn(text, ":"), second;
	char *source = cs_arena_str(a, text, first), *target;
	int ret;

	if (!source)
		return oom(&s, err);
	if (!*text)
		return eng_mspec_err(&s, err, EINVAL, "empty: write [SOURCE:]TARGET[:OPTION,...]");
	if (!text[first]) {
		m.anonymous = true;
		ret = eng_mspec_target(&s, source, err);
		if (ret == 0)
			*out = m;
		return ret;
	}
	text += first + 1;
	second = strcspn(text, ":");
	target = cs_arena_str(a, text, second);
	if (!target)
		return oom(&s, err);
	/* "-v /data:ro" is an anonymous volume with an option */
	if (!text[second] && target[0] && target[0] != '/' && source[0] == '/') {
		m.anonymous = true;
		ret = eng_mspec_target(&s, source, err);
		if (ret == 0)
			ret = volume_options(&s, target, err);
	} else {
		ret = volume_source(&s, source, err);
		if (ret == 0)
			ret = eng_mspec_target(&s, target, err);
		if (ret == 0)
			ret = volume_options(&s, text[second] ? text + second + 1 : NULL, err);
	}
	if (ret == 0)
		*out = m;
	return ret;
}

int eng_mount_image_volume(struct cs_arena *a, const char *target, struct eng_mount *out,
			   struct cs_err *err)
{
	struct eng_mount m = { .type = ENG_MOUNT_VOLUME, .anonymous = true };
	const struct mspec s = { .a = a, .what = "the image's VOLUME", .text = target, .m = &m };
	int ret = eng_mspec_target(&s, target, err);

	if (ret == 0)
		*out = m;
	return ret;
}

int eng_mounts_check(const struct eng_mount *v, size_t n, struct cs_err *err)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(v[i].target, v[j].target) == 0)
				return cs_err_set(err, EINVAL,
						  "two mounts on %.200s: leave one of them out",
						  v[i].target);
		}
	}
	return 0;
}
