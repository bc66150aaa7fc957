#ifndef CS_RUNTIME_NS_SYSCTL_H
#define CS_RUNTIME_NS_SYSCTL_H

struct cs_err;
struct ctr_spec;

/* Pure: refuses a sysctl that is not namespaced or whose namespace the container does not own
 * (kernel.shm* needs ipc, net.* needs network, kernel.domainname needs uts …), naming it. */
int ctr_sysctl_check(const struct ctr_spec *spec, struct cs_err *err);

/* Writes linux.sysctl below the verified procfs @proc. Inside. */
int ctr_sysctl_apply(const struct ctr_spec *spec, int proc, struct cs_err *err);

#endif
