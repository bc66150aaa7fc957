#include "runtime/ns/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdint.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

static int failed(const struct cs_err *err)
{
	fprintf(stderr, "%s\n", err->msg);
	return 1;
}

/* Takes a capability out of the effective set. */
static int drop_cap(int cap)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data) < 0)
		return -1;
	data[cap / 32].effective &= ~(1U << cap % 32);
	return (int)syscall(SYS_capset, &hdr, data);
}

/* The log goes to a pipe; what came, in @out. */
static int log_pipe;

static int log_start(void)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	log_pipe = p[0];
	cs_log_setup(p[1], CS_LOG_TEXT, CS_LOG_WARN, "test");
	return 0;
}

static const char *log_text(void)
{
	static char text[1024];
	ssize_t n = read(log_pipe, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int lower(void *arg)
{
	static const struct ctr_rlimit limits[] = {
		{ RLIMIT_NOFILE, "RLIMIT_NOFILE", 100, 200 },
		{ RLIMIT_CORE, "RLIMIT_CORE", 0, 4096 },
		{ RLIMIT_CPU, "RLIMIT_CPU", 1000, UINT64_MAX },
	};
	const struct ctr_process p = { .rlimits = limits, .n_rlimits = 3 };
	struct cs_err err = CS_ERR_INIT;
	struct rlimit r;

	(void)arg;
	if (log_start() < 0)
		return CHILD_SETUP;
	if (ctr_limits_rlimits(&p, &err) < 0)
		return failed(&err);
	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur != 100 || r.rlim_max != 200)
		return 2;
	getrlimit(RLIMIT_CORE, &r);
	if (r.rlim_cur != 0 || r.rlim_max != 4096)
		return 3;
	getrlimit(RLIMIT_CPU, &r);
	if (r.rlim_cur != 1000 || r.rlim_max != RLIM_INFINITY)
		return 4;
	return *log_text() ? 5 : 0;
}

START_TEST(test_rlimits)
{
	ck_assert_child_ok(lower, NULL);
}
END_TEST

static int raise_refused(void *arg)
{
	static const struct ctr_rlimit limits[] = {
		{ RLIMIT_FSIZE, "RLIMIT_FSIZE", 1000, UINT64_MAX },
		{ RLIMIT_NOFILE, "RLIMIT_NOFILE", 300, 400 },
		{ RLIMIT_CORE, "RLIMIT_CORE", 7, 8 },
	};
	const struct ctr_process p = { .rlimits = limits, .n_rlimits = 3 };
	const struct rlimit fsize = { 500, 2000 }, nofile = { 64, 128 };
	struct cs_err err = CS_ERR_INIT;
	const char *log;
	struct rlimit r;

	(void)arg;
	if (log_start() < 0 || setrlimit(RLIMIT_FSIZE, &fsize) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &nofile) < 0 || drop_cap(CAP_SYS_RESOURCE) < 0)
		return CHILD_SETUP;
	if (ctr_limits_rlimits(&p, &err) < 0)
		return failed(&err);
	getrlimit(RLIMIT_FSIZE, &r);
	if (r.rlim_cur != 1000 || r.rlim_max != 2000)
		return 2;
	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur != 128 || r.rlim_max != 128)
		return 3;
	getrlimit(RLIMIT_CORE, &r);
	if (r.rlim_cur != 7 || r.rlim_max != 8)
		return 4;
	log = log_text();
	if (!strstr(log, "RLIMIT_FSIZE") || !strstr(log, "RLIMIT_NOFILE") ||
	    strstr(log, "RLIMIT_CORE"))
		return 5;
	return strchr(log, '\n') == strrchr(log, '\n') ? 0 : 6;
}

START_TEST(test_rlimits_clamped)
{
	ck_assert_child_ok(raise_refused, NULL);
}
END_TEST

static int rlimit_wrong(void *arg)
{
	static const struct ctr_rlimit limits[] = { { RLIMIT_CORE, "RLIMIT_CORE", 9, 8 } };
	const struct ctr_process p = { .rlimits = limits, .n_rlimits = 1 };
	struct cs_err err = CS_ERR_INIT;

	(void)arg;
	if (ctr_limits_rlimits(&p, &err) != -EINVAL)
		return 1;
	return strstr(err.msg, "process.rlimits") && strstr(err.msg, "RLIMIT_CORE") ? 0 : 2;
}

START_TEST(test_rlimit_wrong)
{
	ck_assert_child_ok(rlimit_wrong, NULL);
}
END_TEST

static int oom_score(void)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "re");
	int v = -2000;

	if (!f || fscanf(f, "%d", &v) != 1)
		v = -2000;
	if (f)
		fclose(f);
	return v;
}

