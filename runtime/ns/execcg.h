#ifndef CS_RUNTIME_NS_EXECCG_H
#define CS_RUNTIME_NS_EXECCG_H

#include <stdbool.h>

#include "cgroups/cgroup.h"

struct cs_err;
struct ctr;

/* The cgroups a process of exec goes to: the container's, or those of --cgroup below it. */
struct ctr_exec_cgroup {
	struct cg_host host;
	struct cg cg;
	bool sub;     /* --cgroup was given */
	int clone_fd; /* v2 cgroup to be cloned into; borrowed; -EBADF: none */
};

/* Opens them. @subs as in ctr_exec_opts.cgroups. */
int ctr_exec_cgroup_open(const struct ctr *c, const char *const *subs, struct ctr_exec_cgroup *out,
			 struct cs_err *err);
void ctr_exec_cgroup_fini(struct ctr_exec_cgroup *x);

/* Joins them, in the process itself. */
int ctr_exec_cgroup_join(const struct ctr_exec_cgroup *x, struct cs_err *err);

/* On v2 a cgroup that hands controllers to cgroups below it takes no processes (cgroups(7), the
 * rule of no internal processes): then exec's goes where the container's init went. Replaces x->cg.
 */
int ctr_exec_cgroup_follow_init(const struct ctr *c, struct ctr_exec_cgroup *x, struct cs_err *err);

#endif
