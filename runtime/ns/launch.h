#ifndef CS_RUNTIME_NS_LAUNCH_H
#define CS_RUNTIME_NS_LAUNCH_H

struct cs_err;
struct ctr;
struct ctr_child;
struct ctr_create_opts;

/* isolation.h create() of the first wall: makes cgroup, namespaces and init, and serves init until
 * it is ready. On failure init is dead and reaped; the cgroup is left to destroy(). */
int ctr_ns_create(struct ctr *c, const struct ctr_create_opts *opts, struct ctr_child *child,
		  struct cs_err *err);

#endif
