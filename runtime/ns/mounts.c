#include "runtime/ns/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	int prepared;	      /* from ctr_mounts_prepare(), or -EBADF */
	char clean[PATH_MAX]; /* m->destination, cleaned */
};

static bool is_type(const struct ctr_mount *m, const char *type)
{
	return m->type && strcmp(m->type, type) == 0;
}

bool ctr_mount_is_bind(const struct ctr_mount *m)
{
	return m->opt.bind || is_type(m, "bind") || !m->type || is_type(m, "none");
}

/* Opens the destination; a missing one is made as a folder or a file, as @tree is one. */
static int open_target(const struct job *j, int tree, struct cs_err *err)
{
	struct stat sb;
	int fd;

	if (is_type(j->m, "proc") || is_type(j->m, "sysfs"))
		return ctr_dest_strict(j->s->root, j->m->destination, err);
	fd = cs_path_open(j->s->root, j->m->destination, O_PATH, err);
	if (fd != -ENOENT)
		return fd;
	cs_err_clear(err);
	if (fstat(tree, &sb) < 0)
		return cs_err_sys(err, "stat the bind source");
	return cs_path_target(j->s->root, j->m->destination, S_ISDIR(sb.st_mode), err);
}

static int mount_bind(const struct job *j, struct cs_err *err)
{
	const struct ctr_mountopt *o = &j->m->opt;
	cs_auto_fd int own = -EBADF;
	cs_auto_fd int target = -EBADF;
	int tree = j->prepared;
	int r;

	if (tree < 0) {
		char abs[PATH_MAX];

		if (!j->m->source)
			return cs_err_set(err, EINVAL, "a bind mount needs a source");
		r = cs_str_fmt(abs, sizeof(abs), err, "%s%s%s",
			       j->m->source[0] == '/' ? "" : j->s->bundle,
			       j->m->source[0] == '/' ? "" : "/", j->m->source);
		if (r < 0)
			return r;
		own = ctr_bind_clone(AT_FDCWD, abs, o, err);
		if (own < 0)
			return own;
		tree = own;
	}
	r = ctr_mount_attrs(tree, o, false, err);
	if (r < 0)
		return r;
	target = open_target(j, tree, err);
	if (target < 0)
		return target;
	r = ctr_dest_check_proc(j->clean, target, tree, false, err);
	if (r < 0)
		return r;
	return ctr_mount_attach(tree, target, err);
}

static int mount_fs(const struct job *j, struct cs_err *err)
{
	const struct ctr_mountopt *o = &j->m->opt;
	const struct ctr_fs_desc d = {
		.type = j->m->type,
		.source = j->m->source,
		.data = o->data,
		.sb_flags = o->sb_flags,
		.attrs = (o->attr_set & ~o->rec_attr_clr) | o->rec_attr_set,
		.readonly = o->sb_readonly,
		.scratch = j->s->root,
	};
	cs_auto_fd int target = -EBADF;
	cs_auto_fd int tree = -EBADF;
	int r;

	if (is_type(j->m, "proc") || is_type(j->m, "sysfs"))
		target = ctr_dest_strict(j->s->root, j->m->destination, err);
	else
		target = cs_path_target(j->s->root, j->m->destination, true, err);
	if (target < 0)
		return target;
	r = ctr_dest_check_proc(j->clean, target, -EBADF, is_type(j->m, "proc"), err);
	if (r < 0)
		return r;
	tree = ctr_fs_mount(&d, err);
	if (tree < 0)
		return tree;
	return ctr_mount_attach(tree, target, err);
}

static int mount_one(struct ctr_ns_setup *s, size_t i, struct cs_err *err)
{
	struct job j = {
		.s = s,
		.m = &s->spec->mounts[i],
		.prepared = s->mount_fds ? s->mount_fds[i] : -EBADF,
	};
	int r = ctr_dest_clean(j.m->destination, j.clean, err);

	if (r < 0)
		return r;
	return ctr_mount_is_bind(j.m) ? mount_bind(&j, err) : mount_fs(&j, err);
}

int ctr_mounts_apply(struct ctr_ns_setup *s, struct cs_err *err)
{
	if (s->spec->n_mounts > 0 && !s->spec->ns[CTR_NS_MOUNT].present)
		return cs_err_set(
			err, EINVAL,
			"mounts: need a mount namespace in linux.namespaces, or they would "
			"be made on the host");
	for (size_t i = 0; i < s->spec->n_mounts; i++) {
		int r = mount_one(s, i, err);

		if (r < 0)
			return cs_err_wrap(err, "mounts[%zu] (%s)", i,
					   s->spec->mounts[i].destination);
	}
	return 0;
}

int ctr_mounts_prepare(const struct ctr_spec *spec, int bundle_fd, int host_proc, int *fds,
		       struct cs_err *err)
{
	(void)bundle_fd;
	(void)host_proc;
	(void)err;
	for (size_t i = 0; i < spec->n_mounts; i++)
		fds[i] = -EBADF;
	return 0;
}
