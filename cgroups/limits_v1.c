#include "cgroups/limits.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"

/* A number; 0 was not meant (runc's configs write zeros for what is not set). */
static int fmt_set(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	int64_t v = in->res->num[in->field];

	(void)err;
	if (!cg_given(in->res, in->field) || !v)
		return 0;
	snprintf(out, CG_TEXT_MAX, "%" PRId64, v < 0 ? -1 : v);
	return 1;
}

/* A number of which 0 is one as any other. */
static int fmt_any(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	(void)err;
	if (!cg_given(in->res, in->field))
		return 0;
	snprintf(out, CG_TEXT_MAX, "%" PRId64, in->res->num[in->field]);
	return 1;
}

/* Memory and swap together. Unlimited memory with nothing said of swap means both. */
static int fmt_memsw(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	const struct cg_resources *r = in->res;

	if (r->num[CG_MEMORY_LIMIT] == -1 && !r->num[CG_MEMORY_SWAP]) {
		snprintf(out, CG_TEXT_MAX, "-1");
		return 1;
	}
	return fmt_set(in, out, err);
}

/* A cgroup that is idle has no shares, and the kernel takes none. */
static int fmt_shares(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	return in->res->num[CG_CPU_IDLE] == 1 ? 0 : fmt_set(in, out, err);
}

static int fmt_pids(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	int64_t v = in->res->num[in->field];

	(void)err;
	if (!cg_given(in->res, in->field))
		return 0;
	/* 0 is what the systemd driver of other runtimes cannot say; like them take the least
	 * that can. The container's init is in anyhow. */
	if (v < 0)
		snprintf(out, CG_TEXT_MAX, "max");
	else
		snprintf(out, CG_TEXT_MAX, "%" PRId64, v ? v : 1);
	return 1;
}

const struct cg_knob cg_knobs_v1[] = {
	{ CG_MEMORY_LIMIT, CG_CTL_MEMORY, "memory.limit_in_bytes", fmt_set, NULL },
	{ CG_MEMORY_SWAP, CG_CTL_MEMORY, "memory.memsw.limit_in_bytes", fmt_memsw, NULL },
	{ CG_MEMORY_RESERVATION, CG_CTL_MEMORY, "memory.soft_limit_in_bytes", fmt_set, NULL },
	{ CG_MEMORY_KERNEL_TCP, CG_CTL_MEMORY, "memory.kmem.tcp.limit_in_bytes", fmt_set, NULL },
	{ CG_MEMORY_SWAPPINESS, CG_CTL_MEMORY, "memory.swappiness", fmt_any, NULL },
	{ CG_MEMORY_DISABLE_OOM, CG_CTL_MEMORY, "memory.oom_control", fmt_any, "0" },
	{ CG_MEMORY_USE_HIERARCHY, CG_CTL_MEMORY, "memory.use_hierarchy", fmt_any, "1" },
	{ CG_CPU_IDLE, CG_CTL_CPU, "cpu.idle", fmt_any, "0" },
	{ CG_CPU_SHARES, CG_CTL_CPU, "cpu.shares", fmt_shares, NULL },
	{ CG_CPU_PERIOD, CG_CTL_CPU, "cpu.cfs_period_us", fmt_set, NULL },
	{ CG_CPU_QUOTA, CG_CTL_CPU, "cpu.cfs_quota_us", fmt_set, NULL },
	{ CG_CPU_BURST, CG_CTL_CPU, "cpu.cfs_burst_us", fmt_any, "0" },
	{ CG_CPU_RT_PERIOD, CG_CTL_CPU, "cpu.rt_period_us", fmt_set, NULL },
	{ CG_CPU_RT_RUNTIME, CG_CTL_CPU, "cpu.rt_runtime_us", fmt_set, NULL },
	{ CG_PIDS_LIMIT, CG_CTL_PIDS, "pids.max", fmt_pids, NULL },
	{ CG_BLKIO_LEAF_WEIGHT, CG_CTL_BLKIO, "blkio.leaf_weight", fmt_set, NULL },
	{ CG_NET_CLASS_ID, CG_CTL_NET_CLS, "net_cls.classid", fmt_set, NULL },
};
const size_t cg_n_knobs_v1 = CS_LEN(cg_knobs_v1);
