#ifndef CS_RUNTIME_NS_PROCESS_H
#define CS_RUNTIME_NS_PROCESS_H

#include <stdbool.h>

#include "runtime/spec.h"

struct cs_err;
struct ctr_seccomp_prog;

/*
 * The last steps of a process that becomes the user's program, the same for init and for exec: both
 * run them inside, in this order: ctr_process_prepare(), [the runtime is told and answers],
 * ctr_process_become(), ctr_process_execute().
 */
struct ctr_becoming {
	const struct ctr_process *p;
	const struct ctr_seccomp_prog *seccomp; /* NULL: none */
	int root;				/* owned; O_PATH: the container's root */
	int proc;				/* verified procfs root */
	int sync;				/* where CTR_MSG_SECCOMP goes */
	int keep;				/* one more fd that stays open, or -EBADF */
	bool setgroups;				/* setgroups(2) is allowed */
	unsigned int preserve_fds;
	unsigned int listen_fds; /* those of ctr_process_listen_fds() */

	bool cwd_pending; /* filled: root may not enter cwd, perhaps the user may */
	char **env;	  /* filled: owned, as are its strings */
	char *path;	  /* filled: owned; what execve(2) gets */
};

/* How many fds of systemd's socket activation the runtime was given, for itself: LISTEN_PID, if it
 * is set, is its pid (sd_listen_fds(3)). To be asked in the runtime's own process. */
unsigned int ctr_process_listen_fds(void);

/* Environment (HOME, LISTEN_*), working folder, where the program is, and which fds it gets. First
 * of all, every fd but stdio, the preserved ones, proc, sync, keep and the log's is closed: a
 * folder of the host behind /proc/self/fd/N would be a way out for the paths of the working folder
 * and the program (CVE-2024-21626). A program that is not there or cannot be executed is an error:
 * *@exit_code is then 127 or 126. */
int ctr_process_prepare(struct ctr_becoming *b, int *exit_code, struct cs_err *err);

/* Scheduling, limits, then the way from root to the user's identity, with the security modules,
 * no_new_privs and seccomp in their order. Afterwards little is allowed. */
int ctr_process_become(struct ctr_becoming *b, struct cs_err *err);

/* execve(2). Returns only on failure; *@exit_code as above. */
int ctr_process_execute(struct ctr_becoming *b, int *exit_code, struct cs_err *err);

#endif
