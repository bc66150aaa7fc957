#include "runtime/ns/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/ns/setup.h"
#include "runtime/spec.h"

#include <sys/mount.h>

/* What the new mount namespace's copies of the host's mounts become first. Sharing and unbindable
 * are for the container's own root, by ctr_rootfs_seal(): an unbindable root could not be made. */
static unsigned long first_propagation(const struct ctr_spec *spec)
{
	unsigned long p = spec->rootfs_propagation;

	if (!p)
		return MS_SLAVE | MS_REC;
	return p & MS_UNBINDABLE ? MS_PRIVATE | (p & MS_REC) : p;
}

/* May a mount or unmount in the old tree still reach the host? */
static bool still_shared(const struct ctr_spec *spec)
{
	unsigned long p = first_propagation(spec);

	return !(p & MS_REC) || (p & MS_SHARED);
}

static int set_propagation(int dirfd, const char *path, unsigned long p)
{
	const struct mount_attr attr = { .propagation = p & ~(unsigned long)MS_REC };

	return cs_sys_mount_setattr(dirfd, path, AT_EMPTY_PATH | (p & MS_REC ? AT_RECURSIVE : 0),
				    &attr);
}

/*
 * Makes the mount that holds the folder @fd private: pivot_root(2) wants a parent that is not
 * shared, and the container's mounts are not to be propagated through it. mount_setattr(2) takes
 * only the root of a mount, so the way up is searched for it.
 */
static int cut_parent(int fd, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;

	for (int depth = 0; depth < PATH_MAX / 2; depth++) {
		int up;

		if (set_propagation(dir < 0 ? fd : dir, "", MS_PRIVATE) == 0)
			return 0;
		if (errno != EINVAL)
			break;
		up = openat(dir < 0 ? fd : dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			break;
		cs_close_fd(&dir);
		dir = up;
	}
	return cs_err_sys(err, "make the mount below root.path private");
}

/* See ctr_ns_setup.host_null. /dev is still the host's here; the check is for a host whose node is
 * not what it should be. Read-only: devices can be written to all the same, but the container's
 * root cannot change the mode and owner of the host's node. */
static int take_null(int *out, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	cs_auto_fd int fd = -EBADF;
	struct stat sb;

	fd = cs_sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "clone the mount of /dev/null for linux.maskedPaths");
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat /dev/null");
	if (!S_ISCHR(sb.st_mode) || sb.st_rdev != makedev(1, 3))
		return cs_err_set(err, ENODEV,
				  "/dev/null of the host is not the null device: refusing to "
				  "cover linux.maskedPaths with it");
	if (cs_sys_mount_setattr(fd, "", AT_EMPTY_PATH, &ro) < 0)
		return cs_err_sys(err, "make the mount of /dev/null read-only");
	*out = cs_take_fd(&fd);
	return 0;
}

/* Absolute: init's own copy of the mounts is meant, not the bundle fd's. */
static int open_root_path(const struct ctr_ns_setup *s, struct cs_err *err)
{
	const char *p = s->spec->root_path;
	char abs[PATH_MAX];
	int fd;

	if (p[0] != '/') {
		int r = cs_str_fmt(abs, sizeof(abs), err, "%s/%s", s->bundle, p);

		if (r < 0)
			return cs_err_wrap(err, "root.path");
		p = abs;
	}
	fd = open(p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open root.path %s", p);
	return fd;
}

int ctr_rootfs_attach(struct ctr_ns_setup *s, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int tree = -EBADF;
	cs_auto_fd int null = -EBADF;
	int r;

	if (s->spec->ns[CTR_NS_MOUNT].present &&
	    set_propagation(AT_FDCWD, "/", first_propagation(s->spec)) < 0)
		return cs_err_sys(err, "cut the mount propagation to the host "
				       "(linux.rootfsPropagation)");
	dir = open_root_path(s, err);
	if (dir < 0)
		return dir;
	if (!s->spec->ns[CTR_NS_MOUNT].present) {
		s->root = cs_take_fd(&dir);
		return 0;
	}

	if (still_shared(s->spec)) {
		r = cut_parent(dir, err);
		if (r < 0)
			return r;
	}
	tree = cs_sys_open_tree(dir, "",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
	if (tree < 0)
		return cs_err_sys(err, "clone the mount of root.path %s", s->spec->root_path);
	r = ctr_mount_attach(tree, dir, err);
	if (r < 0)
		return cs_err_wrap(err, "root.path %s", s->spec->root_path);
	if (s->spec->masked_paths && s->spec->masked_paths[0]) {
		r = take_null(&null, err);
		if (r < 0)
			return r;
	}
	s->host_null = cs_take_fd(&null);
	s->root = cs_take_fd(&tree);
	return 0;
}

static int chroot_here(struct cs_err *err)
{
	if (chroot(".") < 0 || chdir("/") < 0)
		return cs_err_sys(err, "chroot to the container's root");
	return 0;
}

static int pivot(const struct ctr_ns_setup *s, struct cs_err *err)
{
	cs_auto_fd int old = -EBADF;

	if (still_shared(s->spec)) {
		old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (old < 0)
			return cs_err_sys(err, "open the host's root");
	}
	/* The old root ends up on top of the new one; "." is the new one's folder, and umount2(2)
	 * alone looks for the topmost mount on it (pivot_root(2), NOTES). */
	if (cs_sys_pivot_root(".", ".") < 0)
		return cs_err_sys(err, "pivot_root to the container's root%s",
				  errno == EINVAL ? " (a host that runs from its initramfs needs "
						    "--no-pivot)"
						  : "");
	if (old >= 0 && set_propagation(old, "", MS_SLAVE | MS_REC) < 0)
		return cs_err_sys(err, "cut the old root's mounts off the host's");
	if (umount2(".", MNT_DETACH) < 0)
		return cs_err_sys(err, "unmount the old root");
	return 0;
}

int ctr_rootfs_pivot(struct ctr_ns_setup *s, struct cs_err *err)
{
	int r;

	if (fchdir(s->root) < 0)
		return cs_err_sys(err, "enter root.path");
	if (!s->spec->ns[CTR_NS_MOUNT].present)
		return chroot_here(err);
	if (!s->no_pivot)
		return pivot(s, err);
	r = ctr_rootfs_hide(s, err);
	if (r < 0)
		return r;
	if (cs_sys_move_mount(s->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "move the container's root over /");
	return chroot_here(err);
}

int ctr_rootfs_seal(struct ctr_ns_setup *s, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	unsigned long p = s->spec->rootfs_propagation;
	int r = ctr_mounts_seal(s, err);

	if (r < 0)
		return r;
	if (!s->spec->ns[CTR_NS_MOUNT].present) {
		if (!s->spec->root_readonly)
			return 0;
		return cs_err_set(err, EINVAL,
				  "root.readonly needs a mount namespace in linux.namespaces");
	}
	if (s->spec->root_readonly && cs_sys_mount_setattr(s->root, "", AT_EMPTY_PATH, &ro) < 0)
		return cs_err_sys(err, "make the root read-only (root.readonly)");
	/* of the root alone, also with the r-forms: other mounts have what the spec says of them */
	p &= MS_SHARED | MS_UNBINDABLE;
	if (p && set_propagation(s->root, "", p) < 0)
		return cs_err_sys(err, "set linux.rootfsPropagation of the root");
	return 0;
}
