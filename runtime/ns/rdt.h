#ifndef CS_RUNTIME_NS_RDT_H
#define CS_RUNTIME_NS_RDT_H

#include <sys/types.h>

struct cs_err;
struct ctr_spec;

/* linux.intelRdt over resctrl(5). ENOTSUP, naming the field, where resctrl is not mounted. */
int ctr_rdt_create(const struct ctr_spec *spec, const char *id, pid_t pid, struct cs_err *err);
/* Removes what create made (a monitoring group, and the CLOS if it was made for the container). */
int ctr_rdt_destroy(const struct ctr_spec *spec, const char *id, struct cs_err *err);

#endif
