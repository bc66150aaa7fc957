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

/* Parses what must be refused with code @code; @msg (if any) is the whole message. */
static void refused(const char *text, size_t len, int code, const char *msg)
{
	struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(cs_json_parse(text, len, "test", &doc, &err) == -code, "%.100s: %s", text,
		      err.msg);
	if (msg)
		ck_assert_str_eq(err.msg, msg);
	ck_assert_ptr_null(doc.root);
	ck_assert_ptr_null(doc.arena);
}

START_TEST(test_tree)
{
	cs_auto_json struct cs_json_doc doc =
		parse(" {\"a\":[1,\"two\",null,true,{\"b\":{}}],\"c\":-1.5e3,\"\":\"\"}\n");
	const struct cs_json *a = doc.root->child, *c;

	ck_assert_int_eq(doc.root->type, CS_JSON_OBJECT);
	ck_assert_uint_eq(doc.root->n, 3);
	ck_assert_ptr_null(doc.root->parent);
	ck_assert_ptr_null(doc.root->key);
	ck_assert_ptr_null(doc.root->next);
	ck_assert_str_eq(a->key, "a");
	ck_assert_uint_eq(a->n, 5);
	ck_assert_ptr_eq(a->parent, doc.root);
	c = a->child;
	ck_assert_int_eq(c->type, CS_JSON_NUMBER);
	ck_assert_str_eq(c->str, "1");
	ck_assert_ptr_null(c->key);
	c = c->next;
	ck_assert_int_eq(c->type, CS_JSON_STRING);
	ck_assert_str_eq(c->str, "two");
	c = c->next;
	ck_assert_int_eq(c->type, CS_JSON_NULL);
	c = c->next;
	ck_assert(c->type == CS_JSON_BOOL && c->boolean);
	c = c->next;
	ck_assert_ptr_null(c->next);
	ck_assert_int_eq(c->child->type, CS_JSON_OBJECT);
	ck_assert_uint_eq(c->child->n, 0);
	ck_assert_ptr_null(c->child->child);
	ck_assert_str_eq(a->next->str, "-1.5e3");
	ck_assert_str_eq(a->next->next->key, "");
	ck_assert_str_eq(a->next->next->str, "");
}
END_TEST

START_TEST(test_strings)
{
	cs_auto_json struct cs_json_doc doc =
		parse("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e9\\u20ac\",\"\\ud83d\\ude00\","
		      "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]");
	static const char *const texts[] = { "\"\\/\b\f\n\r\t", "\xc3\xa9\xe2\x82\xac",
					     "\xf0\x9f\x98\x80",
					     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" };
	const struct cs_json *c;
	size_t i = 0;

	cs_json_for_each (c, doc.root)
		ck_assert_str_eq(c->str, texts[i++]);
	ck_assert_uint_eq(i, CS_LEN(texts));
}
END_TEST

START_TEST(test_refused)
{
	static const char *const texts[] = {
		"{",	       "[1,]",	     "{\"a\":1,}",     "{a:1}", "[01]",
		"[1.]",	       "[.5]",	     "[+1]",	       "[1e]",	"[NaN]",
		"[nul]",       "[\"a]",	     "[\"\\x\"]",      "['a']", "[\"\t\"]",
		"{} {}",       "{}x",	     "/* c */ {}",     "[1 2]", "{\"a\" 1}",
		"\"\xff\"",    "[\"\xc3\"]", "\xef\xbb\xbf{}", "]",	",",
		"[\"\\u12\"]",
	};

	for (size_t i = 0; i < CS_LEN(texts); i++)
		refused(texts[i], strlen(texts[i]), EINVAL, NULL);
	refused("", 0, EINVAL, "test: line 1: parse error: premature EOF");
	refused("\n\n ", 3, EINVAL, "test: line 3: parse error: premature EOF");
	refused("[1]\n\n]", 6, EINVAL, "test: line 3: parse error: trailing garbage");
	refused("[\"a\\u0000b\"]", 12, EINVAL, "test: line 1: a string has a NUL character in it");
	refused("{\n\"\\u0000\":1}", 13, EINVAL,
		"test: line 2: a string has a NUL character in it");
	refused("\"\xc0\xaf\"", 4, EINVAL, "test: line 1: a string is not UTF-8");
	refused("\"\xed\xa0\x80\"", 5, EINVAL, "test: line 1: a string is not UTF-8");
	refused("{\"\xf4\x90\x80\x80\":1}", 10, EINVAL, "test: line 1: a string is not UTF-8");
	refused("[\"a\0b\"]", 7, EINVAL, NULL);
	refused("[]\0", 3, EINVAL, NULL);
}
END_TEST

START_TEST(test_keys_twice)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;

	refused("{\"a\":1,\n\"a\":2}", 14, EINVAL, "test: line 2: \"a\" is there twice");
	refused("{\"\":1,\"\":2}", 11, EINVAL, "test: line 1: \"\" is there twice");
	/* The same key written in another way. */
	refused("{\"\\u0061\":1,\"a\":2}", 18, EINVAL, "test: line 1: \"a\" is there twice");
	refused("{\"x\":[0,{\"a\":1,\n\n\"a\":2}]}", 24, EINVAL,
		"test: line 3: x[1]: \"a\" is there twice");
	/* Only in one object counts. */
	doc = parse("{\"a\":{\"a\":{\"a\":1},\"b\":1},\"b\":[{\"a\":1},{\"a\":1}]}");
	ck_assert_uint_eq(doc.root->n, 2);
}
END_TEST

