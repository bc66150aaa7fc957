/*
 * clock FILE COMMAND [ARG...]: runs a command and adds a line to FILE: the microseconds from before
 * its start to its end. By posix_spawn(3): a shell's own fork, which takes as long as a small
 * program, is none of the command's time. Ends with its status.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	long long begin;
	int status;
	pid_t pid;
	FILE *f;

	if (argc < 3) {
		fputs("usage: clock FILE COMMAND [ARG...]\n", stderr);
		return 2;
	}
	begin = now_us();
	errno = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
	if (errno || waitpid(pid, &status, 0) < 0) {
		fprintf(stderr, "clock: %s: %s\n", argv[2], strerror(errno));
		return 127;
	}
	begin = now_us() - begin;
	f = fopen(argv[1], "ae");
	if (!f || fprintf(f, "%lld\n", begin) < 0 || fclose(f) != 0) {
		fprintf(stderr, "clock: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
