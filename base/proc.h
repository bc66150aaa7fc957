#ifndef CS_BASE_PROC_H
#define CS_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;

/* Waits for the child behind @pidfd and reaps it. *@status is as waitpid(2) gives it. ECHILD when
 * it is no child, or the caller ignores SIGCHLD: the kernel then reaps it itself. */
int cs_proc_wait(int pidfd, int *status, struct cs_err *err);

/* Waits up to @timeout_ms (-1: for ever) for the process behind @pidfd (any process, not only a
 * child) to end. Returns 1 ended, 0 timeout. Does not reap. */
int cs_proc_wait_end(int pidfd, int timeout_ms, struct cs_err *err);

/* Exit status a shell would show: code, or 128 + signal. */
int cs_proc_exit_code(int wait_status);

/* Start time of a process in clock ticks since boot (field 22 of /proc/<pid>/stat, proc(5)); with
 * the pid it names a process for good. ESRCH if there is none, also for a zombie if @no_zombie. */
int cs_proc_start_time(int procfd, pid_t pid, bool no_zombie, uint64_t *out, struct cs_err *err);

/* A pidfd of @pid if it is still the process that started at @start, else ESRCH. */
int cs_proc_pidfd(int procfd, pid_t pid, uint64_t start, struct cs_err *err);

/* Sets every signal to its default action and unblocks it, for a program about to be started.
 * exec resets only what is handled: what we were started with ignored stays so. 0, or -1 and
 * errno. Async-signal-safe. */
int cs_proc_default_signals(void);

/* Sets the signals that this process was started with ignored (SigIgn of proc(5)) to their default
 * action, so that none of its children has them so, and none vanishes unreaped (SIGCHLD). */
int cs_proc_unignore_signals(int procfd, struct cs_err *err);

/* A program to run to its end with text on stdin: hooks, helpers. No shell. It is killed when the
 * calling thread ends first, whatever ended it (but a program that changes its ids or gets
 * capabilities on execve(2), and what a program starts itself, lives on: PR_SET_PDEATHSIG). */
struct cs_proc_run {
	const char *path;	 /* absolute */
	const char *const *argv; /* NULL-terminated; NULL: { path } */
	const char *const *envp; /* NULL-terminated; NULL: empty */
	const void *in;		 /* for its stdin */
	size_t in_len;
	int timeout_ms; /* 0: none; then it and its process group are killed: ETIMEDOUT */
	int out_fd;	/* its stdout and stderr; -EBADF: /dev/null */
	int stop_fd;	/* once this can be read, it is killed as after the timeout: EINTR. It is
			 * not read here. 0 or negative: none */
};

/* Runs it; *@status as waitpid(2) gives it. A program that cannot be started is an error. Other
 * fds are not inherited; signals are back to their defaults. */
int cs_proc_run(const struct cs_proc_run *r, int *status, struct cs_err *err);

#endif