/* An object of @n members "k0" to "k<n-1>", and "k<twice>" once more unless that is negative. */
static char *big_object(int n, int twice, size_t *len)
{
	struct cs_buf b = CS_BUF_INIT;

	cs_buf_add(&b, "{");
	for (int i = 0; i < n; i++)
		cs_buf_addf(&b, "%s\"k%d\":1", i ? "," : "", i);
	if (twice >= 0)
		cs_buf_addf(&b, ",\"k%d\":1", twice);
	cs_buf_add(&b, "}");
	*len = b.len;
	return cs_buf_take(&b);
}

/* On both sides of where the way of comparing changes. */
START_TEST(test_keys_many)
{
	static const int sizes[] = { 1, 2, 62, 63, 64, 65, 66, 128, 1000 };

	for (size_t i = 0; i < CS_LEN(sizes); i++) {
		const int again[] = { -1, 0, sizes[i] / 2, sizes[i] - 1 };

		for (size_t j = 0; j < CS_LEN(again); j++) {
			cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
			struct cs_err err = CS_ERR_INIT;
			size_t len = 0;
			cs_auto_free char *text = big_object(sizes[i], again[j], &len);
			int ret = cs_json_parse(text, len, "test", &doc, &err);

			ck_assert_int_eq(ret, again[j] < 0 ? 0 : -EINVAL);
			if (ret == 0)
				ck_assert_uint_eq(doc.root->n, (unsigned int)sizes[i]);
			else
				ck_assert_ptr_nonnull(strstr(err.msg, "is there twice"));
		}
	}
}
END_TEST

START_TEST(test_depth)
{
	char text[2 * 65 + 1];

	for (int depth = 64; depth <= 65; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		text[2 * (size_t)depth] = '\0';
		if (depth == 64) {
			cs_auto_json struct cs_json_doc doc = parse(text);

			ck_assert_uint_eq(doc.root->n, 1);
		} else {
			refused(text, 130, EINVAL, "test: line 1: nested more than 64 deep");
		}
	}
}
END_TEST

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static char *repeat(const char *before, const char *piece, const char *after, size_t total,
		    size_t *len)
{
	struct cs_buf b = CS_BUF_INIT;
	size_t n = strlen(piece);

	cs_buf_add(&b, before);
	while (b.len + n < total)
		cs_buf_add_mem(&b, piece, n);
	cs_buf_add(&b, after);
	*len = b.len;
	return cs_buf_take(&b);
}

/* 16 MiB made to hurt: each is read, or refused, in well under a second. Quadratic work would
 * take minutes; the bound leaves room for sanitizers and a busy machine. */
