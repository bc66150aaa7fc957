#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/proc.h"
#include "runtime/attend.h"
#include "runtime/container.h"
#include "runtime/isolation.h"

static int check_status(const struct ctr *c, const struct ctr_exec_opts *opts, struct cs_err *err)
{
	enum ctr_status status;
	int rc;

	rc = ctr_status_get(c, &status, err);
	if (rc < 0)
		return rc;
	if (status == CTR_PAUSED && !opts->ignore_paused)
		return cs_err_set(err, EBUSY,
				  "cannot exec in a paused container %s; resume it first or use "
				  "--ignore-paused",
				  c->id);
	if (status == CTR_STOPPED || status == CTR_CREATING)
		return cs_err_set(err, EBUSY, "cannot exec in a container that is %s (%s)",
				  ctr_status_name(status), c->id);
	return 0;
}

int ctr_exec(const struct ctr_rt *rt, const char *id, const struct ctr_exec_opts *opts,
	     int *exit_code, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	ctr_auto_child struct ctr_child child = CTR_CHILD_INIT;
	int rc;

	rc = ctr_open(rt, id, true, &c, err);
	if (rc == 0)
		rc = check_status(&c, opts, err);
	if (rc == 0)
		rc = cs_proc_unignore_signals(c.host_proc, err);
	if (rc == 0 && !opts->detach)
		rc = ctr_attend_prepare(&c.stop, err);
	if (rc < 0)
		return rc;
	rc = c.wall->exec(&c, opts, &child, err);
	if (rc < 0) {
		int signo = ctr_attend_stopped(c.stop);

		if (signo)
			*exit_code = 128 + signo;
		else if (child.program_exit)
			*exit_code = child.program_exit;
		return rc;
	}
	if (opts->detach) {
		*exit_code = 0;
		return 0;
	}
	return ctr_attend(&child, opts, exit_code, err);
}
