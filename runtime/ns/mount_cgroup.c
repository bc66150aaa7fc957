#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/ns/setup.h"
#include "runtime/spec.h"

static const uint64_t safe_attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

static uint64_t wanted_attrs(const struct ctr_mount *m)
{
	return (m->opt.attr_set & ~m->opt.rec_attr_clr) | m->opt.rec_attr_set;
}

static int set_attrs(int fd, bool recursive, uint64_t attrs, struct cs_err *err)
{
	const struct mount_attr attr = {
		.attr_set = attrs,
		.attr_clr = attrs & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0,
	};

	if (attrs &&
	    cs_sys_mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr) < 0)
		return cs_err_sys(err, "set the attributes of the cgroup mount");
	return 0;
}

/* The container's own folder in a hierarchy, as a detached mount. The host's path is used, not
 * cg->dir: that is of the host's mount namespace. */
static int clone_own(const struct cg *cg, const struct cg_hier *h, struct cs_err *err)
{
	static const struct ctr_mountopt plain = { .bind = true };
	char path[sizeof(h->mountpoint) + sizeof(cg->path)];
	int r = cs_str_fmt(path, sizeof(path), err, "%s%s", h->mountpoint, cg->path);

	return r < 0 ? r : ctr_bind_clone(AT_FDCWD, path, &plain, err);
}

/* What the kernel answers where this process does not own its cgroup namespace. */
static bool refused(int r)
{
	return r == -EPERM || r == -EBUSY;
}

/* The cgroup2 tree. In a cgroup namespace its root is the container's cgroup. */
static int mount_v2(const struct ctr_ns_setup *s, const struct ctr_mount *m,
		    const struct cg_hier *h, int target, struct cs_err *err)
{
	const struct ctr_fs_desc d = {
		.type = "cgroup2",
		.source = m->source,
		.data = m->opt.data,
		.attrs = wanted_attrs(m),
		.scratch = s->root,
	};
	/* shown instead where an unprivileged user has no cgroup of his own to show */
	const struct ctr_fs_desc nothing = {
		.type = "tmpfs",
		.source = "tmpfs",
		.mode = "755",
		.label = s->spec->mount_label,
		.attrs = safe_attrs | MOUNT_ATTR_RDONLY,
		.readonly = true,
	};
	cs_auto_fd int tree = ctr_fs_mount(&d, err);
	int r;

	if (refused(tree)) {
		cs_err_clear(err);
		tree = clone_own(s->cg, h, err);
		if (tree == -ENOENT && s->userns) {
			cs_err_clear(err);
			tree = ctr_fs_mount(&nothing, err);
		} else if (tree >= 0) {
			r = set_attrs(tree, false, wanted_attrs(m), err);
			if (r < 0)
				return r;
		}
	}
	return tree < 0 ? tree : ctr_mount_attach(tree, target, err);
}

/* A hierarchy's own mount; in a cgroup namespace of a v1 hierarchy its root is the container's
 * cgroup. The controllers are the mount's options: "cpu,cpuacct", "name=systemd". */
static int mount_hier(const struct cg_hier *h, struct cs_err *err)
{
	char names[sizeof(h->controllers)];
	const char *options[CS_LEN(names) / 2 + 1] = { NULL };
	const struct ctr_fs_desc d = {
		.type = h->v2 ? "cgroup2" : "cgroup",
		.source = "cgroup",
		.data = options,
		.attrs = safe_attrs,
	};
	size_t n = 0;

	memcpy(names, h->controllers, sizeof(names));
	names[sizeof(names) - 1] = '\0';
	for (char *p = names; !h->v2 && *p && n < CS_LEN(options) - 1;) {
		options[n++] = p;
		p += strcspn(p, ",");
		if (*p)
			*p++ = '\0';
	}
	return ctr_fs_mount(&d, err);
}

static const char *hier_name(const struct cg_hier *h)
{
	const char *slash = strrchr(h->mountpoint, '/');

	return slash && slash[1] ? slash + 1 : NULL;
}

