#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/isolation.h"

/* The commands that act on a container that is there. */

/* Opens it and refuses what its status does not allow; @allowed is a bit mask of enum ctr_status.
 */
static int open_with(const struct ctr_rt *rt, const char *id, bool spec, unsigned int allowed,
		     struct ctr *out, struct cs_err *err)
{
	enum ctr_status status = CTR_STOPPED;
	int rc;

	rc = ctr_open(rt, id, spec, out, err);
	if (rc < 0)
		return rc;
	rc = ctr_status_get(out, &status, err);
	if (rc == 0 && (allowed & (1U << status)) == 0)
		rc = cs_err_set(err, EBUSY, "container %s is %s%s", id, ctr_status_name(status),
				status == CTR_CREATING ? " (delete --force ends that)" : "");
	return rc;
}

static int open_in(const struct ctr_rt *rt, const char *id, unsigned int allowed, struct ctr *out,
		   struct cs_err *err)
{
	return open_with(rt, id, false, allowed, out, err);
}

enum {
	ALIVE = 1U << CTR_CREATED | 1U << CTR_RUNNING | 1U << CTR_PAUSED,
	RUNS = 1U << CTR_CREATED | 1U << CTR_RUNNING,
};

int ctr_kill(const struct ctr_rt *rt, const char *id, int signo, bool all, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc;

	/* what is left in the cgroup of a stopped one can still be signalled with --all */
	rc = open_in(rt, id, all ? ALIVE | 1U << CTR_STOPPED : ALIVE, &c, err);
	if (rc == -EBUSY)
		return cs_err_wrap(err, "container not running");
	return rc < 0 ? rc
		      : c.wall->signal(&c, signo, all || (signo == SIGKILL && !c.state.own_pidns),
				       err);
}

/* Before it is: who lists many asks only those that have the note. */
static int note_pause(const struct ctr *c, struct cs_err *err)
{
	cs_auto_fd int fd =
		openat(c->dir, CTR_PAUSED_NOTE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? cs_err_sys(err, "note that container %s is paused", c->id) : 0;
}

int ctr_pause(const struct ctr_rt *rt, const char *id, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = open_in(rt, id, RUNS, &c, err);

	if (rc == 0)
		rc = note_pause(&c, err);
	return rc < 0 ? rc : c.wall->pause(&c, err);
}

int ctr_resume(const struct ctr_rt *rt, const char *id, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = open_in(rt, id, 1U << CTR_PAUSED, &c, err);

	return rc < 0 ? rc : c.wall->resume(&c, err);
}

int ctr_update(const struct ctr_rt *rt, const char *id, const struct cg_resources *res,
	       struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = open_with(rt, id, true, ALIVE, &c, err);

	return rc < 0 ? rc : c.wall->update(&c, res, err);
}

int ctr_stats(const struct ctr_rt *rt, const char *id, struct cs_jw *w, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = open_in(rt, id, ALIVE, &c, err);

	return rc < 0 ? rc : c.wall->stats(&c, w, err);
}

int ctr_pids(const struct ctr_rt *rt, const char *id, pid_t **pids, size_t *n, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = open_in(rt, id, ALIVE | 1U << CTR_STOPPED, &c, err);

	return rc < 0 ? rc : c.wall->pids(&c, pids, n, err);
}

int ctr_procs(const struct ctr_rt *rt, const char *id, struct ctr_procs *out, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = open_in(rt, id, ALIVE | 1U << CTR_STOPPED, &c, err);

	return rc < 0 ? rc : c.wall->procs(&c, out, err);
}

int ctr_oom_open(const struct ctr_rt *rt, const char *id, struct cg_oom *out, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = open_in(rt, id, ALIVE, &c, err);

	return rc < 0 ? rc : c.wall->oom_open(&c, out, err);
}

int ctr_oom_kills(const struct ctr_rt *rt, const char *id, uint64_t *out, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	struct cg_oom oom = CG_OOM_INIT;
	int rc = open_in(rt, id, ALIVE | 1U << CTR_STOPPED, &c, err);

	if (rc == 0)
		rc = c.wall->oom_open(&c, &oom, err);
	if (rc == 0)
		*out = oom.kills;
	cg_oom_fini(&oom);
	return rc;
}

int ctr_oom_next(const struct ctr_rt *rt, const char *id, struct cg_oom *oom, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	int rc = ctr_open(rt, id, false, &c, err);

	return rc < 0 ? rc : c.wall->oom_next(&c, oom, err);
}
