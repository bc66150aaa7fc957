#include "runtime/ns/procfs.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/sys.h"

/* Returns the fd, or -1 with errno where the kernel does not let this process have one. */
static int new_procfs(void)
{
	cs_auto_fd int ctx = cs_sys_fsopen("proc", FSOPEN_CLOEXEC);

	if (ctx < 0 || cs_sys_fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return cs_sys_fsmount(ctx, FSMOUNT_CLOEXEC,
			      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int ctr_procfs_open(struct cs_err *err)
{
	cs_auto_fd int clone = -EBADF;
	struct cs_err ignored = CS_ERR_INIT;
	int fd;

	fd = new_procfs();
	if (fd >= 0)
		return fd;
	if (errno != EPERM)
		return cs_err_sys(err, "make a procfs for the runtime's own use");

	/* Without AT_RECURSIVE a clone has none of the mounts that may lie over parts of /proc; in
	 * a user namespace the kernel refuses to uncover them that way. */
	clone = cs_sys_open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (clone >= 0 && cs_path_proc_verify(clone, &ignored) == 0)
		return cs_take_fd(&clone);
	return cs_path_proc_open(err);
}
