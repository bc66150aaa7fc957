#ifndef CS_RUNTIME_NS_LIMITS_H
#define CS_RUNTIME_NS_LIMITS_H

#include <sys/types.h>

struct cs_err;
struct ctr_process;
struct ctr_spec;

/* setrlimit(2) for each. Where raising is refused (EPERM: no CAP_SYS_RESOURCE), it is clamped to
 * the present hard limit with one warning. */
int ctr_limits_rlimits(const struct ctr_process *p, struct cs_err *err);

/* Host side: writes /proc/<pid>/oom_score_adj below the verified procfs @proc for the process @pid
 * that was just cloned (it could not do so itself from within a user namespace). Where lowering is
 * refused (EACCES/EPERM: no CAP_SYS_RESOURCE) it is a warning and the score stays. */
int ctr_limits_oom_score(const struct ctr_process *p, int proc, pid_t pid, struct cs_err *err);

/* scheduler, ioPriority, final CPU affinity, in the calling process. */
int ctr_limits_sched(const struct ctr_process *p, struct cs_err *err);

/* execCPUAffinity.initial / .final: a CPU list such as "0-3,7" (NULL: nothing to do). */
int ctr_limits_affinity(const char *cpus, struct cs_err *err);

/* personality(2) and set_mempolicy(2) of the spec. */
int ctr_limits_personality(const struct ctr_spec *spec, struct cs_err *err);
int ctr_limits_mempolicy(const struct ctr_spec *spec, struct cs_err *err);

#endif
