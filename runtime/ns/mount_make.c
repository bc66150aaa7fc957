#include "runtime/ns/mounts_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/mountopt.h"

#include <sys/mount.h>

/* The attributes that are one bit each. The access time's are a value in MOUNT_ATTR__ATIME. */
#define PLAIN_ATTRS                                                                                \
	((uint64_t)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
		    MOUNT_ATTR_NOSYMFOLLOW))

enum { FSCONFIG_MAX = 255 }; /* longest string fsconfig(2) takes */

/*
 * Error about a step on the context @ctx, errno set. The kernel keeps its reasons in the context:
 * "e tmpfs: Bad value for 'size'\n", a message a read, the oldest first.
 */
static int fs_fail(int ctx, struct cs_err *err, const char *what)
{
	int code = errno;
	char line[256];
	ssize_t n;

	while ((n = read(ctx, line, sizeof(line) - 1)) > 2) {
		if (line[0] != 'e')
			continue;
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		return cs_err_set(err, code, "%s: %s", what, line + 2);
	}
	return cs_err_errno(err, code, "%s", what);
}

static int set_option(int ctx, const char *option, struct cs_err *err)
{
	const char *eq = strchr(option, '=');
	char what[FSCONFIG_MAX + 16];
	char key[FSCONFIG_MAX + 1];
	int r;

	if (!eq) {
		r = cs_sys_fsconfig(ctx, FSCONFIG_SET_FLAG, option, NULL, 0);
	} else {
		r = cs_str_fmt(key, sizeof(key), err, "%.*s", (int)(eq - option), option);
		if (r < 0)
			return r;
		r = cs_sys_fsconfig(ctx, FSCONFIG_SET_STRING, key, eq + 1, 0);
	}
	if (r == 0)
		return 0;
	snprintf(what, sizeof(what), "option \"%s\"", option);
	return fs_fail(ctx, err, what);
}