START_TEST(test_hostile)
{
	static const struct {
		const char *before, *piece, *after;
		int code;
	} texts[] = {
		{ "[", "1,", "1]", EFBIG },
		{ "[", "{},", "1]", EFBIG },
		{ "[", "\"\",", "1]", EFBIG },
		{ "{\"a\":1", ",\"a\":1", "}", EINVAL },
		{ "\"", "\\u0041", "\"", 0 },
		{ "\"", "a", "\"", 0 },
		{ "", "1", "", 0 },
		{ "1", " ", "", 0 },
		{ "", "\n", "", EINVAL },
		{ "", "[", "", EINVAL },
		{ "\"", "\xc3\xa9", "\"", 0 },
	};

	for (size_t i = 0; i < CS_LEN(texts); i++) {
		cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
		struct cs_err err = CS_ERR_INIT;
		size_t len = 0;
		cs_auto_free char *text =
			repeat(texts[i].before, texts[i].piece, texts[i].after, 16 << 20, &len);
		int64_t from = now_ms();

		ck_assert_msg(cs_json_parse(text, len, "test", &doc, &err) == -texts[i].code,
			      "%s: %s", texts[i].piece, err.msg);
		ck_assert_int_lt(now_ms() - from, 5000);
	}
}
END_TEST

START_TEST(test_hostile_keys)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;
	size_t len = 0;
	cs_auto_free char *text = big_object(262000, -1, &len);
	int64_t from = now_ms();

	ck_assert_int_eq(cs_json_parse(text, len, "test", &doc, &err), 0);
	ck_assert_int_lt(now_ms() - from, 5000);
	ck_assert_uint_eq(doc.root->n, 262000);
}
END_TEST

START_TEST(test_get)
{
	cs_auto_json struct cs_json_doc doc = parse("{\"a\":1,\"n\":null,\"b\":[{\"a\":2}]}");

	ck_assert_str_eq(cs_json_get(doc.root, "a")->str, "1");
	ck_assert_ptr_null(cs_json_get(doc.root, "n"));
	ck_assert_ptr_null(cs_json_get(doc.root, "x"));
	ck_assert_ptr_null(cs_json_get(NULL, "x"));
	ck_assert_ptr_null(cs_json_get(cs_json_get(doc.root, "a"), "x"));
	/* An array has no members: their keys are NULL. */
	ck_assert_ptr_null(cs_json_get(cs_json_get(doc.root, "b"), "a"));
}
END_TEST

START_TEST(test_path)
{
	cs_auto_json struct cs_json_doc doc =
		parse("{\"linux\":{\"resources\":{\"devices\":[0,0,0,{\"allow\":1}]}},"
		      "\"annotations\":{\"a.b/c\":[[1]],\"\":1}}");
	const struct cs_json *linux_ = cs_json_get(doc.root, "linux"), *v;
	const struct cs_json *notes = cs_json_get(doc.root, "annotations");
	char path[64], small[10];

	cs_json_path(doc.root, path, sizeof(path));
	ck_assert_str_eq(path, "");
	v = cs_json_get(cs_json_get(linux_, "resources"), "devices")->child->next->next->next;
	cs_json_path(cs_json_get(v, "allow"), path, sizeof(path));
	ck_assert_str_eq(path, "linux.resources.devices[3].allow");
	cs_json_path(notes->child->child->child, path, sizeof(path));
	ck_assert_str_eq(path, "annotations[\"a.b/c\"][0][0]");
	cs_json_path(notes->child->next, path, sizeof(path));
	ck_assert_str_eq(path, "annotations[\"\"]");
	cs_json_path(v, small, sizeof(small));
	ck_assert_str_eq(small, "linux.res");
	cs_json_path(v, small, 1);
	ck_assert_str_eq(small, "");
	cs_json_path(v, NULL, 0);
}
END_TEST

START_TEST(test_err)
{
	cs_auto_json struct cs_json_doc doc = parse("{\"a\":[{\"b\\n\":1}]}");
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_json_err(doc.root->child->child->child, &err, ENOTSUP, "not %d", 1),
			 -ENOTSUP);
	ck_assert_int_eq(err.code, ENOTSUP);
	ck_assert_str_eq(err.msg, "a[0][\"b?\"]: not 1");
	cs_err_clear(&err);
	cs_json_err(doc.root, &err, EINVAL, "must be an object");
	ck_assert_str_eq(err.msg, "must be an object");
}
END_TEST

