#include "runtime/ns/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/ns/setup.h"
#include "runtime/spec.h"

#include <sys/mount.h>

/* A mount being made. */
struct job {
	const struct ctr_ns_setup *s;
	const struct ctr_mount *m;
	int prepared;	/* from ctr_mounts_prepare(), or -EBADF */
	bool late_prop; /* mounts may propagate here: a private one is made so after it is
			 * attached, which else would undo it */
	int *late_ro;	/* owned by the caller; gets the mount's fd if it is to become read-only
			 * only when all mounts are made */
	char clean[PATH_MAX]; /* m->destination, cleaned: what is resolved beneath the root */
};

/* File systems that show a namespace. A user namespace which does not own that namespace may not
 * mount them; where the namespace is the host's anyway, the host's mount shows the same. */
static const struct host_view {
	const char *type;
	const char *path;
	enum ctr_ns ns;
	bool readonly;
} host_views[] = {
	{ "mqueue", "/dev/mqueue", CTR_NS_IPC, false },
	{ "proc", "/proc", CTR_NS_PID, false },
	{ "sysfs", "/sys", CTR_NS_NETWORK, true },
};

static bool is_type(const struct ctr_mount *m, const char *type)
{
	return m->type && strcmp(m->type, type) == 0;
}

bool ctr_mount_is_bind(const struct ctr_mount *m)
{
	return m->opt.bind || !m->type || is_type(m, "bind") || is_type(m, "none");
}

/* A new tmpfs and /dev get their content (mount points, device nodes) while they are writable. */
static bool is_late_ro(const struct ctr_mount *m, const char *clean)
{
	if (ctr_mount_is_bind(m) || m->opt.remount ||
	    !((m->opt.attr_set | m->opt.rec_attr_set) & MOUNT_ATTR_RDONLY))
		return false;
	return is_type(m, "tmpfs") || strcmp(clean, "/dev") == 0;
}

static int make_readonly(int fd, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (cs_sys_mount_setattr(fd, "", AT_EMPTY_PATH, &ro) < 0)
		return cs_err_sys(err, "make it read-only");
	return 0;
}

static int attach(const struct job *j, int tree, int target, struct cs_err *err)
{
	int r = ctr_mount_attach(tree, target, err);

	return r == 0 && j->late_prop ? ctr_mount_propagation(tree, j->m->opt.propagation, err) : r;
}

/* "copy-symlink": a source that is a symlink is made anew at the destination. 1: it was one. */
static int copy_symlink(const struct job *j, int tree, struct cs_err *err)
{
	cs_auto_fd int parent = -EBADF;
	const char *name;
	char to[PATH_MAX], there[PATH_MAX];
	ssize_t n = readlinkat(tree, "", to, sizeof(to) - 1), m;

	if (n <= 0)
		return 0;
	to[n] = '\0';
	parent = cs_path_parent(j->s->root, j->clean, true, &name, err);
	if (parent < 0)
		return parent;
	if (symlinkat(to, parent, name) == 0)
		return 1;
	if (errno != EEXIST)
		return cs_err_sys(err, "make the symlink");
	m = readlinkat(parent, name, there, sizeof(there) - 1);
	if (m == n && memcmp(to, there, (size_t)n) == 0)
		return 1;
	return cs_err_set(err, EEXIST, "something else is where the symlink to %s shall be", to);
}

/* The source in init's own mount namespace: by text, not from the bundle's fd, which is a place in
 * the host's. */
static int clone_source(const struct job *j, struct cs_err *err)
{
	const char *source = j->m->source;
	char abs[PATH_MAX];
	int r;

	if (!source)
		return cs_err_set(err, EINVAL, "a bind mount needs a source");
	if (source[0] == '/')
		return ctr_bind_clone(AT_FDCWD, source, &j->m->opt, err);
	r = cs_str_fmt(abs, sizeof(abs), err, "%s/%s", j->s->bundle, source);
	return r < 0 ? r : ctr_bind_clone(AT_FDCWD, abs, &j->m->opt, err);
}

