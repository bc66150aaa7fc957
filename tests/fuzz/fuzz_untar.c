/*
 * engine/untar: whatever the tar says, it ends, and what it makes is beneath the folder that it is
 * unpacked to: a file and a folder beside that stay what they are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/untar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok) ((ok) ? (void)0 : abort())

enum { BLOCK = 512, MAX = 64 * 1024 };

/* A fuzzer does not find checksums: every block that looks like a header gets the right one. */
static void mend(uint8_t *buf, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		uint8_t *h = buf + at;
		unsigned int sum = 0;

		if (memcmp(h + 257, "ustar", 5) != 0)
			continue;
		memset(h + 148, ' ', 8);
		for (int i = 0; i < BLOCK; i++)
			sum += h[i];
		for (int i = 5; i >= 0; i--, sum >>= 3)
			h[148 + i] = (uint8_t)('0' + (sum & 7));
	}
}

/* Beside the folder are "file", which is empty, "dir", which is too, and nothing else. */
static void check_outside(int top)
{
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fdopendir(fd);
	struct stat sb;
	int n = 0;

	check(d);
	while (readdir(d))
		n++;
	check(n == 5); /* with "." and ".." */
	check(fstatat(top, "file", &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(sb.st_mode) &&
	      sb.st_size == 0 && sb.st_nlink == 1 && (sb.st_mode & 07777) == 0600);
	check(unlinkat(top, "dir", AT_REMOVEDIR) == 0 && mkdirat(top, "dir", 0700) == 0);
}

static void unpack(int top, const uint8_t *data, size_t size, bool follow)
{
	struct eng_untar_opts o = {
		.base = "into", .follow = follow, .file = -EBADF, .owners = true, .xattrs = true
	};
	cs_auto_fd int root = openat(top, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct cs_err err = CS_ERR_INIT;
	eng_auto_untar struct eng_untar *u = NULL;

	o.root = root;
	check(root >= 0 && eng_untar_new(&o, &u, &err) == 0);
	for (size_t at = 0, n; at < size; at += n) {
		n = size - at > 700 ? 700 : size - at; /* in pieces */
		if (eng_untar_write(u, data + at, n, &err) < 0) {
			check(*err.msg);
			return;
		}
	}
	if (eng_untar_end(u, &err) < 0)
		check(*err.msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "caisson-fuzz-untar";
	cs_auto_free uint8_t *copy = malloc(size + 1);
	cs_auto_fd int tmp = open(P_tmpdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), top = -EBADF;
	struct cs_err err = CS_ERR_INIT;
	char dir[64];
	int fd;

	check(copy && tmp >= 0);
	if (size < 2 || size > MAX)
		return 0;
	memcpy(copy, data, size);
	mend(copy + 1, size - 1);
	snprintf(dir, sizeof(dir), "%s.%d", name, (int)getpid());
	check(mkdirat(tmp, dir, 0700) == 0);
	top = openat(tmp, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(top >= 0 && mkdirat(top, "root", 0755) == 0 && mkdirat(top, "root/into", 0755) == 0 &&
	      mkdirat(top, "dir", 0700) == 0);
	fd = openat(top, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	check(fd >= 0);
	close(fd);
	unpack(top, copy + 1, size - 1, copy[0] & 1);
	check_outside(top);
	check(cs_file_rmtree(tmp, dir, &err) == 0);
	return 0;
}
