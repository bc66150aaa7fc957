#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "engine/bring.h"
#include "engine/cgpath.h"
#include "engine/ctrvolumes.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/life.h"
#include "engine/life_int.h"
#include "engine/record.h"
#include "engine/stamp.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/container.h"

/* The end of a container: eng_remove() and eng_remove_own() of life.h. */

enum {
	BEGIN_MS = 2000, /* so long may a start have the container by force */
	END_MS = 10000,	 /* and so long its monitor, once it was killed */
	LOCK_MS = 2000,	 /* and so long another command */
	PAUSE_MS = 50,
	CMDLINE_MAX = 4 * PATH_MAX,
};

/* The record goes first: a volume that goes before its container does would be missed by that. One
 * whose container is gone is nobody's, and volume prune finds it. */
int eng_life_drop(const struct eng *e, const struct eng_record *r, bool volumes, struct cs_err *err)
{
	if (eng_store_drop(e, r->id, r, err) < 0)
		return -err->code;
	if (volumes)
		eng_volumes_drop(e, r);
	eng_event(e, "destroy", r, NULL, NULL);
	return 0;
}

/* It may have been renamed since it was read. */
int eng_remove_own(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	eng_auto_record struct eng_record now = ENG_RECORD_INIT;
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int lock = eng_lock(e, r->id, err);

	if (lock == -ENOENT) {
		cs_err_clear(err);
		return 0;
	}
	if (lock < 0)
		return lock;
	return eng_life_drop(e, eng_record_load(e, r->id, &now, &why) == 0 ? &now : r, true, err);
}

/* Whatever state it is in: afterwards nothing of it runs. What is in the way of telling its monitor
 * is no obstacle. */
static int end_by_force(const struct eng *e, const char *id, struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT;
	bool runs, lost;
	int ret = eng_live(e, id, err);

	if (ret <= 0)
		return ret;
	eng_life_mark_stop(e, id, &why);
	eng_life_wake(e, id);
	cs_err_clear(&why);
	runs = eng_status_get(e, id, &st, &why) == 0 &&
	       (st.state == ENG_RUNNING || st.state == ENG_PAUSED);
	cs_err_clear(&why);
	/* no signal reaches it: there is nothing to wait for */
	lost = eng_status_reach(e, id, id, &st, &why) < 0;
	cs_err_clear(&why);
	if (st.state == ENG_PAUSED)
		ctr_resume(&rt, id, &why);
	return eng_life_end(e, id, lost ? 0 : runs ? END_MS : BEGIN_MS, err);
}

/* Ends it and takes its lock. A start that came between is ended under the lock: there is no next
 * one. */
static int end_and_lock(const struct eng *e, const char *id, struct cs_err *err)
{
	cs_auto_fd int lock = -EBADF;
	struct cs_err why = CS_ERR_INIT;
	int ret = end_by_force(e, id, err);

	if (ret < 0)
		return ret;
	/* how it ended is noted if that can be: events tell */
	eng_mend(e, id, &why);
	lock = eng_lock_by_force(e, id, LOCK_MS, err);
	if (lock < 0)
		return lock;
	ret = end_by_force(e, id, err);
	if (ret < 0)
		return ret;
	return cs_take_fd(&lock);
}

/* A record that cannot be read does not keep it here for ever. Its places on networks go when the
 * next command finds that nobody lives there. */
static int remove_unread(const struct eng *e, const char *id, struct cs_err *err)
{
	struct eng_record r = ENG_RECORD_INIT;

	r.id = r.name = id;
	r.isolation = "container";
	if (eng_take_down(e, &r, false, err) < 0)
		return -err->code;
	return eng_store_drop(e, id, NULL, err);
}

/* How it was, before anybody ended it. */
static bool was_running(const struct eng *e, const char *id, struct eng_status *st)
{
	struct cs_err why = CS_ERR_INIT;

	return eng_status_load(e, id, st, &why) == 0 && st->state != ENG_EXITED &&
	       st->state != ENG_CREATED;
}

/* Its monitor, where nothing below the state tells of it: left alone it would start the program
 * again. That of the pid is if its last argument is the container. */
static void kill_monitor(pid_t pid, const char *id)
{
	cs_auto_fd int fd = pid > 0 ? cs_sys_pidfd_open(pid, 0) : -EBADF;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	cs_auto_free char *text = NULL;
	struct cs_err why = CS_ERR_INIT;
	char path[32];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (fd < 0 || cs_file_read(AT_FDCWD, path, CMDLINE_MAX, &text, &len, &why) < 0)
		return;
	if (!cs_str_starts(text, "monitor") || len < ENG_ID_LEN + 1 ||
	    strcmp(text + len - ENG_ID_LEN - 1, id) != 0)
		return;
	if (cs_sys_pidfd_send_signal(fd, SIGKILL) == 0)
		poll(&p, 1, BEGIN_MS);
}

/* Where its state is gone, nothing but its cgroup tells that it runs. */
static int end_cgroup(const struct eng_record *r, struct cs_err *err)
{
	cs_auto_fd int procfd = cs_path_proc_open(err);
	struct cg_host host = { .root = -EBADF };
	char path[PATH_MAX];
	int ret = procfd < 0 ? procfd : 0;

	if (ret == 0)
		ret = eng_cgroup_path(r->cgroup_parent, r->id, path, sizeof(path), err);
	if (ret == 0)
		ret = cg_host_open(procfd, &host, err);
	if (ret == 0)
		ret = cg_destroy(&host, path, err);
	cg_host_fini(&host);
	return ret;
}

/* What it leaves, and whatever runs of it yet: what was in the way once need not be the next time.
 */
static int clear_by_force(const struct eng *e, const struct eng_record *r,
			  const struct eng_status *ran, struct cs_err *err)
{
	const int64_t until = eng_mono_ms() + END_MS;
	int ret;

	if (ran)
		kill_monitor(ran->monitor, r->id);
	for (;;) {
		ret = eng_take_down(e, r, false, err);
		if (ret == 0 && ran)
			ret = end_cgroup(r, err);
		if (ret == 0 || eng_mono_ms() > until)
			return ret;
		cs_err_clear(err);
		poll(NULL, 0, PAUSE_MS);
	}
}

static int refuse(const struct eng_record *r, const struct eng_status *st, struct cs_err *err)
{
	return cs_err_set(err, EBUSY,
			  "container %s is %s: stop it first, or remove it with --force", r->name,
			  eng_state_name(st->state));
}

int eng_remove(const struct eng *e, const char *id, bool force, bool volumes, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct cs_err why = CS_ERR_INIT;
	struct eng_status before = ENG_STATUS_INIT, st = ENG_STATUS_INIT;
	bool ran = was_running(e, id, &before);
	cs_auto_fd int lock = force ? end_and_lock(e, id, err) : eng_lock(e, id, err);
	int ret;

	if (lock == -ENOENT && force) { /* it went by itself */
		cs_err_clear(err);
		return 0;
	}
	if (lock < 0)
		return lock;
	if (eng_record_load(e, id, &r, force ? &why : err) < 0)
		return force ? remove_unread(e, id, err) : -err->code;
	ret = eng_live(e, id, err);
	if (ret < 0)
		return ret;
	if (ret == 1 || (before.lost && !force)) {
		eng_status_get(e, id, &st, &why);
		return refuse(&r, &st, err);
	}
	ret = force ? clear_by_force(e, &r, ran ? &before : NULL, err)
		    : eng_take_down(e, &r, false, err);
	return ret < 0 ? ret : eng_life_drop(e, &r, volumes, err);
}
