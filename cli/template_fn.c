#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/template_int.h"

enum { LIST_MAX = 256 };

static int no_memory(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "option --format: out of memory");
}

struct tpl_val cli_tpl_val_json(const struct cs_json *j)
{
	struct tpl_val v = { .kind = VAL_NONE };

	if (!j || j->type == CS_JSON_NULL)
		return v;
	if (j->type == CS_JSON_STRING)
		return (struct tpl_val){ .kind = VAL_TEXT, .text = j->str };
	if (j->type == CS_JSON_BOOL)
		return (struct tpl_val){ .kind = VAL_BOOL, .number = j->boolean };
	return (struct tpl_val){ .kind = VAL_JSON, .json = j };
}

/* The member @len bytes of @key name: exactly, else without regard to case. */
const struct cs_json *cli_tpl_member(const struct cs_json *obj, const char *key, size_t len)
{
	const struct cs_json *c, *near = NULL;

	if (!obj || obj->type != CS_JSON_OBJECT)
		return NULL;
	cs_json_for_each (c, obj) {
		if (strlen(c->key) != len)
			continue;
		if (strncmp(c->key, key, len) == 0)
			return c;
		if (!near && strncasecmp(c->key, key, len) == 0)
			near = c;
	}
	return near;
}

/* Text of a value as Go prints it. */
static void print_json(const struct cs_json *j, struct cs_buf *b)
{
	const struct cs_json *c;

	switch (j->type) {
	case CS_JSON_NULL:
		cs_buf_add(b, "<no value>");
		break;
	case CS_JSON_BOOL:
		cs_buf_add(b, j->boolean ? "true" : "false");
		break;
	case CS_JSON_NUMBER:
	case CS_JSON_STRING:
		cs_buf_add(b, j->str);
		break;
	case CS_JSON_ARRAY:
	case CS_JSON_OBJECT:
	default:
		cs_buf_add(b, j->type == CS_JSON_ARRAY ? "[" : "map[");
		cs_json_for_each (c, j) {
			if (c != j->child)
				cs_buf_add(b, " ");
			if (c->key)
				cs_buf_addf(b, "%s:", c->key);
			print_json(c, b);
		}
		cs_buf_add(b, "]");
	}
}

void cli_tpl_val_print(const struct tpl_val *v, struct cs_buf *b)
{
	switch (v->kind) {
	case VAL_JSON:
		print_json(v->json, b);
		break;
	case VAL_TEXT:
		cs_buf_add(b, v->text);
		break;
	case VAL_NUMBER:
		cs_buf_addf(b, "%lld", (long long)v->number);
		break;
	case VAL_BOOL:
		cs_buf_add(b, v->number ? "true" : "false");
		break;
	case VAL_LIST:
		cs_buf_add(b, "[");
		for (size_t i = 0; i < v->n; i++)
			cs_buf_addf(b, "%s%s", i ? " " : "", v->list[i]);
		cs_buf_add(b, "]");
		break;
	case VAL_NONE:
	default:
		cs_buf_add(b, "<no value>");
	}
}

/* Go's idea of a true value. */
bool cli_tpl_val_truth(const struct tpl_val *v)
{
	switch (v->kind) {
	case VAL_JSON:
		return v->json->type == CS_JSON_NUMBER ? strcmp(v->json->str, "0") != 0
						       : v->json->n > 0;
	case VAL_TEXT:
		return *v->text != '\0';
	case VAL_NUMBER:
	case VAL_BOOL:
		return v->number != 0;
	case VAL_LIST:
		return v->n > 0;
	case VAL_NONE:
	default:
		return false;
	}
}

/* A value's text in the arena. */
static int text_of(const struct tpl_fill *f, const struct tpl_val *v, const char **out,
		   struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (v->kind == VAL_TEXT) {
		*out = v->text;
		return 0;
	}
	cs_buf_add(&b, "");
	cli_tpl_val_print(v, &b);
	*out = b.failed ? NULL : cs_arena_str(f->arena, b.s, b.len);
	return *out ? 0 : no_memory(err);
}

static int fn_json(const struct tpl_fill *f, const struct tpl_val *v, struct tpl_val *out,
		   struct cs_err *err)
{
	struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *s = NULL;
	size_t len = 0;
	int ret;

