#include "runtime/ns/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/spec.h"

/* What the kernel calls struct rlimit64; RLIM_INFINITY is UINT64_MAX there as it is in the spec. */
struct rlimit_pair {
	uint64_t soft, hard;
};

static int rlimit_call(int resource, const struct rlimit_pair *set, struct rlimit_pair *get)
{
	return (int)syscall(SYS_prlimit64, 0, resource, set, get);
}

/* Raising a hard limit was refused: takes what may be had without raising. */
static int rlimit_clamp(const struct ctr_rlimit *r, struct cs_err *err)
{
	struct rlimit_pair now = { 0 }, want;

	if (rlimit_call(r->resource, NULL, &now) < 0)
		return cs_err_sys(err, "process.rlimits: read %s", r->name);
	want.hard = r->hard < now.hard ? r->hard : now.hard;
	want.soft = r->soft < want.hard ? r->soft : want.hard;
	if (rlimit_call(r->resource, &want, NULL) < 0)
		return cs_err_sys(err, "process.rlimits: set %s", r->name);
	return 0;
}

int ctr_limits_rlimits(const struct ctr_process *p, struct cs_err *err)
{
	struct cs_buf clamped = CS_BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < p->n_rlimits && !rc; i++) {
		const struct ctr_rlimit *r = &p->rlimits[i];
		const struct rlimit_pair want = { r->soft, r->hard };

		if (rlimit_call(r->resource, &want, NULL) == 0)
			continue;
		if (errno == EPERM) {
			cs_buf_addf(&clamped, " %s", r->name);
			rc = rlimit_clamp(r, err);
		} else {
			rc = cs_err_sys(err, "process.rlimits: set %s", r->name);
		}
	}
	if (!rc && clamped.len)
		cs_log(CS_LOG_WARN,
		       "process.rlimits: not raised, the runtime may not (CAP_SYS_RESOURCE):%s",
		       clamped.s ? clamped.s : "");
	cs_buf_fini(&clamped);
	return rc;
}

int ctr_limits_oom_score(const struct ctr_process *p, int proc, pid_t pid, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char path[32], text[16];
	int len;

	if (!p->has_oom_score_adj)
		return 0;
	len = snprintf(text, sizeof(text), "%d", p->oom_score_adj);
	snprintf(path, sizeof(path), "%d/oom_score_adj", (int)pid);
	fd = cs_path_proc_file(proc, path, O_WRONLY, err);
	if (fd < 0)
		return cs_err_wrap(err, "process.oomScoreAdj");
	if (write(fd, text, (size_t)len) == len)
		return 0;
	/* Going below the lowest value ever set needs CAP_SYS_RESOURCE in the first user namespace:
	 * who runs rootless or in a container cannot help it. */
	if (errno == EACCES || errno == EPERM) {
		cs_log(CS_LOG_WARN,
		       "process.oomScoreAdj: not lowered to %d, the runtime may not "
		       "(CAP_SYS_RESOURCE)",
		       p->oom_score_adj);
		return 0;
	}
	return cs_err_sys(err, "process.oomScoreAdj: set %d", p->oom_score_adj);
}

int ctr_limits_personality(const struct ctr_spec *spec, struct cs_err *err)
{
	unsigned long per = PER_LINUX;

	if (spec->personality == CTR_PER_NONE)
		return 0;
	if (spec->personality == CTR_PER_LINUX32)
		per = PER_LINUX32;
	/* The raw call: the spec has no flags, so flags the runtime was started with (setarch -R)
	 * do not reach the container either. */
	if (syscall(SYS_personality, per) < 0)
		return cs_err_sys(err, "linux.personality: set domain %s",
				  per == PER_LINUX32 ? "LINUX32" : "LINUX");
	return 0;
}

int ctr_limits_mempolicy(const struct ctr_spec *spec, struct cs_err *err)
{
	const struct ctr_memory_policy *m = &spec->memory_policy;

	if (!m->present)
		return 0;
	/* the kernel takes the number of bits plus one */
	if (syscall(SYS_set_mempolicy, (unsigned int)m->mode | m->flags, m->nodes,
		    m->max_node ? m->max_node + 1 : 0) < 0)
		return cs_err_sys(err, "linux.memoryPolicy: set_mempolicy");
	return 0;
}
