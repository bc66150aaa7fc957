/* `features` says only what config.json's parser takes: every name in it is put into a config and
 * parsed. */
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/oci.h"
#include "runtime/spec.h"
#include "tests/unit/unit.h"

static struct cs_json_doc doc;

static void setup(void)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t len = 0;

	cli_oci_features_put(&w);
	ck_assert_int_eq(cs_jw_take(&w, &text, &len, &err), 0);
	ck_assert_msg(cs_json_parse(text, len, "features", &doc, &err) == 0, "%s", err.msg);
}

/* The value at a path of keys with dots between. */
static const struct cs_json *at(const char *path)
{
	const struct cs_json *v = doc.root;
	char key[64];

	while (v && *path) {
		size_t len = strcspn(path, ".");

		ck_assert_uint_lt(len, sizeof(key));
		memcpy(key, path, len);
		key[len] = '\0';
		v = cs_json_get(v, key);
		path += len + (path[len] == '.');
	}
	return v;
}

static void check_config(const char *what, const char *version, const char *members)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct ctr_spec spec = { 0 };
	struct cs_err err = CS_ERR_INIT;

	cs_buf_addf(&b, "{\"ociVersion\":\"%s\",\"root\":{\"path\":\"r\"},%s}", version, members);
	ck_assert_int_eq(cs_buf_ok(&b, &err), 0);
	ck_assert_msg(ctr_spec_parse(b.s, b.len, &spec, &err) == 0, "%s: %s\n%s", what, err.msg,
		      b.s);
	ctr_spec_fini(&spec);
}

/* @before NAME @after are members of a config, for every name in the list at @path. */
static void check_list(const char *path, size_t at_least, const char *before, const char *after)
{
	const struct cs_json *list = at(path), *v;

	ck_assert_msg(list && list->type == CS_JSON_ARRAY, "%s", path);
	ck_assert_msg(list->n >= at_least, "%s has %u names", path, list->n);
	cs_json_for_each (v, list) {
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;

		cs_buf_addf(&b, "%s%s%s", before, v->str, after);
		check_config(v->str, "1.3.0", b.s);
	}
}

START_TEST(test_versions)
{
	setup();
	ck_assert_str_eq(at("ociVersionMin")->str, "1.0.0");
	ck_assert_str_eq(at("ociVersionMax")->str, "1.3.0");
	check_config("min", "1.0.0",
		     "\"hostname\":\"x\",\"linux\":{\"namespaces\":[{\"type\":\"uts\"}]}");
	check_config("max", "1.3.0",
		     "\"hostname\":\"x\",\"linux\":{\"namespaces\":[{\"type\":\"uts\"}]}");
	cs_json_fini(&doc);
}
END_TEST

START_TEST(test_general)
{
	setup();
	check_list("hooks", 6, "\"hooks\":{\"", "\":[{\"path\":\"/h\"}]}");
	check_list("mountOptions", 50,
		   "\"linux\":{\"namespaces\":[{\"type\":\"user\",\"path\":\"/u\"}]},"
		   "\"mounts\":[{\"destination\":\"/m\",\"type\":\"bind\",\"source\":\"/t\","
		   "\"options\":[\"",
		   "\"]}]");
	check_list("linux.capabilities", 41,
		   "\"process\":{\"args\":[\"a\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0},"
		   "\"capabilities\":{\"bounding\":[\"",
		   "\"]}}");
	check_list("linux.namespaces", 8, "\"linux\":{\"namespaces\":[{\"type\":\"",
		   "\",\"path\":\"/p\"}]}");
	cs_json_fini(&doc);
}
END_TEST

START_TEST(test_seccomp)
{
	setup();
	check_list("linux.seccomp.actions", 9,
		   "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
		   "\"listenerPath\":\"/l\",\"syscalls\":[{\"names\":[\"getpid\"],\"action\":\"",
		   "\"}]}}");
	check_list("linux.seccomp.operators", 7,
		   "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
		   "\"syscalls\":[{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\","
		   "\"args\":[{\"index\":0,\"value\":1,\"op\":\"",
		   "\"}]}]}}");
	check_list("linux.seccomp.archs", 10,
		   "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
		   "\"architectures\":[\"",
		   "\"]}}");
	check_list("linux.seccomp.knownFlags", 3,
		   "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"",
		   "\"]}}");
	check_list("linux.seccomp.supportedFlags", 3,
		   "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"",
		   "\"]}}");
	cs_json_fini(&doc);
}
END_TEST

START_TEST(test_memory_policy)
{
	setup();
	/* modes differ in whether they want nodes: the parser may refuse either, not both */
	for (const struct cs_json *v = at("linux.memoryPolicy.modes")->child; v; v = v->next) {
		static const char *const nodes[] = { ",\"nodes\":\"0\"", "" };
		int taken = 0;

		for (size_t i = 0; i < CS_LEN(nodes); i++) {
			cs_auto_buf struct cs_buf b = CS_BUF_INIT;
			struct ctr_spec spec = { 0 };
			struct cs_err err = CS_ERR_INIT;

			cs_buf_addf(&b,
				    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},"
				    "\"linux\":{\"memoryPolicy\":{\"mode\":\"%s\"%s}}}",
				    v->str, nodes[i]);
			taken += ctr_spec_parse(b.s, b.len, &spec, &err) == 0;
			ctr_spec_fini(&spec);
		}
		ck_assert_msg(taken > 0, "%s", v->str);
	}
	check_list("linux.memoryPolicy.flags", 3,
		   "\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\","
		   "\"flags\":[\"",
		   "\"]}}");
	cs_json_fini(&doc);
}
END_TEST

UNIT_MAIN("cli/features", test_versions, test_general, test_seccomp, test_memory_policy)
