#include "tests/unit/cgroups/cgtest.h"

#include <sys/mman.h>

/* Every limit of v2's controllers. */

static const char *reason(void)
{
	cgt_use(0);
	return cgt_has_v2(CG_CTL_MEMORY) && cgt_has_v2(CG_CTL_CPU) && cgt_has_v2(CG_CTL_PIDS)
		       ? NULL
		       : "this host has no memory, cpu and pids controllers in a cgroup v2 tree";
}

static bool has_file(const struct cg *cg, const char *name)
{
	cs_auto_fd int fd = cg_file_open(cg, (size_t)cgt_host.v2, name, O_PATH);

	return fd >= 0;
}

static void is(const struct cg *cg, const char *name, const char *want)
{
	cgt_file_is(cg, cgt_host.v2, name, want);
}

START_TEST(test_memory)
{
	struct cg cg = CG_INIT;

	cgt_use(_i);
	cgt_create("memory", &cg);
	cgt_set(&cg, "{\"memory\": {\"limit\": 67108864, \"reservation\": 33554432,"
		     " \"swap\": 100663296, \"useHierarchy\": true, \"disableOOMKiller\": false,"
		     " \"kernel\": 1, \"kernelTCP\": 1}}");
	is(&cg, "memory.max", "67108864");
	is(&cg, "memory.low", "33554432");
	if (has_file(&cg, "memory.swap.max"))
		is(&cg, "memory.swap.max", "33554432");
	cgt_set(&cg, "{\"memory\": {\"limit\": 67108864, \"swap\": 67108864}}");
	if (has_file(&cg, "memory.swap.max"))
		is(&cg, "memory.swap.max", "0");
	/* the sum alone is about the limit there is */
	cgt_set(&cg, "{\"memory\": {\"swap\": 75497472}}");
	if (has_file(&cg, "memory.swap.max"))
		is(&cg, "memory.swap.max", "8388608");
	cgt_set(&cg, "{\"memory\": {\"limit\": -1, \"reservation\": -1}}");
	is(&cg, "memory.max", "max");
	is(&cg, "memory.low", "max");
	if (has_file(&cg, "memory.swap.max"))
		is(&cg, "memory.swap.max", "max");
	cgt_refused(&cg, "{\"memory\": {\"limit\": 67108864, \"swap\": 1048576}}",
		    "linux.resources.memory.swap");
	cgt_refused(&cg, "{\"memory\": {\"swappiness\": 60}}", "linux.resources.memory.swappiness");
	cgt_refused(&cg, "{\"memory\": {\"disableOOMKiller\": true}}",
		    "linux.resources.memory.disableOOMKiller");
	cgt_refused(&cg, "{\"memory\": {\"useHierarchy\": false}}",
		    "linux.resources.memory.useHierarchy");
	cgt_destroy(&cg);
}
END_TEST

static void use_memory(void *arg)
{
	enum { BYTES = 8 << 20 };
	void *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	memset(p, 1, BYTES);
	raise(SIGSTOP);
}

