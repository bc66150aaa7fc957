#include "images/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "images/digest.h"
#include "images/layer.h"
#include "images/rootfs_int.h"

#include <sys/mount.h>

enum { LOOP_TRIES = 64 };

void img_lowers_fini(struct img_lowers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->fds)
			cs_close_fd(&l->fds[i]);
		if (l->paths)
			free(l->paths[i]);
	}
	free(l->fds);
	free(l->paths);
	free(l->folders);
	*l = IMG_LOWERS_INIT;
}

/* Opens one layer as number @i. */
static int add_lower(const struct img_store *st, struct img_lowers *l, const char *diff_id,
		     struct cs_err *err)
{
	char link[32], path[4096];
	struct img_digest d;
	ssize_t n;
	int ret = img_digest_parse(diff_id, "layer", &d, err);

	if (ret < 0)
		return ret;
	l->fds[l->n] = img_layer_open_data(img_store_fd(st), &d, &l->folders[l->n], err);
	if (l->fds[l->n] < 0)
		return -err->code;
	l->n++;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", l->fds[l->n - 1]);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return cs_err_sys(err, "ask for the path of layer %.12s", d.hex);
	path[n] = '\0';
	l->paths[l->n - 1] = strdup(path);
	return l->paths[l->n - 1] ? 0 : cs_err_set(err, ENOMEM, "out of memory");
}

/* One of the image's own. An opaque root hides what is below; overlayfs does not look at it there,
 * so those layers are left out. */
static int add_layer(const struct img_store *st, struct img_lowers *l, const char *diff_id,
		     struct cs_err *err)
{
	struct img_layer_info info;
	struct img_digest d;

	if (img_digest_parse(diff_id, "layer", &d, err) < 0 ||
	    img_layer_info_read(img_store_fd(st), &d, &info, err) < 0)
		return -err->code;
	for (; info.opaque_root && l->n > 0; l->n--) {
		cs_close_fd(&l->fds[l->n - 1]);
		free(l->paths[l->n - 1]);
		l->paths[l->n - 1] = NULL;
	}
	return add_lower(st, l, diff_id, err);
}

int img_rootfs_lowers(const struct img_store *st, const struct img_image *im,
		      struct img_lowers *out, struct cs_err *err)
{
	size_t max = im->config.n_diff_ids + 1;
	struct img_lowers l = IMG_LOWERS_INIT;
	int ret = 0;

	if (im->manifest.artifact)
		return cs_err_set(err, EOPNOTSUPP,
				  "image %s is an artifact: it has no root "
				  "filesystem",
				  im->rec->name);
	l.fds = calloc(max, sizeof(*l.fds));
	l.folders = calloc(max, sizeof(*l.folders));
	l.paths = calloc(max, sizeof(*l.paths));
	if (!l.fds || !l.folders || !l.paths)
		ret = cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < im->config.n_diff_ids && ret == 0; i++)
		ret = add_layer(st, &l, im->config.diff_ids[i], err);
	if (ret == 0 && *im->rec->fix)
		ret = add_lower(st, &l, im->rec->fix, err);
	if (ret < 0) {
		img_lowers_fini(&l);
		return ret;
	}
	*out = l;
	return 0;
}

/* Mounts EROFS from a file or a device by its path. -1 and errno. */
static int mount_erofs(const char *source)
{
	cs_auto_fd int fs = -EBADF;

	fs = cs_sys_fsopen("erofs", FSOPEN_CLOEXEC);
	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
}

/* A read-only loop device of the file that goes with its last user; its fd, which keeps it, and its
 * path in @path. */
static int make_loop(int file, char *path, size_t size, struct cs_err *err)
{
	struct loop_config c = {
		.fd = (__u32)file,
		.block_size = 4096,
		.info = { .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR },
	};
	cs_auto_fd int control = -EBADF;

	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return cs_err_sys(err, "open /dev/loop-control");
	for (int i = 0; i < LOOP_TRIES; i++) {
		cs_auto_fd int loop = -EBADF;
		int n = ioctl(control, LOOP_CTL_GET_FREE);

		if (n < 0)
			return cs_err_sys(err, "find a free loop device");
		snprintf(path, size, "/dev/loop%d", n);
		loop = open(path, O_RDONLY | O_CLOEXEC);
		if (loop < 0)
			return cs_err_sys(err, "open %s", path);
		if (ioctl(loop, LOOP_CONFIGURE, &c) == 0)
			return cs_take_fd(&loop);
		if (errno != EBUSY) /* somebody else took it */
			return cs_err_sys(err, "set up %s", path);
	}
	return cs_err_set(err, EBUSY, "no loop device is free");
}

static int mount_file(int fd, struct cs_err *err)
{
	cs_auto_fd int loop = -EBADF;
	char source[48];
	int mnt;

	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	mnt = mount_erofs(source);
	if (mnt >= 0)
		return mnt;
	if (errno != ENOTBLK) /* ENOTBLK: before Linux 6.12, or built without it */
		return cs_err_sys(err, "mount a layer (EROFS)");
	loop = make_loop(fd, source, sizeof(source), err);
	if (loop < 0)
		return loop;
	mnt = mount_erofs(source);
	return mnt >= 0 ? mnt : cs_err_sys(err, "mount a layer (EROFS on %s)", source);
}

