/*
 * base/json: any text is refused with a message, or becomes a tree that every getter can be asked
 * about and that, written and read again, is the same tree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok) ((ok) ? (void)0 : abort())

/* Asks a getter what it must be able to answer: 1, or -EINVAL with a message. */
static void check_answer(int ret, bool right_type, struct cs_err *err)
{
	if (ret == 1) {
		check(right_type && !err->code);
		return;
	}
	check(ret == -EINVAL && err->code == EINVAL && *err->msg);
	cs_err_clear(err);
}

static void ask(const struct cs_json *v)
{
	struct cs_err err = CS_ERR_INIT;
	const char *s = NULL;
	uint64_t u = 0;
	int64_t i = -1;
	char path[64];

	cs_json_path(v, path, sizeof(path));
	check(strlen(path) < sizeof(path));
	check_answer(cs_json_as_str(v, &s, &err), v->type == CS_JSON_STRING, &err);
	check_answer(cs_json_as_u64(v, &u, &err), v->type == CS_JSON_NUMBER, &err);
	check_answer(cs_json_as_i64(v, &i, &err), v->type == CS_JSON_NUMBER, &err);
	if (i >= 0)
		check((uint64_t)i == u);
	if (v->key && v->type != CS_JSON_NULL)
		check(cs_json_get(v->parent, v->key) == v);
}

/* Are two trees the same? */
static void compare(const struct cs_json *a, const struct cs_json *b, int depth)
{
	const struct cs_json *x, *y = b->child;
	uint32_t n = 0;

	check(depth <= 65 && a->type == b->type && a->boolean == b->boolean && a->n == b->n);
	check(!a->key == !b->key && (!a->key || strcmp(a->key, b->key) == 0));
	check(!a->str == !b->str && (!a->str || strcmp(a->str, b->str) == 0));
	/* index_of() and cs_json_get() look at every sibling: not at each of very many. */
	if (!a->parent || a->parent->n < 1000)
		ask(a);
	cs_json_for_each (x, a) {
		if (!y)
			abort();
		check(x->parent == a && y->parent == b);
		compare(x, y, depth + 1);
		y = y->next;
		n++;
	}
	check(!y && n == a->n);
}

static void round_trip(const struct cs_json *root, bool pretty)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;
	struct cs_jw w = { .pretty = pretty };
	size_t len = 0;

	cs_jw_value(&w, NULL, root);
	if (cs_jw_take(&w, &text, &len, &err) < 0)
		return; /* out of memory */
	check(strlen(text) == len);
	check(cs_json_parse(text, len, "again", &doc, &err) == 0);
	compare(root, doc.root, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;

	if (cs_json_parse((const char *)data, size, "fuzz", &doc, &err) < 0) {
		check(err.code > 0 && *err.msg && !doc.root && !doc.arena);
		return 0;
	}
	check(!err.code && doc.root && !doc.root->parent);
	round_trip(doc.root, false);
	round_trip(doc.root, true);
	return 0;
}
