#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
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
				return cs_err_set(err, ENAMETOOLONG, "destination is too long");
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
 * lxcfs(1) shows: files that only tell something. The destination's text may lead to a procfs also
 * through a symlink in the image or through a bind mount; so the target is looked at too.
 */
int ctr_dest_check_proc(const char *clean, int target, int tree, bool fresh_proc,
			struct cs_err *err)
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

	if (strcmp(clean, "/proc") == 0) {
		if (fresh_proc || on_procfs(tree))
			return 0;
		return cs_err_set(err, EPERM, "only a procfs may be mounted on /proc");
	}
	if (cs_str_in(clean, allowed, CS_LEN(allowed)))
		return 0;
	if (ctr_dest_below(clean, "/proc"))
		return cs_err_set(err, EPERM, "no mount may lie over a part of /proc");
	if (on_procfs(target))
		return cs_err_set(err, EPERM,
				  "it leads to a part of a procfs, which no mount may "
				  "cover");
	return 0;
}

static int open_strict(int root, const char *dest)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	for (int i = 0; i < RACE_TRIES; i++) {
		fd = cs_sys_openat2(root, dest, &how);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

int ctr_dest_strict(int root, const char *dest, struct cs_err *err)
{
	int fd = open_strict(root, dest);

	if (fd < 0 && errno == ENOENT) {
		fd = cs_path_mkdirs(root, dest, 0755, err);
		if (fd < 0)
			return fd;
		cs_close_fd(&fd);
		fd = open_strict(root, dest);
	}
	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return cs_err_set(err, ELOOP,
				  "it must be an ordinary folder, and is reached over a symlink");
	return cs_err_sys(err, "open the folder to mount on");
}
