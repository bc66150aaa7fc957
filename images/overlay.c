#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "images/rootfs_int.h"

#include <sys/mount.h>

static int set(int fs, const char *key, const char *value, struct cs_err *err)
{
	if (cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return cs_err_sys(err, "overlay: set %s", key);
	return 0;
}

static int set_fd(int fs, const char *key, int fd, const char *below, struct cs_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d%s", fd, below);
	return set(fs, key, path, err);
}

int img_overlay_direct(const struct img_overlay *o, struct cs_err *err)
{
	cs_auto_fd int fs = -EBADF;
	int ret = 0, fd;

	fs = cs_sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return cs_err_sys(err, "overlay: open");
	for (size_t i = o->n; i-- > 0 && ret == 0;)
		ret = set_fd(fs, "lowerdir+", o->layers[i], "", err);
	if (ret == 0 && o->dir >= 0)
		ret = set_fd(fs, "upperdir", o->dir, "/upper", err);
	if (ret == 0 && o->dir >= 0)
		ret = set_fd(fs, "workdir", o->dir, "/work", err);
	if (ret < 0)
		return ret;
	if (o->volatile_upper && o->dir >= 0 &&
	    cs_sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
		return cs_err_sys(err, "overlay: set volatile");
	if (o->userxattr && cs_sys_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		return cs_err_sys(err, "overlay: set userxattr");
	if (cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "overlay: create");
	fd = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, o->dir >= 0 ? 0 : MOUNT_ATTR_RDONLY);
	if (fd < 0)
		return cs_err_sys(err, "overlay: mount");
	return fd;
}

/* A tmpfs that is the working folder: what is mounted in it has short names. */
static int enter_scratch(struct cs_err *err)
{
	cs_auto_fd int fs = -EBADF;
	cs_auto_fd int mnt = -EBADF;

	if (unshare(CLONE_NEWNS) < 0)
		return cs_err_sys(err, "make a mount namespace");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return cs_err_sys(err, "make mounts private");
	fs = cs_sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "make a tmpfs");
	mnt = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0 || cs_sys_move_mount(mnt, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "mount a tmpfs");
	if (fchdir(mnt) < 0)
		return cs_err_sys(err, "enter a tmpfs");
	return 0;
}

static int attach(int mnt, const char *name, struct cs_err *err)
{
	if (mkdir(name, 0700) < 0)
		return cs_err_sys(err, "make a folder in a tmpfs");
	if (cs_sys_move_mount(mnt, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "attach layer %s", name);
	return 0;
}

/* Runs in the child. mount(2): its options are one page, whose names are as short as can be. */
static int overlay_here(const struct img_overlay *o, int tree, struct cs_err *err)
{
	cs_auto_buf struct cs_buf opts = CS_BUF_INIT;
	char name[24];
	int ret = enter_scratch(err), fd;

	for (size_t i = o->n; i-- > 0 && ret == 0;) {
		snprintf(name, sizeof(name), "%zu", i);
		cs_buf_addf(&opts, "%s%s", opts.len ? ":" : "lowerdir=", name);
		ret = attach(o->layers[i], name, err);
	}
	if (ret == 0 && tree >= 0) {
		cs_buf_add(&opts, ",upperdir=w/upper,workdir=w/work");
		cs_buf_add(&opts, o->volatile_upper ? ",volatile" : "");
		ret = attach(tree, "w", err);
	}
	cs_buf_add(&opts, o->userxattr ? ",userxattr" : "");
	if (ret == 0)
		ret = cs_buf_ok(&opts, err);
	if (ret < 0)
		return ret;
	if (mkdir("m", 0700) < 0 ||
	    mount("overlay", "m", "overlay", tree >= 0 ? 0 : MS_RDONLY, opts.s) < 0)
		return cs_err_sys(err, "mount an overlay of %zu layers", o->n);
	fd = cs_sys_open_tree(AT_FDCWD, "m", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "take the overlay");
	return fd;
}

static _Noreturn void child(const struct img_overlay *o, int tree, int sock)
{
	struct cs_err err = CS_ERR_INIT, ignored = CS_ERR_INIT;
	int fd = overlay_here(o, tree, &err);

	cs_fd_send(sock, &fd, fd >= 0, &err, sizeof(err), &ignored);
	_exit(fd < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int receive(int sock, struct cs_err *err)
{
	struct cs_err theirs = CS_ERR_INIT;
	size_t n = 0, len = sizeof(theirs);
	int fd = -EBADF;
	int ret = cs_fd_recv(sock, &fd, 1, &n, &theirs, &len, err);

	if (ret < 0)
		return cs_err_wrap(err, "mount a root filesystem");
	if (n == 1)
		return fd;
	theirs.msg[sizeof(theirs.msg) - 1] = '\0';
	return cs_err_set(err, theirs.code > 0 ? theirs.code : EIO, "%s", theirs.msg);
}

int img_overlay_apart(const struct img_overlay *o, struct cs_err *err)
{
	cs_auto_fd int tree = -EBADF;
	cs_auto_fd int ours = -EBADF;
	cs_auto_fd int theirs = -EBADF;
	int sv[2], ret;
	pid_t pid;

	if (o->dir >= 0) {
		tree = cs_sys_open_tree(o->dir, "",
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
		if (tree < 0)
			return cs_err_sys(err, "take the folder of the writable layer");
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return cs_err_sys(err, "make a socket pair");
	ours = sv[0];
	theirs = sv[1];
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "fork");
	if (pid == 0)
		child(o, tree, theirs);
	cs_close_fd(&theirs);
	ret = receive(ours, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return ret;
}