static int mount_bind(const struct job *j, struct cs_err *err)
{
	const struct ctr_mountopt *o = &j->m->opt;
	cs_auto_fd int own = -EBADF;
	cs_auto_fd int target = -EBADF;
	int tree = j->prepared;
	int r;

	if (tree < 0) {
		own = tree = clone_source(j, err);
		if (tree < 0)
			return tree;
	}
	if (o->copy_symlink) {
		r = copy_symlink(j, tree, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	r = ctr_mount_attrs(tree, o, false, err);
	if (r < 0)
		return r;
	target = ctr_dest_bind(j->s->root, j->clean, tree, o->dest_nofollow, err);
	if (target < 0)
		return target;
	r = ctr_dest_check_target(j->clean, target, tree, false, err);
	return r < 0 ? r : attach(j, tree, target, err);
}

static int mount_remount(const struct job *j, struct cs_err *err)
{
	const struct ctr_mountopt *o = &j->m->opt;
	const struct ctr_fs_desc d = {
		.data = o->data,
		.sb_flags = o->sb_flags,
		.readonly = o->sb_readonly,
	};
	cs_auto_fd int fd = cs_path_open(j->s->root, j->clean, O_PATH, err);
	int r;

	if (fd < 0)
		return fd;
	if (!o->bind && (o->data || o->sb_flags || o->sb_readonly)) {
		r = ctr_fs_reconfigure(fd, &d, err);
		if (r < 0)
			return r;
	}
	r = ctr_mount_attrs(fd, o, true, err);
	return r < 0 ? r : ctr_mount_propagation(fd, o->propagation, err);
}

/* The same file system as the host has it. */
static int clone_host_view(const struct ctr_mount *m, const struct host_view *v, struct cs_err *err)
{
	struct ctr_mountopt o = m->opt;
	int fd, r;

	o.recursive_bind = true; /* in a user namespace what lies over it cannot be left out */
	o.rec_attr_set |= o.attr_set | (v->readonly ? MOUNT_ATTR_RDONLY : 0);
	o.attr_set = o.attr_clr = o.rec_attr_clr = 0;
	fd = ctr_bind_clone(AT_FDCWD, v->path, &o, err);
	if (fd < 0)
		return fd;
	r = ctr_mount_attrs(fd, &o, false, err);
	if (r == 0)
		return fd;
	cs_close_fd(&fd);
	return r;
}

static bool maps_id(const struct ctr_idmaps *maps, uint64_t id)
{
	for (size_t i = 0; i < maps->n; i++) {
		if (id >= maps->v[i].container_id && id - maps->v[i].container_id < maps->v[i].size)
			return true;
	}
	return maps->n == 0; /* not known here: a joined user namespace, or none */
}

/* Says more of an EINVAL: an owner that the user namespace does not have is the usual reason. */
static int explain_owner(const struct job *j, int r, struct cs_err *err)
{
	static const char *const keys[] = { "uid=", "gid=" };
	const struct ctr_spec *spec = j->s->spec;
	const struct ctr_idmaps *const maps[] = { &spec->uid_maps, &spec->gid_maps };

	for (size_t i = 0; r == -EINVAL && j->m->opt.data && j->m->opt.data[i]; i++) {
		const char *o = j->m->opt.data[i];

		for (size_t k = 0; k < CS_LEN(keys); k++) {
			uint64_t id;

			if (!cs_str_starts(o, keys[k]) || cs_str_u64(o + 4, &id) < 0 ||
			    maps_id(maps[k], id))
				continue;
			cs_err_clear(err);
			return cs_err_set(err, EINVAL,
					  "option \"%s\": no entry of linux.%cidMappings maps %s",
					  o, o[0], o + 4);
		}
	}
	return r;
}

static int make_fs(const struct job *j, const struct ctr_fs_desc *d, struct cs_err *err)
{
	int fd = ctr_fs_mount(d, err);

	for (size_t i = 0; fd == -EPERM && j->s->userns && i < CS_LEN(host_views); i++) {
		if (!is_type(j->m, host_views[i].type) || j->s->spec->ns[host_views[i].ns].present)
			continue;
		cs_err_clear(err);
		return clone_host_view(j->m, &host_views[i], err);
	}
	return fd < 0 ? explain_owner(j, fd, err) : fd;
}

/* SELinux: mqueue takes no context= but a label like a folder. */
static int label_mqueue(int tree, const char *label, struct cs_err *err)
{
	cs_auto_fd int dir = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fsetxattr(dir, "security.selinux", label, strlen(label), 0) < 0)
		return cs_err_sys(err, "linux.mountLabel %s", label);
	return 0;
}

static bool has_mode(const struct ctr_mountopt *o)
{
	for (size_t i = 0; o->data && o->data[i]; i++) {
		if (cs_str_starts(o->data[i], "mode="))
			return true;
	}
	return false;
}

/* The folder's own mode, for a tmpfs that is given none and lies over a folder of the image. */
static int target_mode(const struct job *j, char mode[8], struct cs_err *err)
{
	struct stat sb;
	int fd = cs_path_open(j->s->root, j->clean, O_PATH | O_DIRECTORY, err);

	if (fd == -ENOENT) {
		cs_err_clear(err);
		fd = ctr_dest_folder(j->s->root, j->clean, err);
		mode[0] = '\0';
	} else if (fd >= 0) {
		if (fstat(fd, &sb) < 0)
			sb.st_mode = 0755;
		snprintf(mode, 8, "%o", sb.st_mode & 07777);
	}
	return fd;
}

static int fs_target(const struct job *j, char mode[8], struct cs_err *err)
{
	mode[0] = '\0';
	if (is_type(j->m, "proc") || is_type(j->m, "sysfs"))
		return ctr_dest_strict(j->s->root, j->clean, err);
	if (is_type(j->m, "tmpfs") && !has_mode(&j->m->opt))
		return target_mode(j, mode, err);
	return ctr_dest_folder(j->s->root, j->clean, err);
}

static int mount_fs(const struct job *j, struct cs_err *err)
{
	static const char *const own_labels[] = { "mqueue", "proc", "sysfs" };
	const struct ctr_mountopt *o = &j->m->opt;
	const char *label = j->s->spec->mount_label;
	bool late_ro = is_late_ro(j->m, j->clean);
	struct ctr_fs_desc d = {
		.type = j->m->type,
		.source = j->m->source,
		.data = o->data,
		.sb_flags = o->sb_flags,
		.attrs = (o->attr_set & ~o->rec_attr_clr) | o->rec_attr_set,
		.readonly = o->sb_readonly && !late_ro,
		.scratch = j->s->root,
	};
	cs_auto_fd int target = -EBADF;
	cs_auto_fd int tree = -EBADF;
	char mode[8];
	int r;

	target = fs_target(j, mode, err);
	if (target < 0)
		return target;
	r = ctr_dest_check_target(j->clean, target, -EBADF, is_type(j->m, "proc"), err);
	if (r < 0)
		return r;
	if (late_ro)
		d.attrs &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (mode[0])
		d.mode = mode;
	if (label && !cs_str_in(d.type, own_labels, CS_LEN(own_labels)))
		d.label = label;
	tree = make_fs(j, &d, err);
	if (tree < 0)
		return tree;
	if (label && is_type(j->m, "mqueue"))
		r = label_mqueue(tree, label, err);
	if (r == 0 && o->tmpcopyup)
		r = ctr_tmpcopyup(target, tree, !has_mode(o), err);
	/* A new file system is private; other propagation is given to it here. */
	if (r == 0 && (o->propagation & (MS_SHARED | MS_UNBINDABLE)) && !j->late_prop)
		r = ctr_mount_propagation(tree, o->propagation, err);
	if (r == 0)
		r = attach(j, tree, target, err);
	if (r == 0 && late_ro && strcmp(j->clean, "/dev") != 0)
		*j->late_ro = cs_take_fd(&tree);
	return r;
}

static int mount_job(const struct job *j, struct cs_err *err)
{
	cs_auto_fd int target = -EBADF;
	int r;

	if (j->m->opt.remount)
		return mount_remount(j, err);
	r = ctr_dest_check_text(j->clean, err);
	if (r < 0)
		return r;
	if (j->m->opt.tmpcopyup && !is_type(j->m, "tmpfs"))
		return cs_err_set(err, EINVAL, "option \"tmpcopyup\" is for type tmpfs only");
	if (ctr_mount_is_bind(j->m))
		return mount_bind(j, err);
	if (!is_type(j->m, "cgroup") && !is_type(j->m, "cgroup2"))
		return mount_fs(j, err);

	target = ctr_dest_folder(j->s->root, j->clean, err);
	if (target < 0)
		return target;
	r = ctr_dest_check_target(j->clean, target, -EBADF, false, err);
	return r < 0 ? r : ctr_mount_cgroup(j->s, j->m, target, err);
}

/* May a mount beneath the root be shared, so that what is mounted below it is made shared, too? */
static bool any_shared(const struct ctr_spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		if (spec->mounts[i].opt.propagation & MS_SHARED)
			return true;
	}
	return false;
}

