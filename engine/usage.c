#include "engine/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { DEPTH_MAX = 200, BLOCK = 512 }; /* each level holds an fd; stat(2) counts such blocks */

static uint64_t share(const struct stat *sb)
{
	uint64_t n = S_ISDIR(sb->st_mode) || sb->st_nlink == 0 ? 1 : sb->st_nlink;

	return (uint64_t)sb->st_blocks * BLOCK / n;
}

static uint64_t walk(int dir, const char *name, dev_t dev, int depth)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *f;
	uint64_t sum = 0;
	struct stat sb;

	if (!d) {
		cs_close_fd(&fd);
		return 0;
	}
	while ((f = readdir(d))) {
		if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0 ||
		    fstatat(dirfd(d), f->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0 || sb.st_dev != dev)
			continue;
		sum += share(&sb);
		if (S_ISDIR(sb.st_mode) && depth < DEPTH_MAX)
			sum += walk(dirfd(d), f->d_name, dev, depth + 1);
	}
	return sum;
}

uint64_t eng_usage(int dir, const char *name)
{
	struct stat sb;

	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return share(&sb) + (S_ISDIR(sb.st_mode) ? walk(dir, name, sb.st_dev, 0) : 0);
}