static int oom(void *arg)
{
	struct ctr_process p = { .has_oom_score_adj = false, .oom_score_adj = 777 };
	struct cs_err err = CS_ERR_INIT;
	int before = oom_score();
	int proc = cs_path_proc_open(&err);

	(void)arg;
	if (proc < 0 || log_start() < 0)
		return CHILD_SETUP;
	if (ctr_limits_oom_score(&p, proc, getpid(), &err) < 0 || oom_score() != before)
		return 2;
	p.has_oom_score_adj = true;
	if (ctr_limits_oom_score(&p, proc, getpid(), &err) < 0)
		return failed(&err);
	if (oom_score() != 777 || *log_text())
		return 3;
	/* below what it ever was */
	p.oom_score_adj = -1000;
	if (drop_cap(CAP_SYS_RESOURCE) < 0)
		return CHILD_SETUP;
	if (ctr_limits_oom_score(&p, proc, getpid(), &err) < 0)
		return failed(&err);
	if (oom_score() != 777 || !strstr(log_text(), "process.oomScoreAdj"))
		return 4;
	p.oom_score_adj = 5000;
	if (ctr_limits_oom_score(&p, proc, getpid(), &err) != -EINVAL)
		return 5;
	return strstr(err.msg, "process.oomScoreAdj") ? 0 : 6;
}

START_TEST(test_oom_score)
{
	ck_assert_child_ok(oom, NULL);
}
END_TEST

static int batch(void *arg)
{
	const struct ctr_process p = {
		.scheduler = { .present = true, .policy = SCHED_BATCH, .nice = 7 },
		.has_io_priority = true,
		.io_priority = 2 << 13 | 5,
		.affinity_final = "0",
	};
	struct cs_err err = CS_ERR_INIT;
	cpu_set_t set;

	(void)arg;
	if (ctr_limits_sched(&p, &err) < 0)
		return failed(&err);
	if (sched_getscheduler(0) != SCHED_BATCH || getpriority(PRIO_PROCESS, 0) != 7)
		return 2;
	if (syscall(SYS_ioprio_get, 1, 0) != (2 << 13 | 5))
		return 3;
	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) != 1 ||
	    !CPU_ISSET(0, &set))
		return 4;
	return 0;
}

static int fifo(void *arg)
{
	enum { RESET_ON_FORK = 1 }; /* SCHED_FLAG_RESET_ON_FORK */
	const struct ctr_process p = { .scheduler = { .present = true,
						      .policy = SCHED_FIFO,
						      .priority = 3,
						      .flags = RESET_ON_FORK } };
	struct sched_param param = { .sched_priority = 2 };
	struct cs_err err = CS_ERR_INIT;

	(void)arg;
	/* a cgroup without realtime budget: not ours to judge */
	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		return 0;
	if (ctr_limits_sched(&p, &err) < 0)
		return failed(&err);
	if (sched_getscheduler(0) != (SCHED_FIFO | SCHED_RESET_ON_FORK))
		return 2;
	return sched_getparam(0, &param) == 0 && param.sched_priority == 3 ? 0 : 3;
}

static int deadline(void *arg)
{
	enum { POLICY_DEADLINE = 6 };
	const struct ctr_process p = { .scheduler = { .present = true,
						      .policy = POLICY_DEADLINE,
						      .runtime = 1000000,
						      .deadline = 20000000,
						      .period = 30000000 } };
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { 0 };
	struct cs_err err = CS_ERR_INIT;

	(void)arg;
	/* the machine's deadline bandwidth may be given away */
	if (ctr_limits_sched(&p, &err) < 0)
		return err.code == EBUSY || err.code == EPERM ? 0 : failed(&err);
	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0)
		return 2;
	return attr.policy == POLICY_DEADLINE && attr.runtime == 1000000 &&
			       attr.deadline == 20000000 && attr.period == 30000000
		       ? 0
		       : 3;
}

START_TEST(test_sched)
{
	ck_assert_child_ok(batch, NULL);
	ck_assert_child_ok(fifo, NULL);
	ck_assert_child_ok(deadline, NULL);
}
END_TEST

static int sched_wrong(void *arg)
{
	struct ctr_process p = { .scheduler = { .present = true, .policy = 77 } };
	struct cs_err err = CS_ERR_INIT;

	(void)arg;
	if (ctr_limits_sched(&p, &err) != -EINVAL || !strstr(err.msg, "process.scheduler"))
		return 1;
	cs_err_clear(&err);
	p = (struct ctr_process){ .has_io_priority = true, .io_priority = 7 << 13 };
	if (ctr_limits_sched(&p, &err) != -EINVAL || !strstr(err.msg, "process.ioPriority"))
		return 2;
	return 0;
}

