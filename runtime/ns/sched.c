#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "runtime/ns/limits.h"
#include "runtime/spec.h"

enum {
	IOPRIO_WHO_SELF = 1, /* IOPRIO_WHO_PROCESS of ioprio_set(2); with id 0 the caller */
	MAX_CPUS = 8192,
	LONG_BITS = 8 * sizeof(unsigned long),
};

/* The first 48 bytes of sched_setattr(2)'s struct, all the spec has fields for. The uapi header
 * with it cannot be included beside glibc's sched.h. */
struct sched_attr_ver0 {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int scheduler_set(const struct ctr_scheduler *s, struct cs_err *err)
{
	struct sched_attr_ver0 attr = {
		.size = sizeof(attr),
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = (uint32_t)s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
		return cs_err_sys(err, "process.scheduler: sched_setattr policy %u", s->policy);
	return 0;
}

int ctr_limits_sched(const struct ctr_process *p, struct cs_err *err)
{
	int rc;

	if (p->scheduler.present) {
		rc = scheduler_set(&p->scheduler, err);
		if (rc < 0)
			return rc;
	}
	if (p->has_io_priority && syscall(SYS_ioprio_set, IOPRIO_WHO_SELF, 0, p->io_priority) < 0)
		return cs_err_sys(err, "process.ioPriority: ioprio_set");
	return ctr_limits_affinity(p->affinity_final, err);
}

/* One number of a CPU list; *@s is moved behind it. */
static bool cpu_number(const char **s, unsigned int *out)
{
	unsigned int v = 0;

	if (**s < '0' || **s > '9')
		return false;
	while (**s >= '0' && **s <= '9') {
		v = v * 10 + (unsigned int)(**s - '0');
		if (v >= MAX_CPUS)
			return false;
		(*s)++;
	}
	*out = v;
	return true;
}

/* "0-3,7" into @mask; the highest CPU of it, or -1 where the text is no such list. */
static int cpu_list(const char *s, unsigned long *mask)
{
	unsigned int first, last, top = 0;

	for (;;) {
		if (!cpu_number(&s, &first))
			return -1;
		last = first;
		if (*s == '-') {
			s++;
			if (!cpu_number(&s, &last) || last < first)
				return -1;
		}
		for (unsigned int cpu = first; cpu <= last; cpu++)
			mask[cpu / LONG_BITS] |= 1UL << cpu % LONG_BITS;
		if (last > top)
			top = last;
		if (!*s)
			return (int)top;
		if (*s++ != ',')
			return -1;
	}
}

int ctr_limits_affinity(const char *cpus, struct cs_err *err)
{
	unsigned long mask[MAX_CPUS / LONG_BITS] = { 0 };
	size_t size;
	int top;

	if (!cpus || !*cpus)
		return 0;
	top = cpu_list(cpus, mask);
	if (top < 0)
		return cs_err_set(err, EINVAL,
				  "process.execCPUAffinity: \"%s\" is no CPU list such as 0-3,7 "
				  "(numbers below %d)",
				  cpus, MAX_CPUS);
	size = ((size_t)top / LONG_BITS + 1) * sizeof(unsigned long);
	if (syscall(SYS_sched_setaffinity, 0, size, mask) < 0)
		return cs_err_sys(err, "process.execCPUAffinity: sched_setaffinity \"%s\"", cpus);
	return 0;
}
