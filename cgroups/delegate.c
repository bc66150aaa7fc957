#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/cgroup_int.h"

/* What Linux 4.15 named, for a kernel or a /sys that does not say. */
static const char default_files[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";

/* Gives one file or, with "", the folder itself. */
static int give(const struct cg *cg, const char *name, uid_t uid, gid_t gid, struct cs_err *err)
{
	if (!fchownat(cg->v2_dir, name, uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ||
	    errno == ENOENT)
		return 0;
	return cg_file_err(err, errno, cg, (size_t)cg->host->v2, name, "change the owner of");
}

/* Only what the kernel itself lists is given away: the limits stay the host's (cgroups(7),
 * "Cgroups delegation: delegating a hierarchy to a less privileged user"). */
int cg_delegate(const struct cg *cg, uid_t uid, gid_t gid, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char list[4096];
	char *rest = list, *name;
	ssize_t n = -1;
	int ret;

	if (cg->v2_dir < 0)
		return 0;
	ret = give(cg, "", uid, gid, err);
	fd = open("/sys/kernel/cgroup/delegate", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, list, sizeof(list) - 1);
	if (n <= 0) {
		memcpy(list, default_files, sizeof(default_files));
		n = sizeof(default_files) - 1;
	}
	list[n] = '\0';
	while (!ret && (name = strsep(&rest, "\n")))
		if (*name && !strchr(name, '/'))
			ret = give(cg, name, uid, gid, err);
	return ret;
}
