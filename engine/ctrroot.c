#include "engine/ctrroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/ctrview.h"
#include "engine/engine.h"
#include "engine/prepare.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/state.h"

int eng_path_tidy(const char *path, char *out, size_t size, struct cs_err *err)
{
	size_t len = 0;

	if (size < 2 || strlen(path) + 2 > size)
		return cs_err_set(err, ENAMETOOLONG, "path %.60s... is too long", path);
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n > 0 && !(n == 1 && *p == '.')) {
			out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return 0;
}

void eng_ctrroot_close(struct eng_ctrroot *c)
{
	struct cs_err ignored = CS_ERR_INIT;

	cs_close_fd(&c->fd);
	eng_ctrview_close(&c->view);
	/* an overlay that is never synced notes in its work folder that it was mounted, and is not
	 * mounted a second time */
	if (c->mounted && c->r.auto_remove && c->folder >= 0) {
		cs_auto_fd int rw = openat(c->folder, "rw", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (rw >= 0)
			cs_file_rmtree(rw, "work", &ignored);
	}
	cs_close_fd(&c->folder);
	cs_close_fd(&c->lock);
	eng_record_fini(&c->r);
	c->r = ENG_RECORD_INIT;
	c->mounted = false;
}

/* Its first process's root. The pid is the one that the runtime noted if it started when that says;
 * a pidfd taken before and asked after shows that it was that process all the time. */
static int running_root(const struct eng *e, const char *id, struct cs_err *err)
{
	ctr_auto_state struct ctr_state st = { 0 };
	cs_auto_fd int states = ctr_state_root_open(e->state, false, err);
	cs_auto_fd int dir = -EBADF, proc = -EBADF, pidfd = -EBADF, root = -EBADF;
	char path[48];

	if (states < 0 || ctr_state_open(states, id, &dir, err) < 0 ||
	    ctr_state_read(dir, &st, err) < 0)
		return -err->code;
	proc = cs_path_proc_open(err);
	if (proc < 0)
		return proc;
	pidfd = cs_proc_pidfd(proc, st.pid, st.start_time, err);
	if (pidfd < 0)
		return pidfd;
	snprintf(path, sizeof(path), "%d/root", (int)st.pid);
	root = openat(proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return cs_err_sys(err, "open the container's root");
	if (cs_proc_wait_end(pidfd, 0, err) != 0)
		return err->code ? -err->code : cs_err_set(err, ESRCH, "the container ended");
	return cs_take_fd(&root);
}

/* A view of the folder that nothing is written through, as a container sees it that runs. Its own
 * mount: that of the host stays as it is. */
static int read_only(int fd, struct cs_err *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	cs_auto_fd int tree = cs_sys_open_tree(
		fd, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro) < 0)
		return cs_err_sys(err, "make a read-only view");
	return cs_take_fd(&tree);
}

/* With its volumes and bound folders on it; @root is a mount that nobody else has. */
static int view(const struct eng *e, struct eng_ctrroot *c, int root, struct cs_err *err)
{
	int ret = eng_ctrview_open(e, &c->r, root, c->path, &c->view, err);

	if (ret < 0)
		return ret;
	return cs_take_fd(&c->view.root);
}

static int stopped_root(const struct eng *e, struct eng_ctrroot *c, bool mounts, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;

	c->folder = eng_dir(e, c->r.id, err);
	c->mounted = c->folder >= 0;
	if (c->folder < 0)
		return c->folder;
	root = eng_rootfs_open(e, &c->r, err);
	if (root < 0)
		return root;
	return mounts && c->r.n_mounts > 0 ? view(e, c, root, err) : cs_take_fd(&root);
}

static bool below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (!path[n] || path[n] == '/');
}

/* Does @path lie on a file system that only the machine has? */
static bool in_memory(const struct eng_record *r, const char *path)
{
	static const char *const own[] = { "/dev", "/proc", "/sys" };

	for (size_t i = 0; i < CS_LEN(own); i++)
		if (below(path, own[i]))
			return true;
	for (size_t i = 0; i < r->n_mounts; i++)
		if (r->mounts[i].type == ENG_MOUNT_TMPFS && below(path, r->mounts[i].target))
			return true;
	return false;
}

/* The mount that its machine sees, again, for us. */
static int machine_root(const struct eng *e, const struct eng_ctrroot *c, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF, tree = -EBADF;
	char path[PATH_MAX];
	struct statx st;

	if (cs_str_fmt(path, sizeof(path), err, "%s/containers/%s/rootfs", e->state, c->r.id) < 0)
		return -err->code;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, 0, &st) < 0)
		return cs_err_sys(err, "open the root that its machine sees");
	if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return cs_err_set(err, ESRCH, "the container ended");
	if (c->r.read_only)
		return read_only(fd, err);
	tree = cs_sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return cs_err_sys(err, "make a view of its root");
	return cs_take_fd(&tree);
}

/* Its first process is the host's: that one's root is not the container's. What the machine sees is
 * mounted here. */
static int vm_root(const struct eng *e, struct eng_ctrroot *c, bool mounts, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;

	if (in_memory(&c->r, c->path))
		return cs_err_set(err, ENOTSUP,
				  "%s is in the machine's memory: the host cannot copy there",
				  c->path);
	root = machine_root(e, c, err);
	if (root < 0)
		return root;
	return mounts && c->r.n_mounts > 0 ? view(e, c, root, err) : cs_take_fd(&root);
}

int eng_ctrroot_open(const struct eng *e, const char *id, const char *path, struct eng_ctrroot *out,
		     struct cs_err *err)
{
	eng_auto_ctrroot struct eng_ctrroot c = ENG_CTRROOT_INIT;
	struct eng_status st = ENG_STATUS_INIT;

	if (eng_path_tidy(path ? path : "/", c.path, sizeof(c.path), err) < 0)
		return -err->code;
	c.lock = eng_lock(e, id, err);
	if (c.lock < 0 || eng_record_load(e, id, &c.r, err) < 0 ||
	    eng_status_load(e, id, &st, err) < 0 || eng_status_reach(e, id, c.r.name, &st, err) < 0)
		return -err->code;
	switch (st.state) {
	case ENG_RUNNING:
	case ENG_PAUSED:
		cs_close_fd(&c.lock);
		c.fd = eng_is_vm(&c.r) ? vm_root(e, &c, path, err) : running_root(e, id, err);
		break;
	case ENG_CREATED:
	case ENG_EXITED:
		c.fd = stopped_root(e, &c, path, err);
		break;
	case ENG_STARTING:
	case ENG_RESTARTING:
	case ENG_DEAD:
	default:
		return cs_err_set(err, EBUSY, "container %s is %s: stop it first", c.r.name,
				  eng_state_name(st.state));
	}
	if (c.fd < 0)
		return cs_err_wrap(err, "container %s", c.r.name);
	*out = c;
	c = ENG_CTRROOT_INIT;
	return 0;
}
