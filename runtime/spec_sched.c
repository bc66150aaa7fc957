#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/spec_int.h"

/* config.md: scheduler, ioPriority and execCPUAffinity of a process. */

/* Reserved by Linux and by the spec, implemented by neither (linux/sched.h). */
enum { ISO = 4 };

static const struct ctr_name policy_rows[] = {
	{ "SCHED_BATCH", SCHED_BATCH }, { "SCHED_DEADLINE", SCHED_DEADLINE },
	{ "SCHED_FIFO", SCHED_FIFO },	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_ISO", ISO },		{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_RR", SCHED_RR },
};
static const struct ctr_names policies = { policy_rows, CS_LEN(policy_rows) };

static const struct ctr_name flag_rows[] = {
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
};
static const struct ctr_names flags = { flag_rows, CS_LEN(flag_rows) };

static const struct ctr_name class_rows[] = {
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
};
static const struct ctr_names classes = { class_rows, CS_LEN(class_rows) };

/* sched_setattr(2) and sched(7): what the kernel would refuse with a bare EINVAL. */
static int scheduler_check(const struct cs_json *obj, const struct ctr_scheduler *s,
			   struct cs_err *err)
{
	bool rt = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	if (s->policy == ISO)
		return cs_json_err(cs_json_get(obj, "policy"), err, EINVAL,
				   "SCHED_ISO is reserved, Linux does not have it");
	if (rt && (s->priority < 1 || s->priority > 99))
		return cs_json_err(obj, err, EINVAL,
				   "priority must be from 1 to 99 for this policy");
	if (!rt && s->priority != 0)
		return cs_json_err(cs_json_get(obj, "priority"), err, EINVAL,
				   "is only for SCHED_FIFO and SCHED_RR");
	if (s->policy != SCHED_DEADLINE && (s->runtime || s->deadline || s->period))
		return cs_json_err(obj, err, EINVAL,
				   "runtime, deadline and period are only for SCHED_DEADLINE");
	if (s->policy == SCHED_DEADLINE &&
	    (!s->runtime || s->runtime > s->deadline || (s->period && s->deadline > s->period)))
		return cs_json_err(obj, err, EINVAL,
				   "SCHED_DEADLINE needs 0 < runtime <= deadline <= period");
	return 0;
}

static int scheduler(const struct cs_json *process, struct ctr_scheduler *out, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	int64_t nice = 0;
	uint64_t policy = 0;
	int rc;

	rc = cs_json_obj(process, "scheduler", &obj, err);
	if (rc <= 0)
		return rc;
	rc = ctr_spec_word(obj, "policy", &policies, &policy, err);
	if (rc == 0)
		return ctr_spec_missing(obj, "policy", err);
	if (rc >= 0)
		rc = ctr_spec_int(obj, "nice", -20, 19, &nice, err);
	if (rc >= 0)
		rc = cs_json_i32(obj, "priority", &out->priority, err);
	if (rc >= 0)
		rc = ctr_spec_words(obj, "flags", &flags, &out->flags, err);
	if (rc >= 0)
		rc = cs_json_u64(obj, "runtime", &out->runtime, err);
	if (rc >= 0)
		rc = cs_json_u64(obj, "deadline", &out->deadline, err);
	if (rc >= 0)
		rc = cs_json_u64(obj, "period", &out->period, err);
	if (rc < 0)
		return rc;
	out->present = true;
	out->policy = (uint32_t)policy;
	out->nice = (int32_t)nice;
	return scheduler_check(obj, out, err);
}

static int io_priority(const struct cs_json *process, struct ctr_process *p, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	int64_t priority = 0;
	uint64_t class = 0;
	int rc;

	rc = cs_json_obj(process, "ioPriority", &obj, err);
	if (rc <= 0)
		return rc;
	rc = ctr_spec_word(obj, "class", &classes, &class, err);
	if (rc == 0)
		return ctr_spec_missing(obj, "class", err);
	if (rc > 0)
		rc = ctr_spec_int(obj, "priority", 0, IOPRIO_NR_LEVELS - 1, &priority, err);
	if (rc < 0)
		return rc;
	p->has_io_priority = true;
	p->io_priority = (int)(class << IOPRIO_CLASS_SHIFT | (uint64_t)priority);
	return 0;
}

static int cpus(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		const char **out, struct cs_err *err)
{
	struct ctr_spec_set set = { .max = CTR_SPEC_MAX_CPU };
	const char *s = NULL;
	int rc = ctr_spec_str(obj, key, &s, err);

	return rc <= 0 ? rc : ctr_spec_numbers(doc, cs_json_get(obj, key), &set, out, err);
}

int ctr_spec_sched(const struct cs_json_doc *doc, const struct cs_json *process,
		   struct ctr_process *p, struct cs_err *err)
{
	const struct cs_json *affinity = NULL;
	int rc;

	rc = scheduler(process, &p->scheduler, err);
	if (rc >= 0)
		rc = io_priority(process, p, err);
	if (rc >= 0)
		rc = cs_json_obj(process, "execCPUAffinity", &affinity, err);
	if (rc >= 0)
		rc = cpus(doc, affinity, "initial", &p->affinity_initial, err);
	if (rc >= 0)
		rc = cpus(doc, affinity, "final", &p->affinity_final, err);
	return rc < 0 ? rc : 0;
}
