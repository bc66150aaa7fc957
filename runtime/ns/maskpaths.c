#include "runtime/ns/maskpaths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/ns/setup.h"
#include "runtime/spec.h"

/* A mount that covers several places: the first cover is itself, the further ones its clones. (A
 * detached mount can be cloned only by kernels since 6.15.) */
struct cover {
	int mnt;
	bool used;
};

/* Opens a path of the spec beneath the root; -ENOENT, without an error, where there is none. */
static int open_path(const struct ctr_ns_setup *s, const char *path, struct cs_err *err)
{
	int fd = cs_path_open(s->root, path, O_PATH, err);

	if (fd != -ENOENT && fd != -ENOTDIR)
		return fd;
	cs_err_clear(err);
	return -ENOENT;
}

static int cover_with(struct cover *c, int target, struct cs_err *err)
{
	cs_auto_fd int clone = -EBADF;

	if (!c->used) {
		c->used = true;
		return ctr_mount_attach(c->mnt, target, err);
	}
	clone = cs_sys_open_tree(c->mnt, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (clone < 0)
		return cs_err_sys(err, "clone the cover");
	return ctr_mount_attach(clone, target, err);
}

static int new_empty(const struct ctr_ns_setup *s, struct cs_err *err)
{
	static const char *const limits[] = { "nr_inodes=1", "size=0", NULL };
	const struct ctr_fs_desc d = {
		.type = "tmpfs",
		.source = "tmpfs",
		.label = s->spec->mount_label,
		.mode = "755",
		.attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			 MOUNT_ATTR_NOEXEC,
		.readonly = true,
		.scratch = s->root,
	};

	(void)limits;
	return ctr_fs_mount(&d, err);
}

static int mask_one(const struct ctr_ns_setup *s, const char *path, struct cover *null,
		    struct cover *empty, struct cs_err *err)
{
	cs_auto_fd int target = open_path(s, path, err);
	struct stat sb;

	if (target == -ENOENT)
		return 0;
	if (target < 0)
		return target;
	if (fstat(target, &sb) < 0)
		return cs_err_sys(err, "stat");
	if (!S_ISDIR(sb.st_mode))
		return cover_with(null, target, err);
	if (empty->mnt < 0) {
		empty->mnt = new_empty(s, err);
		if (empty->mnt < 0)
			return empty->mnt;
	}
	return cover_with(empty, target, err);
}

static int mask_all(const struct ctr_ns_setup *s, struct cs_err *err)
{
	const char *const *paths = s->spec->masked_paths;
	cs_auto_fd int empty_fd = -EBADF;
	struct cover null = { .mnt = s->host_null };
	struct cover empty = { .mnt = -EBADF };
	int r = 0;

	for (size_t i = 0; r == 0 && paths && paths[i]; i++) {
		r = mask_one(s, paths[i], &null, &empty, err);
		if (r < 0)
			cs_err_wrap(err, "linux.maskedPaths[%zu] (%s)", i, paths[i]);
	}
	empty_fd = empty.mnt;
	return r;
}

/* The clone keeps the attributes of the mount that the path is on. */
static int readonly_one(const struct ctr_ns_setup *s, const char *path, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	cs_auto_fd int target = open_path(s, path, err);
	cs_auto_fd int tree = -EBADF;

	if (target == -ENOENT)
		return 0;
	if (target < 0)
		return target;
	tree = cs_sys_open_tree(target, "",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
	if (tree < 0)
		return cs_err_sys(err, "clone the mount");
	if (cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH, &ro) < 0)
		return cs_err_sys(err, "make it read-only");
	return ctr_mount_attach(tree, target, err);
}

int ctr_maskpaths_apply(struct ctr_ns_setup *s, struct cs_err *err)
{
	const char *const *paths = s->spec->readonly_paths;
	int r;

	if (!s->spec->ns[CTR_NS_MOUNT].present &&
	    ((paths && paths[0]) || (s->spec->masked_paths && s->spec->masked_paths[0])))
		return cs_err_set(err, EINVAL,
				  "linux.maskedPaths and linux.readonlyPaths need a mount "
				  "namespace in linux.namespaces");
	r = mask_all(s, err);
	for (size_t i = 0; r == 0 && paths && paths[i]; i++) {
		r = readonly_one(s, paths[i], err);
		if (r < 0)
			cs_err_wrap(err, "linux.readonlyPaths[%zu] (%s)", i, paths[i]);
	}
	return r;
}
