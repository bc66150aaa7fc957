#include "engine/ctrview.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/ctrvolumes.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/volume.h"

/* after linux/mount.h */
#include <sys/mount.h>

struct work {
	const struct eng *e;
	const struct eng_record *r;
	const char *path;
	int root;
};

/* What the child tells; its fds are ours as well. */
struct found {
	int ret;
	struct eng_ctrview view;
	struct cs_err err;
};

void eng_ctrview_close(struct eng_ctrview *v)
{
	cs_close_fd(&v->root);
	cs_close_fd(&v->ns);
}

static bool below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (!path[n] || path[n] == '/');
}

/* Its files are where it is mounted, not in our folder. One that is not there yet is made if it is
 * @wanted. */
static int volume_source(const struct work *w, const struct eng_mount *m, bool wanted, char *out,
			 size_t size, struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	int ret = eng_volume_load(w->e, m->source, &v, err);

	if (ret == 0 && v.options.n)
		return cs_err_set(err, EOPNOTSUPP,
				  "volume %.100s, which is at %.100s, has options and is mounted "
				  "while the container runs: start it first",
				  m->source, m->target);
	if (ret == -ENOENT && wanted) {
		cs_err_clear(err);
		ret = 0;
	}
	if (ret == 0)
		ret = eng_volume_ready(w->e, w->r, m, w->root, err);
	return ret < 0 ? ret : eng_volume_path(w->e, m->source, out, size, err);
}

static int open_source(const struct work *w, const struct eng_mount *m, bool wanted,
		       struct cs_err *err)
{
	char path[PATH_MAX];
	int fd;

	if (!m->source)
		return cs_err_set(err, EINVAL, "the mount on %.200s has no source", m->target);
	if (m->type == ENG_MOUNT_VOLUME) {
		if (volume_source(w, m, wanted, path, sizeof(path), err) < 0)
			return -err->code;
	} else if (cs_str_fmt(path, sizeof(path), err, "%s", m->source) < 0) {
		return -err->code;
	}
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open %s, which is at %s", path, m->target);
	return fd;
}

/* A mount of its own, so that the host's stays as it is. */
static int clone_tree(const struct work *w, const struct eng_mount *m, bool wanted, bool *dir,
		      struct cs_err *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	cs_auto_fd int from = open_source(w, m, wanted, err);
	cs_auto_fd int tree = -EBADF;
	struct stat sb;

	if (from < 0)
		return from;
	tree = cs_sys_open_tree(from, "",
				AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || fstat(from, &sb) < 0)
		return cs_err_sys(err, "make a view of what is at %s", m->target);
	if (m->read_only && cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro) < 0)
		return cs_err_sys(err, "make a read-only view of what is at %s", m->target);
	*dir = S_ISDIR(sb.st_mode);
	return cs_take_fd(&tree);
}

/* In the place of what cannot be mounted: what is beneath it is not the container's to see. */
static int closed_folder(struct cs_err *err)
{
	cs_auto_fd int fs = cs_sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "make an empty folder");
	fd = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (fd < 0)
		return cs_err_sys(err, "mount an empty folder");
	return fd;
}

/* The mount point; -ENOENT when there is none, and so no way to it. */
static int open_target(const struct work *w, const struct eng_mount *m, bool wanted, bool dir,
		       struct cs_err *err)
{
	int fd = wanted ? cs_path_target(w->root, m->target, dir, err)
			: cs_path_open(w->root, m->target, O_PATH, err);

	if (fd < 0)
		return cs_err_wrap(err, "the mount point %s", m->target);
	return fd;
}

static bool is_folder(int fd)
{
	struct stat sb;

	return fstat(fd, &sb) == 0 && S_ISDIR(sb.st_mode);
}

