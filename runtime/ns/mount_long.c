#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"

#include <sys/mount.h>

enum { MOUNT_DATA_MAX = 4095 }; /* mount(2) takes one page */

static const struct {
	uint64_t attr;
	unsigned long flag;
} attr_flags[] = {
	{ MOUNT_ATTR_RDONLY, MS_RDONLY },	  { MOUNT_ATTR_NOSUID, MS_NOSUID },
	{ MOUNT_ATTR_NODEV, MS_NODEV },		  { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
	{ MOUNT_ATTR_NOATIME, MS_NOATIME },	  { MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
	{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME }, { MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
};

static const struct {
	const char *name;
	unsigned long flag;
} sb_flags[] = {
	{ "dirsync", MS_DIRSYNC }, { "iversion", MS_I_VERSION }, { "lazytime", MS_LAZYTIME },
	{ "mand", MS_MANDLOCK },   { "silent", MS_SILENT },	 { "sync", MS_SYNCHRONOUS },
};

static unsigned long mount_flags(const struct ctr_fs_desc *d)
{
	unsigned long flags = d->readonly ? MS_RDONLY : 0;

	for (size_t i = 0; i < CS_LEN(attr_flags); i++) {
		if (d->attrs & attr_flags[i].attr)
			flags |= attr_flags[i].flag;
	}
	for (size_t k = 0; d->sb_flags && d->sb_flags[k]; k++) {
		for (size_t i = 0; i < CS_LEN(sb_flags); i++) {
			if (strcmp(d->sb_flags[k], sb_flags[i].name) == 0)
				flags |= sb_flags[i].flag;
		}
	}
	return flags;
}

static void add_option(struct cs_buf *b, const char *key, const char *value)
{
	if (value)
		cs_buf_addf(b, "%s%s%s", b->len ? "," : "", key, value);
}

static int join_data(const struct ctr_fs_desc *d, struct cs_buf *out, struct cs_err *err)
{
	cs_buf_add(out, "");
	for (size_t i = 0; d->data && d->data[i]; i++)
		add_option(out, "", d->data[i]);
	add_option(out, "mode=", d->mode);
	if (d->label) {
		add_option(out, "context=\"", d->label);
		cs_buf_add(out, "\"");
	}
	if (out->len > MOUNT_DATA_MAX)
		return cs_err_set(err, E2BIG, "the options are longer than the kernel's %d bytes",
				  MOUNT_DATA_MAX);
	return cs_buf_ok(out, err);
}

/* Mounts it on "m" of the working folder, a tmpfs of ours, and takes it from there. */
static int mount_in_scratch(const struct ctr_fs_desc *d, const char *data, struct cs_err *err)
{
	int fd;

	if (mkdir("m", 0700) < 0)
		return cs_err_sys(err, "make a mount point");
	if (mount(d->source ? d->source : d->type, "m", d->type, mount_flags(d), data) < 0)
		return cs_err_sys(err, "mount %s", d->type);
	fd = cs_sys_open_tree(AT_FDCWD, "m", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "take the mounted %s", d->type);
	return fd;
}

/*
 * mount(2) mounts by path only. The path is made safe by a tmpfs that nobody else has seen: it lies
 * on the scratch folder for a moment, is the working folder meanwhile, and is gone with its mount
 * point when this returns; the clone of what was mounted remains.
 */
int ctr_fs_mount_long(const struct ctr_fs_desc *d, struct cs_err *err)
{
	const struct ctr_fs_desc tmpfs = { .type = "tmpfs", .mode = "700" };
	cs_auto_buf struct cs_buf data = CS_BUF_INIT;
	cs_auto_fd int tmp = -EBADF;
	cs_auto_fd int cwd = -EBADF;
	cs_auto_fd int fd = -EBADF;
	int r;

	r = join_data(d, &data, err);
	if (r < 0)
		return r;
	cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cwd < 0)
		return cs_err_sys(err, "open the working folder");
	tmp = ctr_fs_mount(&tmpfs, err);
	if (tmp < 0)
		return tmp;
	r = ctr_mount_attach(tmp, d->scratch, err);
	if (r < 0)
		return r;
	r = fchdir(tmp) < 0 ? cs_err_sys(err, "enter a tmpfs") : 0;
	if (r == 0)
		r = fd = mount_in_scratch(d, data.s, err);
	/* "." is the tmpfs in any case but that of a failed fchdir(), after which all ends. */
	if (r >= 0 && umount2(".", MNT_DETACH) < 0)
		r = cs_err_sys(err, "unmount the tmpfs");
	if (r >= 0 && fchdir(cwd) < 0)
		r = cs_err_sys(err, "go back to the working folder");
	return r < 0 ? r : cs_take_fd(&fd);
}
