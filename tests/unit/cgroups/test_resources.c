#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/resources.h"

static void parse(const char *text, struct cs_json_doc *doc, struct cg_resources *r)
{
	struct cs_err err = CS_ERR_INIT;

	memset(r, 0, sizeof(*r));
	ck_assert_msg(cs_json_parse(text, strlen(text), "resources", doc, &err) == 0, "%s",
		      err.msg);
	ck_assert_msg(cg_resources_parse(doc, doc->root, r, &err) == 0, "%s: %s", text, err.msg);
}

static bool has(const struct cg_resources *r, enum cg_field field)
{
	return r->has >> field & 1;
}

START_TEST(test_none)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg_resources r = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cg_resources_parse(&doc, NULL, &r, &err), 0);
	ck_assert(!r.has && !r.cpus && !r.n_devices);
	ck_assert_int_eq(cs_json_parse("[]", 2, "resources", &doc, &err), 0);
	ck_assert_int_eq(cg_resources_parse(&doc, doc.root, &r, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "must be an object");
	cs_json_fini(&doc);
	parse("{\"vendor\": {\"x\": 1}, \"memory\": {}, \"devices\": [], \"unified\": {}}", &doc,
	      &r);
	ck_assert(!r.has && !r.n_devices && !r.n_unified);
}
END_TEST

START_TEST(test_numbers)
{
	static const char text[] =
		"{\"memory\": {\"limit\": 1048576, \"reservation\": 4096, \"swap\": -1, "
		"\"kernel\": 5,"
		" \"kernelTCP\": 6, \"swappiness\": 0, \"disableOOMKiller\": true,"
		" \"useHierarchy\": false, \"checkBeforeUpdate\": true},"
		" \"cpu\": {\"shares\": 1024, \"quota\": -1, \"burst\": 7, \"period\": 100000,"
		" \"realtimeRuntime\": 8, \"realtimePeriod\": 9, \"idle\": 1, \"cpus\": \"0-1\","
		" \"mems\": \"\"},"
		" \"pids\": {\"limit\": 32}, \"network\": {\"classID\": 4294967295},"
		" \"blockIO\": {\"weight\": 500, \"leafWeight\": 10}}";
	static const int64_t want[CG_FIELD_COUNT] = {
		[CG_MEMORY_LIMIT] = 1048576,
		[CG_MEMORY_RESERVATION] = 4096,
		[CG_MEMORY_SWAP] = -1,
		[CG_MEMORY_KERNEL] = 5,
		[CG_MEMORY_KERNEL_TCP] = 6,
		[CG_MEMORY_DISABLE_OOM] = 1,
		[CG_MEMORY_CHECK_BEFORE_UPDATE] = 1,
		[CG_CPU_SHARES] = 1024,
		[CG_CPU_QUOTA] = -1,
		[CG_CPU_BURST] = 7,
		[CG_CPU_PERIOD] = 100000,
		[CG_CPU_RT_RUNTIME] = 8,
		[CG_CPU_RT_PERIOD] = 9,
		[CG_CPU_IDLE] = 1,
		[CG_PIDS_LIMIT] = 32,
		[CG_BLKIO_WEIGHT] = 500,
		[CG_BLKIO_LEAF_WEIGHT] = 10,
		[CG_NET_CLASS_ID] = 4294967295,
	};
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg_resources r;

	parse(text, &doc, &r);
	for (unsigned int i = 0; i < CG_FIELD_COUNT; i++) {
		ck_assert_msg(has(&r, i), "field %u", i);
		ck_assert_int_eq(r.num[i], want[i]);
	}
	ck_assert_str_eq(r.cpus, "0-1");
	ck_assert_ptr_null(r.mems);
}
END_TEST

