#include "cgroups/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/convert.h"

enum { NUMBER_MAX = 24 };

/* Room for NUMBER_MAX bytes is enough. */
static void put(char *out, int64_t v)
{
	if (v < 0)
		snprintf(out, NUMBER_MAX, "max");
	else
		snprintf(out, NUMBER_MAX, "%" PRId64, v);
}

/* A limit: "max" for -1; 0 was not meant. */
static int fmt_max(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	(void)err;
	if (!cg_given(in->res, in->field) || !in->res->num[in->field])
		return 0;
	put(out, in->res->num[in->field]);
	return 1;
}

/* A number of which 0 is one as any other. */
static int fmt_any(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	(void)err;
	if (!cg_given(in->res, in->field))
		return 0;
	put(out, in->res->num[in->field]);
	return 1;
}

/* As for v1, see there. */
static int fmt_pids(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	int64_t v = in->res->num[in->field];

	(void)err;
	if (!cg_given(in->res, in->field))
		return 0;
	put(out, v ? v : 1);
	return 1;
}

/* Swap alone, where the spec gives memory and swap together; an update that gives only the sum is
 * about the memory limit there is. Unlimited memory with nothing said of swap means both. */
static int fmt_swap(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	const struct cg_resources *r = in->res;
	int64_t limit = r->num[CG_MEMORY_LIMIT], sum = r->num[CG_MEMORY_SWAP], swap = 0;
	uint64_t now;

	if (limit == -1 && !sum)
		sum = -1;
	if (!sum)
		return 0;
	if (!limit) {
		limit = -1;
		if (!cg_file_u64(in->cg, (size_t)in->cg->host->v2, "memory.max", &now) &&
		    now <= INT64_MAX)
			limit = (int64_t)now;
	}
	if (cg_convert_swap(limit, sum, &swap) < 0)
		return cs_err_set(
			err, EINVAL,
			"linux.resources.memory.swap: %" PRId64
			" is memory and swap together and must not be less than the memory "
			"limit, %" PRId64,
			sum, limit);
	put(out, swap);
	return 1;
}

static int fmt_weight(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	int64_t v = in->res->num[CG_CPU_SHARES];

	(void)err;
	/* A cgroup that is idle has no weight, and the kernel takes none. */
	if (v <= 0 || in->res->num[CG_CPU_IDLE] == 1)
		return 0;
	put(out, (int64_t)cg_convert_shares((uint64_t)v));
	return 1;
}

/* "quota period"; what is not given of the two stays as it is. */
static int fmt_cpu_max(const struct cg_limit_in *in, char out[CG_TEXT_MAX], struct cs_err *err)
{
	int64_t quota = in->res->num[CG_CPU_QUOTA], period = in->res->num[CG_CPU_PERIOD];
	char now[64], left[NUMBER_MAX] = "max";
	int ret;

	(void)err;
	if (!quota && !period)
		return 0;
	if (quota) {
		put(left, quota);
	} else {
		ret = cg_file_read(in->cg, (size_t)in->cg->host->v2, "cpu.max", now, sizeof(now));
		if (ret > 0 && strcspn(now, " ") < sizeof(left)) {
			now[strcspn(now, " ")] = '\0';
			memcpy(left, now, strlen(now) + 1);
		}
	}
	if (period)
		snprintf(out, CG_TEXT_MAX, "%s %" PRId64, left, period);
	else
		snprintf(out, CG_TEXT_MAX, "%s", left);
	return 1;
}

/* What v2 has not: it was always so. */
static int fmt_not_hierarchy(const struct cg_limit_in *in, char out[CG_TEXT_MAX],
			     struct cs_err *err)
{
	return in->res->num[in->field] ? 0 : fmt_any(in, out, err);
}

const struct cg_knob cg_knobs_v2[] = {
	{ CG_MEMORY_SWAP, CG_CTL_MEMORY, "memory.swap.max", fmt_swap, "0" },
	{ CG_MEMORY_LIMIT, CG_CTL_MEMORY, "memory.max", fmt_max, NULL },
	{ CG_MEMORY_RESERVATION, CG_CTL_MEMORY, "memory.low", fmt_max, NULL },
	{ CG_MEMORY_SWAPPINESS, CG_CTL_MEMORY, NULL, fmt_any, NULL },
	{ CG_MEMORY_DISABLE_OOM, CG_CTL_MEMORY, NULL, fmt_max, NULL },
	{ CG_MEMORY_USE_HIERARCHY, CG_CTL_MEMORY, NULL, fmt_not_hierarchy, NULL },
	{ CG_CPU_IDLE, CG_CTL_CPU, "cpu.idle", fmt_any, "0" },
	{ CG_CPU_SHARES, CG_CTL_CPU, "cpu.weight", fmt_weight, NULL },
	{ CG_CPU_QUOTA, CG_CTL_CPU, "cpu.max", fmt_cpu_max, NULL },
	{ CG_CPU_BURST, CG_CTL_CPU, "cpu.max.burst", fmt_any, "0" },
	{ CG_CPU_RT_PERIOD, CG_CTL_CPU, NULL, fmt_max, NULL },
	{ CG_CPU_RT_RUNTIME, CG_CTL_CPU, NULL, fmt_max, NULL },
	{ CG_PIDS_LIMIT, CG_CTL_PIDS, "pids.max", fmt_pids, NULL },
	{ CG_BLKIO_LEAF_WEIGHT, CG_CTL_BLKIO, NULL, fmt_max, NULL },
	{ CG_NET_CLASS_ID, CG_CTL_NET_CLS, NULL, fmt_max, NULL },
};
const size_t cg_n_knobs_v2 = CS_LEN(cg_knobs_v2);
