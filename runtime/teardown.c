#include "runtime/teardown.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "runtime/info.h"
#include "runtime/isolation.h"
#include "runtime/lock.h"
#include "runtime/ns/hooks.h"

/* kill's neighbour delete, and what create and run do when they fail. */

void ctr_teardown_hooks(struct ctr *c, enum ctr_hook_kind kind, enum ctr_status status)
{
	pid_t pid = status == CTR_STOPPED ? 0 : c->state.pid;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;

	if (!c->has_spec || c->spec.hooks[kind].n == 0)
		return;
	if (ctr_oci_state_text(&c->spec, c->id, c->state.bundle, pid, status, &text, &err) < 0)
		cs_log(CS_LOG_WARN, "%s hooks: %s", ctr_hook_names[kind], err.msg);
	else
		ctr_hooks_run_all(&c->spec.hooks[kind], kind, text,
				  kind == CTR_HOOK_POSTSTOP ? -EBADF : c->stop);
}

/* The wall first, the folder last: as long as anything is left, the next delete finds it. */
static int take_down(struct ctr *c, struct cs_err *err)
{
	int rc;

	rc = c->wall->destroy(c, err);
	if (rc < 0)
		return rc;
	ctr_teardown_hooks(c, CTR_HOOK_POSTSTOP, CTR_STOPPED);
	return ctr_state_remove(c->root_fd, c->dir, c->id, err);
}

void ctr_teardown_failed(struct ctr *c)
{
	struct cs_err err = CS_ERR_INIT;

	if (take_down(c, &err) < 0)
		cs_log(CS_LOG_WARN,
		       "container %s could not be taken down (delete --force tries again): %s",
		       c->id, err.msg);
}

int ctr_teardown_ended(struct ctr *c, struct cs_err *err)
{
	int rc = ctr_lock_wait(c->dir, c->id, false, &c->lock, err);

	if (rc == -ENOENT) {
		cs_err_clear(err);
		return 0;
	}
	if (rc == -EWOULDBLOCK) { /* somebody is at it, and takes long */
		cs_log(CS_LOG_WARN, "%s", err->msg);
		cs_err_clear(err);
		return 0;
	}
	if (rc < 0)
		return rc;
	if (faccessat(c->dir, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "container %s: its state", c->id);
	c->state.pid = 0; /* reaped */
	return take_down(c, err);
}

/* Removes the folder that a create left which was killed before it wrote a state. */
static int remove_leftover(const struct ctr_rt *rt, const char *id, struct cs_err *err)
{
	struct cs_err unused = CS_ERR_INIT;
	cs_auto_fd int root = -EBADF;
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int lock = -EBADF;
	int rc;

	root = ctr_state_root_open(rt->root, false, &unused);
	if (root < 0)
		return 0;
	dir = openat(root, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return 0;
	rc = ctr_lock_wait(dir, id, true, &lock, err);
	if (rc == -ENOENT) {
		cs_err_clear(err);
		return 0;
	}
	if (rc == 0)
		rc = ctr_state_still_there(root, id, dir, err);
	if (rc <= 0)
		return rc;
	if (faccessat(dir, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return cs_err_set(err, EBUSY, "container %s was made meanwhile; try again", id);
	return ctr_state_remove(root, dir, id, err);
}

/* The saved config is needed for poststop hooks only: a container whose config is damaged must be
 * deletable all the same. */
static int open_for_delete(const struct ctr_rt *rt, const char *id, bool force, struct ctr *out,
			   struct cs_err *err)
{
	struct cs_err config = CS_ERR_INIT;
	int rc;

	rc = ctr_open_locked(rt, id, true, force, out, &config);
	if (rc == -EWOULDBLOCK || rc == -ENOENT)
		*err = config;
	if (rc == 0 || rc == -EWOULDBLOCK || rc == -ENOENT)
		return rc;
	if (ctr_open_locked(rt, id, false, force, out, err) < 0)
		return -err->code;
	cs_log(CS_LOG_WARN, "%s; poststop hooks are left out", config.msg);
	return 0;
}

int ctr_delete(const struct ctr_rt *rt, const char *id, bool force, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	enum ctr_status status;
	int rc;

	rc = open_for_delete(rt, id, force, &c, err);
	if (rc == -ENOENT && force) {
		cs_err_clear(err);
		return remove_leftover(rt, id, err);
	}
	if (rc < 0)
		return rc;
	if (!force) {
		rc = ctr_status_get(&c, &status, err);
		if (rc < 0)
			return rc;
		if (status != CTR_STOPPED && status != CTR_CREATED)
			return cs_err_set(err, EBUSY,
					  "cannot delete container %s that is not stopped: %s; "
					  "kill it first or use --force",
					  id, ctr_status_name(status));
	}
	return take_down(&c, err);
}