START_TEST(test_getters)
{
	cs_auto_json struct cs_json_doc doc =
		parse("{\"s\":\"x\",\"b\":true,\"i\":-5,\"u\":5,\"o\":{},\"a\":[],\"n\":null}");
	const struct cs_json *r = doc.root, *node = NULL;
	struct cs_err err = CS_ERR_INIT;
	const char *s = NULL;
	bool b = false;
	int64_t i64 = 0;
	uint64_t u64 = 0;
	int32_t i32 = 0;
	uint32_t u32 = 0;

	ck_assert_int_eq(cs_json_str(r, "s", &s, &err), 1);
	ck_assert_str_eq(s, "x");
	ck_assert_int_eq(cs_json_bool(r, "b", &b, &err), 1);
	ck_assert(b);
	ck_assert_int_eq(cs_json_i64(r, "i", &i64, &err), 1);
	ck_assert_int_eq(i64, -5);
	ck_assert_int_eq(cs_json_u64(r, "u", &u64, &err), 1);
	ck_assert_uint_eq(u64, 5);
	ck_assert_int_eq(cs_json_i32(r, "i", &i32, &err), 1);
	ck_assert_int_eq(i32, -5);
	ck_assert_int_eq(cs_json_u32(r, "u", &u32, &err), 1);
	ck_assert_uint_eq(u32, 5);
	ck_assert_int_eq(cs_json_obj(r, "o", &node, &err), 1);
	ck_assert_ptr_eq(node, cs_json_get(r, "o"));
	ck_assert_int_eq(cs_json_arr(r, "a", &node, &err), 1);
	ck_assert_ptr_eq(node, cs_json_get(r, "a"));
}
END_TEST

/* Absent, null, or no object at all: 0, and nothing is touched. */
START_TEST(test_getters_absent)
{
	cs_auto_json struct cs_json_doc doc = parse("{\"n\":null}");
	const struct cs_json *const objs[] = { doc.root, doc.root, NULL };
	const char *const keys[] = { "n", "x", "n" };

	for (size_t i = 0; i < 3; i++) {
		const struct cs_json *node = doc.root, *r = objs[i];
		const char *const *v = &keys[1], *s = "kept", *k = keys[i];
		struct cs_err err = CS_ERR_INIT;
		bool b = true;
		int64_t i64 = 7;
		uint64_t u64 = 7;
		int32_t i32 = 7;
		uint32_t u32 = 7;
		size_t n = 7;

		ck_assert_int_eq(cs_json_str(r, k, &s, &err), 0);
		ck_assert_int_eq(cs_json_bool(r, k, &b, &err), 0);
		ck_assert_int_eq(cs_json_i64(r, k, &i64, &err), 0);
		ck_assert_int_eq(cs_json_u64(r, k, &u64, &err), 0);
		ck_assert_int_eq(cs_json_i32(r, k, &i32, &err), 0);
		ck_assert_int_eq(cs_json_u32(r, k, &u32, &err), 0);
		ck_assert_int_eq(cs_json_obj(r, k, &node, &err), 0);
		ck_assert_int_eq(cs_json_arr(r, k, &node, &err), 0);
		ck_assert_int_eq(cs_json_strv(&doc, r, k, &v, &n, &err), 0);
		ck_assert_str_eq(s, "kept");
		ck_assert(b && i64 == 7 && u64 == 7 && i32 == 7 && u32 == 7 && n == 7);
		ck_assert(node == doc.root && v == &keys[1]);
		ck_assert_int_eq(err.code, 0);
	}
}
END_TEST

