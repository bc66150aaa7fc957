#ifndef CS_RUNTIME_NS_CLONE_H
#define CS_RUNTIME_NS_CLONE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;
struct ctr_join;

/* A process to be made with namespaces of its own. */
struct ctr_clone {
	uint64_t flags; /* CLONE_NEW* of clone3(2) */
	int cgroup_fd;	/* v2 cgroup to be born in; negative: the runtime's */
	const struct ctr_join
		*join;		 /* to be joined by a stage between, which ends; NULL: no stage */
	bool sibling;		 /* a child of the caller's own parent (CLONE_PARENT) */
	int (*entry)(void *arg); /* runs in the process; its return value is the exit status */
	void *arg;
};

/* Makes it. It is the caller's own child also with a stage (CLONE_PARENT). Signal handlers are
 * reset; the signal mask is inherited. *@pidfd is the caller's. */
int ctr_clone(const struct ctr_clone *how, pid_t *pid, int *pidfd, struct cs_err *err);

#endif