START_TEST(test_sched_wrong)
{
	ck_assert_child_ok(sched_wrong, NULL);
}
END_TEST

/* Lists and what they leave of the machine's CPUs. */
static int affinity(void *arg)
{
	static const char *const wrong[] = { ",",
					     "1-",
					     "-1",
					     "2-1",
					     "0,",
					     "0 1",
					     "a",
					     "8192",
					     "0-8192",
					     "0,,1",
					     "0x1",
					     "0-1-2",
					     "99999999999999999999" };
	struct cs_err err = CS_ERR_INIT;
	cpu_set_t before, set;

	(void)arg;
	sched_getaffinity(0, sizeof(before), &before);
	if (ctr_limits_affinity(NULL, &err) < 0 || ctr_limits_affinity("", &err) < 0)
		return 1;
	/* CPUs that are not there are left out by the kernel */
	if (ctr_limits_affinity("0,4096-8191", &err) < 0)
		return failed(&err);
	sched_getaffinity(0, sizeof(set), &set);
	if (CPU_COUNT(&set) != 1 || !CPU_ISSET(0, &set))
		return 2;
	if (ctr_limits_affinity("0-8191", &err) < 0)
		return failed(&err);
	sched_getaffinity(0, sizeof(set), &set);
	if (!CPU_EQUAL(&set, &before))
		return 3;
	for (size_t i = 0; i < CS_LEN(wrong); i++) {
		if (ctr_limits_affinity(wrong[i], &err) != -EINVAL)
			return 10 + (int)i;
		if (!strstr(err.msg, "process.execCPUAffinity"))
			return 4;
		cs_err_clear(&err);
	}
	/* none of them there */
	return ctr_limits_affinity("8190", &err) == -EINVAL ? 0 : 5;
}

START_TEST(test_affinity)
{
	ck_assert_child_ok(affinity, NULL);
}
END_TEST

static int linux32(void *arg)
{
	struct ctr_spec spec = { .personality = CTR_PER_NONE };
	struct cs_err err = CS_ERR_INIT;
	struct utsname uts;

	(void)arg;
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		return CHILD_SETUP;
	if (ctr_limits_personality(&spec, &err) < 0 || personality(~0U) != ADDR_NO_RANDOMIZE)
		return 1;
	spec.personality = CTR_PER_LINUX32;
	if (ctr_limits_personality(&spec, &err) < 0)
		return failed(&err);
	if (personality(~0U) != PER_LINUX32)
		return 2;
	uname(&uts);
	if (!strcmp(uts.machine, "x86_64") || !strcmp(uts.machine, "aarch64"))
		return 3;
	spec.personality = CTR_PER_LINUX;
	if (ctr_limits_personality(&spec, &err) < 0)
		return failed(&err);
	return personality(~0U) == PER_LINUX ? 0 : 4;
}

START_TEST(test_personality)
{
	ck_assert_child_ok(linux32, NULL);
}
END_TEST

static int mempolicy(void *arg)
{
	unsigned long nodes = 1, got = 0;
	struct ctr_spec spec = { .memory_policy = { .present = true,
						    .mode = MPOL_BIND,
						    .flags = MPOL_F_STATIC_NODES,
						    .nodes = &nodes,
						    .max_node = 64 } };
	struct cs_err err = CS_ERR_INIT;
	int mode = -1;

	(void)arg;
	if (ctr_limits_mempolicy(&spec, &err) < 0)
		return failed(&err);
	if (syscall(SYS_get_mempolicy, &mode, &got, 8 * sizeof(got), NULL, 0) < 0)
		return CHILD_SETUP;
	if (mode != (MPOL_BIND | MPOL_F_STATIC_NODES) || got != 1)
		return 2;
	/* the last bit of the mask counts */
	nodes = 1;
	spec.memory_policy.max_node = 1;
	spec.memory_policy.mode = MPOL_INTERLEAVE;
	if (ctr_limits_mempolicy(&spec, &err) < 0)
		return failed(&err);
	spec.memory_policy = (struct ctr_memory_policy){ .present = true, .mode = MPOL_DEFAULT };
	if (ctr_limits_mempolicy(&spec, &err) < 0)
		return failed(&err);
	spec.memory_policy.mode = MPOL_BIND; /* needs nodes */
	if (ctr_limits_mempolicy(&spec, &err) != -EINVAL)
		return 3;
	return strstr(err.msg, "linux.memoryPolicy") ? 0 : 4;
}

START_TEST(test_mempolicy)
{
	ck_assert_child_ok(mempolicy, NULL);
}
END_TEST

CHILD_MAIN("runtime/limits", test_rlimits, test_rlimits_clamped, test_rlimit_wrong, test_oom_score,
	   test_sched, test_sched_wrong, test_affinity, test_personality, test_mempolicy)
