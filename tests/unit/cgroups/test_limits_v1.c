#include "tests/unit/cgroups/cgtest.h"

/* Every limit that this host's v1 controllers have. */

static const char *reason(void)
{
	return cgt_has(CG_CTL_MEMORY) && cgt_has(CG_CTL_CPU) && cgt_has(CG_CTL_PIDS)
		       ? NULL
		       : "this host has no cgroup v1 memory, cpu and pids hierarchies";
}

static int hier(enum cg_ctl ctl)
{
	return cg_v1_hier(&cgt_host, ctl);
}

static bool has_file(const struct cg *cg, enum cg_ctl ctl, const char *name)
{
	cs_auto_fd int fd =
		hier(ctl) < 0 ? -EBADF : cg_file_open(cg, (size_t)hier(ctl), name, O_PATH);

	return fd >= 0;
}

/* Skips the third variant, which has no v1 hierarchies. */
#define USE_V1(variant)           \
	do {                      \
		if (variant == 2) \
			return;   \
		cgt_use(variant); \
	} while (0)

START_TEST(test_memory)
{
	struct cg cg = CG_INIT;
	int h;

	USE_V1(_i);
	h = hier(CG_CTL_MEMORY);
	cgt_create("memory", &cg);
	cgt_set(&cg, "{\"memory\": {\"limit\": 67108864, \"reservation\": 33554432,"
		     " \"swappiness\": 40, \"disableOOMKiller\": true, \"useHierarchy\": true,"
		     " \"kernelTCP\": 8388608, \"kernel\": 1}}");
	cgt_file_is(&cg, h, "memory.limit_in_bytes", "67108864");
	cgt_file_is(&cg, h, "memory.soft_limit_in_bytes", "33554432");
	cgt_file_is(&cg, h, "memory.swappiness", "40");
	cgt_file_is(&cg, h, "memory.kmem.tcp.limit_in_bytes", "8388608");
	cgt_file_is(&cg, h, "memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0");
	cgt_set(&cg, "{\"memory\": {\"disableOOMKiller\": false, \"limit\": -1}}");
	cgt_file_is(&cg, h, "memory.limit_in_bytes", "9223372036854771712");
	cgt_file_is(&cg, h, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0");
	cgt_destroy(&cg);
}
END_TEST

/* Up and down, both together: the kernel never takes a sum below its part. */
START_TEST(test_swap)
{
	static const char *const steps[][2] = {
		{ "67108864", "134217728" },  { "268435456", "536870912" },
		{ "33554432", "33554432" },   { "1073741824", "1073741824" },
		{ "16777216", "2147483648" },
	};
	struct cg cg = CG_INIT;
	char json[128];
	int h;

	USE_V1(_i);
	h = hier(CG_CTL_MEMORY);
	cgt_create("swap", &cg);
	if (!has_file(&cg, CG_CTL_MEMORY, "memory.memsw.limit_in_bytes")) {
		cgt_refused(&cg, "{\"memory\": {\"limit\": 67108864, \"swap\": 67108864}}",
			    "linux.resources.memory.swap");
		cgt_set(&cg, "{\"memory\": {\"limit\": 67108864, \"swap\": -1}}");
		cgt_destroy(&cg);
		return;
	}
	for (size_t i = 0; i < CS_LEN(steps); i++) {
		snprintf(json, sizeof(json), "{\"memory\": {\"limit\": %s, \"swap\": %s}}",
			 steps[i][0], steps[i][1]);
		cgt_set(&cg, json);
		cgt_file_is(&cg, h, "memory.limit_in_bytes", steps[i][0]);
		cgt_file_is(&cg, h, "memory.memsw.limit_in_bytes", steps[i][1]);
	}
	/* unlimited memory and nothing said of swap is unlimited both */
	cgt_set(&cg, "{\"memory\": {\"limit\": -1}}");
	cgt_file_is(&cg, h, "memory.memsw.limit_in_bytes", "9223372036854771712");
	cgt_refused(&cg, "{\"memory\": {\"limit\": 67108864, \"swap\": 33554432}}",
		    "linux.resources.memory.swap");
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_cpu)
{
	struct cg cg = CG_INIT;
	int h;

	USE_V1(_i);
	h = hier(CG_CTL_CPU);
	cgt_create("cpu", &cg);
	cgt_set(&cg, "{\"cpu\": {\"shares\": 512, \"period\": 50000, \"quota\": 25000}}");
	cgt_file_is(&cg, h, "cpu.shares", "512");
	cgt_file_is(&cg, h, "cpu.cfs_period_us", "50000");
	cgt_file_is(&cg, h, "cpu.cfs_quota_us", "25000");
	cgt_set(&cg, "{\"cpu\": {\"quota\": -5}}");
	cgt_file_is(&cg, h, "cpu.cfs_quota_us", "-1");
	cgt_file_is(&cg, h, "cpu.cfs_period_us", "50000");
	cgt_refused(&cg, "{\"cpu\": {\"period\": 5}}", "linux.resources.cpu.period");
	cgt_set(&cg, "{\"cpu\": {\"quota\": 0, \"period\": 0, \"shares\": 0}}"); /* not meant */
	cgt_file_is(&cg, h, "cpu.shares", "512");
	if (has_file(&cg, CG_CTL_CPU, "cpu.cfs_burst_us")) {
		/* a burst is bounded by its quota, whichever was written first */
		cgt_set(&cg, "{\"cpu\": {\"quota\": 20000, \"burst\": 20000}}");
		cgt_set(&cg, "{\"cpu\": {\"quota\": 40000, \"burst\": 40000}}");
		cgt_set(&cg, "{\"cpu\": {\"quota\": 10000, \"burst\": 5000}}");
		cgt_file_is(&cg, h, "cpu.cfs_burst_us", "5000");
		cgt_file_is(&cg, h, "cpu.cfs_quota_us", "10000");
		cgt_refused(&cg, "{\"cpu\": {\"burst\": 20000}}", "linux.resources.cpu.burst");
	}
	if (has_file(&cg, CG_CTL_CPU, "cpu.idle")) {
		cgt_set(&cg, "{\"cpu\": {\"idle\": 1, \"shares\": 100}}");
		cgt_file_is(&cg, h, "cpu.idle", "1");
		cgt_set(&cg, "{\"cpu\": {\"idle\": 0, \"shares\": 2048}}");
		cgt_file_is(&cg, h, "cpu.idle", "0");
		cgt_file_is(&cg, h, "cpu.shares", "2048");
	}
	cgt_destroy(&cg);
}
END_TEST

/* A quota that the cgroup above bounds: period and quota only fit together. */
START_TEST(test_cpu_below)
{
	struct cg cg = CG_INIT, below = CG_INIT;
	int h;

	USE_V1(_i);
	h = hier(CG_CTL_CPU);
	cgt_create("quota", &cg);
	cgt_set(&cg, "{\"cpu\": {\"period\": 100000, \"quota\": 50000}}");
	cgt_create("quota/below", &below);
	cgt_set(&below, "{\"cpu\": {\"period\": 100000, \"quota\": 50000}}");
	cgt_set(&below, "{\"cpu\": {\"period\": 10000, \"quota\": 5000}}");
	cgt_file_is(&below, h, "cpu.cfs_period_us", "10000");
	cgt_file_is(&below, h, "cpu.cfs_quota_us", "5000");
	cgt_set(&below, "{\"cpu\": {\"period\": 200000, \"quota\": 100000}}");
	cg_fini(&below);
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_pids)
{
	struct cg cg = CG_INIT;
	int h;

	USE_V1(_i);
	h = hier(CG_CTL_PIDS);
	cgt_create("pids", &cg);
	cgt_set(&cg, "{\"pids\": {\"limit\": 7}}");
	cgt_file_is(&cg, h, "pids.max", "7");
	cgt_set(&cg, "{\"pids\": {\"limit\": 0}}");
	cgt_file_is(&cg, h, "pids.max", "1");
	cgt_set(&cg, "{\"pids\": {\"limit\": -1}}");
	cgt_file_is(&cg, h, "pids.max", "max");
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_cpuset)
{
	struct cg cg = CG_INIT;
	int h;

	USE_V1(_i);
	h = hier(CG_CTL_CPUSET);
	cgt_create("cpuset", &cg);
	if (h >= 0) {
		cgt_set(&cg, "{\"cpu\": {\"cpus\": \"0\", \"mems\": \"0\"}}");
		cgt_file_is(&cg, h, "cpuset.cpus", "0");
		cgt_file_is(&cg, h, "cpuset.mems", "0");
		cgt_refused(&cg, "{\"cpu\": {\"cpus\": \"4000\"}}", "linux.resources.cpu.cpus");
	} else {
		cgt_refused(&cg, "{\"cpu\": {\"cpus\": \"0\"}}", "no cpuset controller");
	}
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_blkio)
{
	static const char throttle[] = "{\"blockIO\": {\"throttleReadBpsDevice\":"
				       " [{\"major\": %u, \"minor\": %u, \"rate\": %s}]}}";
	struct cg cg = CG_INIT;
	unsigned int major = 0, minor = 0;
	char json[256], dev[32] = "";
	FILE *f = fopen("/proc/partitions", "re");

	USE_V1(_i);
	while (f && fgets(json, sizeof(json), f))
		if (sscanf(json, "%u %u", &major, &minor) == 2 && major != 1 && major != 7)
			break;
	if (f)
		fclose(f);
	cgt_create("blkio", &cg);
	if (has_file(&cg, CG_CTL_BLKIO, "blkio.bfq.weight")) {
		cgt_set(&cg, "{\"blockIO\": {\"weight\": 300}}");
		cgt_file_is(&cg, hier(CG_CTL_BLKIO), "blkio.bfq.weight", "300");
	}
	if (!has_file(&cg, CG_CTL_BLKIO, "blkio.leaf_weight"))
		cgt_refused(&cg, "{\"blockIO\": {\"leafWeight\": 300}}",
			    "linux.resources.blockIO.leafWeight");
	if (major && has_file(&cg, CG_CTL_BLKIO, "blkio.throttle.read_bps_device")) {
		snprintf(json, sizeof(json), throttle, major, minor, "1048576");
		cgt_set(&cg, json);
		snprintf(dev, sizeof(dev), "%u:%u 1048576", major, minor);
		cgt_file_is(&cg, hier(CG_CTL_BLKIO), "blkio.throttle.read_bps_device", dev);
		snprintf(json, sizeof(json), throttle, major, minor, "0");
		cgt_set(&cg, json);
		cgt_file_is(&cg, hier(CG_CTL_BLKIO), "blkio.throttle.read_bps_device", "");
	}
	cgt_refused(&cg,
		    "{\"blockIO\": {\"throttleWriteIOPSDevice\": [{\"major\": 4000,"
		    " \"minor\": 1, \"rate\": 5}]}}",
		    "linux.resources.blockIO.throttleWriteIOPSDevice");
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_devices)
{
	struct cg cg = CG_INIT;
	int h;

	USE_V1(_i);
	h = hier(CG_CTL_DEVICES);
	if (h < 0)
		return;
	cgt_create("devices", &cg);
	cgt_file_is(&cg, h, "devices.list", "a *:* rwm");
	cgt_set(&cg, "{\"devices\": [{\"allow\": false, \"access\": \"rwm\"},"
		     " {\"allow\": true, \"type\": \"c\", \"major\": 10, \"minor\": 229,"
		     " \"access\": \"rw\"}]}");
	cgt_file_is(&cg, h, "devices.list",
		    "c 10:229 rw\nc *:* m\nb *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\n"
		    "c 1:9 rwm\nc 5:0 rwm\nc 5:2 rwm\nc 136:* rwm");
	/* an update changes what is different */
	cg_fini(&cg);
	cg_init(&cg, &cgt_host, cgt_path("devices"));
	cgt_set(&cg, "{\"devices\": [{\"allow\": false, \"access\": \"rwm\"},"
		     " {\"allow\": true, \"type\": \"b\", \"major\": 7, \"minor\": 0,"
		     " \"access\": \"r\"}]}");
	cgt_file_is(&cg, h, "devices.list",
		    "c *:* m\nb *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\n"
		    "c 1:9 rwm\nc 5:0 rwm\nc 5:2 rwm\nc 136:* rwm\nb 7:0 r");
	cgt_refused(&cg,
		    "{\"devices\": [{\"allow\": false}, {\"allow\": true, \"type\": \"c\","
		    " \"major\": 9, \"access\": \"r\"}, {\"allow\": false, \"type\": \"c\","
		    " \"major\": 9, \"minor\": 1, \"access\": \"r\"}]}",
		    "linux.resources.devices");
	cgt_set(&cg, "{\"devices\": [{\"allow\": true}]}");
	cgt_file_is(&cg, h, "devices.list", "a *:* rwm");
	cgt_set(&cg, "{\"memory\": {\"limit\": 67108864}}"); /* no rules: left alone */
	cgt_file_is(&cg, h, "devices.list", "a *:* rwm");
	cgt_destroy(&cg);
}
END_TEST

/* What no v1 host has, or not this one, is refused by name. */
START_TEST(test_missing)
{
	struct cg cg = CG_INIT;

	USE_V1(_i);
	cgt_create("missing", &cg);
	if (cgt_host.v2 < 0)
		cgt_refused(&cg, "{\"unified\": {\"memory.high\": \"1\"}}",
			    "linux.resources.unified \"memory.high\"");
	else
		cgt_refused(&cg, "{\"unified\": {\"memory.high\": \"1\"}}", "no such file");
	if (!cgt_has(CG_CTL_NET_CLS))
		cgt_refused(&cg, "{\"network\": {\"classID\": 1}}",
			    "linux.resources.network.classID: this host has no net_cls controller");
	if (!cgt_has(CG_CTL_NET_PRIO))
		cgt_refused(
			&cg,
			"{\"network\": {\"priorities\": [{\"name\": \"lo\", \"priority\": 1}]}}",
			"no net_prio controller");
	if (!cgt_has(CG_CTL_RDMA))
		cgt_refused(&cg, "{\"rdma\": {\"mlx\": {\"hcaHandles\": 1}}}",
			    "no rdma controller");
	if (!cgt_has(CG_CTL_HUGETLB) && (cgt_host.v2 < 0 || !cgt_has_v2(CG_CTL_HUGETLB)))
		cgt_refused(&cg, "{\"hugepageLimits\": [{\"pageSize\": \"2MB\", \"limit\": 0}]}",
			    "no hugetlb controller");
	cgt_destroy(&cg);
}
END_TEST

CGT_MAIN("cgroups/limits_v1", reason, test_memory, test_swap, test_cpu, test_cpu_below, test_pids,
	 test_cpuset, test_blkio, test_devices, test_missing)
