#include "cgroups/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

/* Names below linux.resources. */
static const char *const field_names[CG_FIELD_COUNT] = {
	[CG_MEMORY_LIMIT] = "memory.limit",
	[CG_MEMORY_RESERVATION] = "memory.reservation",
	[CG_MEMORY_SWAP] = "memory.swap",
	[CG_MEMORY_KERNEL] = "memory.kernel",
	[CG_MEMORY_KERNEL_TCP] = "memory.kernelTCP",
	[CG_MEMORY_SWAPPINESS] = "memory.swappiness",
	[CG_MEMORY_DISABLE_OOM] = "memory.disableOOMKiller",
	[CG_MEMORY_USE_HIERARCHY] = "memory.useHierarchy",
	[CG_MEMORY_CHECK_BEFORE_UPDATE] = "memory.checkBeforeUpdate",
	[CG_CPU_SHARES] = "cpu.shares",
	[CG_CPU_QUOTA] = "cpu.quota",
	[CG_CPU_BURST] = "cpu.burst",
	[CG_CPU_PERIOD] = "cpu.period",
	[CG_CPU_RT_RUNTIME] = "cpu.realtimeRuntime",
	[CG_CPU_RT_PERIOD] = "cpu.realtimePeriod",
	[CG_CPU_IDLE] = "cpu.idle",
	[CG_PIDS_LIMIT] = "pids.limit",
	[CG_BLKIO_WEIGHT] = "blockIO.weight",
	[CG_BLKIO_LEAF_WEIGHT] = "blockIO.leafWeight",
	[CG_NET_CLASS_ID] = "network.classID",
};

bool cg_given(const struct cg_resources *res, enum cg_field field)
{
	return res->has & (UINT64_C(1) << field);
}

bool cg_is_unlimited(const char *text)
{
	return strcmp(text, "-1") == 0 || cs_str_starts(text, "max");
}

int cg_limit_write(const struct cg *cg, enum cg_ctl ctl, const char *file, const char *text)
{
	int h = cg_v1_hier(cg->host, ctl);
	int ret;

	if (h >= 0)
		return cg_file_write(cg, (size_t)h, file, text);
	if (cg->host->v2 < 0)
		return -ENOENT;
	ret = cg_file_write(cg, (size_t)cg->host->v2, file, text);
	/* On a hybrid host, and where somebody else made the folders above, it may not be on. */
	if (ret == -ENOENT && cg->v2_dir >= 0 && !cg_v2_enable(cg, ctl))
		ret = cg_file_write(cg, (size_t)cg->host->v2, file, text);
	return ret;
}

/* The controller, or only the file, is not there. */
static int missing_err(struct cs_err *err, const struct cg *cg, enum cg_ctl ctl, const char *field,
		       const char *file)
{
	static const char *const modes[] = {
		[CG_V2] = "v2",
		[CG_V1] = "v1",
		[CG_HYBRID] = "v1 with a v2 tree beside",
	};
	bool v1 = cg_v1_hier(cg->host, ctl) >= 0;
	const char *name = cg_ctl_name(ctl, !v1 && cg->host->v2 >= 0);
	int why;

	if (!cg->host->n_hier)
		return cs_err_set(err, ENOENT, "linux.resources.%s: this host has no cgroups",
				  field);
	why = v1 ? 0 : cg_v2_enable(cg, ctl);
	if (why == -EBUSY)
		return cs_err_set(
			err, EBUSY,
			"linux.resources.%s: the %s controller cannot be enabled for cgroup "
			"%s: a cgroup above it holds processes of its own",
			field, name, cg->path);
	if (!why)
		return cs_err_set(err, ENOENT, "linux.resources.%s: this kernel has no %s", field,
				  file);
	return cs_err_set(err, ENOENT,
			  "linux.resources.%s: this host has no %s controller (cgroup %s)", field,
			  name, modes[cg->host->mode]);
}

int cg_limit_err(struct cs_err *err, int code, const struct cg *cg, enum cg_ctl ctl,
		 const char *field, const char *file)
{
	int v1 = cg_v1_hier(cg->host, ctl);
	size_t h = (size_t)(v1 >= 0 ? v1 : cg->host->v2);
	uint64_t usage;

	if (code == ENOENT)
		return missing_err(err, cg, ctl, field, file);
	if (code == EBUSY && ctl == CG_CTL_MEMORY &&
	    !cg_file_u64(cg, h, "memory.usage_in_bytes", &usage))
		return cs_err_set(err, EBUSY,
				  "linux.resources.%s: too low, the container uses %" PRIu64
				  " bytes",
				  field, usage);
	cg_file_err(err, code, cg, h, file, "write");
	return cs_err_wrap(err, "linux.resources.%s", field);
}

int cg_limit_set(const struct cg *cg, enum cg_ctl ctl, const char *field, const char *file,
		 const char *text, struct cs_err *err)
{
	int ret = cg_limit_write(cg, ctl, file, text);

	if (!ret || (ret == -ENOENT && cg_is_unlimited(text)))
		return 0;
	return cg_limit_err(err, -ret, cg, ctl, field, file);
}

