#include "runtime/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "cgroups/cgroup.h"
#include "runtime/isolation.h"
#include "runtime/lock.h"
#include "runtime/ns/tty.h"

static const char *const status_names[] = {
	[CTR_CREATING] = "creating", [CTR_CREATED] = "created", [CTR_RUNNING] = "running",
	[CTR_PAUSED] = "paused",     [CTR_STOPPED] = "stopped",
};

const char *ctr_status_name(enum ctr_status s)
{
	return status_names[s];
}

void ctr_child_fini(struct ctr_child *child)
{
	cs_close_fd(&child->pidfd);
	cs_close_fd(&child->master);
}

void ctr_fini(struct ctr *c)
{
	cs_close_fd(&c->go);
	cs_close_fd(&c->stop);
	cs_close_fd(&c->bundle);
	cs_close_fd(&c->dir);
	cs_close_fd(&c->root_fd);
	cs_close_fd(&c->host_proc);
	if (c->cgroups)
		cg_host_fini(c->cgroups);
	free(c->cgroups);
	c->cgroups = NULL;
	ctr_state_fini(&c->state);
	if (c->has_spec)
		ctr_spec_fini(&c->spec);
	c->has_spec = false;
	cs_close_fd(&c->lock); /* last: until here nobody else may touch the container */
}

int ctr_cgroups(struct ctr *c, const struct cg_host **out, struct cs_err *err)
{
	cs_auto_free struct cg_host *host = NULL;
	int rc;

	if (!c->cgroups) {
		host = malloc(sizeof(*host));
		if (!host)
			return cs_err_set(err, ENOMEM, "find the host's cgroups: out of memory");
		rc = cg_host_open(c->host_proc, host, err);
		if (rc < 0)
			return rc;
		c->cgroups = cs_take_ptr(&host);
	}
	*out = c->cgroups;
	return 0;
}

static int read_spec(struct ctr *c, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len;
	int rc;

	rc = cs_file_read(c->dir, "config.json", CTR_SPEC_MAX_BYTES, &text, &len, err);
	if (rc == 0)
		rc = ctr_spec_parse(text, len, &c->spec, err);
	if (rc < 0)
		return cs_err_wrap(err, "container %s: its saved config.json", c->id);
	c->has_spec = true;
	return 0;
}

/* What has the container's lock to do with it. */
enum locking { LOCK_NONE, LOCK_WAIT, LOCK_FORCE };

static int open_parts(struct ctr *c, enum locking lock, bool spec, struct cs_err *err)
{
	int rc;

	rc = ctr_id_check(c->id, err);
	if (rc < 0)
		return rc;
	c->root_fd = ctr_state_root_open(c->rt->root, false, err);
	if (c->root_fd == -ENOENT) {
		cs_err_clear(err);
		return cs_err_set(err, ENOENT, "container %s does not exist", c->id);
	}
	if (c->root_fd < 0)
		return -err->code;
	rc = ctr_state_open(c->root_fd, c->id, &c->dir, err);
	if (rc == 0 && lock != LOCK_NONE)
		rc = ctr_lock_wait(c->dir, c->id, lock == LOCK_FORCE, &c->lock, err);
	if (rc < 0)
		return rc;
	rc = ctr_state_read(c->dir, &c->state, err);
	if (rc == -ENOENT) { /* a delete came first */
		cs_err_clear(err);
		return cs_err_set(err, ENOENT, "container %s does not exist", c->id);
	}
	if (rc < 0)
		return rc;
	c->wall = ctr_isolation_by_name(c->state.wall);
	if (!c->wall)
		return cs_err_set(err, ENOTSUP, "container %s: isolation \"%s\" is not known here",
				  c->id, c->state.wall);
	c->host_proc = cs_path_proc_open(err);
	if (c->host_proc < 0)
		return -err->code;
	return spec ? read_spec(c, err) : 0;
}

static int open_as(const struct ctr_rt *rt, const char *id, enum locking lock, bool spec,
		   struct ctr *out, struct cs_err *err)
{
	struct ctr c = CTR_INIT;
	int rc;

	c.rt = rt;
	c.id = id;
	rc = open_parts(&c, lock, spec, err);
	if (rc < 0) {
		ctr_fini(&c);
		return rc;
	}
	*out = c;
	return 0;
}

int ctr_open(const struct ctr_rt *rt, const char *id, bool spec, struct ctr *out,
	     struct cs_err *err)
{
	return open_as(rt, id, LOCK_NONE, spec, out, err);
}

