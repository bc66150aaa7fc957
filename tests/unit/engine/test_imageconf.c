#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "engine/imageconf.h"
#include "engine/record.h"
#include "images/config.h"

static const char image[] =
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
	"[\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]},"
	"\"config\":{\"Entrypoint\":[\"/entry\",\"-e\"],\"Cmd\":[\"cmd\"],"
	"\"Env\":[\"PATH=/bin\",\"A=1\",\"alone\",\"B=2\"],\"WorkingDir\":\"/w\",\"User\":\"www\","
	"\"StopSignal\":\"SIGQUIT\",\"Labels\":{\"b\":\"image\",\"a\":\"image\"},"
	"\"Volumes\":{\"/v1\":{},\"/v2/\":{}},\"ExposedPorts\":{\"80/tcp\":{},\"53\":{}}}}";

static struct img_config conf;
static struct cs_arena *arena;
static struct cs_err err;

static void setup(void)
{
	err = CS_ERR_INIT;
	conf = IMG_CONFIG_INIT;
	arena = cs_arena_new(0);
	ck_assert_msg(img_config_parse(image, sizeof(image) - 1, "config", &conf, &err) == 0, "%s",
		      err.msg);
}

static void teardown(void)
{
	img_config_fini(&conf);
	cs_arena_free(arena);
}

static struct eng_strv strv(const char *const *v)
{
	struct eng_strv s = { v, 0 };

	while (v[s.n])
		s.n++;
	return s;
}

static void same(const struct eng_strv *v, const char *want)
{
	char got[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s", i ? " " : "", v->v[i]);
	ck_assert_str_eq(got, want);
}

START_TEST(test_all)
{
	static const char *const env[] = { "A=9", "C=3", NULL };
	static const char *const labels[] = { "b=mine", NULL };
	struct eng_mount mine = { .type = ENG_MOUNT_TMPFS, .target = "/v2" };
	struct eng_record r = ENG_RECORD_INIT;

	setup();
	r.env = strv(env);
	r.labels = strv(labels);
	r.mounts = &mine;
	r.n_mounts = 1;
	ck_assert_int_eq(eng_record_merge_image(&r, &conf, arena, &err), 0);
	same(&r.entrypoint, "/entry -e");
	same(&r.cmd, "cmd");
	same(&r.env, "PATH=/bin A=9 B=2 C=3");
	same(&r.labels, "a=image b=mine");
	same(&r.expose, "80/tcp 53/tcp");
	ck_assert_str_eq(r.workdir, "/w");
	ck_assert_str_eq(r.user, "www");
	ck_assert_str_eq(r.stop_signal, "SIGQUIT");
	ck_assert_uint_eq(r.n_mounts, 2);
	ck_assert_str_eq(r.mounts[0].target, "/v2");
	ck_assert_str_eq(r.mounts[1].target, "/v1");
	ck_assert(r.mounts[1].anonymous && r.mounts[1].type == ENG_MOUNT_VOLUME);
	teardown();
}
END_TEST

START_TEST(test_command)
{
	static const char *const mine[] = { "mine", "x", NULL };
	static const char *const none[] = { "", NULL };
	struct eng_record r = ENG_RECORD_INIT;

	setup();
	/* a command keeps the entrypoint */
	r.cmd = strv(mine);
	r.user = "0";
	ck_assert_int_eq(eng_record_merge_image(&r, &conf, arena, &err), 0);
	same(&r.entrypoint, "/entry -e");
	same(&r.cmd, "mine x");
	ck_assert_str_eq(r.user, "0");
	/* an entrypoint drops the command */
	r = ENG_RECORD_INIT;
	r.entrypoint = strv(mine);
	ck_assert_int_eq(eng_record_merge_image(&r, &conf, arena, &err), 0);
	same(&r.entrypoint, "mine x");
	same(&r.cmd, "");
	/* no entrypoint at all */
	r = ENG_RECORD_INIT;
	r.entrypoint = strv(none);
	r.cmd = strv(mine);
	ck_assert_int_eq(eng_record_merge_image(&r, &conf, arena, &err), 0);
	same(&r.entrypoint, "");
	same(&r.cmd, "mine x");
	/* nothing to run */
	r = ENG_RECORD_INIT;
	r.entrypoint = strv(none);
	ck_assert_int_eq(eng_record_merge_image(&r, &conf, arena, &err), -EINVAL);
	err = CS_ERR_INIT;
	/* no image */
	r = ENG_RECORD_INIT;
	r.cmd = strv(mine);
	r.systemd = true;
	ck_assert_int_eq(eng_record_merge_image(&r, NULL, arena, &err), 0);
	same(&r.cmd, "mine x");
	ck_assert_str_eq(r.stop_signal, "SIGRTMIN+3");
	teardown();
}
END_TEST

UNIT_MAIN("engine/imageconf", test_all, test_command)
