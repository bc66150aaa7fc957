#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "tests/unit/unit.h"

/* Takes the text, which must be @expected. */
static void check(struct cs_jw *w, const char *expected)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *s = NULL;
	size_t len = 0;

	ck_assert_int_eq(cs_jw_take(w, &s, &len, &err), 0);
	ck_assert_str_eq(s, expected);
	ck_assert_uint_eq(len, strlen(expected));
	cs_jw_fini(w);
}

static void write_all(struct cs_jw *w)
{
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "s", "text");
	cs_jw_bool(w, "t", true);
	cs_jw_bool(w, "f", false);
	cs_jw_null(w, "n");
	cs_jw_i64(w, "i", INT64_MIN);
	cs_jw_u64(w, "u", UINT64_MAX);
	cs_jw_arr(w, "a");
	cs_jw_str(w, NULL, NULL);
	cs_jw_i64(w, NULL, -1);
	cs_jw_obj(w, NULL);
	cs_jw_obj_end(w);
	cs_jw_arr(w, NULL);
	cs_jw_arr_end(w);
	cs_jw_arr_end(w);
	cs_jw_obj(w, "o");
	cs_jw_u64(w, "x", 0);
	cs_jw_obj_end(w);
	cs_jw_obj_end(w);
}

START_TEST(test_compact)
{
	struct cs_jw w = CS_JW_INIT;

	write_all(&w);
	check(&w, "{\"s\":\"text\",\"t\":true,\"f\":false,\"n\":null,"
		  "\"i\":-9223372036854775808,\"u\":18446744073709551615,"
		  "\"a\":[null,-1,{},[]],\"o\":{\"x\":0}}");
}
END_TEST

START_TEST(test_pretty)
{
	struct cs_jw w = { .pretty = true };

	write_all(&w);
	check(&w, "{\n"
		  "  \"s\": \"text\",\n"
		  "  \"t\": true,\n"
		  "  \"f\": false,\n"
		  "  \"n\": null,\n"
		  "  \"i\": -9223372036854775808,\n"
		  "  \"u\": 18446744073709551615,\n"
		  "  \"a\": [\n"
		  "    null,\n"
		  "    -1,\n"
		  "    {},\n"
		  "    []\n"
		  "  ],\n"
		  "  \"o\": {\n"
		  "    \"x\": 0\n"
		  "  }\n"
		  "}");
}
END_TEST

START_TEST(test_pretty_deep)
{
	struct cs_jw w = { .pretty = true };
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *s = NULL;

	for (int i = 0; i < 60; i++)
		cs_jw_arr(&w, NULL);
	cs_jw_u64(&w, NULL, 1);
	for (int i = 0; i < 60; i++)
		cs_jw_arr_end(&w);
	ck_assert_int_eq(cs_jw_take(&w, &s, NULL, &err), 0);
	ck_assert_uint_eq(strspn(strchr(s, '1') - 120, " "), 120);
	ck_assert_int_eq(*(strchr(s, '1') - 121), '\n');
}
END_TEST

START_TEST(test_roots)
{
	struct cs_jw w = CS_JW_INIT;

	cs_jw_str(&w, NULL, "x");
	check(&w, "\"x\"");
	cs_jw_arr(&w, NULL);
	cs_jw_arr_end(&w);
	check(&w, "[]");
	/* Taken, it begins anew. */
	w.pretty = true;
	cs_jw_i64(&w, NULL, 1);
	check(&w, "1");
}
END_TEST

