#include "cgroups/cgroup_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

enum {
	OPEN_TRIES = 32, /* EAGAIN: something was renamed meanwhile */
	READ_ALL_MAX = 16 << 20,
	SMALL_MAX = 4096,
	/* The kernel hands out a page's worth of lines at once: less than this, ending with a
	 * line, is all there is. */
	SURELY_ALL = 1024,
};

/* Paths come from a config and name folders that containers may write to: whatever is in them,
 * this ends in the host's own cgroup mounts. */
static int open_beneath(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = cs_sys_openat2(root, *path ? path : ".", &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd < 0 ? -errno : fd;
}

int cg_file_open_at(const struct cg_host *host, size_t h, const char *path, const char *name,
		    int flags)
{
	char rel[CG_PATH_MAX];
	int ret = cg_path_rel(host, h, path, name, rel);

	return ret < 0 ? ret : open_beneath(host->root, rel, flags);
}

int cg_file_open(const struct cg *cg, size_t h, const char *name, int flags)
{
	if (cg->host->hier[h].v2 && cg->v2_dir >= 0)
		return open_beneath(cg->v2_dir, name, flags);
	return cg_file_open_at(cg->host, h, cg->path, name, flags);
}

/* Reads @fd to its end. */
static int read_small(int fd, char *buf, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == size)
			return -EFBIG;
		if (len < SURELY_ALL && buf[len - 1] == '\n')
			break;
	}
	while (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return (int)len;
}

int cg_file_read_at(const struct cg_host *host, size_t h, const char *path, const char *name,
		    char *buf, size_t size)
{
	cs_auto_fd int fd = cg_file_open_at(host, h, path, name, O_RDONLY);

	return fd < 0 ? fd : read_small(fd, buf, size);
}

int cg_file_read(const struct cg *cg, size_t h, const char *name, char *buf, size_t size)
{
	cs_auto_fd int fd = cg_file_open(cg, h, name, O_RDONLY);

	return fd < 0 ? fd : read_small(fd, buf, size);
}

int cg_file_read_all(const struct cg *cg, size_t h, const char *name, char **out)
{
	cs_auto_fd int fd = cg_file_open(cg, h, name, O_RDONLY);
	struct cs_err err = CS_ERR_INIT;
	size_t len;

	return fd < 0 ? fd : cs_fd_read_all(fd, READ_ALL_MAX, out, &len, &err);
}

static int write_once(int fd, const char *text)
{
	ssize_t n;

	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int cg_file_write_at(const struct cg_host *host, size_t h, const char *path, const char *name,
		     const char *text)
{
	cs_auto_fd int fd = cg_file_open_at(host, h, path, name, O_WRONLY);

	return fd < 0 ? fd : write_once(fd, text);
}

int cg_file_write(const struct cg *cg, size_t h, const char *name, const char *text)
{
	cs_auto_fd int fd = cg_file_open(cg, h, name, O_WRONLY);

	return fd < 0 ? fd : write_once(fd, text);
}

int cg_file_err(struct cs_err *err, int code, const struct cg *cg, size_t h, const char *name,
		const char *what)
{
	return cs_err_errno(err, code, "%s %s%s%s%s", what, cg->host->hier[h].mountpoint, cg->path,
			    *name ? "/" : "", name);
}

int cg_file_u64(const struct cg *cg, size_t h, const char *name, uint64_t *out)
{
	char buf[64];
	int ret = cg_file_read(cg, h, name, buf, sizeof(buf));

	if (ret < 0)
		return ret;
	if (strcmp(buf, "max") == 0) {
		*out = UINT64_MAX;
		return 0;
	}
	return cs_str_u64(buf, out);
}

int cg_text_key(const char *text, const char *key, uint64_t *out)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char number[24];
		size_t n;

		line += *line == '\n';
		if (strncmp(line, key, len) != 0 || line[len] != ' ')
			continue;
		n = strcspn(line + len + 1, "\n");
		if (n >= sizeof(number))
			return -EINVAL;
		memcpy(number, line + len + 1, n);
		number[n] = '\0';
		return cs_str_u64(number, out);
	}
	return -ENOENT;
}

int cg_file_key(const struct cg *cg, size_t h, const char *name, const char *key, uint64_t *out)
{
	char buf[SMALL_MAX];
	int ret = cg_file_read(cg, h, name, buf, sizeof(buf));

	return ret < 0 ? ret : cg_text_key(buf, key, out);
}
