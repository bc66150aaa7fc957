#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/isolation.h"
#include "runtime/ns/exec.h"
#include "runtime/ns/launch.h"
#include "runtime/ns/rdt.h"
#include "runtime/ns/serve.h"
#include "runtime/ns/socket.h"
#include "runtime/ns/sync.h"
#include "runtime/ns/sysctl.h"

/* The first wall: namespaces and cgroups. One function a member of struct ctr_isolation_ops. */

static int ns_check(const struct ctr *c, struct cs_err *err)
{
	if (c->spec.vm.present)
		return cs_err_set(err, ENOTSUP, "vm: is for --isolation=vm, this is a container");
	return ctr_sysctl_check(&c->spec, err);
}

/* The container's cgroup, for commands on one that exists. */
struct grip {
	struct cg_host host;
	struct cg cg;
};

static void grip_fini(struct grip *g)
{
	cg_fini(&g->cg);
	cg_host_fini(&g->host);
}

static int grip_open(const struct ctr *c, struct grip *g, struct cs_err *err)
{
	int rc = cg_host_open(c->host_proc, &g->host, err);

	if (rc < 0)
		return rc;
	rc = cg_open(&g->host, c->state.cgroup, &g->cg, err);
	if (rc < 0)
		cg_host_fini(&g->host);
	return rc;
}

static int init_pidfd(const struct ctr *c, struct cs_err *err)
{
	if (c->state.pid == 0)
		return cs_err_set(err, ESRCH, "container %s has no process", c->id);
	return cs_proc_pidfd(c->host_proc, c->state.pid, c->state.start_time, err);
}

static int not_waiting(const struct ctr *c, struct cs_err *err)
{
	return cs_err_set(err, EBUSY,
			  "container %s cannot be started: it is running already or ended", c->id);
}

/* The connection to the init that waits: run has it, start makes it. */
static int reach_init(struct ctr *c, struct cs_err *err)
{
	int fd;

	if (c->go >= 0)
		return cs_take_fd(&c->go);
	fd = ctr_socket_connect(c->dir, err);
	if (fd == -ECONNREFUSED || fd == -ENOENT) {
		cs_err_clear(err);
		return not_waiting(c, err);
	}
	return fd;
}

static int ns_start(struct ctr *c, struct cs_err *err)
{
	struct ctr_child child = CTR_CHILD_INIT;
	struct ctr_serve serve = { .c = c, .child = &child };
	cs_auto_fd int sock = -EBADF;
	int rc;

	sock = reach_init(c, err);
	if (sock < 0)
		return sock;
	child.pid = c->state.pid;
	serve.sync = sock;
	rc = ctr_sync_ack(sock, err);
	if (rc == 0)
		rc = ctr_serve_until_exec(&serve, err);
	if (rc == -ECONNRESET || rc == -EPIPE) { /* another start came first, or a kill */
		cs_err_clear(err);
		rc = not_waiting(c, err);
	}
	c->program_exit = child.program_exit;
	ctr_child_fini(&child);
	return rc;
}

static int ns_signal(struct ctr *c, int signo, bool all, struct cs_err *err)
{
	cs_auto_fd int pidfd = -EBADF;
	struct grip g;
	int rc;

	if (all) {
		rc = grip_open(c, &g, err);
		if (rc < 0)
			return rc;
		rc = cg_kill(&g.cg, signo, err);
		grip_fini(&g);
		return rc;
	}
	pidfd = init_pidfd(c, err);
	if (pidfd < 0)
		return pidfd;
	if (cs_sys_pidfd_send_signal(pidfd, signo) < 0)
		return cs_err_sys(err, "container %s: send signal %d", c->id, signo);
	return 0;
}

static int freeze(struct ctr *c, bool frozen, struct cs_err *err)
{
	struct grip g;
	int rc = grip_open(c, &g, err);

	if (rc < 0)
		return rc;
	rc = cg_freeze(&g.cg, frozen, err);
	grip_fini(&g);
	return rc;
}

static int ns_pause(struct ctr *c, struct cs_err *err)
{
	return freeze(c, true, err);
}

static int ns_resume(struct ctr *c, struct cs_err *err)
{
	return freeze(c, false, err);
}

static int ns_frozen(struct ctr *c, struct cs_err *err)
{
	struct grip g;
	int rc = grip_open(c, &g, err);

	if (rc < 0)
		return rc;
	rc = cg_is_frozen(&g.cg, err);
	grip_fini(&g);
	return rc;
}

