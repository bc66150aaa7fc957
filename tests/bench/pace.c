/*
 * Times commands against one another: each contestant is one string, its words split at blanks, its
 * commands at ";". They take turns, so that a machine that grows slower does so for all.
 *
 *	pace RUNS CONTESTANT...		a round runs a contestant's commands one after the other
 *	pace -p AT-ONCE RUNS CONTESTANT...	RUNS of its one command, AT-ONCE at a time;
 *						"@" in a word becomes the run's number
 *
 * Prints a line a contestant: median wall ms, median CPU ms (of the command and all its children),
 * largest resident set of a process in KiB. With -p wall and CPU are those of all runs together.
 * The commands' output goes to /dev/null; one that fails ends it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORDS = 64, MAX_CONTESTANTS = 8, WARM_UP = 3 };

struct sample {
	double wall, cpu; /* ms */
	long rss;	  /* KiB */
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Not by fork(2): the child's resident set is not to start with a copy of ours. */
static pid_t start(char *const *argv)
{
	posix_spawn_file_actions_t to_null;
	pid_t pid;

	if (!argv[0]) {
		errno = EINVAL;
		fail("an empty command");
	}
	posix_spawn_file_actions_init(&to_null);
	posix_spawn_file_actions_addopen(&to_null, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&to_null, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	errno = posix_spawnp(&pid, argv[0], &to_null, NULL, argv, environ);
	if (errno)
		fail(argv[0]);
	posix_spawn_file_actions_destroy(&to_null);
	return pid;
}

static void finish(pid_t pid, const char *name, struct sample *s)
{
	struct rusage ru;
	int status;

	if (wait4(pid, &status, 0, &ru) < 0)
		fail("wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "pace: %s failed with wait status 0x%x\n", name, (unsigned)status);
		exit(1);
	}
	s->cpu += (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e3 +
		  (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e3;
	if (ru.ru_maxrss > s->rss)
		s->rss = ru.ru_maxrss;
}

/* Splits @text in place; "@" in a word becomes @number. Words of commands are separated by NULL. */
static size_t split(char *text, int number, char **words)
{
	char *rest = NULL;
	size_t n = 0;

	for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		char *at = number < 0 ? NULL : strchr(w, '@');

		if (n + 2 >= MAX_WORDS) {
			errno = E2BIG;
			fail("command");
		}
		if (strcmp(w, ";") == 0)
			words[n++] = NULL;
		else if (!at)
			words[n++] = w;
		else if (asprintf(&words[n++], "%.*s%d%s", (int)(at - w), w, number, at + 1) < 0)
			fail("asprintf");
	}
	words[n] = NULL;
	return n;
}

static struct sample run_in_turn(const char *contestant)
{
	struct sample s = { 0 };
	char *text = strdup(contestant), *words[MAX_WORDS];
	size_t n = split(text, -1, words);
	double begin = now_ms();

	for (size_t i = 0; i < n; i++) {
		finish(start(words + i), words[i], &s);
		while (words[i])
			i++;
	}
	s.wall = now_ms() - begin;
	free(text);
	return s;
}

static struct sample run_at_once(const char *contestant, int at_once, int runs)
{
	struct sample s = { 0 };
	pid_t *pids = calloc((size_t)runs, sizeof(*pids));
	double begin = now_ms();

	if (!pids)
		fail("calloc");
	for (int i = 0; i < runs + at_once; i++) {
		if (i >= at_once)
			finish(pids[i - at_once], contestant, &s);
		if (i < runs) {
			char *text = strdup(contestant), *words[MAX_WORDS];

			split(text, i, words);
			pids[i] = start(words);
		}
	}
	s.wall = now_ms() - begin;
	free(pids);
	return s;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const struct sample *v, int n, int cpu)
{
	double *sorted = calloc((size_t)n, sizeof(*sorted));
	double m;

	for (int i = 0; i < n; i++)
		sorted[i] = cpu ? v[i].cpu : v[i].wall;
	qsort(sorted, (size_t)n, sizeof(*sorted), compare);
	m = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	free(sorted);
	return m;
}

int main(int argc, char **argv)
{
	int at_once = 0, first = 1, runs, n;
	struct sample *all;

	if (argc > 2 && strcmp(argv[1], "-p") == 0) {
		at_once = (int)strtol(argv[2], NULL, 10);
		first = 3;
	}
	runs = argc > first ? (int)strtol(argv[first], NULL, 10) : 0;
	n = argc - first - 1;
	if (runs < 1 || n < 1 || n > MAX_CONTESTANTS || at_once < 0) {
		fputs("usage: pace [-p AT-ONCE] RUNS CONTESTANT...\n", stderr);
		return 2;
	}
	argv += first + 1;
	for (int c = 0; at_once && c < n; c++) {
		struct sample s = run_at_once(argv[c], at_once, runs);

		printf("%.2f %.2f %ld\n", s.wall, s.cpu, s.rss);
	}
	if (at_once)
		return 0;
	all = calloc((size_t)n * (size_t)runs, sizeof(*all));
	for (int i = -WARM_UP; i < runs; i++) {
		for (int c = 0; c < n; c++) {
			struct sample s = run_in_turn(argv[c]);

			if (i >= 0)
				all[c * runs + i] = s;
		}
	}
	for (int c = 0; c < n; c++) {
		long rss = 0;

		for (int i = 0; i < runs; i++)
			rss = all[c * runs + i].rss > rss ? all[c * runs + i].rss : rss;
		printf("%.2f %.2f %ld\n", median(all + c * runs, runs, 0),
		       median(all + c * runs, runs, 1), rss);
	}
	free(all);
	return 0;
}