int img_rootfs_layer_mount(int fd, bool folder, int userns, struct cs_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	cs_auto_fd int mnt = -EBADF;

	if (folder) {
		mnt = cs_sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
		if (mnt < 0)
			return cs_err_sys(err, "bind a layer");
	} else {
		mnt = mount_file(fd, err);
		if (mnt < 0)
			return mnt;
	}
	if (userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (__u64)userns;
	}
	if ((folder || userns >= 0) && cs_sys_mount_setattr(mnt, "", AT_EMPTY_PATH, &attr) < 0)
		return cs_err_sys(err, userns >= 0 ? "map the ids of a layer"
						   : "make a layer read-only");
	return cs_take_fd(&mnt);
}

/* Makes "upper" as the image's root folder is, and "work". Appears whole. */
static int make_upper(int dir, int root, struct cs_err *err)
{
	cs_auto_fd int upper = -EBADF;
	struct stat sb;

	if (mkdirat(dir, "work", 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the work folder of the writable layer");
	if (faccessat(dir, "upper", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (fstat(root, &sb) < 0)
		return cs_err_sys(err, "stat the image's root");
	if (mkdirat(dir, "upper.new", 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the writable layer");
	upper = openat(dir, "upper.new", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0 || fchown(upper, sb.st_uid, sb.st_gid) < 0 ||
	    fchmod(upper, sb.st_mode & 07777) < 0)
		return cs_err_sys(err, "make the writable layer");
	if (renameat(dir, "upper.new", dir, "upper") < 0)
		return cs_err_sys(err, "make the writable layer");
	return 0;
}

/* An empty, read-only file system: an image without layers, and the second lower of a single one.
 */
static int mount_empty(struct cs_err *err)
{
	cs_auto_fd int fs = -EBADF;
	int mnt;

	fs = cs_sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "make an empty layer");
	mnt = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	return mnt < 0 ? cs_err_sys(err, "mount an empty layer") : mnt;
}

/* Is it root, of all user ids there are and not of a user namespace? */
static bool is_host_root(void)
{
	struct cs_err ignored = CS_ERR_INIT;
	cs_auto_free char *map = NULL;
	uint64_t inside, outside, count;
	size_t len = 0;

	if (geteuid() != 0)
		return false;
	if (cs_file_read(AT_FDCWD, "/proc/self/uid_map", 4096, &map, &len, &ignored) < 0)
		return false;
	return sscanf(map, "%llu %llu %llu", (unsigned long long *)&inside, /* NOLINT */
		      (unsigned long long *)&outside, (unsigned long long *)&count) == 3 &&
	       inside == 0 && outside == 0 && count == UINT32_MAX;
}

static int combine(const struct img_rootfs *r, const int *layers, size_t n, struct cs_err *err)
{
	struct img_overlay o = {
		.layers = layers,
		.n = n,
		.dir = r->dir,
		.volatile_upper = r->volatile_upper,
		.userxattr = !is_host_root(),
	};
	int ret;

	if (r->dir < 0 && n == 1)
		return fcntl(layers[0], F_DUPFD_CLOEXEC, 3);
	if (r->dir >= 0) {
		ret = make_upper(r->dir, layers[n - 1], err);
		if (ret < 0)
			return ret;
	}
	ret = img_overlay_direct(&o, err);
	if (ret != -EINVAL)
		return ret;
	cs_err_clear(err);
	return img_overlay_apart(&o, err);
}

int img_rootfs_mount(const struct img_rootfs *r, struct cs_err *err)
{
	size_t n = r->lowers->n ? r->lowers->n : 1, i = 0;
	cs_auto_free int *layers = calloc(n, sizeof(*layers));
	int ret = 0;

	if (!layers)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (r->lowers->n == 0) {
		layers[0] = ret = mount_empty(err);
		i = ret >= 0;
	}
	for (; i < r->lowers->n && ret >= 0; i++) {
		ret = img_rootfs_layer_mount(r->lowers->fds[i], r->lowers->folders[i], r->userns,
					     err);
		layers[i] = ret;
	}
	if (ret >= 0)
		ret = combine(r, layers, n, err);
	while (i-- > 0)
		cs_close_fd(&layers[i]);
	return ret;
}

int img_rootfs_mount_at(const struct img_rootfs *r, const char *path, struct cs_err *err)
{
	cs_auto_fd int at = -EBADF;
	cs_auto_fd int mnt = -EBADF;

	at = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return cs_err_sys(err, "open mount point %s", path);
	mnt = img_rootfs_mount(r, err);
	if (mnt < 0)
		return mnt;
	if (cs_sys_move_mount(mnt, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
	    0)
		return cs_err_sys(err, "mount on %s", path);
	return 0;
}

int img_rootfs_unmount(const char *path, struct cs_err *err)
{
	if (umount2(path, UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return cs_err_sys(err, "unmount %s", path);
	return 0;
}

bool img_rootfs_can_erofs(void)
{
	unsigned int major = 0, minor = 0;
	cs_auto_fd int fs = -EBADF;
	struct utsname u;

	if (!is_host_root())
		return false;
	fs = cs_sys_fsopen("erofs", FSOPEN_CLOEXEC);
	if (fs < 0 || uname(&u) < 0)
		return false;
	if (sscanf(u.release, "%u.%u", &major, &minor) != 2) /* NOLINT(cert-err34-c) */
		return false;
	return major > 6 || (major == 6 && minor >= 12) || access("/dev/loop-control", W_OK) == 0;
}

void img_rootfs_layer_opts(struct img_layer_opts *o)
{
	o->folder = !img_rootfs_can_erofs();
	o->userxattr = !is_host_root();
}
