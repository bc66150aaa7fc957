/*
 * The main() of a fuzz target when libFuzzer is not there: runs the target once over each seed in
 * $srcdir/tests/fuzz/corpus/<parser>/ (the program's name is fuzz_<parser>) and once over nothing.
 * Speaks TAP. A crash ends the output before its plan, which the test driver counts as an error.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(int dirfd, const char *name)
{
	uint8_t *data = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0) {
		/* an exact-size buffer, so that ASan sees a read past the end */
		data = malloc(st.st_size ? (size_t)st.st_size : 1);
		n = data ? read(fd, data, (size_t)st.st_size) : -1;
		if (n == st.st_size)
			LLVMFuzzerTestOneInput(data, (size_t)n);
	}
	free(data);
	close(fd);
	return n >= 0 && n == st.st_size ? 0 : -1;
}

static int replay_dir(const char *path)
{
	const struct dirent *e;
	int failed = 0, n = 0;
	DIR *dir;

	dir = opendir(path);
	if (!dir) {
		perror(path);
		return -1;
	}
	while ((e = readdir(dir))) {
		int bad;

		if (e->d_name[0] == '.')
			continue;
		printf("# %s\n", e->d_name);
		(void)fflush(stdout);
		bad = replay(dirfd(dir), e->d_name);
		failed |= bad;
		printf("%s %d - %s\n", bad ? "not ok" : "ok", ++n, e->d_name);
	}
	closedir(dir);
	printf("%s %d - has seeds\n", n ? "ok" : "not ok", n + 1);
	printf("1..%d\n", n + 1);
	return n ? failed : -1;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strrchr(argv[0], '/');
	char path[PATH_MAX], full[PATH_MAX];
	int len;

	(void)argc;
	name = name ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) != 0) {
		fprintf(stderr, "%s: the program's name must be fuzz_<parser>\n", name);
		return EXIT_FAILURE;
	}
	len = snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
		       name + strlen("fuzz_"));
	if (len < 0 || (size_t)len >= sizeof(path))
		return EXIT_FAILURE;
	/* absolute: a target may change the working folder */
	if (!realpath(path, full)) {
		perror(path);
		return EXIT_FAILURE;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	return replay_dir(full) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