START_TEST(test_check_before)
{
	struct cg cg = CG_INIT;
	pid_t pid;

	cgt_use(_i);
	cgt_create("check", &cg);
	pid = cgt_spawn(&cg, use_memory, NULL);
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	cgt_refused(&cg, "{\"memory\": {\"limit\": 1048576, \"checkBeforeUpdate\": true}}",
		    "linux.resources.memory.limit: too low");
	is(&cg, "memory.max", "max");
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

START_TEST(test_cpu)
{
	struct cg cg = CG_INIT;

	cgt_use(_i);
	cgt_create("cpu", &cg);
	cgt_set(&cg, "{\"cpu\": {\"shares\": 512, \"period\": 50000, \"quota\": 25000}}");
	is(&cg, "cpu.weight", "59");
	is(&cg, "cpu.max", "25000 50000");
	cgt_set(&cg, "{\"cpu\": {\"period\": 20000}}");
	is(&cg, "cpu.max", "25000 20000");
	cgt_set(&cg, "{\"cpu\": {\"quota\": 10000}}");
	is(&cg, "cpu.max", "10000 20000");
	cgt_set(&cg, "{\"cpu\": {\"quota\": -1}}");
	is(&cg, "cpu.max", "max 20000");
	cgt_set(&cg, "{\"cpu\": {\"quota\": 0, \"period\": 0, \"shares\": 0}}"); /* not meant */
	is(&cg, "cpu.weight", "59");
	cgt_refused(&cg, "{\"cpu\": {\"period\": 5}}", "linux.resources.cpu.quota");
	cgt_refused(&cg, "{\"cpu\": {\"realtimeRuntime\": 5}}",
		    "linux.resources.cpu.realtimeRuntime");
	if (has_file(&cg, "cpu.max.burst")) {
		cgt_set(&cg, "{\"cpu\": {\"quota\": 20000, \"burst\": 20000}}");
		cgt_set(&cg, "{\"cpu\": {\"quota\": 40000, \"burst\": 40000}}");
		cgt_set(&cg, "{\"cpu\": {\"quota\": 10000, \"burst\": 5000}}");
		is(&cg, "cpu.max.burst", "5000");
		is(&cg, "cpu.max", "10000 20000");
	}
	if (has_file(&cg, "cpu.idle")) {
		cgt_set(&cg, "{\"cpu\": {\"idle\": 1, \"shares\": 100}}");
		is(&cg, "cpu.idle", "1");
		cgt_set(&cg, "{\"cpu\": {\"idle\": 0, \"shares\": 2048}}");
		is(&cg, "cpu.idle", "0");
		is(&cg, "cpu.weight", "174");
	}
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_pids_cpuset)
{
	struct cg cg = CG_INIT;

	cgt_use(_i);
	cgt_create("pids", &cg);
	cgt_set(&cg, "{\"pids\": {\"limit\": 7}}");
	is(&cg, "pids.max", "7");
	cgt_set(&cg, "{\"pids\": {\"limit\": 0}}");
	is(&cg, "pids.max", "1");
	cgt_set(&cg, "{\"pids\": {\"limit\": -1}}");
	is(&cg, "pids.max", "max");
	if (cgt_has_v2(CG_CTL_CPUSET)) {
		cgt_set(&cg, "{\"cpu\": {\"cpus\": \"0\", \"mems\": \"0\"}}");
		is(&cg, "cpuset.cpus", "0");
		is(&cg, "cpuset.mems", "0");
	}
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_io)
{
	static const char throttle[] =
		"{\"blockIO\": {\"%s\": [{\"major\": %u, \"minor\": %u, \"rate\": %s}]}}";
	struct cg cg = CG_INIT;
	unsigned int major = 0, minor = 0;
	char json[256], line[64];
	FILE *f = fopen("/proc/partitions", "re");

	cgt_use(_i);
	while (f && fgets(json, sizeof(json), f))
		if (sscanf(json, "%u %u", &major, &minor) == 2)
			break;
	if (f)
		fclose(f);
	cgt_create("io", &cg);
	if (has_file(&cg, "io.bfq.weight")) {
		cgt_set(&cg, "{\"blockIO\": {\"weight\": 500}}");
		is(&cg, "io.bfq.weight", "default 500");
	} else if (has_file(&cg, "io.weight")) {
		cgt_set(&cg, "{\"blockIO\": {\"weight\": 500}}");
		is(&cg, "io.weight", "default 4950");
	}
	if (major && has_file(&cg, "io.max")) {
		snprintf(json, sizeof(json), throttle, "throttleReadBpsDevice", major, minor,
			 "1048576");
		cgt_set(&cg, json);
		snprintf(json, sizeof(json), throttle, "throttleWriteIOPSDevice", major, minor,
			 "100");
		cgt_set(&cg, json);
		snprintf(line, sizeof(line), "%u:%u rbps=1048576 wbps=max riops=max wiops=100",
			 major, minor);
		is(&cg, "io.max", line);
		snprintf(json, sizeof(json), throttle, "throttleWriteIOPSDevice", major, minor,
			 "0");
		cgt_set(&cg, json);
		snprintf(line, sizeof(line), "%u:%u rbps=1048576 wbps=max riops=max wiops=max",
			 major, minor);
		is(&cg, "io.max", line);
	}
	cgt_refused(&cg, "{\"blockIO\": {\"leafWeight\": 300}}",
		    "linux.resources.blockIO.leafWeight");
	cgt_refused(&cg, "{\"network\": {\"classID\": 1}}", "no net_cls controller");
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_unified)
{
	struct cg cg = CG_INIT;

	cgt_use(_i);
	cgt_create("unified", &cg);
	cgt_set(&cg, "{\"unified\": {\"memory.high\": \"67108864\", \"pids.max\": \"33\"}}");
	is(&cg, "memory.high", "67108864");
	is(&cg, "pids.max", "33");
	cgt_refused(&cg, "{\"unified\": {\"memory.nonsense\": \"1\"}}", "memory.nonsense");
	cgt_destroy(&cg);
}
END_TEST

/* Where a cgroup above holds processes, nothing can be enabled: what needs it says so, what does
 * not works. */
START_TEST(test_busy_above)
{
	struct cg above = CG_INIT, cg = CG_INIT;
	pid_t above_pid, pid;

	cgt_use(_i);
	cgt_create("busy", &above);
	above_pid = cgt_spawn(&above, NULL, NULL);
	cgt_create("busy/below", &cg);
	pid = cgt_spawn(&cg, NULL, NULL);
	cgt_refused(&cg, "{\"memory\": {\"limit\": 67108864}}", "holds processes of its own");
	cgt_set(&cg, "{\"memory\": {\"limit\": -1}, \"unified\": {\"cgroup.max.depth\": \"1\"}}");
	cg_fini(&cg);
	cgt_destroy(&above);
	cgt_died_of(above_pid, SIGKILL);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

CGT_MAIN("cgroups/limits_v2", reason, test_memory, test_check_before, test_cpu, test_pids_cpuset,
	 test_io, test_unified, test_busy_above)
