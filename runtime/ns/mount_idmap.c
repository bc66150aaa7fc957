#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/ns/idmap.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/spec.h"

/* A process that does nothing but keep a user namespace until it has an fd. */
struct holder {
	pid_t pid;
	int pidfd; /* owned */
	int alive; /* owned; it reads the other end */
};

/* Gives back at once what it has of its parent, the container's lock above all, and ends with it:
 * however early that was killed, the pipe tells. */
static _Noreturn void hold(int parent)
{
	struct cs_err ignored = CS_ERR_INIT;
	ssize_t n;
	char c;

	cs_fd_close_others(0, &parent, 1, &ignored);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		n = read(parent, &c, 1);
	} while (n < 0 && errno == EINTR);
	_exit(0);
}

/* It leaves no SIGCHLD. */
static int holder_start(struct holder *h, struct cs_err *err)
{
	const struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&h->pidfd,
	};
	cs_auto_fd int parent = -EBADF;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cs_err_sys(err, "make a pipe");
	parent = ends[0];
	h->alive = ends[1];
	h->pid = cs_sys_clone3(&args);
	if (h->pid == 0)
		hold(parent);
	if (h->pid < 0) {
		cs_err_sys(err, "make a user namespace");
		cs_close_fd(&h->alive);
		return -err->code;
	}
	return 0;
}

static void holder_end(struct holder *h)
{
	siginfo_t info;

	cs_sys_pidfd_send_signal(h->pidfd, SIGKILL);
	while (waitid(P_PIDFD, (id_t)h->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	cs_close_fd(&h->pidfd);
	cs_close_fd(&h->alive);
}

static int open_ns(int host_proc, pid_t pid, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%d/ns", pid);
	dir = cs_path_proc_file(host_proc, path, O_PATH | O_DIRECTORY, err);
	if (dir < 0)
		return dir;
	fd = openat(dir, "user", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open the user namespace of a child");
	return fd;
}

int ctr_idmap_userns(const struct ctr_idmaps *uids, const struct ctr_idmaps *gids, int host_proc,
		     struct cs_err *err)
{
	struct holder h = { .pidfd = -EBADF, .alive = -EBADF };
	int r = holder_start(&h, err);

	if (r < 0)
		return r;
	r = ctr_idmap_write_one(host_proc, h.pid, "uid_map", uids, err);
	if (r == 0)
		r = ctr_idmap_write_one(host_proc, h.pid, "gid_map", gids, err);
	if (r == 0)
		r = open_ns(host_proc, h.pid, err);
	holder_end(&h);
	return r;
}

/* config.md, Mounts: without mappings of its own, a mount has the container's. */
int ctr_mount_userns(const struct ctr_spec *spec, const struct ctr_mount *m, int host_proc,
		     struct cs_err *err)
{
	const struct ctr_ns_spec *user = &spec->ns[CTR_NS_USER];
	int fd;

	if ((m->uid_maps.n > 0) != (m->gid_maps.n > 0))
		return cs_err_set(err, EINVAL, "uidMappings and gidMappings need each other");
	if (m->uid_maps.n > 0)
		return ctr_idmap_userns(&m->uid_maps, &m->gid_maps, host_proc, err);
	if (user->path) {
		fd = open(user->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return cs_err_sys(err, "open user namespace %s", user->path);
		return fd;
	}
	if (spec->uid_maps.n > 0 && spec->gid_maps.n > 0)
		return ctr_idmap_userns(&spec->uid_maps, &spec->gid_maps, host_proc, err);
	return cs_err_set(err, EINVAL,
			  "option \"idmap\" needs uidMappings and gidMappings here or a user "
			  "namespace of the container");
}

static bool same_maps(const struct ctr_idmaps *a, const struct ctr_idmaps *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++) {
		if (a->v[i].container_id != b->v[i].container_id ||
		    a->v[i].host_id != b->v[i].host_id || a->v[i].size != b->v[i].size)
			return false;
	}
	return a->n == b->n;
}

bool ctr_mount_same_maps(const struct ctr_mount *a, const struct ctr_mount *b)
{
	return same_maps(&a->uid_maps, &b->uid_maps) && same_maps(&a->gid_maps, &b->gid_maps);
}
