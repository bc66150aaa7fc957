#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/check_int.h"
#include "engine/record.h"
#include "engine/userns.h"

enum { MIB = 1024 * 1024 };

static void check_space(struct eng_check *c)
{
	struct statvfs fs;
	uint64_t free_mib, mib;

	if (statvfs(c->tmp, &fs) < 0)
		return;
	free_mib = (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
	mib = (uint64_t)fs.f_blocks * fs.f_frsize / MIB;
	if (free_mib < 64)
		eng_check_fail(c, "space", "caisson system df says who has it; system prune frees",
			       "%llu MiB free in %s", (unsigned long long)free_mib, c->root);
	else if (free_mib < 1024 || free_mib < mib / 20)
		eng_check_warn(c, "space", "caisson system df says who has it; system prune frees",
			       "%llu MiB free in %s", (unsigned long long)free_mib, c->root);
	else
		eng_check_pass(c, "space", "%llu MiB free", (unsigned long long)free_mib);
	if (fs.f_files && fs.f_favail < fs.f_files / 20)
		eng_check_warn(c, "inodes", "remove files, or make the file system anew with more",
			       "less than a twentieth is free");
	else
		eng_check_pass(c, "inodes", "enough");
	if (fs.f_flag & (ST_NOEXEC | ST_NODEV | ST_NOSUID))
		eng_check_warn(c, "mount options", "mount it without them",
			       "%s is mounted%s%s%s: volumes have that, too", c->root,
			       fs.f_flag & ST_NOEXEC ? " noexec" : "",
			       fs.f_flag & ST_NODEV ? " nodev" : "",
			       fs.f_flag & ST_NOSUID ? " nosuid" : "");
	else
		eng_check_pass(c, "mount options", "none in the way");
}

static void check_state(struct eng_check *c)
{
	struct statfs fs;

	if (statfs(c->tmp_run, &fs) < 0)
		return;
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		eng_check_pass(c, "state", "is gone at reboot");
	else
		eng_check_warn(c, "state", "put it on a tmpfs, as /run is (--state)",
			       "%s is on no tmpfs: slower, and there after a reboot", c->state);
}

/* --- what the root's file system can ---------------------------------------------------------- */

static int open_file(const struct eng_check *c, const char *name, struct cs_err *err)
{
	char path[PATH_MAX];
	int fd;

	if (cs_str_fmt(path, sizeof(path), err, "%s/%s", c->tmp, name) < 0)
		return -err->code;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return cs_err_sys(err, "make a file");
	return fd;
}

/* An overlay cannot do without its own; images have the others now and then. */
static void check_xattrs(struct eng_check *c)
{
	static const char help[] = "put the root on ext4, XFS or btrfs (--root)";
	/* vfs_cap_data, version 2, with no capability in it */
	static const unsigned char caps[20] = { [3] = 2 };
	/* posix_acl_xattr, version 2: owner, user 1, group, mask, others, of 8 bytes each */
	static const unsigned char acl[4 + 5 * 8] = {
		[0] = 2,     [4] = 0x01,  [6] = 6,     [8] = 0xff,  [9] = 0xff,	 [10] = 0xff,
		[11] = 0xff, [12] = 0x02, [14] = 4,    [16] = 1,    [20] = 0x04, [22] = 4,
		[24] = 0xff, [25] = 0xff, [26] = 0xff, [27] = 0xff, [28] = 0x10, [30] = 4,
		[32] = 0xff, [33] = 0xff, [34] = 0xff, [35] = 0xff, [36] = 0x20, [40] = 0xff,
		[41] = 0xff, [42] = 0xff, [43] = 0xff,
	};
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int fd = open_file(c, "xattrs", &why);

	if (fd < 0)
		return;
	if (fsetxattr(fd, "trusted.overlay.caisson", "1", 1, 0) < 0)
		eng_check_fail(c, "attributes", help, "trusted.overlay.* cannot be set: %s",
			       strerror(errno));
	else if (fsetxattr(fd, "security.capability", caps, sizeof(caps), 0) < 0)
		eng_check_warn(c, "attributes", help, "security.capability cannot be set: %s",
			       strerror(errno));
	else if (fsetxattr(fd, "user.caisson", "1", 1, 0) < 0)
		eng_check_warn(c, "attributes", help, "user.* cannot be set: %s", strerror(errno));
	else if (fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0) < 0)
		eng_check_warn(c, "attributes", help, "access control lists cannot be set: %s",
			       strerror(errno));
	else
		eng_check_pass(c, "attributes", "trusted, security, user, access control lists");
}

static void check_locks(struct eng_check *c)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int fd = open_file(c, "locks", &why);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0)
		eng_check_pass(c, "locks", "work");
	else
		eng_check_fail(c, "locks", "put root and state on local file systems",
			       "files of %s cannot be locked: %s", c->root, strerror(errno));
}

static void check_reflink(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int a = open_file(c, "from", &why), b = open_file(c, "to", &why);

	if (a < 0 || b < 0)
		return;
	if (ioctl(b, FICLONE, a) == 0)
		eng_check_pass(c, "reflinks", "new volumes share the image's blocks");
	else
		eng_check_warn(c, "reflinks", "put the root on XFS or btrfs, if that matters",
			       "not on this file system: new volumes are filled by copying");
}