/* Applies one row. Returns -EAGAIN without a message when the kernel refuses the value as things
 * stand, which a later row may change. */
static int apply_knob(const struct cg *cg, const struct cg_knob *k, const struct cg_resources *res,
		      bool last, struct cs_err *err)
{
	const struct cg_limit_in in = { .cg = cg, .res = res, .field = k->field };
	char text[CG_TEXT_MAX];
	int ret = k->format(&in, text, err);

	if (ret <= 0)
		return ret;
	if (!k->file && cg_is_unlimited(text))
		return 0;
	if (!k->file && cg_v2_enable(cg, k->ctl) == 0)
		return cs_err_set(err, ENOTSUP,
				  "linux.resources.%s: cgroup v2 has nothing like it: leave it out",
				  field_names[k->field]);
	ret = k->file ? cg_limit_write(cg, k->ctl, k->file, text) : -ENOENT;
	if (!ret)
		return 0;
	if (ret == -ENOENT && (cg_is_unlimited(text) || (k->moot && strcmp(text, k->moot) == 0)))
		return 0;
	if (ret == -EINVAL && !last)
		return -EAGAIN;
	return cg_limit_err(err, -ret, cg, k->ctl, field_names[k->field], k->file ? k->file : "");
}

/* Applies a version's table. Limits that bound one another (memory and memory+swap; quota, period
 * and burst; weight and idle) must be written in an order that depends on what they were before:
 * what the kernel refuses at first is tried once more after the others. */
static int apply_table(const struct cg *cg, const struct cg_knob *table, size_t n, bool v1,
		       const struct cg_resources *res, struct cs_err *err)
{
	uint64_t again = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			int ret;

			if ((cg_v1_hier(cg->host, table[i].ctl) >= 0) != v1 ||
			    (pass && !(again & (UINT64_C(1) << i))))
				continue;
			ret = apply_knob(cg, &table[i], res, pass > 0, err);
			if (ret == -EAGAIN)
				again |= UINT64_C(1) << i;
			else if (ret < 0)
				return ret;
		}
		if (!again)
			break;
	}
	return 0;
}

/* memory.checkBeforeUpdate: v1's kernel refuses a limit below the usage, v2's ends processes. */
static int check_usage(const struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	static const enum cg_field limits[] = { CG_MEMORY_LIMIT, CG_MEMORY_SWAP };
	uint64_t usage;

	if (!res->num[CG_MEMORY_CHECK_BEFORE_UPDATE] || cg->host->v2 < 0 ||
	    cg_file_u64(cg, (size_t)cg->host->v2, "memory.current", &usage) < 0)
		return 0;
	for (size_t i = 0; i < CS_LEN(limits); i++) {
		int64_t v = res->num[limits[i]];

		if (v > 0 && (uint64_t)v <= usage)
			return cs_err_set(err, EBUSY,
					  "linux.resources.%s: too low, the container uses %" PRIu64
					  " bytes",
					  field_names[limits[i]], usage);
	}
	return 0;
}

/* Fields whose meaning the kernel has dropped: other runtimes ignore them too, and configs with
 * them are still about. */
static void warn_dropped(const struct cg *cg, const struct cg_resources *res)
{
	bool v1 = cg_v1_hier(cg->host, CG_CTL_MEMORY) >= 0;

	if (res->num[CG_MEMORY_KERNEL] > 0)
		cs_log(CS_LOG_WARN, "linux.resources.memory.kernel is ignored: Linux counts kernel "
				    "memory towards memory.limit");
	if (res->num[CG_MEMORY_KERNEL_TCP] > 0 && !v1)
		cs_log(CS_LOG_WARN, "linux.resources.memory.kernelTCP is ignored: cgroup v2 counts "
				    "it towards memory.limit");
}

/* Before anything is written: what can be known to be wrong. */
static int check(const struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	int64_t limit = res->num[CG_MEMORY_LIMIT], sum = res->num[CG_MEMORY_SWAP];

	if (limit > 0 && sum > 0 && sum < limit)
		return cs_err_set(err, EINVAL,
				  "linux.resources.memory.swap: %" PRId64
				  " is memory and swap together and must not be less than "
				  "memory.limit, %" PRId64,
				  sum, limit);
	if (!cg->host->n_hier && res->n_devices)
		return cs_err_set(err, ENOENT, "linux.resources.devices: this host has no cgroups");
	return check_usage(cg, res, err);
}

int cg_apply(const struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	int ret = check(cg, res, err);

	if (ret < 0)
		return ret;
	warn_dropped(cg, res);
	ret = apply_table(cg, cg_knobs_v1, cg_n_knobs_v1, true, res, err);
	if (!ret)
		ret = apply_table(cg, cg_knobs_v2, cg_n_knobs_v2, false, res, err);
	if (!ret)
		ret = cg_limit_blkio(cg, res, err);
	if (!ret)
		ret = cg_limit_lists(cg, res, err);
	if (!ret)
		ret = cg_devices_apply(cg, res, err);
	return ret;
}
