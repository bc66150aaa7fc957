#ifndef CS_RUNTIME_NS_INIT_H
#define CS_RUNTIME_NS_INIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/ns/process.h"
#include "runtime/ns/setup.h"

struct ctr_join;

/* What a container's init needs to know; filled by the runtime before the clone. Borrowed. */
struct ctr_init {
	struct ctr_ns_setup setup;
	struct ctr_becoming becoming;
	const struct ctr_join *join; /* to be joined by init itself; NULL: none, or done already */
	int sync;		     /* to the runtime */
	int runtime_end; /* of sync: let go of at once, so that the runtime's death is seen */
	int listener;	 /* where `start` connects; -EBADF: the runtime itself starts it */
	int lock;	 /* the state folder's: let go of at once, it is the runtime's */
	bool cloned_into_cgroup; /* the v2 cgroup is joined already */
	bool outside;		 /* the runtime is to be told when the namespaces stand */
	bool new_keyring;
	pid_t pid; /* filled where hooks are run inside: its pid as the runtime sees it */
};

/* The init process from the clone to execve(2). Its order of steps is the list in init.c. */
_Noreturn void ctr_init_main(struct ctr_init *in);

#endif