	switch (v->kind) {
	case VAL_JSON:
		cs_jw_value(&w, NULL, v->json);
		break;
	case VAL_TEXT:
		cs_jw_str(&w, NULL, v->text);
		break;
	case VAL_NUMBER:
		cs_jw_i64(&w, NULL, v->number);
		break;
	case VAL_BOOL:
		cs_jw_bool(&w, NULL, v->number != 0);
		break;
	case VAL_LIST:
		cs_jw_arr(&w, NULL);
		for (size_t i = 0; i < v->n; i++)
			cs_jw_str(&w, NULL, v->list[i]);
		cs_jw_arr_end(&w);
		break;
	case VAL_NONE:
	default:
		cs_jw_null(&w, NULL);
	}
	ret = cs_jw_take(&w, &s, &len, err);
	if (ret < 0)
		return ret;
	out->kind = VAL_TEXT;
	out->text = cs_arena_str(f->arena, s, len);
	return out->text ? 0 : no_memory(err);
}

static int fn_join(const struct tpl_fill *f, const struct tpl_val *list, const struct tpl_val *sep,
		   struct tpl_val *out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const char *between;
	int ret = text_of(f, sep, &between, err);

	if (ret < 0)
		return ret;
	cs_buf_add(&b, "");
	for (size_t i = 0; list->kind == VAL_LIST && i < list->n; i++)
		cs_buf_addf(&b, "%s%s", i ? between : "", list->list[i]);
	if (list->kind == VAL_JSON) {
		const struct cs_json *c;

		cs_json_for_each (c, list->json) {
			if (c != list->json->child)
				cs_buf_add(&b, between);
			print_json(c, &b);
		}
	}
	out->kind = VAL_TEXT;
	out->text = b.failed ? NULL : cs_arena_str(f->arena, b.s, b.len);
	return out->text ? 0 : no_memory(err);
}

static int fn_len(const struct tpl_val *v, struct tpl_val *out, struct cs_err *err)
{
	out->kind = VAL_NUMBER;
	if (v->kind == VAL_JSON && v->json->type != CS_JSON_NUMBER)
		out->number = v->json->n;
	else if (v->kind == VAL_TEXT)
		out->number = (int64_t)strlen(v->text);
	else if (v->kind == VAL_LIST)
		out->number = (int64_t)v->n;
	else if (v->kind == VAL_NONE)
		out->number = 0;
	else
		return cs_err_set(err, EINVAL, "option --format: len of what has no length");
	return 0;
}

/* lower, upper, title. */
static int fn_case(const struct tpl_fill *f, enum tpl_fn fn, const struct tpl_val *v,
		   struct tpl_val *out, struct cs_err *err)
{
	const char *s;
	char *copy;
	int ret = text_of(f, v, &s, err);

	if (ret < 0)
		return ret;
	copy = cs_arena_str(f->arena, s, strlen(s));
	if (!copy)
		return no_memory(err);
	for (char *p = copy; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (fn == TPL_FN_LOWER)
			*p = (char)tolower(c);
		else if (fn == TPL_FN_UPPER || p == copy || p[-1] == ' ')
			*p = (char)toupper(c);
	}
	*out = (struct tpl_val){ .kind = VAL_TEXT, .text = copy };
	return 0;
}

static int fn_truncate(const struct tpl_fill *f, const struct tpl_val *text,
		       const struct tpl_val *max, struct tpl_val *out, struct cs_err *err)
{
	const char *s;
	size_t n = 0;
	int ret = text_of(f, text, &s, err);

	if (ret < 0)
		return ret;
	for (int64_t i = 0; i < max->number && s[n]; i++) {
		size_t one = cs_str_utf8_len(s + n);

		n += one ? one : 1;
	}
	out->kind = VAL_TEXT;
	out->text = cs_arena_str(f->arena, s, n);
	return out->text ? 0 : no_memory(err);
}

static int fn_split(const struct tpl_fill *f, const struct tpl_val *text, const struct tpl_val *sep,
		    struct tpl_val *out, struct cs_err *err)
{
	const char **v = cs_arena_alloc(f->arena, LIST_MAX * sizeof(*v));
	const char *s, *by;
	size_t n = 0, len;
	int ret = text_of(f, text, &s, err);

	if (ret == 0)
		ret = text_of(f, sep, &by, err);
	if (ret < 0)
		return ret;
	if (!v)
		return no_memory(err);
	len = strlen(by);
	for (;;) {
		const char *next = len ? strstr(s, by) : NULL;

		if (n == LIST_MAX - 1)
			next = NULL;
		v[n] = cs_arena_str(f->arena, s, next ? (size_t)(next - s) : strlen(s));
		if (!v[n++])
			return no_memory(err);
		if (!next)
			break;
		s = next + len;
	}
	*out = (struct tpl_val){ .kind = VAL_LIST, .list = v, .n = n };
	return 0;
}