START_TEST(test_getters_wrong)
{
	cs_auto_json struct cs_json_doc doc =
		parse("{\"x\":{\"s\":1,\"b\":0,\"i\":\"1\",\"o\":[],\"a\":{},\"v\":[\"a\",null]}}");
	const struct cs_json *r = doc.root->child, *node = NULL;
	struct cs_err err = CS_ERR_INIT;
	const char *const *v = NULL;
	const char *s = NULL;
	bool b = false;
	int64_t i64 = 7;

	ck_assert_int_eq(cs_json_str(r, "s", &s, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "x.s: must be a string");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_bool(r, "b", &b, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "x.b: must be true or false");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_i64(r, "i", &i64, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "x.i: must be a number");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_obj(r, "o", &node, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "x.o: must be an object");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_arr(r, "a", &node, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "x.a: must be an array");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_strv(&doc, r, "v", &v, NULL, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "x.v[1]: must be a string");
	ck_assert(!s && !node && !v && i64 == 7);
}
END_TEST

START_TEST(test_strv)
{
	cs_auto_json struct cs_json_doc doc = parse("{\"a\":[\"x\",\"\",\"z\"],\"e\":[]}");
	struct cs_err err = CS_ERR_INIT;
	const char *const *v = NULL;
	size_t n = 7;

	ck_assert_int_eq(cs_json_strv(&doc, doc.root, "a", &v, &n, &err), 1);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(v[0], "x");
	ck_assert_str_eq(v[1], "");
	ck_assert_str_eq(v[2], "z");
	ck_assert_ptr_null(v[3]);
	ck_assert_int_eq(cs_json_strv(&doc, doc.root, "e", &v, NULL, &err), 1);
	ck_assert_ptr_null(v[0]);
}
END_TEST

struct number {
	const char *text;
	int64_t i;
	uint64_t u;
	const char *i_err, *u_err; /* NULL: it is @i, @u */
};

#define FRACTION "must be a whole number"
#define I_RANGE "must be from -9223372036854775808 to 9223372036854775807"
#define U_RANGE "must be from 0 to 18446744073709551615"

START_TEST(test_numbers)
{
	static const struct number numbers[] = {
		{ "0", 0, 0, NULL, NULL },
		{ "-0", 0, 0, NULL, NULL },
		{ "-0.0e-5", 0, 0, NULL, NULL },
		{ "0e99999999999999999999", 0, 0, NULL, NULL },
		{ "0e-99999999999999999999", 0, 0, NULL, NULL },
		{ "1.0", 1, 1, NULL, NULL },
		{ "1e3", 1000, 1000, NULL, NULL },
		{ "1E+3", 1000, 1000, NULL, NULL },
		{ "1500e-2", 15, 15, NULL, NULL },
		{ "1.50e1", 15, 15, NULL, NULL },
		{ "0.00000000000000000000001e23", 1, 1, NULL, NULL },
		{ "100000000000000000000000e-23", 1, 1, NULL, NULL },
		{ "-12.0", -12, 0, NULL, U_RANGE },
		{ "9007199254740993", 9007199254740993, 9007199254740993, NULL, NULL },
		{ "9223372036854775807", INT64_MAX, INT64_MAX, NULL, NULL },
		{ "-9223372036854775808", INT64_MIN, 0, NULL, U_RANGE },
		{ "9223372036854775808", 0, 9223372036854775808U, I_RANGE, NULL },
		{ "-9223372036854775809", 0, 0, I_RANGE, U_RANGE },
		{ "18446744073709551615", 0, UINT64_MAX, I_RANGE, NULL },
		{ "18446744073709551615.000", 0, UINT64_MAX, I_RANGE, NULL },
		{ "18446744073709551616", 0, 0, I_RANGE, U_RANGE },
		{ "1e19", 0, 10000000000000000000U, I_RANGE, NULL },
		{ "1e20", 0, 0, I_RANGE, U_RANGE },
		{ "1e99999999999999999999", 0, 0, I_RANGE, U_RANGE },
		{ "99999999999999999999999999999999", 0, 0, I_RANGE, U_RANGE },
		{ "0.5", 0, 0, FRACTION, FRACTION },
		{ "1e-1", 0, 0, FRACTION, FRACTION },
		{ "1e-99999999999999999999", 0, 0, FRACTION, FRACTION },
		{ "1.00000000000000000000000000001", 0, 0, FRACTION, FRACTION },
		{ "99999999999999999999999999999999.5", 0, 0, FRACTION, FRACTION },
		{ "-1.5", 0, 0, FRACTION, FRACTION },
	};

	for (size_t k = 0; k < CS_LEN(numbers); k++) {
		cs_auto_json struct cs_json_doc doc = parse(numbers[k].text);
		struct cs_err ei = CS_ERR_INIT, eu = CS_ERR_INIT;
		uint64_t u = 0;
		int64_t i = 0;

		ck_assert_msg(cs_json_as_i64(doc.root, &i, &ei) == (numbers[k].i_err ? -EINVAL : 1),
			      "%s: %s", numbers[k].text, ei.msg);
		ck_assert_msg(cs_json_as_u64(doc.root, &u, &eu) == (numbers[k].u_err ? -EINVAL : 1),
			      "%s: %s", numbers[k].text, eu.msg);
		ck_assert_msg(i == numbers[k].i && u == numbers[k].u, "%s: %" PRId64 " %" PRIu64,
			      numbers[k].text, i, u);
		if (numbers[k].i_err)
			ck_assert_str_eq(ei.msg, numbers[k].i_err);
		if (numbers[k].u_err)
			ck_assert_str_eq(eu.msg, numbers[k].u_err);
	}
}
END_TEST

START_TEST(test_narrow_numbers)
{
	cs_auto_json struct cs_json_doc doc = parse(
		"{\"imax\":2147483647,\"imin\":-2147483648,\"iover\":2147483648,"
		"\"iunder\":-2147483649,\"umax\":4294967295,\"uover\":4294967296,\"neg\":-1}");
	struct cs_err err = CS_ERR_INIT;
	int32_t i = 0;
	uint32_t u = 0;

	ck_assert_int_eq(cs_json_i32(doc.root, "imax", &i, &err), 1);
	ck_assert_int_eq(i, INT32_MAX);
	ck_assert_int_eq(cs_json_i32(doc.root, "imin", &i, &err), 1);
	ck_assert_int_eq(i, INT32_MIN);
	ck_assert_int_eq(cs_json_u32(doc.root, "umax", &u, &err), 1);
	ck_assert_uint_eq(u, UINT32_MAX);
	ck_assert_int_eq(cs_json_i32(doc.root, "iover", &i, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "iover: must be from -2147483648 to 2147483647");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_i32(doc.root, "iunder", &i, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_u32(doc.root, "uover", &u, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "uover: must be from 0 to 4294967295");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_u32(doc.root, "neg", &u, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "neg: must be from 0 to 4294967295");
	ck_assert_int_eq(i, INT32_MIN);
	ck_assert_uint_eq(u, UINT32_MAX);
}
END_TEST

START_TEST(test_as_str)
{
	cs_auto_json struct cs_json_doc doc = parse("[\"x\",1,null]");
	const struct cs_json *c = doc.root->child;
	struct cs_err err = CS_ERR_INIT;
	const char *s = NULL;
	int64_t i;

	ck_assert_int_eq(cs_json_as_str(c, &s, &err), 1);
	ck_assert_str_eq(s, "x");
	ck_assert_int_eq(cs_json_as_str(c->next, &s, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "[1]: must be a string");
	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_as_i64(c->next->next, &i, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "[2]: must be a number");
}
END_TEST

START_TEST(test_alloc)
{
	cs_auto_json struct cs_json_doc doc = parse("[]");

	for (size_t size = 1; size < 200000; size = size * 3 + 1) {
		unsigned char *p = cs_json_alloc(&doc, 3, size);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(uint64_t), 0);
		for (size_t i = 0; i < 3 * size; i++)
			ck_assert_int_eq(p[i], 0);
		memset(p, 0xff, 3 * size);
	}
	ck_assert_ptr_null(cs_json_alloc(&doc, SIZE_MAX / 2, 3));
	ck_assert_ptr_null(cs_json_alloc(&doc, 1, SIZE_MAX - 4));
	ck_assert_ptr_nonnull(cs_json_alloc(&doc, 0, 8));
}
END_TEST

START_TEST(test_fini_twice)
{
	struct cs_json_doc doc = parse("{}");

	cs_json_fini(&doc);
	ck_assert_ptr_null(doc.root);
	cs_json_fini(&doc);
}
END_TEST

UNIT_MAIN("base/json", test_tree, test_strings, test_refused, test_keys_twice, test_keys_many,
	  test_depth, test_hostile, test_hostile_keys, test_get, test_path, test_err, test_getters,
	  test_getters_absent, test_getters_wrong, test_strv, test_numbers, test_narrow_numbers,
	  test_as_str, test_alloc, test_fini_twice)