/* 1: init still waits for its start. */
static int ns_waits(struct ctr *c, struct cs_err *err)
{
	return ctr_socket_listens(c->dir, err);
}

static int ns_update(struct ctr *c, const struct cg_resources *res, struct cs_err *err)
{
	struct grip g;
	int rc = grip_open(c, &g, err);

	if (rc < 0)
		return rc;
	rc = cg_apply(&g.cg, res, err);
	grip_fini(&g);
	return rc;
}

static int ns_stats(struct ctr *c, struct cs_jw *w, struct cs_err *err)
{
	struct grip g;
	int rc = grip_open(c, &g, err);

	if (rc < 0)
		return rc;
	rc = cg_stats(&g.cg, w, err);
	grip_fini(&g);
	return rc;
}

static int ns_pids(struct ctr *c, pid_t **pids, size_t *n, struct cs_err *err)
{
	struct grip g;
	int rc = grip_open(c, &g, err);

	if (rc < 0)
		return rc;
	rc = cg_pids(&g.cg, pids, n, err);
	grip_fini(&g);
	return rc;
}

static int ns_procs(struct ctr *c, struct ctr_procs *out, struct cs_err *err)
{
	(void)c;
	(void)out;
	(void)err;
	return 0;
}

static int ns_oom_open(struct ctr *c, struct cg_oom *out, struct cs_err *err)
{
	struct grip g;
	int rc = grip_open(c, &g, err);

	if (rc < 0)
		return rc;
	rc = cg_oom_open(&g.cg, out, err);
	grip_fini(&g);
	return rc;
}

static int ns_oom_next(struct ctr *c, struct cg_oom *oom, struct cs_err *err)
{
	struct grip g;
	int rc = grip_open(c, &g, err);

	if (rc < 0)
		return rc;
	rc = cg_oom_next(&g.cg, oom, err);
	grip_fini(&g);
	return rc;
}

/* Ends init, which ends all of a pid namespace of its own, and waits for its end. */
static int kill_init(struct ctr *c, struct cs_err *err)
{
	enum { PATIENCE_MS = 10000 };
	cs_auto_fd int pidfd = -EBADF;
	int rc;

	if (c->state.pid == 0)
		return 0;
	pidfd = init_pidfd(c, err);
	if (pidfd == -ESRCH) {
		cs_err_clear(err);
		return 0;
	}
	if (pidfd < 0)
		return pidfd;
	if (cs_sys_pidfd_send_signal(pidfd, SIGKILL) < 0 && errno != ESRCH)
		return cs_err_sys(err, "container %s: kill its init", c->id);
	/* a frozen process does not die on cgroup v1 */
	rc = ns_resume(c, err);
	if (rc < 0)
		cs_err_clear(err);
	rc = cs_proc_wait_end(pidfd, PATIENCE_MS, err);
	if (rc == 0)
		return cs_err_set(err, ETIMEDOUT, "container %s: its init does not die", c->id);
	return rc < 0 ? rc : 0;
}

/* A create that did not get as far as taking its cgroup has no right to end who lives there: it may
 * be another container's. One that was killed on the way may have left it empty. */
static int remove_cgroup(struct ctr *c, struct cs_err *err)
{
	const struct cg_host *host;
	int rc;

	if (!c->state.own_cgroup && c->bundle >= 0)
		return 0;
	rc = ctr_cgroups(c, &host, err);
	if (rc < 0)
		return rc;
	if (c->state.own_cgroup)
		return cg_destroy(host, c->state.cgroup, err);
	cg_remove_empty(host, c->state.cgroup);
	return 0;
}

static int ns_destroy(struct ctr *c, struct cs_err *err)
{
	int rc;

	rc = kill_init(c, err);
	if (rc < 0)
		return rc;
	if (c->state.cgroup)
		rc = remove_cgroup(c, err);
	if (rc == 0 && c->state.has_rdt && c->has_spec)
		rc = ctr_rdt_destroy(&c->spec, c->id, err);
	return rc;
}

const struct ctr_isolation_ops ctr_isolation_ns = {
	.name = "container",
	.check = ns_check,
	.create = ctr_ns_create,
	.start = ns_start,
	.waits = ns_waits,
	.exec = ctr_ns_exec,
	.signal = ns_signal,
	.pause = ns_pause,
	.resume = ns_resume,
	.frozen = ns_frozen,
	.update = ns_update,
	.stats = ns_stats,
	.pids = ns_pids,
	.procs = ns_procs,
	.oom_open = ns_oom_open,
	.oom_next = ns_oom_next,
	.destroy = ns_destroy,
};
