#include "kvm/config.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "tests/unit/unit.h"

static const char full[] =
	"{\"version\":1,\"cpus\":2,\"memory\":268435456,\"acpi\":true,\"hang_seconds\":5,"
	"\"kernel\":{\"fd\":3,\"cmdline\":\"quiet\",\"entry\":\"pvh\"},\"initramfs\":[4,5],"
	"\"serial\":{\"in\":0,\"out\":1},\"control\":6,\"result\":7,\"kvm\":8,\"trace\":2,"
	"\"jail\":false,\"devices\":["
	"{\"type\":\"blk\",\"fd\":9,\"readonly\":true,\"serial\":\"root\",\"queues\":2,"
	"\"bytes_rate\":{\"per_second\":1000},\"ops_rate\":{\"per_second\":10,\"burst\":20}},"
	"{\"type\":\"pmem\",\"fd\":10},"
	"{\"type\":\"net\",\"fd\":11,\"mac\":\"02:00:5e:10:AB:0f\",\"mtu\":9000,\"vhost\":12},"
	"{\"type\":\"vsock\",\"fd\":13,\"cid\":77},"
	"{\"type\":\"fs\",\"root\":14,\"tag\":\"work\"},"
	"{\"type\":\"console\",\"out\":1},"
	"{\"type\":\"rng\",\"id\":\"dice\"},"
	"{\"type\":\"balloon\",\"pages\":12}]}";

static int parse(const char *text, struct vm_config *c, struct cs_json_doc *doc, struct cs_err *err)
{
	*doc = CS_JSON_DOC_INIT;
	*err = CS_ERR_INIT;
	return vm_config_parse(text, strlen(text), doc, c, err);
}