/* Nothing here asks for it yet: what is pulled is verified by its digests. */
static void check_verity(struct eng_check *c)
{
	struct fsverity_enable_arg how = {
		.version = 1,
		.hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
		.block_size = 4096,
	};
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int fd = open_file(c, "verity", &why), again = -EBADF;
	char path[64];

	if (fd < 0)
		return;
	/* of a file that nobody may write to */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	cs_close_fd(&fd);
	if (again >= 0 && ioctl(again, FS_IOC_ENABLE_VERITY, &how) == 0)
		eng_check_pass(c, "fs-verity", "works on the root's file system");
	else
		eng_check_pass(c, "fs-verity", "not there, not needed (%s)", strerror(errno));
}

/* Nor for this: how much a container writes is not limited. */
static void check_quota(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int fd = open_file(c, "project", &why);
	struct if_dqinfo info;
	struct fsxattr attr;

	if (fd < 0)
		return;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0) {
		eng_check_pass(c, "project quota", "not there, not needed (%s)", strerror(errno));
		return;
	}
	attr.fsx_projid = 1;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0)
		eng_check_pass(c, "project quota", "not there, not needed (%s)", strerror(errno));
	else if (syscall(SYS_quotactl_fd, fd, QCMD(Q_GETINFO, PRJQUOTA), 0, &info) < 0)
		eng_check_pass(c, "project quota",
			       "files can have a project, quota is off, and "
			       "not needed");
	else
		eng_check_pass(c, "project quota", "is on");
}

static int make_dirs(const char *top, struct cs_err *err)
{
	static const char *const names[] = { "lower", "upper", "work", "merged" };
	char path[PATH_MAX];

	for (size_t i = 0; i < CS_LEN(names); i++) {
		if (cs_str_fmt(path, sizeof(path), err, "%s/%s", top, names[i]) < 0)
			return -err->code;
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make folder %s", names[i]);
	}
	return 0;
}

static int set(int fs, const char *top, const char *key, const char *name, struct cs_err *err)
{
	char path[PATH_MAX];

	if (cs_str_fmt(path, sizeof(path), err, "%s/%s", top, name) < 0)
		return -err->code;
	if (cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0) < 0)
		return cs_err_sys(err, "overlay's %s", key);
	return 0;
}

/* A file of the lower folder is changed and removed. */
static int use_overlay(int mnt, struct cs_err *err)
{
	cs_auto_fd int fd = openat(mnt, "file", O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return cs_err_sys(err, "write to an overlay");
	if (unlinkat(mnt, "file", 0) < 0)
		return cs_err_sys(err, "remove from an overlay");
	return 0;
}

static int try_overlay(const struct eng_check *c, void *arg, struct cs_err *err)
{
	cs_auto_fd int fs = -EBADF, mnt = -EBADF, file = -EBADF;

	(void)arg;
	if (unshare(CLONE_NEWNS) < 0)
		return cs_err_sys(err, "unshare");
	if (make_dirs(c->tmp, err) < 0)
		return -err->code;
	file = open_file(c, "lower/file", err);
	if (file < 0)
		return file;
	fs = cs_sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return cs_err_sys(err, "overlay");
	if (set(fs, c->tmp, "lowerdir", "lower", err) < 0 ||
	    set(fs, c->tmp, "upperdir", "upper", err) < 0 ||
	    set(fs, c->tmp, "workdir", "work", err) < 0)
		return -err->code;
	if (cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "mount an overlay");
	mnt = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return mnt < 0 ? cs_err_sys(err, "mount an overlay") : use_overlay(mnt, err);
}

static void check_overlay(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;

	if (eng_check_try(c, try_overlay, NULL, &why) == 0)
		eng_check_pass(c, "overlay", "works on the root's file system");
	else
		eng_check_fail(c, "overlay",
			       "load the module (modprobe overlay); put the root on ext4, XFS or "
			       "btrfs, and on no other overlay (--root)",
			       "%s", why.msg);
}

/* --- id-mapped mounts ------------------------------------------------------------------------- */

static int try_idmap(const struct eng_check *c, void *arg, struct cs_err *err)
{
	static const char *const map[] = { "0:1073741824:65536", NULL };
	struct eng_record r = ENG_RECORD_INIT;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	cs_auto_fd int tree = -EBADF, ns = -EBADF;

	(void)arg;
	tree = cs_sys_open_tree(AT_FDCWD, c->tmp, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return cs_err_sys(err, "clone a mount");
	r.uidmap = (struct eng_strv){ map, 1 };
	ns = eng_userns_open(&r, err);
	if (ns < 0)
		return ns;
	attr.userns_fd = (__u64)ns;
	if (cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) < 0)
		return cs_err_sys(err, "id-mapped mount");
	return 0;
}

static void check_idmap(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;

	if (eng_check_try(c, try_idmap, NULL, &why) == 0)
		eng_check_pass(c, "id-mapped mounts", "work on the root's file system");
	else
		eng_check_warn(c, "id-mapped mounts",
			       "use Linux 5.19 or newer, and a file system that has them: without, "
			       "--userns and --uidmap do not work",
			       "%s", why.msg);
}

void eng_check_storage(struct eng_check *c)
{
	if (*c->tmp_run)
		check_state(c);
	if (!*c->tmp)
		return;
	check_space(c);
	check_locks(c);
	check_xattrs(c);
	check_overlay(c);
	eng_check_erofs(c);
	check_idmap(c);
	check_reflink(c);
	check_verity(c);
	check_quota(c);
}
