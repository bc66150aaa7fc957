#ifndef CS_RUNTIME_NS_HOOKS_H
#define CS_RUNTIME_NS_HOOKS_H

#include <stddef.h>

#include "runtime/spec.h"

struct cs_err;

/* Runs the hooks of @kind in order with the state JSON on stdin (config.md, POSIX-platform Hooks).
 * The first that fails, times out or cannot be started ends it with an error that names it; for
 * poststart and poststop (and after a failure) the caller decides to only warn. */
int ctr_hooks_run(const struct ctr_hooks *hooks, enum ctr_hook_kind kind, const char *state,
		  struct cs_err *err);

#endif
