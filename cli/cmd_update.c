#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroups/resources.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/out.h"
#include "cli/runopts.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/life.h"
#include "engine/record.h"
#include "engine/store.h"
#include "engine/strv.h"

struct update_opts {
	struct cli_num blkio_weight, cpu_period, cpu_quota, cpu_shares, memory, memory_reservation,
		memory_swap, pids_limit;
	const char *cpus, *cpuset_cpus, *cpuset_mems, *restart;
	struct cli_strv blkio_weight_device, read_bps, read_iops, write_bps, write_iops;
};

#define T struct update_opts
static const struct cli_opt update_optv[] = {
	CLI_NUM(T, blkio_weight, "blkio-weight", 0, 10, "N", "share of block I/O, 10 to 1000"),
	CLI_STRV(T, blkio_weight_device, "blkio-weight-device", 0, "PATH:N",
		 "the same for one device"),
	CLI_NUM(T, cpu_period, "cpu-period", 0, 0, "USECS", "period of the CPU quota"),
	CLI_NUM(T, cpu_quota, "cpu-quota", 0, -1, "USECS", "CPU time in each period"),
	CLI_NUM(T, cpu_shares, "cpu-shares", 'c', 0, "N", "share of CPU time"),
	CLI_STR(T, cpus, "cpus", 0, "N", "number of CPUs' time, such as 1.5"),
	CLI_STR(T, cpuset_cpus, "cpuset-cpus", 0, "LIST", "CPUs it may use: 0-3,7"),
	CLI_STR(T, cpuset_mems, "cpuset-mems", 0, "LIST", "memory nodes it may use"),
	CLI_STRV(T, read_bps, "device-read-bps", 0, "PATH:RATE", "bytes a second read; 0: any"),
	CLI_STRV(T, read_iops, "device-read-iops", 0, "PATH:RATE", "reads a second; 0: any"),
	CLI_STRV(T, write_bps, "device-write-bps", 0, "PATH:RATE",
		 "bytes a second written; 0: any"),
	CLI_STRV(T, write_iops, "device-write-iops", 0, "PATH:RATE", "writes a second; 0: any"),
	CLI_SIZE(T, memory, "memory", 'm', "BYTES", "memory limit, as 512m or 2g"),
	CLI_SIZE(T, memory_reservation, "memory-reservation", 0, "BYTES", "soft memory limit"),
	CLI_SIZE(T, memory_swap, "memory-swap", 0, "BYTES", "memory and swap; -1: no limit"),
	CLI_NUM(T, pids_limit, "pids-limit", 0, -1, "N", "processes; -1: any number"),
	CLI_STR(T, restart, "restart", 0, "POLICY", "no, on-failure[:N], always or unless-stopped"),
};
#undef T

/* What is given, into the record and into what the cgroup is told. */
struct change {
	const struct cli_num *num;
	int64_t *field;
	enum cg_field cg;
};

static void set(struct cg_resources *res, enum cg_field f, int64_t v)
{
	res->has |= UINT64_C(1) << f;
	res->num[f] = v;
}

/* --cpus, and --cpu-quota with --cpu-period, say the same: what is given takes the other's place.
 * Both at once is told by the check. */
static int apply_cpus(const struct update_opts *o, struct eng_record *r, struct cg_resources *res,
		      struct cs_err *err)
{
	enum { PERIOD = 100000, NANO = 1000000000 };
	int64_t quota = 0;

	if (o->cpus) {
		if (cli_run_cpus(o->cpus, &r->nano_cpus, err) < 0)
			return -err->code;
		if (!o->cpu_quota.set && !o->cpu_period.set)
			r->cpu_quota = r->cpu_period = 0;
		set(res, CG_CPU_PERIOD, PERIOD);
		set(res, CG_CPU_QUOTA, r->nano_cpus / (NANO / PERIOD));
	} else if (r->nano_cpus && (o->cpu_quota.set || o->cpu_period.set)) {
		if (!o->cpu_period.set)
			set(res, CG_CPU_PERIOD, PERIOD);
		/* another period, and as many CPUs */
		if (!o->cpu_quota.set) {
			if (__builtin_mul_overflow(r->nano_cpus, r->cpu_period, &quota))
				return cs_err_set(err, EINVAL, "option --cpu-period is too large");
			r->cpu_quota = quota / NANO;
			set(res, CG_CPU_QUOTA, r->cpu_quota);
		}
		r->nano_cpus = 0;
	}
	return 0;
}

/* "PATH:VALUE"s: those of other devices stay as they are. */
static int merge(const struct cli_strv *given, struct cs_arena *a, struct eng_strv *v,
		 struct cs_err *err)
{
	struct eng_strv all = { 0 };

	for (size_t i = 0; i < v->n; i++) {
		const char *colon = strrchr(v->v[i], ':');
		size_t len = colon ? (size_t)(colon - v->v[i]) + 1 : 0, k = 0;

		while (k < given->n && strncmp(given->v[k], v->v[i], len) != 0)
			k++;
		if (k == given->n && eng_strv_add(a, &all, v->v[i], err) < 0)
			return -err->code;
	}
	for (size_t i = 0; i < given->n; i++)
		if (eng_strv_add(a, &all, given->v[i], err) < 0)
			return -err->code;
	*v = all;
	return 0;
}

