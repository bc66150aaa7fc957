#ifndef CS_RUNTIME_ISOLATION_H
#define CS_RUNTIME_ISOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cg_oom;
struct cg_resources;
struct cs_err;
struct cs_jw;
struct ctr;
struct ctr_create_opts;
struct ctr_exec_opts;
struct ctr_child;
struct ctr_procs;

/*
 * The seam: what a wall does. Everything above (state folder, locks, hooks outside, exit status) is
 * the same for every wall; everything below is the wall's own. A config.json field or flag that a
 * wall cannot honour is refused by check(), naming the field and the wall.
 */
struct ctr_isolation_ops {
	const char *name; /* "container", "vm" */

	/* Refuses what this wall cannot honour. No side effects. */
	int (*check)(const struct ctr *c, struct cs_err *err);

	/* Everything but the user's program: the wall stands, init waits to be started. Calls
	 * ctr_record_init() as soon as there is a process, before it can do anything that outlives
	 * it. On failure nothing is left. */
	int (*create)(struct ctr *c, const struct ctr_create_opts *opts, struct ctr_child *child,
		      struct cs_err *err);

	/* Lets init run the user's program; returns when it runs, or with what execve(2) said. */
	int (*start)(struct ctr *c, struct cs_err *err);
	/* 1: init is alive and waits for start, 0: it runs the user's program. Never out of date.
	 */
	int (*waits)(struct ctr *c, struct cs_err *err);

	/* Another process inside, running when this returns. */
	int (*exec)(struct ctr *c, const struct ctr_exec_opts *opts, struct ctr_child *child,
		    struct cs_err *err);

	int (*signal)(struct ctr *c, int signo, bool all, struct cs_err *err);
	int (*pause)(struct ctr *c, struct cs_err *err);
	int (*resume)(struct ctr *c, struct cs_err *err);
	/* 1 paused, 0 not. */
	int (*frozen)(struct ctr *c, struct cs_err *err);
	int (*update)(struct ctr *c, const struct cg_resources *res, struct cs_err *err);
	/* The "data" members of `events --stats`, into the open object of @w. */
	int (*stats)(struct ctr *c, struct cs_jw *w, struct cs_err *err);
	/* Pids of every process, as the host sees them, or as its machine numbers them; the caller
	 * frees *@pids. */
	int (*pids)(struct ctr *c, pid_t **pids, size_t *n, struct cs_err *err);
	/* 1: @out has them; 0: they are processes of the host's, and pids() tells them. */
	int (*procs)(struct ctr *c, struct ctr_procs *out, struct cs_err *err);
	/* As cg_oom_open() and cg_oom_next(). */
	int (*oom_open)(struct ctr *c, struct cg_oom *out, struct cs_err *err);
	int (*oom_next)(struct ctr *c, struct cg_oom *oom, struct cs_err *err);

	/* Takes down what is left of the wall; idempotent; finishes what a crash left. */
	int (*destroy)(struct ctr *c, struct cs_err *err);
};

extern const struct ctr_isolation_ops ctr_isolation_ns;
extern const struct ctr_isolation_ops ctr_isolation_vm;

/* The wall of that name, NULL if there is none. */
const struct ctr_isolation_ops *ctr_isolation_by_name(const char *name);

#endif
