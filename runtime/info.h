#ifndef CS_RUNTIME_INFO_H
#define CS_RUNTIME_INFO_H

#include <sys/types.h>

#include "runtime/container.h"

struct cs_err;

/* The OCI state object (runtime.md, State) as text, for hooks and the seccomp agent. @pid 0: left
 * out. The caller frees *@out. */
int ctr_oci_state_text(const struct ctr_spec *spec, const char *id, const char *bundle, pid_t pid,
		       enum ctr_status status, char **out, struct cs_err *err);

/* The container process state (config-linux.md, The Container Process State) as text, for the
 * seccomp agent: one fd, "seccompFd". The caller frees *@out. */
int ctr_oci_process_state_text(const struct ctr_spec *spec, const char *id, const char *bundle,
			       pid_t pid, char **out, struct cs_err *err);

#endif