static int mount_one(const struct work *w, const struct eng_mount *m, struct cs_err *err)
{
	const bool wanted = below(w->path, m->target);
	cs_auto_fd int tree = -EBADF, at = -EBADF;
	struct cs_err why = CS_ERR_INIT;
	bool dir = true;

	tree = clone_tree(w, m, wanted, &dir, &why);
	if (tree < 0 && wanted) {
		*err = why;
		return tree;
	}
	at = open_target(w, m, wanted, dir, err);
	/* no way there, so none beneath either */
	if (at < 0 && !wanted) {
		cs_err_clear(err);
		return 0;
	}
	if (at < 0)
		return at;
	if (tree < 0 && !is_folder(at))
		return 0; /* a file that was bound: what is beneath it is an empty one */
	if (tree < 0)
		tree = closed_folder(err);
	if (tree < 0)
		return tree;
	/* one that is not asked for may have become a file in place of a folder */
	if (cs_sys_move_mount(tree, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
		    0 &&
	    wanted)
		return cs_err_sys(err, "mount what is at %s", m->target);
	return 0;
}

static unsigned int depth(const char *path)
{
	unsigned int n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* What is mounted on a folder before what is mounted in it. */
static int mount_all(const struct work *w, struct cs_err *err)
{
	unsigned int next = 0, now;

	do {
		now = next;
		next = UINT_MAX;
		for (size_t i = 0; i < w->r->n_mounts; i++) {
			const struct eng_mount *m = &w->r->mounts[i];
			unsigned int d = depth(m->target);

			if (d > now && d < next)
				next = d;
			if (d == now && m->type != ENG_MOUNT_TMPFS && !m->subpath &&
			    mount_one(w, m, err) < 0)
				return -err->code;
		}
	} while (next != UINT_MAX);
	return 0;
}

/* In the child, which has a mount namespace of its own and our fds. The root is attached where only
 * it sees it: over the folder of the writable layer. */
static int build(const struct work *w, struct eng_ctrview *out, struct cs_err *err)
{
	cs_auto_fd int ns = -EBADF, root = -EBADF, at = -EBADF;
	char path[PATH_MAX];

	if (cs_str_fmt(path, sizeof(path), err, "%s/containers/%s", w->e->root, w->r->id) < 0)
		return -err->code;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return cs_err_sys(err, "make a mount namespace of our own");
	ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ns < 0 || at < 0)
		return cs_err_sys(err, "look into the container");
	if (cs_sys_move_mount(w->root, "", at, "",
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return cs_err_sys(err, "mount the root filesystem for us alone");
	root = cs_path_open(w->root, "/", O_PATH | O_DIRECTORY, err);
	if (root < 0 || mount_all(w, err) < 0)
		return -err->code;
	out->root = cs_take_fd(&root);
	out->ns = cs_take_fd(&ns);
	return 0;
}

static _Noreturn void child(const struct work *w, int tell)
{
	struct found f = { .view = ENG_CTRVIEW_INIT };
	struct cs_err ignored = CS_ERR_INIT;

	f.ret = build(w, &f.view, &f.err);
	_exit(cs_fd_write_all(tell, &f, sizeof(f), &ignored) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

int eng_ctrview_open(const struct eng *e, const struct eng_record *r, int root, const char *path,
		     struct eng_ctrview *out, struct cs_err *err)
{
	const struct work w = { .e = e, .r = r, .path = path, .root = root };
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_FILES,
		.exit_signal = SIGCHLD,
	};
	struct found f = { .ret = -ECHILD };
	cs_auto_fd int in = -EBADF, tell = -EBADF;
	int p[2], ret;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return cs_err_sys(err, "make a pipe");
	in = p[0];
	tell = p[1];
	pid = cs_sys_clone3(&args);
	if (pid < 0)
		return cs_err_sys(err, "start a process in a mount namespace of its own");
	if (pid == 0)
		child(&w, tell);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	cs_close_fd(&tell);
	ret = cs_fd_read_exact(in, &f, sizeof(f), err);
	if (ret < 0)
		return cs_err_wrap(err, "the process that looks into the container ended");
	if (f.ret < 0)
		*err = f.err;
	else
		*out = f.view;
	return f.ret;
}
