#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "runtime/vm/host.h"

/* How large a machine is, and what of a change fits in it. */

enum {
	CPUS = 1,
	MEMORY_MIB = 512,
	OVERHEAD_MIB = 128,
	PERIOD_US = 100000,
	MEMORY_STEP = 2 << 20,
};

static bool given(const struct cg_resources *res, enum cg_field f)
{
	return (res->has >> f & 1) != 0 && res->num[f] > 0;
}

static uint64_t cpus_of(const struct cg_resources *res)
{
	int64_t period = given(res, CG_CPU_PERIOD) ? res->num[CG_CPU_PERIOD] : PERIOD_US;

	if (!given(res, CG_CPU_QUOTA))
		return CPUS;
	return (uint64_t)((res->num[CG_CPU_QUOTA] - 1) / period + 1);
}

uint64_t ctr_vm_cpus(const struct ctr_spec *spec)
{
	return spec->vm.vcpus ? spec->vm.vcpus : cpus_of(&spec->resources);
}

uint64_t ctr_vm_memory(const struct ctr_spec *spec)
{
	uint64_t v = (uint64_t)MEMORY_MIB << 20;

	if (spec->vm.memory)
		v = spec->vm.memory;
	else if (given(&spec->resources, CG_MEMORY_LIMIT))
		v = (uint64_t)spec->resources.num[CG_MEMORY_LIMIT] + ((uint64_t)OVERHEAD_MIB << 20);
	return (v + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP;
}

void ctr_vm_host_limits(const struct cg_resources *res, struct cg_resources *out)
{
	*out = (struct cg_resources){
		.has = res->has &
		       (1ULL << CG_CPU_SHARES | 1ULL << CG_CPU_QUOTA | 1ULL << CG_CPU_BURST |
			1ULL << CG_CPU_PERIOD | 1ULL << CG_CPU_IDLE),
		.cpus = res->cpus,
		.mems = res->mems,
	};
	memcpy(out->num, res->num, sizeof(out->num));
}

int ctr_vm_fits(const struct ctr_spec *spec, const struct cg_resources *res, struct cs_err *err)
{
	const uint64_t cpus = ctr_vm_cpus(spec), memory = ctr_vm_memory(spec) >> 20;
	struct cg_resources now = *res;

	/* a quota without a period is of the period that it has */
	if (!given(&now, CG_CPU_PERIOD) && given(&spec->resources, CG_CPU_PERIOD)) {
		now.has |= UINT64_C(1) << CG_CPU_PERIOD;
		now.num[CG_CPU_PERIOD] = spec->resources.num[CG_CPU_PERIOD];
	}
	if (cpus_of(&now) > cpus)
		return cs_err_set(
			err, ENOTSUP,
			"cpus: the machine has %" PRIu64 " and gets no more while it runs", cpus);
	if (given(res, CG_MEMORY_LIMIT) && (uint64_t)res->num[CG_MEMORY_LIMIT] >> 20 > memory)
		return cs_err_set(err, ENOTSUP,
				  "memory: the machine has %" PRIu64
				  " MiB and gets no more while it runs",
				  memory);
	return 0;
}

/* --- the change, as the agent reads it -------------------------------------------------------- */

struct member {
	const char *key;
	enum cg_field field;
};

static const struct member memory_of[] = {
	{ "limit", CG_MEMORY_LIMIT },
	{ "reservation", CG_MEMORY_RESERVATION },
	{ "swap", CG_MEMORY_SWAP },
	{ "swappiness", CG_MEMORY_SWAPPINESS },
};
static const struct member cpu_of[] = {
	{ "shares", CG_CPU_SHARES }, { "quota", CG_CPU_QUOTA }, { "burst", CG_CPU_BURST },
	{ "period", CG_CPU_PERIOD }, { "idle", CG_CPU_IDLE },
};
static const struct member pids_of[] = { { "limit", CG_PIDS_LIMIT } };

static uint64_t put_members(struct cs_jw *w, const char *name, const struct member *m, size_t n,
			    const struct cg_resources *res)
{
	uint64_t done = 0;

	cs_jw_obj(w, name);
	for (size_t i = 0; i < n; i++) {
		if ((res->has >> m[i].field & 1) == 0)
			continue;
		cs_jw_i64(w, m[i].key, res->num[m[i].field]);
		done |= UINT64_C(1) << m[i].field;
	}
	cs_jw_obj_end(w);
	return done;
}

int ctr_vm_put_resources(struct cs_jw *w, const struct cg_resources *res, struct cs_err *err)
{
	uint64_t done;

	cs_jw_obj(w, "resources");
	done = put_members(w, "memory", memory_of, CS_LEN(memory_of), res);
	done |= put_members(w, "cpu", cpu_of, CS_LEN(cpu_of), res);
	done |= put_members(w, "pids", pids_of, CS_LEN(pids_of), res);
	cs_jw_obj_end(w);
	if (res->has & ~done || res->n_devices || res->n_blkio_weights || res->n_hugepages ||
	    res->n_net_prios || res->n_rdma || res->n_unified)
		return cs_err_set(err, ENOTSUP,
				  "of a container in a machine, memory, CPUs and the number of "
				  "processes can be changed");
	for (size_t i = 0; i < CG_RATE_COUNT; i++)
		if (res->n_blkio_rates[i])
			return cs_err_set(err, ENOTSUP,
					  "block I/O rates of a machine cannot be changed");
	return 0;
}
