#ifndef CS_RUNTIME_NS_EXEC_H
#define CS_RUNTIME_NS_EXEC_H

struct cs_err;
struct ctr;
struct ctr_child;
struct ctr_exec_opts;

/* isolation.h exec() of the first wall: another process in a container's namespaces and cgroup,
 * running the program when this returns. The caller reaps it. */
int ctr_ns_exec(struct ctr *c, const struct ctr_exec_opts *opts, struct ctr_child *child,
		struct cs_err *err);

#endif
