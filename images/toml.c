#include "images/toml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

/* A key seen in the current table. */
struct seen {
	const char *key;
	const struct seen *next;
};

struct toml {
	const char *p, *end;
	struct cs_arena *arena;
	struct img_toml t;
	const struct seen *seen;
	unsigned int tables; /* [[...]] so far */
	unsigned int keys;   /* in this table */
};

enum { KEYS_MAX = 100000 };

int img_toml_err(const struct img_toml *t, struct cs_err *err, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cs_str_plain(text);
	return cs_err_set(err, EINVAL, "line %u: %s", t->line, text);
}

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "out of memory");
}

static char peek(const struct toml *c)
{
	if (c->p >= c->end)
		return '\0';
	return *c->p;
}

static bool at_end(const struct toml *c)
{
	return c->p >= c->end;
}

static void skip_blank(struct toml *c)
{
	while (peek(c) == ' ' || peek(c) == '\t')
		c->p++;
}

static void skip_comment(struct toml *c)
{
	skip_blank(c);
	if (peek(c) == '#')
		while (!at_end(c) && *c->p != '\n')
			c->p++;
}

/* Blanks, comments and ends of lines. */
static void skip_lines(struct toml *c)
{
	for (;;) {
		skip_comment(c);
		if (peek(c) == '\r' && c->p + 1 < c->end && c->p[1] == '\n')
			c->p++;
		if (peek(c) != '\n')
			return;
		c->p++;
		c->t.line++;
	}
}

/* Nothing more but a comment on this line. */
static int end_line(struct toml *c, struct cs_err *err)
{
	skip_comment(c);
	if (at_end(c) || *c->p == '\n' || (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n'))
		return 0;
	return img_toml_err(&c->t, err, "something follows where the line should end");
}

static int escape(struct toml *c, struct cs_buf *b, struct cs_err *err)
{
	static const char from[] = "\"\\bfnrt", to[] = "\"\\\b\f\n\r\t";
	const char *at;
	char ch = peek(c);

	at = ch ? strchr(from, ch) : NULL;
	if (!at)
		return img_toml_err(&c->t, err, "an escape in a string that is not known here");
	cs_buf_add_mem(b, &to[at - from], 1);
	return 0;
}

/* A string in either kind of quotes. */
static int string(struct toml *c, const char **out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	char quote = *c->p++;
	int ret = 0;

	if (c->end - c->p >= 2 && c->p[0] == quote && c->p[1] == quote)
		return img_toml_err(&c->t, err, "strings of several lines are not known here");
	for (; !ret && !at_end(c) && *c->p != quote; c->p++) {
		if ((unsigned char)*c->p < 0x20 && *c->p != '\t')
			return img_toml_err(&c->t, err, "a string does not end on its line");
		if (*c->p == '\\' && quote == '"') {
			c->p++;
			ret = escape(c, &b, err);
		} else {
			cs_buf_add_mem(&b, c->p, 1);
		}
	}
	if (ret < 0)
		return ret;
	if (at_end(c))
		return img_toml_err(&c->t, err, "a string does not end");
	c->p++;
	cs_buf_add(&b, "");
	*out = b.failed ? NULL : cs_arena_str(c->arena, b.s, b.len);
	return *out ? 0 : oom(err);
}

static int key(struct toml *c, const char **out, struct cs_err *err)
{
	const char *start = c->p;

	if (peek(c) == '"' || peek(c) == '\'')
		return string(c, out, err);
	while (!at_end(c) && *c->p &&
	       strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *c->p))
		c->p++;
	if (c->p == start)
		return img_toml_err(&c->t, err, "a key or a table is expected here");
	*out = cs_arena_str(c->arena, start, (size_t)(c->p - start));
	return *out ? 0 : oom(err);
}

/* "a.b" between brackets. */
static int table_name(struct toml *c, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (;;) {
		const char *part = "";
		int ret;

		skip_blank(c);
		ret = key(c, &part, err);
		if (ret < 0)
			return ret;
		cs_buf_addf(&b, "%s%s", b.len ? "." : "", part);
		skip_blank(c);
		if (peek(c) != '.')
			break;
		c->p++;
	}
	c->t.table = b.failed ? NULL : cs_arena_str(c->arena, b.s, b.len);
	return c->t.table ? 0 : oom(err);
}

static int table(struct toml *c, struct cs_err *err)
{
	int brackets, ret;

	c->p++;
	brackets = peek(c) == '[' ? 2 : 1;
	c->p += brackets - 1;
	ret = table_name(c, err);
	if (ret < 0)
		return ret;
	for (int i = 0; i < brackets; i++) {
		if (peek(c) != ']')
			return img_toml_err(&c->t, err, "a table's name does not end with \"]\"");
		c->p++;
	}
	c->t.nth = brackets == 2 ? ++c->tables : 0;
	c->t.key = NULL;
	c->seen = NULL;
	return end_line(c, err);
}

static int strings(struct toml *c, struct cs_err *err)
{
	const char *v[IMG_TOML_STRINGS_MAX];
	size_t n = 0;
	char **copy;

	c->p++;
	for (;;) {
		int ret;

		skip_lines(c);
		if (peek(c) == ']')
			break;
		if (peek(c) != '"' && peek(c) != '\'')
			return img_toml_err(&c->t, err, "an array may only hold strings here");
		if (n == IMG_TOML_STRINGS_MAX)
			return img_toml_err(&c->t, err, "an array of more than %d strings",
					    IMG_TOML_STRINGS_MAX);
		ret = string(c, &v[n++], err);
		if (ret < 0)
			return ret;
		skip_lines(c);
		if (peek(c) == ',')
			c->p++;
		else if (peek(c) != ']')
			return img_toml_err(&c->t, err,
					    "an array's strings need commas between "
					    "them");
	}
	c->p++;
	copy = cs_arena_alloc(c->arena, (n + 1) * sizeof(*copy));
	if (!copy)
		return oom(err);
	memcpy(copy, v, n * sizeof(*copy));
	copy[n] = NULL;
	c->t.strv = (const char *const *)copy;
	c->t.n = n;
	c->t.type = IMG_TOML_STRINGS;
	return 0;
}

static bool word(struct toml *c, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n) != 0)
		return false;
	c->p += n;
	return true;
}

