#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"
#include "runtime/container.h"
#include "runtime/vm/host.h"

/* A folder of ours, in memory, that covers the state folder in this mount namespace. */
static int make_top(const struct ctr *c, struct cs_err *err)
{
	cs_auto_fd int fs = cs_sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	cs_auto_fd int mnt = -EBADF;
	char path[PATH_MAX];

	/* by its path: an fd would name it in the namespace that this process came from */
	if (cs_str_fmt(path, sizeof(path), err, "%s/%s", c->rt->root, c->id) < 0)
		return -err->code;
	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, "size", "1m", 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "make the folder that the machine sees");
	mnt = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0 || cs_sys_move_mount(mnt, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "mount the folder that the machine sees");
	return cs_take_fd(&mnt);
}

/* Makes a mount read-only, and all that are below it. */
static int make_read_only(int tree, bool recursive, const char *path, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	return cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &ro) <
			       0
		       ? cs_err_sys(err, "make %s read-only", path)
		       : 0;
}

/* Shows @path, with what is mounted below it if @opt says so, as @name. */
static int show(int top, const char *path, const char *name, const struct ctr_mountopt *opt,
		struct cs_err *err)
{
	const unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (opt->recursive_bind ? AT_RECURSIVE : 0) |
		(opt->src_nofollow || opt->copy_symlink ? AT_SYMLINK_NOFOLLOW : 0);
	cs_auto_fd int tree = cs_sys_open_tree(AT_FDCWD, path, flags);
	struct stat st;
	int fd;

	if (tree < 0 || fstatat(tree, "", &st, AT_EMPTY_PATH) < 0)
		return cs_err_sys(err, "open %s", path);
	if (((opt->attr_set & MOUNT_ATTR_RDONLY) && make_read_only(tree, false, path, err) < 0) ||
	    ((opt->rec_attr_set & MOUNT_ATTR_RDONLY) && make_read_only(tree, true, path, err) < 0))
		return -err->code;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return cs_err_set(
			err, ENOTSUP,
			"%s is neither file nor folder: nothing else of the host can be used "
			"in a machine",
			path);
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(top, name, 0755) < 0)
			return cs_err_sys(err, "make a folder to show %s", path);
	} else {
		fd = openat(top, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			return cs_err_sys(err, "make a file to show %s", path);
		close(fd);
	}
	if (cs_sys_move_mount(tree, "", top, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "show %s to the machine", path);
	return 0;
}

static int show_mount(const struct ctr *c, int top, size_t i, struct cs_err *err)
{
	const struct ctr_mount *m = &c->spec.mounts[i];
	char path[PATH_MAX], name[32];

	snprintf(name, sizeof(name), "m%zu", i);
	if (cs_str_fmt(path, sizeof(path), err, "%s%s%s",
		       m->source[0] == '/' ? "" : c->state.bundle, m->source[0] == '/' ? "" : "/",
		       m->source) < 0 ||
	    show(top, path, name, &m->opt, err) < 0)
		return cs_err_wrap(err, "mounts[%zu]", i);
	return 0;
}

int ctr_vm_share(const struct ctr *c, struct cs_err *err)
{
	const struct ctr_mountopt all = { .recursive_bind = true };
	cs_auto_fd int top = -EBADF;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return cs_err_sys(err, "keep the machine's mounts apart");
	top = make_top(c, err);
	if (top < 0)
		return top;
	if (show(top, c->state.rootfs, "rootfs", &all, err) < 0)
		return cs_err_wrap(err, "root.path");
	for (size_t i = 0; i < c->spec.n_mounts; i++)
		if (ctr_vm_is_shared(&c->spec, i) && show_mount(c, top, i, err) < 0)
			return -err->code;
	return cs_take_fd(&top);
}
