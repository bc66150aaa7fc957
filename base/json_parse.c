#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
	DEPTH_MAX = 64,
	NODES_MAX = 1 << 18,	    /* a big config.json has some ten thousand */
	LEN_MAX = 64 * 1024 * 1024, /* far from where yajl 2.1's size sums overflow */
	DIRECT_KEYS = 64,	    /* members compared as they come; more are sorted at the end */
};

void *cs_json_alloc(const struct cs_json_doc *doc, size_t n, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	p = cs_arena_alloc(doc->arena, total);
	if (p)
		memset(p, 0, total);
	return p;
}

void cs_json_fini(struct cs_json_doc *doc)
{
	cs_arena_free(doc->arena);
	*doc = (struct cs_json_doc)CS_JSON_DOC_INIT;
}

/* An array or object being read. */
struct frame {
	struct cs_json *node;
	struct cs_json *last; /* its last child so far */
};

struct parser {
	struct cs_arena *arena;
	struct cs_json *root;
	struct frame stack[DEPTH_MAX];
	unsigned int depth;
	unsigned int nodes;
	const char *key;    /* of the member to come */
	struct cs_err *err; /* why a callback stopped it */
};

/* Links a new value into the tree. NULL stops the parser. */
static struct cs_json *add_node(struct parser *p, enum cs_json_type type)
{
	struct frame *top = p->depth ? &p->stack[p->depth - 1] : NULL;
	struct cs_json *v;

	if (p->nodes == NODES_MAX) {
		cs_err_set(p->err, EFBIG, "more than %d values", NODES_MAX);
		return NULL;
	}
	v = cs_arena_alloc(p->arena, sizeof(*v));
	if (!v) {
		cs_err_set(p->err, ENOMEM, "out of memory");
		return NULL;
	}
	p->nodes++;
	*v = (struct cs_json){ .type = type, .key = p->key };
	p->key = NULL;
	if (!top) {
		p->root = v;
		return v;
	}
	v->parent = top->node;
	if (top->last)
		top->last->next = v;
	else
		top->node->child = v;
	top->last = v;
	top->node->n++;
	return v;
}

/* Copies a text to the arena, NUL-terminated. */
static const char *add_text(struct parser *p, const void *s, size_t len)
{
	const char *text = cs_arena_str(p->arena, s, len);

	if (!text)
		cs_err_set(p->err, ENOMEM, "out of memory");
	return text;
}

/* As add_text() for a string. A NUL would end it early for everything that gets it, checks
 * included. yajl has seen that it looks like UTF-8, but lets overlong forms and the like pass. */
static const char *add_string(struct parser *p, const void *s, size_t len)
{
	const char *text = add_text(p, s, len);
	const char *c = text;
	size_t n;

	if (!text)
		return NULL;
	for (; *c; c += n) {
		n = (unsigned char)*c < 0x80 ? 1 : cs_str_utf8_len(c);
		if (!n) {
			cs_err_set(p->err, EINVAL, "a string is not UTF-8");
			return NULL;
		}
	}
	if (c != text + len) {
		cs_err_set(p->err, EINVAL, "a string has a NUL character in it");
		return NULL;
	}
	return text;
}

static int on_null(void *ctx)
{
	return add_node(ctx, CS_JSON_NULL) != NULL;
}

static int on_boolean(void *ctx, int value)
{
	struct cs_json *v = add_node(ctx, CS_JSON_BOOL);

	if (v)
		v->boolean = value != 0;
	return v != NULL;
}

static int on_number(void *ctx, const char *s, size_t len)
{
	struct cs_json *v = add_node(ctx, CS_JSON_NUMBER);

	if (v)
		v->str = add_text(ctx, s, len);
	return v && v->str;
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct cs_json *v = add_node(ctx, CS_JSON_STRING);

	if (v)
		v->str = add_string(ctx, s, len);
	return v && v->str;
}