static struct tpl_val index_one(const struct tpl_val *v, const struct tpl_val *key)
{
	const struct cs_json *c;
	int64_t i = 0;

	if (v->kind == VAL_LIST && key->kind == VAL_NUMBER && key->number >= 0 &&
	    (uint64_t)key->number < v->n)
		return (struct tpl_val){ .kind = VAL_TEXT, .text = v->list[key->number] };
	if (v->kind != VAL_JSON)
		return (struct tpl_val){ .kind = VAL_NONE };
	if (key->kind == VAL_TEXT)
		return cli_tpl_val_json(cli_tpl_member(v->json, key->text, strlen(key->text)));
	cs_json_for_each (c, v->json) {
		if (key->kind == VAL_NUMBER && i++ == key->number)
			return cli_tpl_val_json(c);
	}
	return (struct tpl_val){ .kind = VAL_NONE };
}

static int fn_equal(const struct tpl_fill *f, const struct tpl_val *v, size_t n, bool *equal,
		    struct cs_err *err)
{
	const char *a, *b;
	int ret = text_of(f, &v[0], &a, err);

	*equal = false;
	for (size_t i = 1; i < n && ret == 0 && !*equal; i++) {
		ret = text_of(f, &v[i], &b, err);
		*equal = ret == 0 && strcmp(a, b) == 0;
	}
	return ret;
}

static int fn_logic(const struct tpl_fill *f, enum tpl_fn fn, const struct tpl_val *v, size_t n,
		    struct tpl_val *out, struct cs_err *err)
{
	bool equal = false;
	size_t i = 0;
	int ret = 0;

	if (fn == TPL_FN_EQ || fn == TPL_FN_NE) {
		ret = fn_equal(f, v, n, &equal, err);
		*out = (struct tpl_val){ .kind = VAL_BOOL, .number = equal == (fn == TPL_FN_EQ) };
	} else if (fn == TPL_FN_NOT) {
		*out = (struct tpl_val){ .kind = VAL_BOOL, .number = !cli_tpl_val_truth(&v[0]) };
	} else { /* the first that decides */
		while (i + 1 < n && cli_tpl_val_truth(&v[i]) == (fn == TPL_FN_AND))
			i++;
		*out = v[i];
	}
	return ret;
}

static int fn_println(const struct tpl_fill *f, const struct tpl_val *v, size_t n,
		      struct tpl_val *out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		cs_buf_add(&b, i ? " " : "");
		cli_tpl_val_print(&v[i], &b);
	}
	cs_buf_add(&b, "\n");
	out->kind = VAL_TEXT;
	out->text = b.failed ? NULL : cs_arena_str(f->arena, b.s, b.len);
	return out->text ? 0 : no_memory(err);
}

int cli_tpl_call(const struct tpl_fill *f, enum tpl_fn fn, const struct tpl_val *v, size_t n,
		 struct tpl_val *out, struct cs_err *err)
{
	switch (fn) {
	case TPL_FN_JSON:
		return fn_json(f, &v[0], out, err);
	case TPL_FN_JOIN:
		/* "join LIST SEP", and "LIST | join SEP" */
		return v[0].kind == VAL_TEXT && v[1].kind != VAL_TEXT
			       ? fn_join(f, &v[1], &v[0], out, err)
			       : fn_join(f, &v[0], &v[1], out, err);
	case TPL_FN_LEN:
		return fn_len(&v[0], out, err);
	case TPL_FN_LOWER:
	case TPL_FN_UPPER:
	case TPL_FN_TITLE:
		return fn_case(f, fn, &v[0], out, err);
	case TPL_FN_TRUNCATE:
		return v[0].kind == VAL_NUMBER ? fn_truncate(f, &v[1], &v[0], out, err)
					       : fn_truncate(f, &v[0], &v[1], out, err);
	case TPL_FN_SPLIT:
		return fn_split(f, &v[0], &v[1], out, err);
	case TPL_FN_INDEX:
		*out = v[0];
		for (size_t i = 1; i < n; i++)
			*out = index_one(out, &v[i]);
		return 0;
	case TPL_FN_PRINTLN:
		return fn_println(f, v, n, out, err);
	case TPL_FN_AND:
	case TPL_FN_OR:
	case TPL_FN_NOT:
	case TPL_FN_EQ:
	case TPL_FN_NE:
		return fn_logic(f, fn, v, n, out, err);
	case TPL_FN_NONE:
	default:
		*out = v[0];
		return 0;
	}
}
