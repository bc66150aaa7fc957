#ifndef CS_RUNTIME_NS_RDT_H
#define CS_RUNTIME_NS_RDT_H

#include <sys/types.h>

struct cs_err;
struct ctr_spec;

/* linux.intelRdt (config-linux.md, IntelRdt) over resctrl, mounted at /sys/fs/resctrl: puts @pid
 * into its class of service (closID; "/" is the default one), which is made if it may be, and into
 * a monitoring group of its own if wanted. ENOTSUP, naming the field, where resctrl is not mounted.
 * On failure nothing that was made is left. */
int ctr_rdt_create(const struct ctr_spec *spec, const char *id, pid_t pid, struct cs_err *err);

/* Puts @pid, another process of the container (exec), where create put the first one. Without
 * linux.intelRdt it does nothing. */
int ctr_rdt_join(const struct ctr_spec *spec, const char *id, pid_t pid, struct cs_err *err);

/* Removes what create made for this container alone: its monitoring group, and the class if
 * closID is not set. What is not there is no error. */
int ctr_rdt_destroy(const struct ctr_spec *spec, const char *id, struct cs_err *err);

#endif
