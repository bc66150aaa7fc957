#ifndef CS_RUNTIME_NS_LIMITS_H
#define CS_RUNTIME_NS_LIMITS_H

#include <stddef.h>

struct cs_err;
struct ctr_process;
struct ctr_spec;

/* setrlimit(2) for each. Where raising is refused (EPERM: no CAP_SYS_RESOURCE), it is clamped to the
 * present hard limit with one warning. */
int ctr_limits_rlimits(const struct ctr_process *p, struct cs_err *err);

/* Writes /proc/self/oom_score_adj below the verified procfs @proc. A refused lowering (no
 * CAP_SYS_RESOURCE) is a warning when in a user namespace or unprivileged host, else an error. */
int ctr_limits_oom_score(const struct ctr_process *p, int proc, struct cs_err *err);

/* scheduler, ioPriority, final CPU affinity, in the calling process. */
int ctr_limits_sched(const struct ctr_process *p, struct cs_err *err);

/* execCPUAffinity.initial / .final: a CPU list such as "0-3,7" (NULL: nothing to do). */
int ctr_limits_affinity(const char *cpus, struct cs_err *err);

/* personality(2) and set_mempolicy(2) of the spec. */
int ctr_limits_personality(const struct ctr_spec *spec, struct cs_err *err);
int ctr_limits_mempolicy(const struct ctr_spec *spec, struct cs_err *err);

#endif
