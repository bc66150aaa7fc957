/*
 * The small init of --init: PID 1 of a container whose program is none. Starts it, passes on the
 * signals it gets, reaps what is orphaned, and ends with the program's status.
 *
 *   caisson-init -- PROGRAM [ARGUMENT...]
 *   caisson-init --check		does nothing, successfully: the program of `caisson check`
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, FAILED = 125, BY_SIGNAL = 128 };

/* A group of its own, so that a signal reaches what the program started, too; in front of the
 * terminal if there is one (SIGTTOU is blocked). */
static void run(char *const argv[], const sigset_t *mask)
{
	int code;

	setpgid(0, 0);
	if (isatty(STDIN_FILENO))
		tcsetpgrp(STDIN_FILENO, getpgrp());
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	code = errno == ENOENT || errno == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
	dprintf(STDERR_FILENO, "caisson-init: %s: %s\n", argv[0], strerror(errno));
	_exit(code);
}

/* All that ended. The program's status once it has, else -1. */
static int reap(pid_t program)
{
	int result = -1, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != program)
			continue;
		result = WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status);
	}
	return result;
}

int main(int argc, char **argv)
{
	sigset_t all, before;
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1, result = -1;
	siginfo_t info;
	pid_t pid;

	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		return 0;
	if (first >= argc) {
		dprintf(STDERR_FILENO, "usage: caisson-init -- PROGRAM [ARGUMENT...]\n");
		return FAILED;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run(argv + first, &before);
	if (pid < 0) {
		dprintf(STDERR_FILENO, "caisson-init: fork: %s\n", strerror(errno));
		return FAILED;
	}
	setpgid(pid, pid); /* both do it: whoever is first, it is done */
	while (result < 0) {
		int signo = sigwaitinfo(&all, &info);

		if (signo == SIGCHLD)
			result = reap(pid);
		else if (signo > 0 && kill(-pid, signo) < 0)
			kill(pid, signo);
	}
	return result;
}
