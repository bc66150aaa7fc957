#ifndef CS_RUNTIME_TEARDOWN_H
#define CS_RUNTIME_TEARDOWN_H

#include "runtime/container.h"

struct cs_err;

/* Takes down a container whose creation or start failed; what goes wrong is logged, since the
 * failure itself is what the user must hear. */
void ctr_teardown_failed(struct ctr *c);

/* Takes down a container whose init has ended, in the hands of the command that ran it. That
 * somebody else has done so is no error. */
int ctr_teardown_ended(struct ctr *c, struct cs_err *err);

/* Runs the hooks of @kind, poststart or poststop, with the container's state on stdin. What fails
 * is only warned of. */
void ctr_teardown_hooks(struct ctr *c, enum ctr_hook_kind kind, enum ctr_status status);

#endif