static int apply_devices(const struct update_opts *o, struct cs_arena *a, struct eng_record *r,
			 struct cg_resources *res, struct cs_err *err)
{
	const struct {
		const char *option;
		const struct cli_strv *given;
		struct eng_strv *field;
		bool units;
	} v[CG_RATE_COUNT] = {
		[CG_RATE_RBPS] = { "--device-read-bps", &o->read_bps, &r->read_bps, true },
		[CG_RATE_WBPS] = { "--device-write-bps", &o->write_bps, &r->write_bps, true },
		[CG_RATE_RIOPS] = { "--device-read-iops", &o->read_iops, &r->read_iops, false },
		[CG_RATE_WIOPS] = { "--device-write-iops", &o->write_iops, &r->write_iops, false },
	};
	const struct eng_strv weights = { .v = o->blkio_weight_device.v,
					  .n = o->blkio_weight_device.n };

	for (size_t i = 0; i < CS_LEN(v); i++) {
		const struct eng_strv given = { .v = v[i].given->v, .n = v[i].given->n };

		if (given.n == 0)
			continue;
		if (eng_config_rates(v[i].option, &given, v[i].units, a, &res->blkio_rates[i],
				     err) < 0 ||
		    merge(v[i].given, a, v[i].field, err) < 0)
			return -err->code;
		res->n_blkio_rates[i] = given.n;
	}
	if (weights.n == 0)
		return 0;
	res->n_blkio_weights = weights.n;
	if (eng_config_weights(&weights, a, &res->blkio_weights, err) < 0)
		return -err->code;
	return merge(&o->blkio_weight_device, a, &r->blkio_weight_device, err);
}

static bool has_limits(const struct cg_resources *res)
{
	bool any = res->has || res->cpus || res->mems || res->n_blkio_weights;

	for (size_t i = 0; i < CG_RATE_COUNT; i++)
		any = any || res->n_blkio_rates[i];
	return any;
}

static int apply(const struct update_opts *o, struct cs_arena *a, struct eng_record *r,
		 struct cg_resources *res, struct cs_err *err)
{
	const struct change v[] = {
		{ &o->blkio_weight, &r->blkio_weight, CG_BLKIO_WEIGHT },
		{ &o->cpu_period, &r->cpu_period, CG_CPU_PERIOD },
		{ &o->cpu_quota, &r->cpu_quota, CG_CPU_QUOTA },
		{ &o->cpu_shares, &r->cpu_shares, CG_CPU_SHARES },
		{ &o->memory, &r->memory, CG_MEMORY_LIMIT },
		{ &o->memory_reservation, &r->memory_reservation, CG_MEMORY_RESERVATION },
		{ &o->memory_swap, &r->memory_swap, CG_MEMORY_SWAP },
		{ &o->pids_limit, &r->pids_limit, CG_PIDS_LIMIT },
	};

	for (size_t i = 0; i < CS_LEN(v); i++) {
		if (!v[i].num->set)
			continue;
		*v[i].field = v[i].num->v;
		set(res, v[i].cg, v[i].num->v);
	}
	/* as with run, so much swap again */
	if (o->memory.set && !o->memory_swap.set && r->memory_swap >= 0 && r->memory > 0) {
		if (__builtin_mul_overflow(r->memory, 2, &r->memory_swap))
			r->memory_swap = -1;
		set(res, CG_MEMORY_SWAP, r->memory_swap);
	}
	if (apply_cpus(o, r, res, err) < 0 || apply_devices(o, a, r, res, err) < 0)
		return -err->code;
	if (o->cpuset_cpus)
		r->cpuset_cpus = res->cpus = o->cpuset_cpus;
	if (o->cpuset_mems)
		r->cpuset_mems = res->mems = o->cpuset_mems;
	return o->restart ? cli_run_restart(o->restart, a, r, err) : 0;
}

static int change(const struct eng *e, const char *id, const struct update_opts *o,
		  struct cs_arena *a, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct cg_resources res = { 0 };
	cs_auto_fd int lock = eng_lock(e, id, err);
	bool limits;

	if (lock < 0 || eng_record_load(e, id, &r, err) < 0 || apply(o, a, &r, &res, err) < 0)
		return -err->code;
	if (r.auto_remove && r.restart && !cs_str_in(r.restart, (const char *const[]){ "no" }, 1))
		return cs_err_set(err, EINVAL,
				  "option --restart: container %s goes when it ends (--rm)",
				  r.name);
	limits = has_limits(&res);
	/* what it could not be started with again is told now */
	if (limits && eng_config_check(e, &r, err) < 0)
		return cs_err_wrap(err, "container %s", r.name);
	if (eng_update(e, &r, limits ? &res : NULL, err) < 0)
		return -err->code;
	eng_event(e, "update", &r, NULL, NULL);
	return 0;
}

static int update_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	struct cs_arena *a = cs_arena_new(0);
	int ret = a ? change(e, id, arg, a, err) : cs_err_set(err, ENOMEM, "out of memory");

	cs_arena_free(a);
	return ret;
}

static int update_run(struct cli_call *call, struct cs_err *err)
{
	return cli_ctr_each(call, false, NULL, CLI_CTR_ECHO, update_one, call->opts, err);
}

const struct cli_cmd cli_cmd_update = {
	.name = "update",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "change the limits and the restart policy of containers",
	.opts = CLI_OPTS(update_optv),
	.opts_size = sizeof(struct update_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = update_run,
};
