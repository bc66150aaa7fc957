#include "runtime/ns/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/ns/setup.h"
#include "runtime/spec.h"

#include <sys/mount.h>

bool ctr_mount_is_type(const struct ctr_mount *m, const char *type)
{
	return m->type && strcmp(m->type, type) == 0;
}

bool ctr_mount_is_bind(const struct ctr_mount *m)
{
	return m->opt.bind || !m->type || ctr_mount_is_type(m, "bind") ||
	       ctr_mount_is_type(m, "none");
}

static int make_readonly(int fd, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (cs_sys_mount_setattr(fd, "", AT_EMPTY_PATH, &ro) < 0)
		return cs_err_sys(err, "make it read-only");
	return 0;
}

int ctr_mount_done(const struct ctr_mount_job *j, int tree, int target, struct cs_err *err)
{
	struct ctr_mount_run *run = j->run;
	int r = ctr_mount_attach(tree, target, err);

	if (run->fresh_at[0] && ctr_dest_below(run->fresh_at, j->clean))
		run->fresh_at[0] = '\0'; /* covered */
	return r == 0 && run->late_prop ? ctr_mount_propagation(tree, j->m->opt.propagation, err)
					: r;
}

/* "copy-symlink": a source that is a symlink is made anew at the destination. 1: it was one. */
static int copy_symlink(const struct ctr_mount_job *j, int tree, struct cs_err *err)
{
	cs_auto_fd int parent = -EBADF;
	const char *name;
	char to[PATH_MAX], there[PATH_MAX];
	ssize_t n = readlinkat(tree, "", to, sizeof(to) - 1), m;

	if (n <= 0)
		return 0;
	to[n] = '\0';
	parent = cs_path_parent(j->run->s->root, j->clean, true, &name, err);
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
static int clone_source(const struct ctr_mount_job *j, struct cs_err *err)
{
	const char *source = j->m->source;
	char abs[PATH_MAX];
	int r;

	if (!source)
		return cs_err_set(err, EINVAL, "a bind mount needs a source");
	if (source[0] == '/')
		return ctr_bind_clone(AT_FDCWD, source, &j->m->opt, err);
	r = cs_str_fmt(abs, sizeof(abs), err, "%s/%s", j->run->s->bundle, source);
	return r < 0 ? r : ctr_bind_clone(AT_FDCWD, abs, &j->m->opt, err);
}

static int mount_bind(const struct ctr_mount_job *j, struct cs_err *err)
{
	const struct ctr_mountopt *o = &j->m->opt;
	struct ctr_mount_run *run = j->run;
	int tree = j->prepared;
	int target, r;

	if (tree < 0)
		tree = ctr_fds_keep(&run->fds, clone_source(j, err));
	if (tree < 0)
		return tree;
	if (o->copy_symlink) {
		r = copy_symlink(j, tree, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	r = ctr_mount_attrs(tree, o, false, err);
	if (r < 0)
		return r;
	target = ctr_fds_keep(&run->fds,
			      ctr_dest_bind(run->s->root, j->clean, tree, o->dest_nofollow, err));
	if (target < 0)
		return target;
	r = ctr_dest_check_target(j->clean, target, tree, false, err);
	return r < 0 ? r : ctr_mount_done(j, tree, target, err);
}

static int mount_remount(const struct ctr_mount_job *j, struct cs_err *err)
{
	const struct ctr_mountopt *o = &j->m->opt;
	const struct ctr_fs_desc d = {
		.data = o->data,
		.sb_flags = o->sb_flags,
		.readonly = o->sb_readonly,
	};
	cs_auto_fd int fd = cs_path_open(j->run->s->root, j->clean, O_PATH, err);
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

static int mount_job(const struct ctr_mount_job *j, struct cs_err *err)
{
	struct ctr_mount_run *run = j->run;
	int target, r;

	if (j->m->opt.remount)
		return mount_remount(j, err);
	r = ctr_dest_check_text(j->clean, err);
	if (r < 0)
		return r;
	if (j->m->opt.tmpcopyup && !ctr_mount_is_type(j->m, "tmpfs"))
		return cs_err_set(err, EINVAL, "option \"tmpcopyup\" is for type tmpfs only");
	if (ctr_mount_is_bind(j->m))
		return mount_bind(j, err);
	if (!ctr_mount_is_type(j->m, "cgroup") && !ctr_mount_is_type(j->m, "cgroup2"))
		return ctr_mount_new(j, err);

	target = ctr_fds_keep(&run->fds, ctr_dest_folder(run->s->root, j->clean, err));
	if (target < 0)
		return target;
	r = ctr_dest_check_target(j->clean, target, -EBADF, false, err);
	return r < 0 ? r : ctr_mount_cgroup(run->s, j->m, target, err);
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

static int mount_each(struct ctr_mount_run *run, int *late_ro, struct cs_err *err)
{
	const struct ctr_ns_setup *s = run->s;

	for (size_t i = 0; i < s->spec->n_mounts; i++) {
		struct ctr_mount_job j = {
			.run = run,
			.m = &s->spec->mounts[i],
			.prepared = s->mount_fds ? s->mount_fds[i] : -EBADF,
			.late_ro = &late_ro[i],
		};
		int r = ctr_dest_clean(j.m->destination, j.clean, err);

		ctr_fds_unit(&run->fds);
		if (r == 0)
			r = mount_job(&j, err);
		if (r < 0)
			return cs_err_wrap(err, "mounts[%zu] (%s)", i, j.m->destination);
	}
	return 0;
}

static int mount_all(const struct ctr_ns_setup *s, int *late_ro, struct cs_err *err)
{
	struct ctr_mount_run run = {
		.s = s,
		.fresh = -EBADF,
		.late_prop = any_shared(s->spec),
	};
	int r = mount_each(&run, late_ro, err);

	ctr_fds_keep(&run.fds, run.fresh);
	ctr_fds_close(&run.fds);
	return r;
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
		if (strcmp(clean, "/dev") != 0 || !ctr_mount_is_late_ro(m, clean))
			continue;
		fd = cs_path_open(s->root, "/dev", O_PATH | O_DIRECTORY, err);
		r = fd < 0 ? fd : make_readonly(fd, err);
		if (r < 0)
			return cs_err_wrap(err, "mounts[%zu] (%s)", i, m->destination);
	}
	return 0;
}