static int set_options(int ctx, const char *const *options, struct cs_err *err)
{
	for (size_t i = 0; options && options[i]; i++) {
		int r = set_option(ctx, options[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int set_string(int ctx, const char *key, const char *value, struct cs_err *err)
{
	if (value && cs_sys_fsconfig(ctx, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return fs_fail(ctx, err, key);
	return 0;
}

/* "silent" only asks for less in the kernel log; fsconfig(2) does not know it. */
static int set_sb_flags(int ctx, const struct ctr_fs_desc *d, struct cs_err *err)
{
	for (size_t i = 0; d->sb_flags && d->sb_flags[i]; i++) {
		int r;

		if (strcmp(d->sb_flags[i], "silent") == 0)
			continue;
		r = set_option(ctx, d->sb_flags[i], err);
		if (r < 0)
			return r;
	}
	return d->readonly ? set_option(ctx, "ro", err) : 0;
}

static int configure(int ctx, const struct ctr_fs_desc *d, struct cs_err *err)
{
	int r;

	r = set_string(ctx, "source", d->source, err);
	if (r == 0)
		r = set_sb_flags(ctx, d, err);
	if (r == 0)
		r = set_options(ctx, d->data, err);
	if (r == 0)
		r = set_string(ctx, "mode", d->mode, err);
	if (r == 0 && d->label) {
		r = set_string(ctx, "context", d->label, err);
		if (r < 0)
			return cs_err_wrap(err, "linux.mountLabel");
	}
	return r;
}

static bool too_long(const struct ctr_fs_desc *d)
{
	for (size_t i = 0; d->data && d->data[i]; i++) {
		if (strlen(d->data[i]) > FSCONFIG_MAX)
			return true;
	}
	return d->source && strlen(d->source) > FSCONFIG_MAX;
}

int ctr_fs_mount(const struct ctr_fs_desc *d, struct cs_err *err)
{
	cs_auto_fd int ctx = -EBADF;
	int r, fd;

	if (too_long(d))
		return ctr_fs_mount_long(d, err);
	ctx = cs_sys_fsopen(d->type, FSOPEN_CLOEXEC);
	if (ctx < 0 && errno == ENODEV)
		return cs_err_set(err, ENODEV, "the kernel has no file system type \"%s\"",
				  d->type);
	if (ctx < 0)
		return cs_err_sys(err, "open a new %s", d->type);
	r = configure(ctx, d, err);
	if (r < 0)
		return r;
	if (cs_sys_fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_fail(ctx, err, d->type);
	fd = cs_sys_fsmount(ctx, FSMOUNT_CLOEXEC, (unsigned int)d->attrs);
	if (fd < 0)
		return fs_fail(ctx, err, d->type);
	if (d->fds)
		ctr_fds_keep(d->fds, cs_take_fd(&ctx));
	return fd;
}

int ctr_fs_reconfigure(int fd, const struct ctr_fs_desc *d, struct cs_err *err)
{
	cs_auto_fd int ctx = -EBADF;
	int r;

	ctx = (int)syscall(SYS_fspick, fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
	if (ctx < 0)
		return cs_err_sys(err, "pick the file system to remount");
	r = configure(ctx, d, err);
	if (r == 0 && cs_sys_fsconfig(ctx, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return fs_fail(ctx, err, "remount");
	return r;
}

int ctr_bind_clone(int dirfd, const char *path, const struct ctr_mountopt *o, struct cs_err *err)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int fd;

	if (o->recursive_bind)
		flags |= AT_RECURSIVE;
	if (o->src_nofollow || o->copy_symlink)
		flags |= AT_SYMLINK_NOFOLLOW;
	fd = cs_sys_open_tree(dirfd, path, flags);
	if (fd < 0)
		return cs_err_sys(err, "bind source %s", path);
	return fd;
}

/* Is one of them a folder and the other not? mount(2) says ENOTDIR then, and dockerd has a hint for
 * its user on that text; move_mount(2) says EINVAL, as for other things. */
static bool kinds_differ(int tree, int target)
{
	struct stat a, b;

	return fstat(tree, &a) == 0 && fstat(target, &b) == 0 &&
	       S_ISDIR(a.st_mode) != S_ISDIR(b.st_mode);
}

int ctr_mount_attach(int tree, int target, struct cs_err *err)
{
	int code;

	if (cs_sys_move_mount(tree, "", target, "",
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0)
		return 0;
	code = errno;
	if (code == EINVAL && kinds_differ(tree, target))
		return cs_err_errno(err, ENOTDIR,
				    "attach the mount (a folder goes only over a folder, a file "
				    "only over a file)");
	return cs_err_errno(err, code, "attach the mount");
}

static int set_attrs(int fd, unsigned int flags, uint64_t set, uint64_t clr,
		     unsigned long propagation)
{
	const struct mount_attr attr = {
		.attr_set = set,
		.attr_clr = clr,
		.propagation = propagation & ~(unsigned long)MS_REC,
	};

	if (!set && !clr && !attr.propagation)
		return 0;
	return cs_sys_mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr);
}

int ctr_mount_propagation(int fd, unsigned long propagation, struct cs_err *err)
{
	if (set_attrs(fd, propagation & MS_REC ? AT_RECURSIVE : 0, 0, 0, propagation) < 0)
		return cs_err_sys(err, "set the mount's propagation");
	return 0;
}

/* What one mount_setattr(2) call does. */
struct attrs {
	uint64_t set, clr;
	unsigned long propagation;
};

static int apply(int fd, unsigned int flags, const struct attrs *a)
{
	return set_attrs(fd, flags, a->set, a->clr, a->propagation);
}

/*
 * A bind mount that names any attribute has those it names and no others, as with mount(8) and the
 * other runtimes; one that names none keeps its source's. The exception are attributes that a
 * mount from a more privileged user namespace came with: they are locked (EPERM) and stay, unless
 * the config asked in so many words for them to go.
 */
static int apply_top(int fd, const struct attrs *top, uint64_t others, struct cs_err *err)
{
	struct attrs exact = *top;

	exact.clr |= others;
	if (apply(fd, 0, &exact) == 0)
		return 0;
	if (errno == EPERM && others && apply(fd, 0, top) == 0)
		return 0;
	return cs_err_sys(err, "set the mount's attributes%s",
			  errno == EPERM ? " (one it shall lose is locked in this user namespace)"
					 : "");
}

int ctr_mount_attrs(int fd, const struct ctr_mountopt *o, bool remount, struct cs_err *err)
{
	struct attrs top = { .set = o->attr_set, .clr = o->attr_clr };
	struct attrs rec = { .set = o->rec_attr_set, .clr = o->rec_attr_clr };
	unsigned long propagation = remount ? 0 : o->propagation;
	uint64_t others = 0;
	int r;

	if (!o->recursive_bind && !remount) { /* a single mount: one call does it all */
		top.set = (top.set & ~rec.clr) | rec.set;
		top.clr |= rec.clr;
		rec.set = rec.clr = 0;
		propagation &= ~(unsigned long)MS_REC;
	}
	if (propagation & MS_REC)
		rec.propagation = propagation;
	else
		top.propagation = propagation;
	if ((top.set | top.clr) && !remount)
		others = PLAIN_ATTRS & ~(top.set | top.clr | rec.set | rec.clr);

	r = apply_top(fd, &top, others, err);
	if (r < 0)
		return r;
	if (apply(fd, AT_RECURSIVE, &rec) < 0)
		return cs_err_sys(err, "set the attributes of the mount and of those below it");
	return 0;
}
