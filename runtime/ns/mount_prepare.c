#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"
#include "runtime/ns/mounts.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/spec.h"

#include <sys/mount.h>

enum { CACHE = 4 };

/* User namespaces made for one start. Mounts of a pod mostly share one mapping. */
struct prep {
	const struct ctr_spec *spec;
	int bundle_fd;
	int host_proc;
	size_t n;
	const struct ctr_mount *of[CACHE];
	int userns[CACHE];
};

static bool is_idmapped(const struct ctr_mount *m)
{
	return m->opt.idmap || m->uid_maps.n > 0 || m->gid_maps.n > 0;
}

/* Mounts made in the host's namespace are of its peer groups. The container gets slaves of them, as
 * it gets of everything; only where rootfsPropagation shares mounts with the host (which no user
 * namespace can) they stay peers. */
static unsigned long propagation(const struct ctr_spec *spec)
{
	bool keep = (spec->rootfs_propagation & MS_SHARED) && !spec->ns[CTR_NS_USER].present;

	return keep ? 0 : MS_SLAVE;
}

static int find_userns(struct prep *p, const struct ctr_mount *m, int *made, struct cs_err *err)
{
	int fd;

	for (size_t i = 0; i < p->n; i++) {
		if (ctr_mount_same_maps(p->of[i], m))
			return p->userns[i];
	}
	fd = ctr_mount_userns(p->spec, m, p->host_proc, err);
	if (fd >= 0 && p->n < CACHE) {
		p->of[p->n] = m;
		p->userns[p->n++] = fd;
	} else {
		*made = fd;
	}
	return fd;
}

static int idmap(struct prep *p, const struct ctr_mount *m, int tree, struct cs_err *err)
{
	cs_auto_fd int made = -EBADF; /* one that the cache has no room for */
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int userns = find_userns(p, m, &made, err);

	if (userns < 0)
		return userns;
	attr.userns_fd = (unsigned int)userns;
	if (cs_sys_mount_setattr(tree, "",
				 AT_EMPTY_PATH | (m->opt.idmap_recursive ? AT_RECURSIVE : 0),
				 &attr) == 0)
		return 0;
	if (errno == EINVAL)
		return cs_err_sys(err,
				  "idmap %s (the kernel cannot idmap its file system, or it is "
				  "idmapped already)",
				  m->source);
	return cs_err_sys(err, "idmap %s", m->source);
}

/* 0 with *@out untouched: the mount is left to init. */
static int prepare(struct prep *p, const struct ctr_mount *m, int *out, struct cs_err *err)
{
	const struct mount_attr attr = { .propagation = propagation(p->spec) };
	bool idmapped = is_idmapped(m);
	cs_auto_fd int tree = -EBADF;
	int r;

	if (idmapped && (!ctr_mount_is_bind(m) || m->opt.remount))
		return cs_err_set(err, EINVAL,
				  "uidMappings, gidMappings, idmap and ridmap are for "
				  "bind mounts only");
	if (!m->source || !ctr_mount_is_bind(m) || m->opt.remount ||
	    (!idmapped && !p->spec->ns[CTR_NS_USER].present))
		return 0;
	tree = ctr_bind_clone(p->bundle_fd, m->source, &m->opt, err);
	if (tree == -EPERM && !idmapped) { /* not root: init has the rights in its namespaces */
		cs_err_clear(err);
		return 0;
	}
	if (tree < 0)
		return tree;
	if (attr.propagation &&
	    cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return cs_err_sys(err, "cut the mount of %s off the host's", m->source);
	if (idmapped) {
		r = idmap(p, m, tree, err);
		if (r < 0)
			return r;
	}
	*out = cs_take_fd(&tree);
	return 0;
}

int ctr_mounts_prepare(const struct ctr_spec *spec, int bundle_fd, int host_proc, int *fds,
		       struct cs_err *err)
{
	struct prep p = { .spec = spec, .bundle_fd = bundle_fd, .host_proc = host_proc };
	int r = 0;

	for (size_t i = 0; i < spec->n_mounts; i++)
		fds[i] = -EBADF;
	for (size_t i = 0; r == 0 && i < spec->n_mounts; i++) {
		r = prepare(&p, &spec->mounts[i], &fds[i], err);
		if (r < 0)
			cs_err_wrap(err, "mounts[%zu] (%s)", i, spec->mounts[i].destination);
	}
	for (size_t i = 0; i < p.n; i++)
		cs_close_fd(&p.userns[i]);
	for (size_t i = 0; r < 0 && i < spec->n_mounts; i++)
		cs_close_fd(&fds[i]);
	return r;
}
