#include "tests/unit/cgroups/cgtest.h"

#include <sys/mman.h>
#include <time.h>

#include "cgroups/stat.h"

/* What `events --stats` tells, as a program that reads runc's would read it. */

static void stats(const struct cg *cg, struct cs_json_doc *doc)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	cs_jw_obj(&w, NULL);
	ret = cg_stats(cg, &w, &err);
	ck_ok(ret, err);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &text, &len, &err);
	ck_ok(ret, err);
	ret = cs_json_parse(text, len, "stats", doc, &err);
	ck_assert_msg(!ret, "%s: %s", err.msg, text);
}

/* The number at "memory.usage.limit"; 0 when it is left out. */
static uint64_t number(const struct cs_json_doc *doc, const char *path)
{
	const struct cs_json *v = doc->root;
	struct cs_err err = CS_ERR_INIT;
	char copy[128], *rest = copy, *key;
	uint64_t n = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	while (v && (key = strsep(&rest, ".")))
		v = cs_json_get(v, key);
	if (v)
		ck_assert_msg(cs_json_as_u64(v, &n, &err) >= 0, "%s: %s", path, err.msg);
	return n;
}

static const struct cs_json *object(const struct cs_json_doc *doc, const char *key)
{
	const struct cs_json *v = cs_json_get(doc->root, key);

	ck_assert_msg(v && v->type == CS_JSON_OBJECT, "no object %s", key);
	return v;
}

/* 60 ms of CPU time, and 4 MiB of memory. */
static void work(void *arg)
{
	enum { BYTES = 4 << 20 };
	char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec t = { 0 };

	(void)arg;
	memset(p, 1, BYTES);
	while (t.tv_sec == 0 && t.tv_nsec < 60000000)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	raise(SIGSTOP);
}

START_TEST(test_running)
{
	static const char *const members[] = { "cpu",	"cpuset",  "memory",   "pids",
					       "blkio", "hugetlb", "intel_rdt" };
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg cg = CG_INIT;
	pid_t pid;

	cgt_use(_i);
	cgt_create("stats", &cg);
	pid = cgt_spawn(&cg, work, NULL);
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	stats(&cg, &doc);
	for (size_t i = 0; i < CS_LEN(members); i++)
		object(&doc, members[i]);
	if (cgt_has(CG_CTL_CPUACCT) || cgt_host.v2 >= 0)
		ck_assert_uint_ge(number(&doc, "cpu.usage.total"), 50000000);
	if (cgt_has(CG_CTL_CPUACCT)) {
		const struct cs_json *usage = cs_json_get(object(&doc, "cpu"), "usage");
		long cpus = sysconf(_SC_NPROCESSORS_CONF);

		ck_assert_uint_ge(cs_json_get(usage, "percpu")->n, (unsigned long)cpus);
		ck_assert_uint_eq(cs_json_get(usage, "percpu_user")->n,
				  cs_json_get(usage, "percpu_kernel")->n);
		ck_assert_uint_ge(number(&doc, "cpu.usage.user") + number(&doc, "cpu.usage.kernel"),
				  20000000);
	}
	if (cgt_has(CG_CTL_PIDS) || (cgt_host.mode == CG_V2 && cgt_has_v2(CG_CTL_PIDS)))
		ck_assert_uint_eq(number(&doc, "pids.current"), 1);
	if (cgt_has(CG_CTL_MEMORY) || (cgt_host.mode == CG_V2 && cgt_has_v2(CG_CTL_MEMORY))) {
		ck_assert_uint_ge(number(&doc, "memory.usage.usage"), 4 << 20);
		ck_assert_uint_ge(number(&doc, "memory.usage.limit"), 1ULL << 62);
		ck_assert_uint_gt(cs_json_get(object(&doc, "memory"), "raw")->n, 20);
	}
	if (cgt_has(CG_CTL_CPUSET)) {
		ck_assert_uint_ge(cs_json_get(object(&doc, "cpuset"), "cpus")->n, 1);
		ck_assert_uint_ge(cs_json_get(object(&doc, "cpuset"), "mems")->n, 1);
		ck_assert_uint_eq(number(&doc, "cpuset.sched_load_balance"), 1);
	}
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

START_TEST(test_limits_told)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg cg = CG_INIT;
	bool both;

	cgt_use(_i);
	both = (cgt_has(CG_CTL_MEMORY) && cgt_has(CG_CTL_PIDS)) ||
	       (cgt_host.mode == CG_V2 && cgt_has_v2(CG_CTL_MEMORY) && cgt_has_v2(CG_CTL_PIDS));
	cgt_create("told", &cg);
	if (both)
		cgt_set(&cg, "{\"memory\": {\"limit\": 67108864}, \"pids\": {\"limit\": 9}}");
	stats(&cg, &doc);
	ck_assert_uint_eq(number(&doc, "pids.limit"), both ? 9 : 0);
	ck_assert_uint_eq(number(&doc, "memory.usage.limit"), both ? 67108864 : 0);
	cgt_destroy(&cg);
}
END_TEST

/* A cgroup that is gone counts nothing, and is no error: the container may end meanwhile. */
START_TEST(test_gone)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	int ret;

	cgt_use(_i);
	ret = cg_open(&cgt_host, cgt_path("gone"), &cg, &err);
	ck_ok(ret, err);
	stats(&cg, &doc);
	ck_assert_uint_eq(number(&doc, "cpu.usage.total"), 0);
	ck_assert_uint_eq(object(&doc, "hugetlb")->n, 0);
	cg_fini(&cg);
}
END_TEST

START_TEST(test_psi_line)
{
	static const char text[] = "some avg10=1.25 avg60=0.50 avg300=0.00 total=123456\n"
				   "full avg10=0.00 avg60=0.00 avg300=12.00 total=7";
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *json = NULL;
	size_t len = 0;

	cs_jw_obj(&w, NULL);
	cg_stat_psi_line(text, "some", &w);
	cg_stat_psi_line(text, "full", &w);
	cg_stat_psi_line(text, "none", &w);
	cs_jw_obj_end(&w);
	ck_assert_int_eq(cs_jw_take(&w, &json, &len, &err), 0);
	ck_assert_str_eq(json,
			 "{\"some\":{\"avg10\":1.25,\"avg60\":0.5,\"avg300\":0,\"total\":123456},"
			 "\"full\":{\"avg10\":0,\"avg60\":0,\"avg300\":12,\"total\":7},"
			 "\"none\":{\"avg10\":0,\"avg60\":0,\"avg300\":0,\"total\":0}}");
}
END_TEST

CGT_MAIN("cgroups/stats", NULL, test_running, test_limits_told, test_gone, test_psi_line)