static int mount_all(struct ctr_ns_setup *s, int *late_ro, struct cs_err *err)
{
	const struct ctr_spec *spec = s->spec;
	bool late_prop = any_shared(spec);

	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct job j = {
			.s = s,
			.m = &spec->mounts[i],
			.prepared = s->mount_fds ? s->mount_fds[i] : -EBADF,
			.late_prop = late_prop,
			.late_ro = &late_ro[i],
		};
		int r = ctr_dest_clean(j.m->destination, j.clean, err);

		if (r == 0)
			r = mount_job(&j, err);
		if (r < 0)
			return cs_err_wrap(err, "mounts[%zu] (%s)", i, j.m->destination);
	}
	return 0;
}

int ctr_mounts_apply(struct ctr_ns_setup *s, struct cs_err *err)
{
	const struct ctr_spec *spec = s->spec;
	cs_auto_free int *late_ro = NULL;
	int r;

	if (spec->n_mounts == 0)
		return 0;
	if (!spec->ns[CTR_NS_MOUNT].present)
		return cs_err_set(
			err, EINVAL,
			"mounts: need a mount namespace in linux.namespaces, or they would "
			"be made on the host");
	late_ro = malloc(spec->n_mounts * sizeof(*late_ro));
	if (!late_ro)
		return cs_err_set(err, ENOMEM, "mounts: out of memory");
	for (size_t i = 0; i < spec->n_mounts; i++)
		late_ro[i] = -EBADF;
	r = mount_all(s, late_ro, err);
	for (size_t i = 0; i < spec->n_mounts; i++) {
		cs_auto_fd int fd = late_ro[i];

		if (r == 0 && fd >= 0 && make_readonly(fd, err) < 0)
			r = cs_err_wrap(err, "mounts[%zu] (%s)", i, spec->mounts[i].destination);
	}
	return r;
}

int ctr_mounts_seal(const struct ctr_ns_setup *s, struct cs_err *err)
{
	for (size_t i = 0; i < s->spec->n_mounts; i++) {
		const struct ctr_mount *m = &s->spec->mounts[i];
		cs_auto_fd int fd = -EBADF;
		char clean[PATH_MAX];
		int r = ctr_dest_clean(m->destination, clean, err);

		if (r < 0)
			return r;
		if (strcmp(clean, "/dev") != 0 || !is_late_ro(m, clean))
			continue;
		fd = cs_path_open(s->root, "/dev", O_PATH | O_DIRECTORY, err);
		r = fd < 0 ? fd : make_readonly(fd, err);
		if (r < 0)
			return cs_err_wrap(err, "mounts[%zu] (%s)", i, m->destination);
	}
	return 0;
}
