#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/yaml.h"
#include "tests/unit/unit.h"

static void check_by(void (*put)(struct cs_buf *b, const struct cs_json *v), const char *json,
		     const char *want)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_json_parse(json, strlen(json), "test", &doc, &err), 0);
	put(&b, doc.root);
	ck_assert_int_eq(cs_buf_ok(&b, &err), 0);
	ck_assert_str_eq(b.s, want);
}

static void check(const char *json, const char *want)
{
	check_by(cli_yaml_put, json, want);
}

START_TEST(test_scalars)
{
	check("null", "null\n");
	check("true", "true\n");
	check("-12", "-12\n");
	check("1.5", "1.5\n");
	check("\"yes\"", "\"yes\"\n");
	check("\"\"", "\"\"\n");
	check("\"a: b # c\\n\\t\\\"\\\\\"", "\"a: b # c\\n\\t\\\"\\\\\"\n");
	check("[]", "[]\n");
	check("{}", "{}\n");
}
END_TEST

START_TEST(test_blocks)
{
	check("{\"A\":1,\"b\":[],\"c\":{}}", "A: 1\nb: []\nc: {}\n");
	check("{\"A\":{\"B\":{\"C\":1},\"D\":2}}", "A:\n  B:\n    C: 1\n  D: 2\n");
	check("{\"A\":[1,\"x\"],\"B\":2}", "A:\n  - 1\n  - \"x\"\nB: 2\n");
	check("[{\"A\":1,\"B\":[{\"C\":2,\"D\":3}]},4]",
	      "- A: 1\n  B:\n    - C: 2\n      D: 3\n- 4\n");
	check("[[1,2],[[3]],[]]", "- - 1\n  - 2\n- - - 3\n- []\n");
}
END_TEST

START_TEST(test_items)
{
	check_by(cli_yaml_put_item, "{\"A\":1,\"B\":{\"C\":2}}", "- A: 1\n  B:\n    C: 2\n");
	check_by(cli_yaml_put_item, "\"x\"", "- \"x\"\n");
	check_by(cli_yaml_put_item, "[1,2]", "- - 1\n  - 2\n");
}
END_TEST

/* A key that could be taken for something else is quoted. */
START_TEST(test_keys)
{
	char json[512], want[512], key[300];

	check("{\"8080/tcp\":1,\"a.b\":2,\"\":3,\"a-b\":4,\"_\":5}",
	      "\"8080/tcp\": 1\n\"a.b\": 2\n\"\": 3\n\"a-b\": 4\n\"_\": 5\n");
	check("{\"No\":1,\"null\":2,\"Y\":3,\"On\":4,\"only\":5,\"a_1\":6}",
	      "\"No\": 1\n\"null\": 2\n\"Y\": 3\n\"On\": 4\nonly: 5\na_1: 6\n");
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	snprintf(json, sizeof(json), "{\"%s\":{\"A\":1}}", key);
	snprintf(want, sizeof(want), "? \"%s\"\n:\n  A: 1\n", key);
	check(json, want);
}
END_TEST

/* Allowed in JSON as they are, but not in YAML, or a line end there. */
START_TEST(test_escapes)
{
	check("\"\x7f\"", "\"\\u007f\"\n");
	check("\"\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0\"", "\"\\u0080\\u0085\\u009f\xc2\xa0\"\n");
	check("\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\"", "\"\\u2028\\u2029\xe2\x80\xaa\"\n");
	check("\"\xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbd\"", "\"\\ufeff\\ufffe\xef\xbf\xbd\"\n");
	check("\"\\u0001\xf0\x9f\x98\x80\xc3\xa9\"", "\"\\u0001\xf0\x9f\x98\x80\xc3\xa9\"\n");
}
END_TEST

UNIT_MAIN("cli/yaml", test_scalars, test_blocks, test_items, test_keys, test_escapes)
