#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/check_int.h"
#include "images/apply.h"
#include "images/erofs.h"
#include "images/rootfs.h"

/* Layers' file system: a small one is made, mounted as layers are, and read. */

static const char content[] = "caisson\n";
/* vfs_cap_data, version 2, with no capability in it */
static const unsigned char caps[20] = { [3] = 2 };
#define CAPS "security.capability"

static int put_file(struct img_apply *a, struct cs_err *err)
{
	const struct img_xattr attr = { .name = CAPS, .value = caps, .len = sizeof(caps) };
	const struct img_entry e = {
		.type = IMG_TYPE_REG,
		.path = "file",
		.link = "",
		.mode = 0644,
		.size = sizeof(content),
		.xattrs = &attr,
		.n_xattrs = 1,
	};

	if (img_apply_tar.entry(a, &e, err) < 0 ||
	    img_apply_tar.data(a, 0, content, sizeof(content), err) < 0)
		return -err->code;
	return img_apply_tar.end(a, err);
}

static int fill(int fd, struct cs_err *err)
{
	static const uint8_t uuid[16] = { 0 };
	struct img_apply a = { .skip = false };
	struct img_erofs *w = NULL;
	uint64_t size;
	int ret = img_erofs_new(fd, NULL, &w, err);

	if (ret == 0)
		ret = img_apply_init(&a, &img_erofs_sink, w, NULL, err);
	if (ret == 0)
		ret = put_file(&a, err);
	if (ret == 0)
		ret = img_erofs_finish(w, &a.tree, uuid, &size, err);
	img_apply_fini(&a);
	img_erofs_free(w);
	return ret;
}

/* Returns an fd, for reading, of a new image. */
static int make(const struct eng_check *c, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char path[PATH_MAX];

	if (cs_str_fmt(path, sizeof(path), err, "%s/erofs", c->tmp) < 0)
		return -err->code;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return cs_err_sys(err, "make a file");
	if (fill(fd, err) < 0)
		return -err->code;
	cs_close_fd(&fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open a file");
	return cs_take_fd(&fd);
}

static int read_back(int mnt, struct cs_err *err)
{
	cs_auto_fd int fd = openat(mnt, "file", O_RDONLY | O_CLOEXEC);
	char got[sizeof(content)] = "";

	if (fd < 0 || read(fd, got, sizeof(got)) < 0)
		return cs_err_sys(err, "read a file of a layer");
	if (memcmp(got, content, sizeof(got)) != 0)
		return cs_err_set(err, EIO, "a layer's file reads as something else");
	return 0;
}

static int try_file(const struct eng_check *c, void *arg, struct cs_err *err)
{
	cs_auto_fd int image = make(c, err), fs = -EBADF, mnt = -EBADF;
	char source[48];

	(void)arg;
	if (image < 0)
		return image;
	snprintf(source, sizeof(source), "/proc/self/fd/%d", image);
	fs = cs_sys_fsopen("erofs", FSOPEN_CLOEXEC);
	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "mount a file");
	mnt = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (mnt < 0)
		return cs_err_sys(err, "mount a file");
	return read_back(mnt, err);
}

static size_t count_loops(void)
{
	cs_auto_dir DIR *d = opendir("/sys/block");
	const struct dirent *f;
	size_t n = 0;

	while (d && (f = readdir(d)))
		n += cs_str_starts(f->d_name, "loop");
	return n;
}

/* The loop device, which is gone with the mount, if it was made for it. */
static void drop_loop(dev_t dev, size_t before)
{
	cs_auto_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	char path[64], name[64];
	ssize_t n;
	int i;

	if (control < 0 || count_loops() <= before)
		return;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	n = readlink(path, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	if (strrchr(name, '/') &&
	    sscanf(strrchr(name, '/'), "/loop%d", &i) == 1) /* NOLINT(cert-err34-c) */
		ioctl(control, LOOP_CTL_REMOVE, i);
}

/* What is looked at in a layer that is mounted at @mnt. */
typedef int (*look_fn)(int mnt, struct cs_err *err);

static int read_caps(int mnt, struct cs_err *err)
{
	cs_auto_fd int fd = openat(mnt, "file", O_RDONLY | O_CLOEXEC);
	unsigned char got[sizeof(caps)];

	if (fd < 0 || fgetxattr(fd, CAPS, got, sizeof(got)) != sizeof(got))
		return cs_err_sys(err, CAPS);
	return 0;
}

/* As layers are mounted here, whichever way that is. */
static int try_layer(const struct eng_check *c, void *arg, struct cs_err *err)
{
	cs_auto_fd int image = make(c, err), mnt = -EBADF;
	const look_fn *look = arg;
	const size_t before = count_loops();
	struct stat sb = { 0 };
	int ret;

	if (image < 0)
		return image;
	mnt = img_rootfs_layer_mount(image, false, -EBADF, err);
	if (mnt < 0)
		return mnt;
	ret = (*look)(mnt, err);
	fstat(mnt, &sb);
	cs_close_fd(&mnt);
	drop_loop(sb.st_dev, before);
	return ret;
}

static void check_caps(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	look_fn look = read_caps;

	if (eng_check_try(c, try_layer, &look, &why) < 0)
		eng_check_warn(c, "EROFS attributes",
			       "use a kernel with CONFIG_EROFS_FS_XATTR and "
			       "CONFIG_EROFS_FS_SECURITY: without, programs of images lose their "
			       "file capabilities",
			       "%s", why.msg);
	else
		eng_check_pass(c, "EROFS attributes", "file capabilities are there");
}

void eng_check_erofs(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	look_fn look = read_back;

	if (!img_rootfs_can_erofs()) {
		eng_check_warn(c, "EROFS",
			       "load the modules (modprobe erofs loop): without, layers are "
			       "unpacked into folders",
			       "cannot be mounted here");
		return;
	}
	if (eng_check_try(c, try_file, NULL, &why) == 0) {
		eng_check_pass(c, "EROFS", "layers are mounted from their files");
	} else {
		cs_err_clear(&why);
		if (eng_check_try(c, try_layer, &look, &why) < 0) {
			eng_check_fail(c, "EROFS",
				       "make loop devices usable (modprobe loop, /dev/loop*)", "%s",
				       why.msg);
			return;
		}
		eng_check_pass(c, "EROFS",
			       "layers are mounted through loop devices; from their files with "
			       "Linux 6.12 or newer");
	}
	check_caps(c);
}