START_TEST(test_escapes)
{
	static const struct {
		const char *text, *json;
	} texts[] = {
		{ "", "\"\"" },
		{ "\"\\/", "\"\\\"\\\\/\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "a\x01z\x1f\x7f\x1b", "\"a\\u0001z\\u001f\\u007f\\u001b\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		/* Not UTF-8: a lone byte, a cut sequence, overlong, surrogate, too big. */
		{ "a\x80z", "\"a\xef\xbf\xbdz\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe2\x82z", "\"\xef\xbf\xbd\xef\xbf\xbdz\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc3", "\"\xef\xbf\xbd\"" },
		{ "\xe0\x9f\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf0\x8f\xbf\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		  "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"" },
	};

	for (size_t i = 0; i < CS_LEN(texts); i++) {
		struct cs_jw w = CS_JW_INIT;

		cs_jw_str(&w, NULL, texts[i].text);
		check(&w, texts[i].json);
	}
}
END_TEST

START_TEST(test_keys_escaped)
{
	struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_null(&w, "a\"\n");
	cs_jw_null(&w, "");
	cs_jw_obj_end(&w);
	check(&w, "{\"a\\\"\\n\":null,\"\":null}");
}
END_TEST

START_TEST(test_doubles)
{
	struct cs_jw w = CS_JW_INIT;

	cs_jw_arr(&w, NULL);
	cs_jw_double(&w, NULL, 0.1);
	cs_jw_double(&w, NULL, 3);
	cs_jw_double(&w, NULL, -2.5e-7);
	cs_jw_double(&w, NULL, 1e300);
	cs_jw_double(&w, NULL, 0.1 + 0.2);
	cs_jw_double(&w, NULL, (double)NAN);
	cs_jw_double(&w, NULL, (double)INFINITY);
	cs_jw_arr_end(&w);
	check(&w, "[0.1,3,-2.5e-07,1e+300,0.30000000000000004,null,null]");
}
END_TEST

/* Every byte a string can hold comes back as it went, if it is UTF-8. */
START_TEST(test_round_trip)
{
	char text[128 + 3 * 64];
	struct cs_jw w = CS_JW_INIT;
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *s = NULL;
	size_t n = 0, len = 0;

	for (int c = 1; c < 128; c++)
		text[n++] = (char)c;
	for (int c = 0x80; c < 0xc0; c++) {
		text[n++] = '\xe2';
		text[n++] = '\x80';
		text[n++] = (char)c;
	}
	text[n] = '\0';
	cs_jw_str(&w, NULL, text);
	ck_assert_int_eq(cs_jw_take(&w, &s, &len, &err), 0);
	ck_assert_msg(cs_json_parse(s, len, "x", &doc, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(doc.root->str, text);
}
END_TEST

START_TEST(test_value)
{
	static const char text[] = "{\"a\":[1,-0.50e+07,\"\\u00e9\\n\",true,false,null,[],{}],"
				   "\"big\":123456789012345678901234567890,\"o\":{\"k\":{}}}";
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct cs_jw w = CS_JW_INIT;

	ck_assert_int_eq(cs_json_parse(text, strlen(text), "x", &doc, &err), 0);
	cs_jw_obj(&w, NULL);
	cs_jw_value(&w, "v", doc.root);
	cs_jw_bool(&w, "after", true);
	cs_jw_obj_end(&w);
	check(&w, "{\"v\":{\"a\":[1,-0.50e+07,\"\xc3\xa9\\n\",true,false,null,[],{}],"
		  "\"big\":123456789012345678901234567890,\"o\":{\"k\":{}}},\"after\":true}");
}
END_TEST

START_TEST(test_failure)
{
	struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	char *s = NULL;
	size_t len = 7;

	cs_jw_obj(&w, NULL);
	w.buf.failed = true; /* as after an allocation that failed */
	cs_jw_str(&w, "a", "b");
	ck_assert_int_eq(cs_jw_take(&w, &s, &len, &err), -ENOMEM);
	ck_assert_ptr_null(s);
	ck_assert_uint_eq(len, 7);
	cs_jw_fini(&w);
	cs_jw_fini(&w);
}
END_TEST

UNIT_MAIN("base/jw", test_compact, test_pretty, test_pretty_deep, test_roots, test_escapes,
	  test_keys_escaped, test_doubles, test_round_trip, test_value, test_failure)
