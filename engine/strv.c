#include "engine/strv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "out of memory");
}

/* A copy with room for @n strings and the NULL. */
static const char **copy(struct cs_arena *a, const struct eng_strv *v, size_t n)
{
	const char **p = cs_arena_alloc(a, (n + 1) * sizeof(*p));

	if (p && v->n)
		memcpy(p, v->v, v->n * sizeof(*p));
	return p;
}

int eng_strv_add(struct cs_arena *a, struct eng_strv *v, const char *s, struct cs_err *err)
{
	const char **p;

	/* always a copy: arguments are few, and what @v points to may be somebody else's */
	p = copy(a, v, v->n + 1);
	if (!p)
		return oom(err);
	p[v->n] = s;
	p[v->n + 1] = NULL;
	*v = (struct eng_strv){ .v = p, .n = v->n + 1 };
	return 0;
}

const char *eng_strf(struct cs_arena *a, struct cs_err *err, const char *fmt, ...)
{
	cs_auto_free char *text = NULL;
	const char *s = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		text = NULL;
	else
		s = cs_arena_str(a, text, (size_t)len);
	if (!s)
		oom(err);
	return s;
}

bool eng_strv_has(const struct eng_strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++) {
		if (strcmp(v->v[i], s) == 0)
			return true;
	}
	return false;
}

size_t eng_strv_key(const struct eng_strv *v, const char *pair)
{
	size_t len = strcspn(pair, "=");

	for (size_t i = 0; i < v->n; i++) {
		if (strncmp(v->v[i], pair, len) == 0 &&
		    (v->v[i][len] == '=' || v->v[i][len] == '\0'))
			return i;
	}
	return v->n;
}

int eng_strv_set(struct cs_arena *a, struct eng_strv *v, const char *pair, struct cs_err *err)
{
	size_t i = eng_strv_key(v, pair);
	const char **p;

	if (i == v->n)
		return eng_strv_add(a, v, pair, err);
	p = copy(a, v, v->n);
	if (!p)
		return oom(err);
	p[i] = pair;
	p[v->n] = NULL;
	v->v = p;
	return 0;
}
