#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

static void newline(struct cs_jw *w)
{
	static const char spaces[] = "                                ";
	size_t left = (size_t)w->depth * 2;

	cs_buf_add_mem(&w->buf, "\n", 1);
	while (left) {
		size_t n = left < sizeof(spaces) - 1 ? left : sizeof(spaces) - 1;

		cs_buf_add_mem(&w->buf, spaces, n);
		left -= n;
	}
}

static void escape(struct cs_buf *b, unsigned char c)
{
	static const char letters[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
					['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };

	if (c < sizeof(letters) && letters[c])
		cs_buf_add_mem(b, (const char[]){ '\\', letters[c] }, 2);
	else
		cs_buf_addf(b, "\\u%04x", c);
}

/* Writes @v as a JSON string. Runs of plain bytes are added at once. */
static void quote(struct cs_buf *b, const char *v)
{
	const char *p = v, *run = p;

	cs_buf_add_mem(b, "\"", 1);
	while (*p) {
		unsigned char c = (unsigned char)*p;
		size_t n = cs_str_utf8_len(p);

		if (n && c >= 0x20 && c != 0x7f && c != '"' && c != '\\') {
			p += n;
			continue;
		}
		cs_buf_add_mem(b, run, (size_t)(p - run));
		if (n)
			escape(b, c);
		else
			cs_buf_add(b, "\xef\xbf\xbd"); /* U+FFFD */
		run = ++p;
	}
	cs_buf_add_mem(b, run, (size_t)(p - run));
	cs_buf_add_mem(b, "\"", 1);
}

/* What stands before a value: comma, new line, name. */
static void before(struct cs_jw *w, const char *key)
{
	if (w->comma)
		cs_buf_add_mem(&w->buf, ",", 1);
	if (w->pretty && w->depth)
		newline(w);
	if (key) {
		quote(&w->buf, key);
		cs_buf_add(&w->buf, w->pretty ? ": " : ":");
	}
	w->comma = true;
}

static void begin(struct cs_jw *w, const char *key, const char *bracket)
{
	before(w, key);
	cs_buf_add(&w->buf, bracket);
	w->depth++;
	w->comma = false;
}

static void end(struct cs_jw *w, const char *bracket)
{
	assert(w->depth);
	w->depth--;
	if (w->pretty && w->comma)
		newline(w);
	cs_buf_add(&w->buf, bracket);
	w->comma = true;
}

void cs_jw_obj(struct cs_jw *w, const char *key)
{
	begin(w, key, "{");
}

void cs_jw_obj_end(struct cs_jw *w)
{
	end(w, "}");
}

void cs_jw_arr(struct cs_jw *w, const char *key)
{
	begin(w, key, "[");
}

void cs_jw_arr_end(struct cs_jw *w)
{
	end(w, "]");
}

void cs_jw_str(struct cs_jw *w, const char *key, const char *v)
{
	before(w, key);
	if (v)
		quote(&w->buf, v);
	else
		cs_buf_add(&w->buf, "null");
}

void cs_jw_bool(struct cs_jw *w, const char *key, bool v)
{
	before(w, key);
	cs_buf_add(&w->buf, v ? "true" : "false");
}

void cs_jw_i64(struct cs_jw *w, const char *key, int64_t v)
{
	before(w, key);
	cs_buf_addf(&w->buf, "%" PRId64, v);
}

void cs_jw_u64(struct cs_jw *w, const char *key, uint64_t v)
{
	before(w, key);
	cs_buf_addf(&w->buf, "%" PRIu64, v);
}

void cs_jw_double(struct cs_jw *w, const char *key, double v)
{
	char text[32];

	if (!isfinite(v)) {
		cs_jw_null(w, key);
		return;
	}
	/* The shortest of the three that reads back as the same number. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	before(w, key);
	cs_buf_add(&w->buf, text);
}

void cs_jw_null(struct cs_jw *w, const char *key)
{
	before(w, key);
	cs_buf_add(&w->buf, "null");
}

void cs_jw_value(struct cs_jw *w, const char *key, const struct cs_json *v)
{
	const struct cs_json *c;

	switch (v->type) {
	case CS_JSON_NULL:
		cs_jw_null(w, key);
		break;
	case CS_JSON_BOOL:
		cs_jw_bool(w, key, v->boolean);
		break;
	case CS_JSON_NUMBER:
		before(w, key);
		cs_buf_add(&w->buf, v->str);
		break;
	case CS_JSON_STRING:
		cs_jw_str(w, key, v->str);
		break;
	case CS_JSON_ARRAY:
	case CS_JSON_OBJECT:
		begin(w, key, v->type == CS_JSON_ARRAY ? "[" : "{");
		cs_json_for_each (c, v)
			cs_jw_value(w, c->key, c);
		end(w, v->type == CS_JSON_ARRAY ? "]" : "}");
		break;
	}
}

int cs_jw_take(struct cs_jw *w, char **out, size_t *len, struct cs_err *err)
{
	size_t n = w->buf.len;
	char *s;

	assert(w->depth == 0 || w->buf.failed);
	s = cs_buf_take(&w->buf);
	w->comma = false;
	w->depth = 0;
	if (!s)
		return cs_err_set(err, ENOMEM, "out of memory for a JSON text");
	*out = s;
	if (len)
		*len = n;
	return 0;
}

void cs_jw_fini(struct cs_jw *w)
{
	cs_buf_fini(&w->buf);
	w->comma = false;
	w->depth = 0;
}