START_TEST(test_devices)
{
	static const char text[] =
		"{\"devices\": [{\"allow\": false}, {\"allow\": false, \"access\": \"rwm\"},"
		" {\"allow\": true, \"type\": \"c\", \"major\": 10, \"minor\": 229, \"access\": "
		"\"rw\"},"
		" {\"allow\": true, \"type\": \"b\", \"major\": -1, \"minor\": 0, \"access\": "
		"\"m\"}]}";
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg_resources r;

	parse(text, &doc, &r);
	ck_assert_uint_eq(r.n_devices, 4);
	for (int i = 0; i < 2; i++) {
		const struct cg_device_rule *d = &r.devices[i];

		ck_assert(!d->allow && d->type == 'a' && d->major == -1 && d->minor == -1);
		ck_assert(d->read && d->write && d->mknod);
	}
	ck_assert(r.devices[2].allow && r.devices[2].type == 'c');
	ck_assert(r.devices[2].major == 10 && r.devices[2].minor == 229);
	ck_assert(r.devices[2].read && r.devices[2].write && !r.devices[2].mknod);
	ck_assert(r.devices[3].type == 'b' && r.devices[3].major == -1 && !r.devices[3].minor);
	ck_assert(!r.devices[3].read && !r.devices[3].write && r.devices[3].mknod);
}
END_TEST

START_TEST(test_blkio)
{
	static const char text[] =
		"{\"blockIO\": {\"weightDevice\": [{\"major\": 8, \"minor\": 0, \"weight\": 500},"
		" {\"major\": 8, \"minor\": 16, \"leafWeight\": 300}],"
		" \"throttleReadBpsDevice\": [{\"major\": 1, \"minor\": 2, \"rate\": 3}],"
		" \"throttleWriteIOPSDevice\": [{\"major\": 4, \"minor\": 5,"
		" \"rate\": 18446744073709551615}, {\"major\": 6, \"minor\": 7, \"rate\": 0}]}}";
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg_resources r;

	parse(text, &doc, &r);
	ck_assert_uint_eq(r.n_blkio_weights, 2);
	ck_assert(r.blkio_weights[0].has_weight && !r.blkio_weights[0].has_leaf_weight);
	ck_assert_uint_eq(r.blkio_weights[0].weight, 500);
	ck_assert(!r.blkio_weights[1].has_weight && r.blkio_weights[1].has_leaf_weight);
	ck_assert_int_eq(r.blkio_weights[1].minor, 16);
	ck_assert_uint_eq(r.n_blkio_rates[CG_RATE_RBPS], 1);
	ck_assert_uint_eq(r.n_blkio_rates[CG_RATE_WBPS], 0);
	ck_assert_uint_eq(r.blkio_rates[CG_RATE_RBPS][0].rate, 3);
	ck_assert_uint_eq(r.n_blkio_rates[CG_RATE_WIOPS], 2);
	ck_assert_uint_eq(r.blkio_rates[CG_RATE_WIOPS][0].rate, UINT64_MAX);
}
END_TEST

START_TEST(test_lists)
{
	static const char text[] =
		"{\"hugepageLimits\": [{\"pageSize\": \"2MB\", \"limit\": 0},"
		" {\"pageSize\": \"1GB\", \"limit\": 1073741824}],"
		" \"network\": {\"priorities\": [{\"name\": \"eth0\", \"priority\": 5}]},"
		" \"rdma\": {\"mlx5_1\": {\"hcaHandles\": 3}, \"mlx4\": {\"hcaObjects\": 10000}},"
		" \"unified\": {\"memory.high\": \"1048576\", \"io.max\": \"8:0 rbps=1\\n8:16 "
		"wbps=2\","
		" \"cgroup.max.depth\": \"3\"}}";
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg_resources r;

	parse(text, &doc, &r);
	ck_assert_uint_eq(r.n_hugepages, 2);
	ck_assert_str_eq(r.hugepages[0].page_size, "2MB");
	ck_assert_uint_eq(r.hugepages[1].limit, 1073741824);
	ck_assert_uint_eq(r.n_net_prios, 1);
	ck_assert_str_eq(r.net_prios[0].name, "eth0");
	ck_assert_uint_eq(r.n_rdma, 2);
	ck_assert_str_eq(r.rdma[0].device, "mlx5_1");
	ck_assert(r.rdma[0].has_handles && !r.rdma[0].has_objects && r.rdma[0].handles == 3);
	ck_assert(!r.rdma[1].has_handles && r.rdma[1].has_objects);
	ck_assert_uint_eq(r.n_unified, 3);
	ck_assert_str_eq(r.unified[0].key, "memory.high");
	ck_assert_str_eq(r.unified[1].value, "8:0 rbps=1\n8:16 wbps=2");
}
END_TEST