int ctr_open_locked(const struct ctr_rt *rt, const char *id, bool spec, bool force, struct ctr *out,
		    struct cs_err *err)
{
	return open_as(rt, id, force ? LOCK_FORCE : LOCK_WAIT, spec, out, err);
}

/* 1: the init that the state names is alive. */
static int is_alive(const struct ctr *c, struct cs_err *err)
{
	uint64_t start = 0;
	int rc;

	if (c->state.pid == 0)
		return 0;
	rc = cs_proc_start_time(c->host_proc, c->state.pid, true, &start, err);
	if (rc == -ESRCH) {
		cs_err_clear(err);
		return 0;
	}
	return rc < 0 ? rc : start == c->state.start_time;
}

/* 1: another command makes or removes the container at this moment. */
static int is_locked(const struct ctr *c, struct cs_err *err)
{
	return c->lock >= 0 ? 0 : cs_file_is_locked(c->dir, "lock", err);
}

int ctr_status_get(const struct ctr *c, enum ctr_status *out, struct cs_err *err)
{
	struct ctr *w = (struct ctr *)(uintptr_t)c; /* a wall's questions change nothing in it */
	int alive, rc;

	alive = is_alive(c, err);
	if (alive < 0)
		return alive;
	rc = c->state.pid == 0 || alive ? is_locked(c, err) : 0;
	if (rc < 0)
		return rc;
	if (!alive) {
		*out = rc ? CTR_CREATING : CTR_STOPPED;
		return 0;
	}
	if (rc) {
		*out = CTR_CREATING;
		return 0;
	}
	rc = c->wall->frozen(w, err);
	if (rc > 0)
		*out = CTR_PAUSED;
	if (rc == 0) {
		rc = c->wall->waits(w, err);
		if (rc >= 0)
			*out = rc ? CTR_CREATED : CTR_RUNNING;
	}
	return rc < 0 ? rc : 0;
}

int ctr_record_init(struct ctr *c, pid_t pid, struct cs_err *err)
{
	int rc;

	rc = cs_proc_start_time(c->host_proc, pid, false, &c->state.start_time, err);
	if (rc < 0)
		return cs_err_wrap(err, "container %s: its init", c->id);
	c->state.pid = pid;
	return ctr_state_write(c->dir, &c->state, err);
}

/* Makes the file @name of @dir whole at once, of a nameless one: dying half way leaves nothing.
 * What was there is of an earlier container. -EOPNOTSUPP where the file system has no nameless
 * files. */
static int publish_file(int dir, const char *name, const char *text, size_t len, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char self[32];
	int rc;

	fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EOPNOTSUPP || errno == EISDIR ? -EOPNOTSUPP
							      : cs_err_sys(err, "open");
	rc = cs_fd_write_all(fd, text, len, err);
	if (rc < 0)
		return rc;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	while (linkat(AT_FDCWD, self, dir, name, AT_SYMLINK_FOLLOW) < 0)
		if (errno != EEXIST || unlinkat(dir, name, 0) < 0)
			return cs_err_sys(err, "make %s", name);
	return 0;
}

/* The pid file as runc writes it: the number alone, and there is never half of it. */
static int write_pid_file(const char *path, pid_t pid, struct cs_err *err)
{
	cs_auto_free char *dir_name = NULL;
	cs_auto_fd int dir = -EBADF;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char text[16];
	int n, rc;

	dir_name = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!dir_name)
		return cs_err_set(err, ENOMEM, "--pid-file: out of memory");
	dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return cs_err_sys(err, "--pid-file: open folder %s", dir_name);
	n = snprintf(text, sizeof(text), "%d", pid);
	rc = publish_file(dir, name, text, (size_t)n, err);
	if (rc == -EOPNOTSUPP)
		rc = cs_file_replace(dir, name, text, (size_t)n, 0644, false, err);
	return rc < 0 ? cs_err_wrap(err, "--pid-file") : 0;
}

int ctr_publish_child(const char *pid_file, const char *pidfd_socket, const struct ctr_child *child,
		      struct cs_err *err)
{
	cs_auto_fd int sock = -EBADF;
	int rc;

	if (pidfd_socket) {
		sock = ctr_tty_connect(pidfd_socket, err);
		if (sock < 0)
			return cs_err_wrap(err, "--pidfd-socket");
		rc = cs_fd_send(sock, &child->pidfd, 1, "pidfd", strlen("pidfd"), err);
		if (rc < 0)
			return cs_err_wrap(err, "--pidfd-socket");
	}
	return pid_file ? write_pid_file(pid_file, child->pid, err) : 0;
}