static int on_start(struct parser *p, enum cs_json_type type)
{
	struct cs_json *v;

	if (p->depth == DEPTH_MAX) {
		cs_err_set(p->err, EINVAL, "nested more than %d deep", DEPTH_MAX);
		return 0;
	}
	v = add_node(p, type);
	if (v)
		p->stack[p->depth++] = (struct frame){ .node = v };
	return v != NULL;
}

static int on_start_map(void *ctx)
{
	return on_start(ctx, CS_JSON_OBJECT);
}

static int on_start_array(void *ctx)
{
	return on_start(ctx, CS_JSON_ARRAY);
}

static int on_end_array(void *ctx)
{
	struct parser *p = ctx;

	p->depth--;
	return 1;
}

static int refuse_twice(struct parser *p, const struct cs_json *obj, const char *key)
{
	cs_json_err(obj, p->err, EINVAL, "\"%s\" is there twice", key);
	return 0;
}

static int on_map_key(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;
	const struct cs_json *obj = p->stack[p->depth - 1].node, *c;

	p->key = add_string(p, s, len);
	if (!p->key)
		return 0;
	if (obj->n >= DIRECT_KEYS)
		return 1;
	cs_json_for_each (c, obj) {
		if (cs_json_key_is(c, p->key))
			return refuse_twice(p, obj, p->key);
	}
	return 1;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Finds a key that is twice in a big object in n log n steps. */
static int check_keys(struct parser *p, const struct cs_json *obj)
{
	cs_auto_free const char **keys = calloc(obj->n, sizeof(*keys));
	const struct cs_json *c;
	size_t n = 0;

	if (!keys) {
		cs_err_set(p->err, ENOMEM, "out of memory");
		return 0;
	}
	cs_json_for_each (c, obj)
		keys[n++] = c->key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return refuse_twice(p, obj, keys[i]);
	}
	return 1;
}

static int on_end_map(void *ctx)
{
	struct parser *p = ctx;
	const struct cs_json *obj = p->stack[--p->depth].node;

	return obj->n <= DIRECT_KEYS || check_keys(p, obj);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_map_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

static size_t line_at(const char *buf, size_t offset)
{
	size_t line = 1;
	const char *end = buf + offset;

	while ((buf = memchr(buf, '\n', (size_t)(end - buf)))) {
		line++;
		buf++;
	}
	return line;
}

/* Turns what stopped @h at @line into the error: a callback's own, or yajl's "parse error:
 * <why>\n".
 */
static int parse_failed(yajl_handle h, const char *what, size_t line, struct cs_err *err)
{
	unsigned char *text;

	if (!err->code) {
		text = yajl_get_error(h, 0, NULL, 0);
		cs_err_set(err, EINVAL, "%.*s", text ? (int)strcspn((char *)text, "\n") : 0,
			   text ? (char *)text : "");
		if (text)
			yajl_free_error(h, text);
	}
	return cs_err_wrap(err, "%s: line %zu", what, line);
}

int cs_json_parse(const char *buf, size_t len, const char *what, struct cs_json_doc *out,
		  struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct parser p = { .err = err };
	size_t end = len;
	yajl_status st;
	yajl_handle h;
	int ret = 0;

	if (len > LEN_MAX)
		return cs_err_set(err, EFBIG, "%s: more than %d bytes", what, LEN_MAX);
	p.arena = cs_arena_new(len * 4);
	doc.arena = p.arena;
	h = p.arena ? yajl_alloc(&callbacks, NULL, &p) : NULL;
	if (!h)
		return cs_err_set(err, ENOMEM, "%s: out of memory", what);
	st = yajl_parse(h, (const unsigned char *)buf, len);
	if (st == yajl_status_ok)
		st = yajl_complete_parse(h);
	else
		end = yajl_get_bytes_consumed(h);
	if (st != yajl_status_ok)
		ret = parse_failed(h, what, line_at(buf, end), err);
	yajl_free(h);
	if (ret < 0)
		return ret;
	doc.root = p.root;
	*out = doc;
	doc = (struct cs_json_doc)CS_JSON_DOC_INIT;
	return 0;
}
