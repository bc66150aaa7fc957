#ifndef CS_TESTS_UNIT_RUNTIME_ATCALL_H
#define CS_TESTS_UNIT_RUNTIME_ATCALL_H

#include <sys/ptrace.h>

#include "tests/unit/runtime/mntfix.h"

/*
 * An attacker who strikes between two given system calls of the runtime: each gap is tried once, so
 * that a check and a use with a gap between them are found for certain, not by luck.
 */
struct at_call {
	int (*run)(struct fix *f);    /* the step; what it returns does not matter */
	bool (*attack)(void);	      /* what the attacker does, in his own mount namespace, and
				       * undoes when called again; could he? */
	void (*check)(struct fix *f); /* asserts that no harm is done */
};

enum { AT_CALL_MAX = 400, AT_CALL_NOT_REACHED = 77 };

/* The traced child of at_call_one(). */
static inline void at_call_child(const struct at_call *a, struct fix *f)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	raise(SIGSTOP);
	a->run(f);
	_exit(0);
}

static inline bool at_call_attack(const struct at_call *a, int ns)
{
	pid_t pid = fix_fork();
	int status;

	if (pid == 0) {
		if (setns(ns, CLONE_NEWNS) < 0)
			_exit(2);
		_exit(a->attack() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

/* Lets the child go on, the attack coming just before its call number @k. Was it reached? */
static inline bool at_call_trace(const struct at_call *a, int ns, pid_t pid, int k)
{
	bool entry = true, reached = false, done = false;
	int status, n = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(
		ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0) {
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (entry && n++ == k) {
			done = at_call_attack(a, ns);
			reached = true;
		}
		entry = !entry;
	}
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x",
		      status);
	if (done)
		at_call_attack(a, ns);
	return reached;
}

/* Tries one gap in a mount namespace of its own. The root is attached there. */
static inline int at_call_one(const struct at_call *a, struct fix *f, int ns, int k)
{
	int status;
	pid_t arena = fix_fork(), pid;

	if (arena == 0) {
		bool reached;

		ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
		fix_step_ok(f, STEP_ATTACH | STEP_PROC);
		pid = fix_fork();
		if (pid == 0)
			at_call_child(a, f);
		reached = at_call_trace(a, ns, pid, k);
		a->check(f);
		_exit(reached ? 0 : AT_CALL_NOT_REACHED);
	}
	ck_assert_int_eq(waitpid(arena, &status, 0), arena);
	return status;
}

/* Tries them all; in the lab, where a gap takes fifty times as long, one in ten. */
static inline void at_each_call(const struct at_call *a, struct fix *f)
{
	int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int step = getenv("CAISSON_LAB") ? 10 : 1;
	int k = 0, status;

	ck_assert_int_ge(ns, 0);
	for (;; k += step) {
		status = at_call_one(a, f, ns, k);
		if (WIFEXITED(status) && WEXITSTATUS(status) == AT_CALL_NOT_REACHED)
			break;
		if (status != 0) /* the message is the child's */
			exit(1);
		ck_assert_int_lt(k, AT_CALL_MAX);
	}
	ck_assert_int_gt(k, 5);
	close(ns);
}

#endif
