#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "engine/cdi.h"
#include "engine/config.h"
#include "engine/config_int.h"
#include "tests/unit/fixture.h"

#define EDITS                                                                                     \
	"{\"env\":[\"A=b\"],\"deviceNodes\":[{\"path\":\"/dev/gpu\",\"hostPath\":\"/dev/null\","  \
	"\"permissions\":\"rw\"},{\"path\":\"/dev/disk\",\"type\":\"b\",\"major\":8,\"minor\":1," \
	"\"fileMode\":384,\"uid\":5}],\"mounts\":[{\"hostPath\":\"/lib/x\",\"containerPath\":"    \
	"\"/lib/"                                                                                 \
	"x\",\"options\":[\"ro\",\"nosuid\"]}],\"hooks\":[{\"hookName\":\"createContainer\","     \
	"\"path\":\"/bin/hook\",\"args\":[\"hook\"],\"timeout\":3}],\"additionalGIDs\":[44]}"

static const char good[] =
	"{\"cdiVersion\":\"0.6.0\",\"kind\":\"example.com/gpu\",\"containerEdits\":"
	"{\"env\":[\"ALL=1\"]},\"devices\":[{\"name\":\"one\",\"containerEdits\":" EDITS "},"
	"{\"name\":\"two\",\"containerEdits\":{\"env\":[\"TWO=2\"]}}]}";

static struct cs_err err;

START_TEST(test_parse)
{
	static const char *const bad[] = {
		"[]",
		"{}",
		"{\"cdiVersion\":\"2.0\",\"kind\":\"a/b\",\"devices\":[]}",
		"{\"cdiVersion\":\"0.6.0\",\"devices\":[]}",
		"{\"cdiVersion\":\"0.6.0\",\"kind\":\"a/b\"}",
		"{\"cdiVersion\":\"0.6.0\",\"kind\":\"a/b\",\"devices\":[1]}",
		"{\"cdiVersion\":\"0.6.0\",\"kind\":\"a/b\",\"devices\":[{}]}",
#define D(edits)                                                                   \
	"{\"cdiVersion\":\"0.6.0\",\"kind\":\"a/b\",\"devices\":[{\"name\":\"x\"," \
	"\"containerEdits\":" edits "}]}"
		D("{\"env\":[\"x\"]}"),
		D("{\"deviceNodes\":[{}]}"),
		D("{\"deviceNodes\":[{\"path\":\"x\"}]}"),
		D("{\"deviceNodes\":[{\"path\":\"/x\",\"permissions\":\"z\"}]}"),
		D("{\"deviceNodes\":[{\"path\":\"/x\",\"type\":\"q\",\"major\":1}]}"),
		D("{\"deviceNodes\":[{\"path\":\"/x\",\"major\":-1}]}"),
		D("{\"mounts\":[{\"containerPath\":\"/x\"}]}"),
		D("{\"mounts\":[1]}"),
		D("{\"hooks\":[{\"hookName\":\"frob\",\"path\":\"/x\"}]}"),
		D("{\"hooks\":[{\"hookName\":\"poststop\",\"path\":\"x\"}]}"),
		D("{\"additionalGIDs\":[-1]}"),
	};

	err = CS_ERR_INIT;
	ck_assert_msg(eng_cdi_check(good, sizeof(good) - 1, &err) == 0, "%s", err.msg);
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		err = CS_ERR_INIT;
		ck_assert_msg(eng_cdi_check(bad[i], strlen(bad[i]), &err) == -EINVAL, "%s", bad[i]);
	}
}
END_TEST

START_TEST(test_device)
{
	struct unit_tmp t = unit_tmp_init();
	char first[80], second[80];
	const char *const dirs[] = { first, second, "/nonexistent/cdi", NULL };
	const struct eng_place p = { .rootfs = t.fd };
	struct cfg c = { .a = cs_arena_new(0), .p = &p };

	err = CS_ERR_INIT;
	snprintf(first, sizeof(first), "%s/1", t.path);
	snprintf(second, sizeof(second), "%s/2", t.path);
	mkdir(first, 0755);
	mkdir(second, 0755);
	unit_write_str(t.fd, "1/a.json", good);
	ck_assert_msg(eng_cdi_device_in(&c, dirs, "example.com/gpu=one", &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(c.env.n, 2);
	ck_assert_str_eq(c.env.v[0], "ALL=1");
	ck_assert_uint_eq(c.n_devices, 2);
	ck_assert(c.devices[0].major == 1 && c.devices[0].minor == 3);
	ck_assert_str_eq(c.rules[0].access, "rw");
	ck_assert(c.devices[1].type == 'b' && c.devices[1].mode == 0600 && c.devices[1].has_uid);
	ck_assert_uint_eq(c.n_mounts, 1);
	ck_assert_uint_eq(c.mounts[0].options.n, 3);
	ck_assert_uint_eq(c.n_hooks, 1);
	ck_assert_str_eq(c.gids.v[0], "44");
	/* the file's edits once */
	ck_assert_int_eq(eng_cdi_device_in(&c, dirs, "example.com/gpu=two", &err), 0);
	ck_assert_uint_eq(c.env.n, 3);
	/* a later folder goes before */
	unit_write_str(t.fd, "2/a.json",
		       "{\"cdiVersion\":\"0.6.0\",\"kind\":\"example.com/gpu\",\"devices\":"
		       "[{\"name\":\"two\",\"containerEdits\":{\"env\":[\"TWO=late\"]}}]}");
	ck_assert_int_eq(eng_cdi_device_in(&c, dirs, "example.com/gpu=two", &err), 0);
	ck_assert_str_eq(c.env.v[2], "TWO=late");
	ck_assert_int_eq(eng_cdi_device_in(&c, dirs, "example.com/gpu=three", &err), -ENOENT);
	err = CS_ERR_INIT;
	/* a damaged file is in nobody's way but of who may be in it */
	unit_write_str(t.fd, "1/other.json", "{\"cdiVersion\":");
	ck_assert_msg(eng_cdi_device_in(&c, dirs, "example.com/gpu=one", &err) == 0, "%s", err.msg);
	ck_assert_int_eq(eng_cdi_device_in(&c, dirs, "example.com/gpu=three", &err), -ENOENT);
	ck_assert_msg(strstr(err.msg, "1/other.json"), "%s", err.msg);
	unlinkat(t.fd, "1/other.json", 0);
	err = CS_ERR_INIT;
	unit_write_str(t.fd, "2/b.yaml", "");
	ck_assert_int_eq(eng_cdi_device_in(&c, dirs, "example.com/gpu=three", &err), -ENOENT);
	ck_assert(strstr(err.msg, "b.yaml"));
	err = CS_ERR_INIT;
	unit_write_str(t.fd, "1/b.json", good);
	ck_assert_int_eq(eng_cdi_device_in(&c, dirs, "example.com/gpu=one", &err), -EINVAL);
	err = CS_ERR_INIT;
	ck_assert_int_eq(eng_cdi_device_in(&c, dirs, "gpu=one", &err), -EINVAL);
	cs_arena_free(c.a);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("engine/cdi", test_parse, test_device)
