#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

static struct cs_json_doc parse(const char *text)
{
	struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(cs_json_parse(text, strlen(text), "test", &doc, &err) == 0, "%s", err.msg);
	return doc;
}

/* Parses what must be refused with exactly @msg. */
static void refused(const char *text, size_t len, int code, const char *msg)
{
	struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_json_parse(text, len, "test", &doc, &err), -code);
	ck_assert_str_eq(err.msg, msg);
	ck_assert_ptr_null(doc.root);
	ck_assert_ptr_null(doc.arena);
}

START_TEST(test_tree)
{
	cs_auto_json struct cs_json_doc doc =
		parse("{\"a\":[1,\"two\",null,true,{\"b\":{}}],\"c\":-1.5e3,\"\":\"\"}");
	const struct cs_json *a = doc.root->child, *c;
	char path[64];

	ck_assert_int_eq(doc.root->type, CS_JSON_OBJECT);
	ck_assert_uint_eq(doc.root->n, 3);
	ck_assert_ptr_null(doc.root->parent);
	ck_assert_ptr_null(doc.root->key);
	ck_assert_str_eq(a->key, "a");
	ck_assert_uint_eq(a->n, 5);
	c = a->child;
	ck_assert_str_eq(c->str, "1");
	ck_assert_ptr_null(c->key);
	c = c->next;
	ck_assert_str_eq(c->str, "two");
	c = c->next;
	ck_assert_int_eq(c->type, CS_JSON_NULL);
	c = c->next;
	ck_assert(c->type == CS_JSON_BOOL && c->boolean);
	c = c->next;
	ck_assert_ptr_null(c->next);
	cs_json_path(c->child, path, sizeof(path));
	ck_assert_str_eq(path, "a[4].b");
	ck_assert_str_eq(a->next->str, "-1.5e3");
	ck_assert_str_eq(a->next->next->key, "");
	ck_assert_str_eq(a->next->next->str, "");
}
END_TEST

START_TEST(test_refused)
{
	refused("{\"a\":1,\n\"a\":2}", 13, EINVAL, "test: line 2: \"a\" is there twice");
	refused("{\"x\":[{\"a\":1,\n\n\"a\":2}]}", 22, EINVAL,
		"test: line 3: x[0]: \"a\" is there twice");
	refused("[\"a\\u0000b\"]", 12, EINVAL, "test: line 1: a string has a NUL character in it");
	refused("{\"\\u0000\":1}", 12, EINVAL, "test: line 1: a string has a NUL character in it");
	refused("", 0, EINVAL, "test: line 1: parse error: premature EOF");
	refused("[1]\n\n]", 6, EINVAL, "test: line 3: parse error: trailing garbage");
}
END_TEST

UNIT_MAIN("base/json", test_tree, test_refused)
