#include "images/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "tests/unit/unit.h"

static int put(const char *const *v, size_t n, char **out, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	size_t len = 0;
	int ret;

	cs_jw_obj(&w, NULL);
	ret = img_changes_put(&w, v, n, err);
	cs_jw_obj_end(&w);
	return ret < 0 ? ret : cs_jw_take(&w, out, &len, err);
}

START_TEST(test_good)
{
	static const struct {
		const char *v[4];
		const char *want;
	} rows[] = {
		{ { NULL }, "{}" },
		{ { "CMD [\"/bin/sh\",\"-l\"]" }, "{\"Cmd\":[\"/bin/sh\",\"-l\"]}" },
		{ { "cmd echo \"a b\"" }, "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo \\\"a b\\\"\"]}" },
		{ { "CMD a", "CMD b" }, "{\"Cmd\":[\"/bin/sh\",\"-c\",\"b\"]}" },
		{ { "ENTRYPOINT []" }, "{\"Entrypoint\":[]}" },
		{ { "ENV A=b", "ENV C d e", "ENV D=\"x y\"" },
		  "{\"Env\":[\"A=b\",\"C=d e\",\"D=x y\"]}" },
		{ { "EXPOSE 80 53/udp", "EXPOSE [\"90\"]" },
		  "{\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{},\"90/tcp\":{}}}" },
		{ { "VOLUME /a /b" }, "{\"Volumes\":{\"/a\":{},\"/b\":{}}}" },
		{ { "LABEL a='b c'", "LABEL d e" }, "{\"Labels\":{\"a\":\"b c\",\"d\":\"e\"}}" },
		{ { "USER=1:2", "WORKDIR\t/w", "STOPSIGNAL 9" },
		  "{\"StopSignal\":\"9\",\"User\":\"1:2\",\"WorkingDir\":\"/w\"}" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
		cs_auto_jw struct cs_jw w = CS_JW_INIT;
		cs_auto_free char *text = NULL, *config = NULL;
		struct cs_err err = CS_ERR_INIT;
		size_t n = 0, len = 0;

		while (n < 4 && rows[i].v[n])
			n++;
		ck_assert_msg(put(rows[i].v, n, &text, &err) == 0, "row %zu: %s", i, err.msg);
		ck_assert_int_eq(cs_json_parse(text, strlen(text), "x", &doc, &err), 0);
		cs_jw_value(&w, NULL, cs_json_get(doc.root, "config"));
		ck_assert_int_eq(cs_jw_take(&w, &config, &len, &err), 0);
		ck_assert_str_eq(config, rows[i].want);
	}
}
END_TEST

START_TEST(test_bad)
{
	static const char *const rows[] = {
		"",
		"RUN true",
		"CMD",
		"CMDx y",
		"CMD ",
		"CMD [\"a\"",
		"CMD [1]",
		"ENV A",
		"ENV =b",
		"LABEL a",
		"CMD [\"a\"]x",
		"EXPOSE [1]",
		"VOLUME [{}]",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		cs_auto_free char *text = NULL;
		struct cs_err err = CS_ERR_INIT;
		int ret = put(&rows[i], 1, &text, &err);

		ck_assert_msg(ret == -EINVAL && strstr(err.msg, "--change"), "\"%s\": %d %s",
			      rows[i], ret, err.msg);
	}
}
END_TEST

/* A key twice is a key once. */
START_TEST(test_twice)
{
	static const char *const v[] = { "LABEL a=1",	 "LABEL a=2", "EXPOSE 1",
					 "EXPOSE 1/tcp", "ENV A=1",   "ENV A=2" };
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;
	const struct cs_json *c;

	ck_assert_int_eq(put(v, CS_LEN(v), &text, &err), 0);
	ck_assert_msg(cs_json_parse(text, strlen(text), "x", &doc, &err) == 0, "%s", err.msg);
	c = cs_json_get(doc.root, "config");
	ck_assert_str_eq(cs_json_get(cs_json_get(c, "Labels"), "a")->str, "2");
	ck_assert_uint_eq(cs_json_get(c, "ExposedPorts")->n, 1);
	ck_assert_uint_eq(cs_json_get(c, "Env")->n, 1);
}
END_TEST

UNIT_MAIN("images/changes", test_good, test_bad, test_twice)
