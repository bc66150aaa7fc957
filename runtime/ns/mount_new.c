#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

bool ctr_mount_is_late_ro(const struct ctr_mount *m, const char *clean)
{
	if (ctr_mount_is_bind(m) || m->opt.remount ||
	    !((m->opt.attr_set | m->opt.rec_attr_set) & MOUNT_ATTR_RDONLY))
		return false;
	return ctr_mount_is_type(m, "tmpfs") || strcmp(clean, "/dev") == 0;
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
static int explain_owner(const struct ctr_mount_job *j, int r, struct cs_err *err)
{
	static const char *const keys[] = { "uid=", "gid=" };
	const struct ctr_spec *spec = j->run->s->spec;
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

static int make_fs(const struct ctr_mount_job *j, const struct ctr_fs_desc *d, struct cs_err *err)
{
	int fd = ctr_fs_mount(d, err);

	for (size_t i = 0; fd == -EPERM && j->run->s->userns && i < CS_LEN(host_views); i++) {
		if (!ctr_mount_is_type(j->m, host_views[i].type) ||
		    j->run->s->spec->ns[host_views[i].ns].present)
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
static int target_mode(const struct ctr_mount_job *j, char mode[8], struct cs_err *err)
{
	struct stat sb;
	int fd = cs_path_open(j->run->s->root, j->clean, O_PATH | O_DIRECTORY, err);

	if (fd == -ENOENT) {
		cs_err_clear(err);
		return ctr_dest_folder(j->run->s->root, j->clean, err);
	}
	if (fd >= 0 && fstat(fd, &sb) == 0)
		snprintf(mode, 8, "%o", sb.st_mode & 07777);
	return fd;
}

/* The folder to mount on, checked. */
static int open_target(const struct ctr_mount_job *j, char mode[8], struct cs_err *err)
{
	struct ctr_mount_run *run = j->run;
	bool proc = ctr_mount_is_type(j->m, "proc");
	int fd = -EBADF, r;

	mode[0] = '\0';
	if (proc || ctr_mount_is_type(j->m, "sysfs")) {
		fd = ctr_dest_strict(run->s->root, j->clean, err);
	} else {
		fd = ctr_dest_fresh(run, j->clean);
		if (fd >= 0)
			return ctr_fds_keep(&run->fds, fd);
		if (ctr_mount_is_type(j->m, "tmpfs") && !has_mode(&j->m->opt))
			fd = target_mode(j, mode, err);
		else
			fd = ctr_dest_folder(run->s->root, j->clean, err);
	}
	if (ctr_fds_keep(&run->fds, fd) < 0)
		return fd;
	r = ctr_dest_check_target(j->clean, fd, -EBADF, proc, err);
	return r < 0 ? r : fd;
}

/* What else a new file system gets before it is seen. */
static int fill(const struct ctr_mount_job *j, int target, int tree, struct cs_err *err)
{
	const struct ctr_mountopt *o = &j->m->opt;
	const char *label = j->run->s->spec->mount_label;
	int r = 0;

	if (label && ctr_mount_is_type(j->m, "mqueue"))
		r = label_mqueue(tree, label, err);
	if (r == 0 && o->tmpcopyup)
		r = ctr_tmpcopyup(target, tree, !has_mode(o), err);
	/* It is private so far. */
	if (r == 0 && (o->propagation & (MS_SHARED | MS_UNBINDABLE)) && !j->run->late_prop)
		r = ctr_mount_propagation(tree, o->propagation, err);
	return r;
}

/* Hands the mount's fd over to who needs it next. A tmpfs below another one is not remembered: the
 * mount points of /dev stand side by side. */
static void pass_on(const struct ctr_mount_job *j, int tree, bool late_ro)
{
	struct ctr_mount_run *run = j->run;

	if (late_ro && strcmp(j->clean, "/dev") != 0) {
		*j->late_ro = tree;
	} else if (!ctr_mount_is_type(j->m, "tmpfs") || j->m->opt.tmpcopyup ||
		   (run->fresh_at[0] && ctr_dest_below(j->clean, run->fresh_at))) {
		ctr_fds_keep(&run->fds, tree);
	} else {
		ctr_fds_keep(&run->fds, run->fresh);
		run->fresh = tree;
		memcpy(run->fresh_at, j->clean, sizeof(run->fresh_at));
	}
}

int ctr_mount_new(const struct ctr_mount_job *j, struct cs_err *err)
{
	static const char *const own_labels[] = { "mqueue", "proc", "sysfs" };
	const struct ctr_mountopt *o = &j->m->opt;
	const struct ctr_ns_setup *s = j->run->s;
	bool late_ro = ctr_mount_is_late_ro(j->m, j->clean);
	struct ctr_fs_desc d = {
		.type = j->m->type,
		.source = j->m->source,
		.data = o->data,
		.sb_flags = o->sb_flags,
		.attrs = (o->attr_set & ~o->rec_attr_clr) | o->rec_attr_set,
		.readonly = o->sb_readonly && !late_ro,
		.scratch = s->root,
		.fds = &j->run->fds,
	};
	cs_auto_fd int tree = -EBADF;
	char mode[8];
	int target, r;

	target = open_target(j, mode, err);
	if (target < 0)
		return target;
	if (late_ro)
		d.attrs &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (mode[0])
		d.mode = mode;
	if (!cs_str_in(d.type, own_labels, CS_LEN(own_labels)))
		d.label = s->spec->mount_label;
	tree = make_fs(j, &d, err);
	if (tree < 0)
		return tree;
	r = fill(j, target, tree, err);
	if (r == 0)
		r = ctr_mount_done(j, tree, target, err);
	if (r == 0)
		pass_on(j, cs_take_fd(&tree), late_ro);
	return r;
}