static int value(struct toml *c, struct cs_err *err)
{
	switch (peek(c)) {
	case '"':
	case '\'':
		c->t.type = IMG_TOML_STRING;
		return string(c, &c->t.str, err);
	case '[':
		return strings(c, err);
	case '{':
		return img_toml_err(&c->t, err,
				    "inline tables are not known here: write "
				    "[[registry.mirror]] and its keys on lines of "
				    "their own");
	default:
		break;
	}
	c->t.type = IMG_TOML_BOOL;
	c->t.boolean = word(c, "true");
	if (c->t.boolean || word(c, "false"))
		return 0;
	return img_toml_err(&c->t, err, "%s: neither a string, true, false nor an array of strings",
			    c->t.key);
}

static int note_key(struct toml *c, struct cs_err *err)
{
	struct seen *s;

	/* Long tables are of aliases, whose last word counts: they need no list to go through. */
	for (const struct seen *o = c->seen; o && c->keys < 64; o = o->next)
		if (strcmp(o->key, c->t.key) == 0)
			return img_toml_err(&c->t, err, "%s is given twice", c->t.key);
	if (++c->keys > KEYS_MAX)
		return img_toml_err(&c->t, err, "more than %d keys", KEYS_MAX);
	s = cs_arena_alloc(c->arena, sizeof(*s));
	if (!s)
		return oom(err);
	*s = (struct seen){ .key = c->t.key, .next = c->seen };
	c->seen = s;
	return 0;
}

static int pair(struct toml *c, struct cs_err *err)
{
	int ret = key(c, &c->t.key, err);

	if (ret < 0)
		return ret;
	skip_blank(c);
	if (peek(c) == '.')
		return img_toml_err(&c->t, err, "dotted keys are not known here");
	if (peek(c) != '=')
		return img_toml_err(&c->t, err, "%s: \"=\" is missing", c->t.key);
	c->p++;
	skip_blank(c);
	ret = note_key(c, err);
	if (!ret)
		ret = value(c, err);
	return ret < 0 ? ret : end_line(c, err);
}

int img_toml_parse(const char *buf, size_t len, const char *what, struct cs_arena *arena,
		   img_toml_fn fn, void *ctx, struct cs_err *err)
{
	struct toml c = { .p = buf, .end = buf + len, .arena = arena };
	int ret = 0;

	c.t.line = 1;
	c.t.table = "";
	if (len > IMG_TOML_MAX)
		return cs_err_set(err, EFBIG, "%s: more than %d bytes", what, IMG_TOML_MAX);
	if (memchr(buf, '\0', len))
		return cs_err_set(err, EINVAL, "%s: holds a NUL byte", what);
	while (!ret) {
		skip_lines(&c);
		if (at_end(&c))
			break;
		if (*c.p == '[') {
			c.keys = 0;
			ret = table(&c, err);
		} else {
			ret = pair(&c, err);
		}
		if (!ret)
			ret = fn(ctx, &c.t, err);
	}
	return ret < 0 ? cs_err_wrap(err, "%s", what) : 0;
}