/* One hierarchy as a detached mount; -ENOENT without an error if the container is not in it. */
static int open_hier(const struct ctr_ns_setup *s, const struct cg_hier *h, struct cs_err *err)
{
	int tree = -EPERM;

	if (s->cgroupns) {
		tree = mount_hier(h, err);
		if (refused(tree))
			cs_err_clear(err);
	}
	if (refused(tree)) {
		tree = clone_own(s->cg, h, err);
		if (tree == -ENOENT)
			cs_err_clear(err);
	}
	return tree;
}

/* Puts one into the tmpfs @top, which is new and nobody else's: names in it are safe. */
static int add_hier(const struct ctr_ns_setup *s, const struct cg_hier *h, int top,
		    struct ctr_fds *fds, struct cs_err *err)
{
	const char *name = hier_name(h);
	int tree;

	if (!name)
		return 0;
	tree = ctr_fds_keep(fds, open_hier(s, h, err));
	if (tree == -ENOENT && !err->code)
		return 0;
	if (tree < 0)
		return cs_err_wrap(err, "cgroup hierarchy %s", name);
	if (mkdirat(top, name, 0755) < 0 ||
	    cs_sys_move_mount(tree, "", top, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "attach cgroup hierarchy %s", name);
	return 0;
}

/* Controllers that share a hierarchy are found under each of their names: cpu -> cpu,cpuacct. */
static int add_links(const struct cg_hier *h, int top, struct cs_err *err)
{
	const char *name = hier_name(h);

	for (const char *p = h->controllers; name && *p;) {
		size_t len = strcspn(p, ",");
		char link[sizeof(h->controllers)];
		int r = cs_str_fmt(link, sizeof(link), err, "%.*s", (int)len, p);

		if (r < 0)
			return r;
		p += len;
		p += *p == ',';
		if (h->v2 || strchr(link, '=') || strcmp(link, name) == 0)
			continue;
		if (symlinkat(name, top, link) < 0 && errno != EEXIST)
			return cs_err_sys(err, "link cgroup controller %s", link);
	}
	return 0;
}

/* v1 and hybrid hosts: a tmpfs with a folder a hierarchy, as the host itself has it. */
static int mount_v1(const struct ctr_ns_setup *s, const struct ctr_mount *m,
		    const struct cg_host *host, int target, struct cs_err *err)
{
	const struct ctr_fs_desc d = {
		.type = "tmpfs",
		.source = "tmpfs",
		.mode = "755",
		.label = s->spec->mount_label,
		.attrs = safe_attrs,
	};
	struct ctr_fds fds = { .n = 0 };
	int top, r;

	top = ctr_fds_keep(&fds, ctr_fs_mount(&d, err));
	if (top < 0)
		return top;
	r = ctr_mount_attach(top, target, err);
	for (size_t i = 0; r == 0 && i < host->n_hier; i++)
		r = add_hier(s, &host->hier[i], top, &fds, err);
	for (size_t i = 0; r == 0 && i < host->n_hier; i++)
		r = add_links(&host->hier[i], top, err);
	if (r == 0) /* one call for the tmpfs and all that is in it */
		r = set_attrs(top, true, safe_attrs | wanted_attrs(m), err);
	if (r == 0)
		r = ctr_mount_propagation(top, m->opt.propagation, err);
	ctr_fds_close(&fds);
	return r;
}

int ctr_mount_cgroup(const struct ctr_ns_setup *s, const struct ctr_mount *m, int target,
		     struct cs_err *err)
{
	const struct cg_host *host = s->cg ? s->cg->host : NULL;

	if (!host || host->n_hier == 0)
		return cs_err_set(err, ENODEV, "the host has no cgroup file system mounted");
	if (host->mode == CG_V2)
		return mount_v2(s, m, &host->hier[0], target, err);
	return mount_v1(s, m, host, target, err);
}
