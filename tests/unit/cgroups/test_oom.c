#include "tests/unit/cgroups/cgtest.h"

#include <poll.h>
#include <sys/mman.h>

static const char *reason(void)
{
	return cgt_has(CG_CTL_MEMORY) || cgt_has_v2(CG_CTL_MEMORY)
		       ? NULL
		       : "this host has no memory controller";
}

/* Is there one in this variant? */
static bool has_memory(int variant)
{
	cgt_use(variant);
	return cgt_has(CG_CTL_MEMORY) || (cgt_host.mode == CG_V2 && cgt_has_v2(CG_CTL_MEMORY));
}

static bool readable(const struct cg_oom *oom, int ms)
{
	struct pollfd p = { .fd = oom->fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* More than it is allowed. */
static void eat(void *arg)
{
	enum { BYTES = 64 << 20 };
	char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	for (size_t i = 0; i < BYTES; i += 4096)
		p[i] = 1;
}

static void limit(const struct cg *cg)
{
	struct cs_err err = CS_ERR_INIT;

	cgt_set(cg, "{\"memory\": {\"limit\": 8388608}}");
	/* without swap accounting the limit alone will do */
	cgt_apply(cg, "{\"memory\": {\"limit\": 8388608, \"swap\": 8388608}}", &err);
}

START_TEST(test_kill)
{
	struct cg_oom oom = CG_OOM_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	pid_t idle, pid;
	int ret;

	if (!has_memory(_i))
		return;
	cgt_create("oom", &cg);
	limit(&cg);
	idle = cgt_spawn(&cg, NULL, NULL); /* so that the cgroup is not empty after */
	ret = cg_oom_open(&cg, &oom, &err);
	ck_ok(ret, err);
	ck_assert(!readable(&oom, 20));
	for (int round = 0; round < 2; round++) {
		pid = cgt_spawn(&cg, eat, NULL);
		cgt_died_of(pid, SIGKILL);
		ret = 0;
		while (!ret && readable(&oom, 5000)) {
			ret = cg_oom_next(&cg, &oom, &err);
			ck_ok(ret, err);
		}
		ck_assert_int_eq(ret, 1);
		while (readable(&oom, 20)) /* v1 tells of each time that it was out of memory */
			cg_oom_next(&cg, &oom, &err);
	}
	cgt_destroy(&cg);
	cgt_died_of(idle, SIGKILL);
	cg_oom_fini(&oom);
	cg_oom_fini(&oom);
}
END_TEST

START_TEST(test_end)
{
	struct cg_oom oom = CG_OOM_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, handle = CG_INIT;
	pid_t pid;
	int ret;

	if (!has_memory(_i))
		return;
	cgt_create("end", &cg);
	ret = cg_open(&cgt_host, cg.path, &handle, &err);
	ck_ok(ret, err);
	pid = cgt_spawn(&cg, NULL, NULL);
	ret = cg_oom_open(&handle, &oom, &err);
	ck_ok(ret, err);
	kill(pid, SIGKILL);
	cgt_died_of(pid, SIGKILL);
	cgt_destroy(&cg);
	ret = 0;
	while (!ret && readable(&oom, 5000))
		ret = cg_oom_next(&handle, &oom, &err);
	ck_assert_int_eq(ret, -ENODEV);
	ck_assert_int_eq(err.code, 0);
	cg_oom_fini(&oom);
	cg_fini(&handle);
}
END_TEST

/* The last process is the one that is killed: first that is told, then the end. */
START_TEST(test_kill_last)
{
	struct cg_oom oom = CG_OOM_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	bool killed = false;
	pid_t pid;
	int ret;

	if (!has_memory(_i) || cgt_host.mode != CG_V2)
		return; /* v1 tells the end of the cgroup, not that of its last process */
	cgt_create("last", &cg);
	limit(&cg);
	ret = cg_oom_open(&cg, &oom, &err);
	ck_ok(ret, err);
	pid = cgt_spawn(&cg, eat, NULL);
	cgt_died_of(pid, SIGKILL);
	ret = 0;
	while (ret >= 0 && readable(&oom, 5000)) {
		ret = cg_oom_next(&cg, &oom, &err);
		killed = killed || ret == 1;
	}
	ck_assert(killed);
	ck_assert_int_eq(ret, -ENODEV);
	cg_oom_fini(&oom);
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_none)
{
	struct cg_oom oom = CG_OOM_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	int ret;

	cgt_use(_i);
	ret = cg_open(&cgt_host, cgt_path("none"), &cg, &err);
	ck_ok(ret, err);
	ck_assert_int_eq(cg_oom_open(&cg, &oom, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(cg_oom_next(&cg, &oom, &err), -EBADF);
	cg_fini(&cg);
}
END_TEST

CGT_MAIN("cgroups/oom", reason, test_kill, test_end, test_kill_last, test_none)
