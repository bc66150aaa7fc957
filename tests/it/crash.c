/*
 * Kills a program at its Nth system call, by ptrace(2).
 *
 *	crash [--children] REPORT N COMMAND [ARGUMENT...]
 *
 * Calls are counted from the program's first execve(2) on; the Nth is not made any more. With
 * --children it is the program's children that are counted, all together, and the one that makes
 * the Nth call is killed; the program goes on. Children that execute something themselves (the
 * user's program, a hook) are let go of.
 *
 * The file REPORT gets one line: "killed" or, when there were fewer than N calls, "ended"; the
 * program's exit status; how many calls; and the number (unistd.h) of the one that was not made.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 2 };

struct crash {
	pid_t main;	 /* the program */
	bool children;	 /* count its children's calls, not its own */
	bool counts;	 /* the program has been executed */
	uint64_t n;	 /* kill at this one */
	uint64_t calls;	 /* so far */
	uint64_t killed; /* the number of the call it was killed at */
	bool done;	 /* somebody was killed */
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(FAILED);
}

/* Waits until it is traced, then becomes the program. */
static _Noreturn void become(int go, char *const argv[])
{
	char c;

	if (read(go, &c, 1) != 1)
		_exit(FAILED);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(FAILED);
}

static void start(struct crash *c, char *const argv[])
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
	int go[2];

	if (c->children)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe2");
	c->main = fork();
	if (c->main < 0)
		die("fork");
	if (c->main == 0)
		become(go[0], argv);
	if (ptrace(PTRACE_SEIZE, c->main, NULL, options) < 0)
		die("PTRACE_SEIZE");
	/* counted from the execve(2) on: no stop before it is wanted */
	if (write(go[1], "g", 1) != 1)
		die("write");
	close(go[0]);
	close(go[1]);
}

static bool is_counted(const struct crash *c, pid_t pid)
{
	return c->counts && !c->done && (pid != c->main) == c->children;
}

/* A stop at the entry of a system call or the way back from it. */
static void on_syscall(struct crash *c, pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
		return; /* somebody else has killed it */
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !is_counted(c, pid))
		return;
	c->calls++;
	if (c->calls < c->n)
		return;
	c->done = true;
	c->killed = info.entry.nr;
	/* the kernel looks for a fatal signal once more before it makes the call */
	kill(pid, SIGKILL);
}

/* Lets a stopped process go on, as its kind of stop needs. */
static void resume(struct crash *c, pid_t pid, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;

	if (event == PTRACE_EVENT_EXEC && pid != c->main) {
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		return;
	}
	if (event == PTRACE_EVENT_EXEC)
		c->counts = true;
	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) { /* stopped by a signal */
		ptrace(PTRACE_LISTEN, pid, NULL, NULL);
		return;
	}
	if (event || sig == (SIGTRAP | 0x80))
		sig = 0;
	ptrace(is_counted(c, pid) ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (void *)(intptr_t)sig);
}

/* Until the program has ended. What it left behind runs on untraced when we end. */
static int follow(struct crash *c)
{
	for (;;) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			die("waitpid");
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == c->main)
				return status;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			on_syscall(c, pid);
		resume(c, pid, status);
	}
}

static void report(const struct crash *c, const char *path, int status)
{
	FILE *f = fopen(path, "we");
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);

	if (!f)
		die(path);
	fprintf(f, "%s %d %llu %llu\n", c->done ? "killed" : "ended", code,
		(unsigned long long)c->calls, (unsigned long long)c->killed);
	if (fclose(f) != 0)
		die(path);
}

int main(int argc, char **argv)
{
	struct crash c = { 0 };
	char *end;

	if (argc > 1 && strcmp(argv[1], "--children") == 0) {
		c.children = true;
		argv++;
		argc--;
	}
	if (argc < 4) {
		fputs("usage: crash [--children] REPORT N COMMAND [ARGUMENT...]\n", stderr);
		return FAILED;
	}
	c.n = strtoull(argv[2], &end, 10);
	if (*end || c.n == 0) {
		fprintf(stderr, "crash: %s is not a number from 1 on\n", argv[2]);
		return FAILED;
	}
	start(&c, argv + 3);
	report(&c, argv[1], follow(&c));
	return 0;
}
