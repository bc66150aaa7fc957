#ifndef CS_RUNTIME_NS_HOOKS_H
#define CS_RUNTIME_NS_HOOKS_H

#include <stddef.h>

#include "runtime/spec.h"

struct cs_err;

/* Runs the hooks of @kind in order with the state JSON on stdin (config.md, POSIX-platform Hooks).
 * The first that fails, times out or cannot be started ends it with an error that names it. */
int ctr_hooks_run(const struct ctr_hooks *hooks, enum ctr_hook_kind kind, const char *state,
		  struct cs_err *err);

/* The same, but once @stop (-EBADF: none) can be read, the hook that runs is killed: EINTR. */
int ctr_hooks_run_until(const struct ctr_hooks *hooks, enum ctr_hook_kind kind, const char *state,
			int stop, struct cs_err *err);

/* The same for poststart and poststop, whose failures are only warned of: the hooks that remain are
 * run all the same (runtime.md, Lifecycle), unless @stop says that this is to end. */
void ctr_hooks_run_all(const struct ctr_hooks *hooks, enum ctr_hook_kind kind, const char *state,
		       int stop);

#endif