START_TEST(test_full)
{
	struct cs_json_doc doc, doc2;
	struct vm_config c, c2;
	struct cs_err err;
	char *one = NULL, *two = NULL;

	ck_assert_msg(parse(full, &c, &doc, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(c.cpus, 2);
	ck_assert_int_eq(c.entry, VM_ENTRY_PVH);
	ck_assert_int_eq(c.initramfs_fd[1], 5);
	ck_assert(c.shared); /* because of "fs" */
	ck_assert_uint_eq(c.n_devs, 8);
	ck_assert_str_eq(c.dev[0].id, "blk0");
	ck_assert_uint_eq(c.dev[0].blk.bytes.burst, 1000);
	ck_assert_uint_eq(c.dev[0].blk.ops.burst, 20);
	ck_assert(c.dev[1].pmem.readonly);
	ck_assert_uint_eq(c.dev[2].net.mac[4], 0xab);
	ck_assert_int_eq(c.dev[5].console.in_fd, -EBADF);
	ck_assert_str_eq(c.dev[6].id, "dice");
	ck_assert(c.dev[7].balloon.reporting);

	/* what it prints it reads, and prints the same again */
	ck_assert_int_eq(vm_config_dump(&c, &one, &err), 0);
	ck_assert_msg(parse(one, &c2, &doc2, &err) == 0, "%s: %s", err.msg, one);
	ck_assert_int_eq(vm_config_dump(&c2, &two, &err), 0);
	ck_assert_str_eq(one, two);
	free(one);
	free(two);
	cs_json_fini(&doc);
	cs_json_fini(&doc2);
}
END_TEST

START_TEST(test_defaults)
{
	struct cs_json_doc doc;
	struct vm_config c;
	struct cs_err err;

	ck_assert_int_eq(
		parse("{\"version\":1,\"memory\":4194304,\"kernel\":{\"fd\":3}}", &c, &doc, &err),
		0);
	ck_assert_uint_eq(c.cpus, 1);
	ck_assert(c.acpi && c.jail && !c.pit && !c.shared);
	ck_assert_int_eq(c.control_fd, -EBADF);
	ck_assert_ptr_null(c.cmdline);
	cs_json_fini(&doc);
}
END_TEST

#define WITH(s) "{\"version\":1,\"memory\":4194304,\"kernel\":{\"fd\":3}," s "}"
#define DEV(s) WITH("\"devices\":[{" s "}]")

static const struct {
	const char *text;
	const char *says;
} bad[] = {
	{ "[]", "object" },
	{ "{}", "version" },
	{ "{\"version\":2}", "version" },
	{ "{\"version\":1,\"kernel\":{\"fd\":1}}", "memory" },
	{ "{\"version\":1,\"memory\":4194304}", "kernel" },
	{ "{\"version\":1,\"memory\":4194304,\"kernel\":{}}", "kernel: \"fd\"" },
	{ "{\"version\":1,\"memory\":4194303,\"kernel\":{\"fd\":3}}", "memory: " },
	{ WITH("\"cpus\":0"), "cpus: must be 1 to 32" },
	{ WITH("\"cpus\":33"), "cpus" },
	{ WITH("\"colour\":1"), "colour: unknown key" },
	{ WITH("\"serial\":{\"up\":1}"), "serial.up: unknown key" },
	{ WITH("\"control\":-1"), "control" },
	{ WITH("\"control\":99999999"), "control: is no fd" },
	{ WITH("\"initramfs\":[1,2,3,4,5]"), "initramfs" },
	{ WITH("\"initramfs\":[\"x\"]"), "initramfs[0]" },
	{ WITH("\"devices\":[1]"), "devices[0]" },
	{ DEV("\"fd\":1"), "type" },
	{ DEV("\"type\":\"floppy\""), "no such device" },
	{ DEV("\"type\":\"blk\""), "fd" },
	{ DEV("\"type\":\"blk\",\"fd\":1,\"queues\":9"), "queues: must be 1 to 8" },
	{ DEV("\"type\":\"blk\",\"fd\":1,\"serial\":\"123456789012345678901\""), "1 to 20" },
	{ DEV("\"type\":\"blk\",\"fd\":1,\"ops_rate\":{}"), "per_second" },
	{ DEV("\"type\":\"blk\",\"fd\":1,\"cache\":\"none\""), "devices[0].cache: unknown key" },
	{ DEV("\"type\":\"net\",\"fd\":1"), "mac" },
	{ DEV("\"type\":\"net\",\"fd\":1,\"mac\":\"01:00:00:00:00:00\""), "mac" },
	{ DEV("\"type\":\"net\",\"fd\":1,\"mac\":\"00:00:00:00:00:00\""), "mac" },
	{ DEV("\"type\":\"net\",\"fd\":1,\"mac\":\"02:00:00:00:00:0g\""), "mac" },
	{ DEV("\"type\":\"net\",\"fd\":1,\"mac\":\"02:00:00:00:00:00:00\""), "mac" },
	{ DEV("\"type\":\"vsock\",\"fd\":1,\"cid\":2"), "cid" },
	{ DEV("\"type\":\"fs\",\"root\":1"), "tag" },
	{ DEV("\"type\":\"fs\",\"root\":1,\"tag\":\"\""), "tag" },
	{ DEV("\"type\":\"rng\",\"id\":\"a\\nb\""), "control character" },
	{ WITH("\"devices\":[{\"type\":\"rng\",\"id\":\"x\"},{\"type\":\"rng\",\"id\":\"x\"}]"),
	  "two have the id x" },
};

START_TEST(test_bad)
{
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_json_doc doc;
		struct vm_config c;
		struct cs_err err;

		ck_assert_msg(parse(bad[i].text, &c, &doc, &err) == -EINVAL, "%s", bad[i].text);
		ck_assert_msg(strstr(err.msg, bad[i].says) != NULL, "%s: %s", bad[i].text, err.msg);
		ck_assert_ptr_null(doc.root);
	}
}
END_TEST

UNIT_MAIN("kvm/config", test_full, test_defaults, test_bad)
