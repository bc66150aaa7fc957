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

struct masks {
	const struct ctr_ns_setup *s;
	struct ctr_fds fds; /* owned; what is done with */
	struct cover null;  /* for files: s->host_null */
	struct cover empty; /* for folders: a read-only tmpfs, made when the first one is met */
};

/* Opens a path of the spec beneath the root; -ENOENT, without an error, where there is none. */
static int open_path(struct masks *m, const char *path, struct cs_err *err)
{
	int fd = ctr_fds_keep(&m->fds, cs_path_open(m->s->root, path, O_PATH, err));

	if (fd != -ENOENT && fd != -ENOTDIR)
		return fd;
	cs_err_clear(err);
	return -ENOENT;
}

static int cover_with(struct masks *m, struct cover *c, int target, struct cs_err *err)
{
	int clone;

	if (!c->used) {
		c->used = true;
		return ctr_mount_attach(c->mnt, target, err);
	}
	clone = cs_sys_open_tree(c->mnt, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (ctr_fds_keep(&m->fds, clone) < 0)
		return cs_err_sys(err, "clone the cover");
	return ctr_mount_attach(clone, target, err);
}

static int new_empty(const struct ctr_ns_setup *s, struct cs_err *err)
{
	const struct ctr_fs_desc d = {
		.type = "tmpfs",
		.source = "tmpfs",
		.label = s->spec->mount_label,
		.attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			 MOUNT_ATTR_NOEXEC,
	};

	return ctr_fs_mount(&d, err);
}

static int mask_one(struct masks *m, const char *path, struct cs_err *err)
{
	int target = open_path(m, path, err);
	struct stat sb;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (fstat(target, &sb) < 0)
		return cs_err_sys(err, "stat");
	if (!S_ISDIR(sb.st_mode))
		return cover_with(m, &m->null, target, err);
	if (m->empty.mnt < 0)
		m->empty.mnt = new_empty(m->s, err);
	return m->empty.mnt < 0 ? m->empty.mnt : cover_with(m, &m->empty, target, err);
}

/* The clone keeps the attributes of the mount that the path is on. */
static int readonly_one(struct masks *m, const char *path, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	int target = open_path(m, path, err);
	int tree;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	tree = cs_sys_open_tree(target, "",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
	if (ctr_fds_keep(&m->fds, tree) < 0)
		return cs_err_sys(err, "clone the mount");
	if (cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH, &ro) < 0)
		return cs_err_sys(err, "make it read-only");
	return ctr_mount_attach(tree, target, err);
}

static int apply(struct masks *m, const char *const *paths, const char *field,
		 int (*one)(struct masks *m, const char *path, struct cs_err *err),
		 struct cs_err *err)
{
	for (size_t i = 0; paths && paths[i]; i++) {
		ctr_fds_unit(&m->fds);
		if (one(m, paths[i], err) < 0)
			return cs_err_wrap(err, "linux.%s[%zu] (%s)", field, i, paths[i]);
	}
	return 0;
}

int ctr_maskpaths_apply(struct ctr_ns_setup *s, struct cs_err *err)
{
	const struct ctr_spec *spec = s->spec;
	struct masks m = {
		.s = s,
		.null = { .mnt = s->host_null },
		.empty = { .mnt = -EBADF },
	};
	int r;

	if (!spec->ns[CTR_NS_MOUNT].present && ((spec->readonly_paths && spec->readonly_paths[0]) ||
						(spec->masked_paths && spec->masked_paths[0])))
		return cs_err_set(err, EINVAL,
				  "linux.maskedPaths and linux.readonlyPaths need a mount "
				  "namespace in linux.namespaces");
	r = apply(&m, spec->masked_paths, "maskedPaths", mask_one, err);
	if (r == 0)
		r = apply(&m, spec->readonly_paths, "readonlyPaths", readonly_one, err);
	ctr_fds_keep(&m.fds, m.empty.mnt);
	ctr_fds_close(&m.fds);
	return r;
}
