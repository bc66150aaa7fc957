#include "images/config.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"]}"

START_TEST(test_all)
{
	static const char text[] =
		"{\"created\":\"2026-01-02T03:04:05.678+01:00\",\"author\":\"me\",\"os\":\"linux\","
		"\"architecture\":\"arm\",\"variant\":\"v7\",\"config\":{\"User\":\"1:2\","
		"\"Env\":[\"A=b\",\"C=\"],\"Entrypoint\":[\"/init\"],\"Cmd\":null,"
		"\"WorkingDir\":\"/w\",\"Labels\":{\"x\":\"y\"},\"ExposedPorts\":{\"80/tcp\":{}},"
		"\"Volumes\":{\"/v\":{}},\"StopSignal\":\"SIGINT\",\"Healthcheck\":{\"Test\":"
		"[\"CMD\",\"t\"],\"Interval\":1000000000,\"Retries\":3}}," ROOTFS
		",\"history\":[{\"created_by\":\"RUN "
		"x\",\"empty_layer\":true},{\"comment\":\"c\"}],"
		"\"future\":1}";
	img_auto_config struct img_config c = IMG_CONFIG_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_config_parse(text, strlen(text), "x", &c, &err), 0);
	ck_assert_str_eq(c.author, "me");
	ck_assert_str_eq(c.platform.variant, "v7");
	ck_assert_str_eq(c.user, "1:2");
	ck_assert_uint_eq(c.n_env, 2);
	ck_assert_str_eq(c.env[1], "C=");
	ck_assert_ptr_null(c.env[2]);
	ck_assert_uint_eq(c.n_cmd, 0);
	ck_assert_ptr_null(c.cmd[0]);
	ck_assert_str_eq(c.entrypoint[0], "/init");
	ck_assert_str_eq(c.stop_signal, "SIGINT");
	ck_assert_str_eq(img_config_label(&c, "x"), "y");
	ck_assert_ptr_null(img_config_label(&c, "z"));
	ck_assert_ptr_nonnull(cs_json_get(c.ports, "80/tcp"));
	ck_assert_ptr_nonnull(cs_json_get(c.volumes, "/v"));
	ck_assert_uint_eq(c.health.n_test, 2);
	ck_assert_int_eq(c.health.interval_ns, 1000000000);
	ck_assert_int_eq(c.health.retries, 3);
	ck_assert_uint_eq(c.n_diff_ids, 1);
	ck_assert_str_eq(c.diff_ids[0], DIGEST);
	ck_assert_uint_eq(c.n_history, 2);
	ck_assert(c.history[0].empty_layer && !c.history[1].empty_layer);
	ck_assert_str_eq(c.history[1].comment, "c");
	ck_assert_str_eq(c.history[1].created_by, "");
	ck_assert_int_eq(img_config_created(&c), 1767319445);
}
END_TEST

START_TEST(test_least)
{
	static const char text[] = "{" ROOTFS "}";
	img_auto_config struct img_config c = IMG_CONFIG_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_config_parse(text, strlen(text), "x", &c, &err), 0);
	ck_assert_str_eq(c.user, "");
	ck_assert_str_eq(c.workdir, "");
	ck_assert_str_eq(c.platform.os, "");
	ck_assert_ptr_null(c.env[0]);
	ck_assert_ptr_null(c.health.test[0]);
	ck_assert_ptr_null(c.labels);
	ck_assert_ptr_null(img_config_label(&c, "x"));
	ck_assert_int_eq(img_config_created(&c), 0);
}
END_TEST

START_TEST(test_bad)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "x: " },
		{ "[]", "object" },
		{ "{}", "rootfs" },
		{ "{\"rootfs\":[]}", "rootfs" },
		{ "{\"rootfs\":{\"diff_ids\":[\"sha256:..\"]}}", "64 lower-case" },
		{ "{\"rootfs\":{\"diff_ids\":[1]}}", "diff_ids" },
		{ "{" ROOTFS ",\"config\":[]}", "config" },
		{ "{" ROOTFS ",\"config\":{\"Env\":\"A=b\"}}", "Env" },
		{ "{" ROOTFS ",\"config\":{\"User\":0}}", "User" },
		{ "{" ROOTFS ",\"config\":{\"Labels\":{\"x\":1}}}", "Labels" },
		{ "{" ROOTFS ",\"config\":{\"Healthcheck\":{\"Interval\":\"1s\"}}}", "Interval" },
		{ "{" ROOTFS ",\"history\":[1]}", "history" },
		{ "{" ROOTFS ",\"history\":[{\"empty_layer\":1}]}", "empty_layer" },
		{ "{" ROOTFS "}x", "x: " },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct img_config c = IMG_CONFIG_INIT;
		struct cs_err err = CS_ERR_INIT;
		int ret = img_config_parse(rows[i].text, strlen(rows[i].text), "x", &c, &err);

		ck_assert_msg(ret == -EINVAL && strstr(err.msg, rows[i].why), "row %zu: %d %s", i,
			      ret, err.msg);
		ck_assert_ptr_null(c.doc.root);
	}
}
END_TEST

START_TEST(test_time)
{
	static const struct {
		const char *text;
		int64_t t; /* -1: none */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2001-09-09T01:46:40Z", 1000000000 },
		{ "2001-09-09T01:46:40.123456789Z", 1000000000 },
		{ "2001-09-09T03:46:40+02:00", 1000000000 },
		{ "2001-09-08T20:16:40-05:30", 1000000000 },
		{ "2001-09-09T01:46:40z", 1000000000 },
		{ "", -1 },
		{ "2001-09-09", -1 },
		{ "2001-09-09T01:46:40", -1 },
		{ "2001-09-09T01:46:40Zx", -1 },
		{ "2001-09-09T01:46:40+0200", -1 },
		{ "2001-09-09T01:46:40+ab:cd", -1 },
		{ "2001-13-09T01:46:40Z", -1 },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		int64_t t = -1;

		ck_assert_int_eq(img_time_parse(rows[i].text, &t), rows[i].t < 0 ? -EINVAL : 0);
		ck_assert_int_eq(t, rows[i].t);
	}
}
END_TEST

UNIT_MAIN("images/config", test_all, test_least, test_bad, test_time)
