#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"

enum { RACE_TRIES = 128 };

int ctr_dest_clean(const char *dest, char out[PATH_MAX], struct cs_err *err)
{
	size_t len = 0;

	for (const char *p = dest; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (len + n + 2 > PATH_MAX)
				return cs_err_set(err, ENAMETOOLONG, "the path is too long");
			out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
		p += *p == '/';
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return 0;
}

bool ctr_dest_below(const char *clean, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(clean, dir, n) == 0 && (clean[n] == '\0' || clean[n] == '/');
}

static bool on_procfs(int fd)
{
	struct statfs sf;

	return fstatfs(fd, &sf) == 0 && sf.f_type == PROC_SUPER_MAGIC;
}

/*
 * What covers a part of /proc can fake what a process reads and writes there: with a fake
 * /proc/self/attr the security label of exec(2) goes nowhere (CVE-2019-16884). Allowed is what
 * lxcfs(1) shows: files that only tell something.
 */
static bool may_cover(const char *clean)
{
	static const char *const allowed[] = {
		"/proc/cpuinfo",
		"/proc/diskstats",
		"/proc/loadavg",
		"/proc/meminfo",
		"/proc/net/dev",
		"/proc/slabinfo",
		"/proc/stat",
		"/proc/swaps",
		"/proc/sys/crypto/fips_enabled",
		"/proc/sys/kernel/ns_last_pid",
		"/proc/uptime",
	};

	return cs_str_in(clean, allowed, CS_LEN(allowed));
}

int ctr_dest_check_text(const char *clean, struct cs_err *err)
{
	if (strcmp(clean, "/") == 0)
		return cs_err_set(err, EINVAL, "the root cannot be covered");
	if (ctr_dest_below(clean, "/proc") && strcmp(clean, "/proc") != 0 && !may_cover(clean))
		return cs_err_set(err, EPERM, "no mount may lie over a part of /proc");
	return 0;
}

int ctr_dest_check_target(const char *clean, int target, int tree, bool fresh_proc,
			  struct cs_err *err)
{
	if (strcmp(clean, "/proc") == 0) {
		if (fresh_proc || on_procfs(tree))
			return 0;
		return cs_err_set(err, EPERM, "only a procfs may be mounted on /proc");
	}
	if (on_procfs(target) && !may_cover(clean))
		return cs_err_set(err, EPERM, "it leads to a procfs, which no mount may cover");
	return 0;
}

/* Most mount points are missing only their last component (/dev/pts in a new /dev). Returns -1
 * where it is not so; then base/path.h's slower way is to be taken. */
static int make_last(int root, const char *clean)
{
	struct cs_err ignored = CS_ERR_INIT;
	cs_auto_fd int parent = -EBADF;
	const char *name;

	parent = cs_path_parent(root, clean, false, &name, &ignored);
	if (parent < 0 || mkdirat(parent, name, 0755) < 0)
		return -1;
	return openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int ctr_dest_folder(int root, const char *clean, struct cs_err *err)
{
	int fd = cs_path_open(root, clean, O_PATH | O_DIRECTORY, err);

	if (fd != -ENOENT)
		return fd;
	cs_err_clear(err);
	fd = make_last(root, clean);
	return fd >= 0 ? fd : cs_path_target(root, clean, true, err);
}

int ctr_dest_fresh(const struct ctr_mount_run *run, const char *clean)
{
	size_t n = strlen(run->fresh_at);

	if (n == 0 || strncmp(clean, run->fresh_at, n) != 0 || clean[n] != '/' ||
	    strchr(clean + n + 1, '/') || mkdirat(run->fresh, clean + n + 1, 0755) < 0)
		return -1;
	return openat(run->fresh, clean + n + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_strict(int root, const char *clean)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	for (int i = 0; i < RACE_TRIES; i++) {
		fd = cs_sys_openat2(root, clean, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

int ctr_dest_strict(int root, const char *clean, struct cs_err *err)
{
	int fd = open_strict(root, clean);

	if (fd < 0 && errno == ENOENT) {
		fd = cs_path_mkdirs(root, clean, 0755, err);
		if (fd < 0)
			return fd;
		cs_close_fd(&fd);
		fd = open_strict(root, clean);
	}
	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return cs_err_set(err, ELOOP,
				  "it must be an ordinary folder, but is reached over a symlink");
	return cs_err_sys(err, "open the folder to mount on");
}

/* -ENOENT without an error when there is nothing. */
static int open_nofollow(int root, const char *clean, struct cs_err *err)
{
	cs_auto_fd int parent = -EBADF;
	const char *name;
	int fd;

	parent = cs_path_parent(root, clean, true, &name, err);
	if (parent < 0)
		return parent;
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ENOENT : cs_err_sys(err, "open the destination");
}

int ctr_dest_bind(int root, const char *clean, int tree, bool nofollow, struct cs_err *err)
{
	struct stat sb;
	int fd;

	if (nofollow) {
		fd = open_nofollow(root, clean, err);
	} else {
		fd = cs_path_open(root, clean, O_PATH, err);
		if (fd == -ENOENT)
			cs_err_clear(err);
	}
	if (fd != -ENOENT)
		return fd;
	if (fstat(tree, &sb) < 0)
		return cs_err_sys(err, "stat the bind source");
	return cs_path_target(root, clean, S_ISDIR(sb.st_mode), err);
}