START_TEST(test_refused)
{
	/* a text, and what the message must name */
	static const char *const bad[][2] = {
		{ "{\"memory\": []}", "memory" },
		{ "{\"memory\": {\"limit\": \"1\"}}", "memory.limit" },
		{ "{\"memory\": {\"limit\": -2}}", "memory.limit" },
		{ "{\"memory\": {\"limit\": 1.5}}", "memory.limit" },
		{ "{\"memory\": {\"swappiness\": 201}}", "memory.swappiness" },
		{ "{\"memory\": {\"disableOOMKiller\": 1}}", "memory.disableOOMKiller" },
		{ "{\"cpu\": {\"shares\": -1}}", "cpu.shares" },
		{ "{\"cpu\": {\"shares\": 18446744073709551615}}", "cpu.shares" },
		{ "{\"cpu\": {\"idle\": 2}}", "cpu.idle" },
		{ "{\"cpu\": {\"cpus\": \"0\\n1\"}}", "cpu.cpus" },
		{ "{\"pids\": {\"limit\": null, \"limit\": 1}}", "limit" },
		{ "{\"blockIO\": {\"weight\": 1001}}", "blockIO.weight" },
		{ "{\"blockIO\": {\"weightDevice\": [{\"major\": 8, \"weight\": 10}]}}",
		  "blockIO.weightDevice[0]" },
		{ "{\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": 8, \"minor\": 0}]}}",
		  "blockIO.throttleReadBpsDevice[0]" },
		{ "{\"blockIO\": {\"throttleReadBpsDevice\": [7]}}",
		  "blockIO.throttleReadBpsDevice[0]" },
		{ "{\"hugepageLimits\": [{\"pageSize\": \"2MB\"}]}", "hugepageLimits[0]" },
		{ "{\"hugepageLimits\": [{\"pageSize\": \"../2MB\", \"limit\": 1}]}",
		  "hugepageLimits[0].pageSize" },
		{ "{\"hugepageLimits\": [{\"pageSize\": \"2M\", \"limit\": 1}]}",
		  "hugepageLimits[0].pageSize" },
		{ "{\"network\": {\"classID\": 4294967296}}", "network.classID" },
		{ "{\"network\": {\"priorities\": [{\"name\": \"a b\", \"priority\": 1}]}}",
		  "network.priorities[0].name" },
		{ "{\"network\": {\"priorities\": [{\"priority\": 1}]}}", "network.priorities[0]" },
		{ "{\"rdma\": {\"a b\": {\"hcaHandles\": 1}}}", "rdma" },
		{ "{\"rdma\": {\"a\": 1}}", "rdma.a" },
		{ "{\"unified\": {\"memory.high\": 1}}", "memory.high" },
		{ "{\"unified\": {\"../memory.high\": \"1\"}}", "unified" },
		{ "{\"unified\": {\"cgroup.procs\": \"1\"}}", "cgroup.procs" },
		{ "{\"unified\": {\"cgroup.kill\": \"1\"}}", "cgroup.kill" },
		{ "{\"unified\": {\"tasks\": \"1\"}}", "tasks" },
		{ "{\"devices\": [{\"type\": \"c\"}]}", "devices[0]" },
		{ "{\"devices\": [{\"allow\": true, \"type\": \"p\"}]}", "devices[0].type" },
		{ "{\"devices\": [{\"allow\": true, \"access\": \"rx\"}]}", "devices[0].access" },
		{ "{\"devices\": [{\"allow\": true, \"major\": -2}]}", "devices[0].major" },
		{ "{\"devices\": {\"allow\": true}}", "devices" },
		{ "{\"devices\": [true]}", "devices[0]" },
	};

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
		struct cg_resources r = { 0 };
		struct cs_err err = CS_ERR_INIT;
		int ret = cs_json_parse(bad[i][0], strlen(bad[i][0]), "resources", &doc, &err);

		if (!ret)
			ret = cg_resources_parse(&doc, doc.root, &r, &err);
		ck_assert_msg(ret == -EINVAL, "%s: %d", bad[i][0], ret);
		ck_assert_msg(strstr(err.msg, bad[i][1]), "%s: %s", bad[i][0], err.msg);
	}
}
END_TEST

UNIT_MAIN("cgroups/resources", test_none, test_numbers, test_devices, test_blkio, test_lists,
	  test_refused)
