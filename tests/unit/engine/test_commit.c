#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/commit.h"
#include "engine/record.h"
#include "images/commit.h"

static struct cs_err err;

/* What the record says, as compact JSON. */
START_TEST(test_config)
{
	static const char *const env[] = { "A=1", "B=", NULL }, *const cmd[] = { "sh", "-c", NULL };
	static const char *const labels[] = { "a=x=y", "b=", NULL };
	static const char *const expose[] = { "80/tcp", "53/udp", NULL };
	struct eng_record r = ENG_RECORD_INIT;
	cs_auto_free char *text = NULL;

	r.env = (struct eng_strv){ env, 2 };
	r.cmd = (struct eng_strv){ cmd, 2 };
	r.labels = (struct eng_strv){ labels, 2 };
	r.expose = (struct eng_strv){ expose, 2 };
	r.user = "www";
	r.workdir = "/w";
	r.stop_signal = "SIGQUIT";
	ck_assert_int_eq(eng_commit_config(&r, &text, &err), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"User\":\"www\""));
	ck_assert_ptr_nonnull(strstr(text, "\"Env\":[\"A=1\",\"B=\"]"));
	ck_assert_ptr_nonnull(strstr(text, "\"Cmd\":[\"sh\",\"-c\"]"));
	ck_assert_ptr_nonnull(strstr(text, "\"WorkingDir\":\"/w\""));
	ck_assert_ptr_nonnull(strstr(text, "\"StopSignal\":\"SIGQUIT\""));
	ck_assert_ptr_nonnull(strstr(text, "\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}}"));
	ck_assert_ptr_nonnull(strstr(text, "\"a\":\"x=y\""));
	ck_assert_ptr_nonnull(strstr(text, "\"b\":\"\""));
}
END_TEST

START_TEST(test_config_of_nothing)
{
	struct eng_record r = ENG_RECORD_INIT;
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *text = NULL;

	ck_assert_int_eq(eng_commit_config(&r, &text, &err), 0);
	ck_assert_int_eq(cs_json_parse(text, strlen(text), "config", &doc, &err), 0);
	ck_assert_ptr_null(cs_json_get(doc.root, "User"));
	ck_assert_ptr_null(cs_json_get(doc.root, "StopSignal"));
}
END_TEST

static char *merge(const char *base, const char *over)
{
	cs_auto_json struct cs_json_doc b = CS_JSON_DOC_INIT, o = CS_JSON_DOC_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	char *text = NULL;

	if (base)
		ck_assert_int_eq(cs_json_parse(base, strlen(base), "base", &b, &err), 0);
	if (over)
		ck_assert_int_eq(cs_json_parse(over, strlen(over), "over", &o, &err), 0);
	cs_jw_obj(&w, NULL);
	img_config_merge(&w, base ? b.root : NULL, over ? o.root : NULL);
	cs_jw_obj_end(&w);
	ck_assert_int_eq(cs_jw_take(&w, &text, NULL, &err), 0);
	return text;
}

/* One config over another: env by name, objects by member, all else whole. */
START_TEST(test_merge)
{
	cs_auto_free char *m = merge("{\"Env\":[\"A=1\",\"B=2\"],\"Cmd\":[\"a\",\"b\"],"
				     "\"Labels\":{\"x\":\"1\",\"y\":\"1\"},\"User\":\"old\"}",
				     "{\"Env\":[\"B=3\",\"C=4\"],\"Cmd\":[\"c\"],"
				     "\"Labels\":{\"y\":\"2\",\"z\":\"2\"}}");
	cs_auto_json struct cs_json_doc d = CS_JSON_DOC_INIT;
	const struct cs_json *labels;
	const char *s = NULL;
	bool b3 = false, b2 = false, a1 = false, c4 = false;
	const struct cs_json *e;

	ck_assert_int_eq(cs_json_parse(m, strlen(m), "merged", &d, &err), 0);
	cs_json_for_each (e, cs_json_get(d.root, "Env")) {
		a1 = a1 || strcmp(e->str, "A=1") == 0;
		b2 = b2 || strcmp(e->str, "B=2") == 0;
		b3 = b3 || strcmp(e->str, "B=3") == 0;
		c4 = c4 || strcmp(e->str, "C=4") == 0;
	}
	ck_assert(a1 && b3 && c4 && !b2);
	ck_assert_uint_eq(cs_json_get(d.root, "Cmd")->n, 1);
	ck_assert_int_eq(cs_json_str(d.root, "User", &s, &err), 1);
	ck_assert_str_eq(s, "old");
	labels = cs_json_get(d.root, "Labels");
	ck_assert_uint_eq(labels->n, 3);
	ck_assert_int_eq(cs_json_str(labels, "y", &s, &err), 1);
	ck_assert_str_eq(s, "2");
}
END_TEST

START_TEST(test_merge_with_none)
{
	static const char one[] = "{\"User\":\"u\",\"Labels\":{\"a\":\"b\"}}";
	cs_auto_free char *under = merge(one, NULL), *over = merge(NULL, one),
			  *none = merge(NULL, NULL);

	ck_assert_str_eq(under, one);
	ck_assert_str_eq(over, one);
	ck_assert_str_eq(none, "{}");
}
END_TEST

UNIT_MAIN("engine/commit", test_config, test_config_of_nothing, test_merge, test_merge_with_none)
