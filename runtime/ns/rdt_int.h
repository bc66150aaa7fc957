#ifndef CS_RUNTIME_NS_RDT_INT_H
#define CS_RUNTIME_NS_RDT_INT_H

#include <stdbool.h>
#include <sys/types.h>

struct cs_err;
struct ctr_intel_rdt;

/* The parts of rdt.c that know no mount point, for it and its tests: @root is a resctrl root. */

int ctr_rdt_create_at(int root, const struct ctr_intel_rdt *rdt, const char *id, pid_t pid,
		      struct cs_err *err);
int ctr_rdt_join_at(int root, const struct ctr_intel_rdt *rdt, const char *id, pid_t pid,
		    struct cs_err *err);
int ctr_rdt_destroy_at(int root, const struct ctr_intel_rdt *rdt, const char *id,
		       struct cs_err *err);

/* Does @schemata (a schemata file's text) have every value of the lines @wanted? Values compare as
 * the kernel writes them: padding, leading zeros and case do not count. Pure. */
bool ctr_rdt_matches(const char *schemata, const char *wanted);

#endif
