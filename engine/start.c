#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/bring.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/libexec.h"
#include "engine/life.h"
#include "engine/monitor.h"
#include "engine/prepare.h"
#include "engine/record.h"
#include "engine/stamp.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/container.h"
#include "runtime/ns/self.h"

/* From a container that does not run to one that does: eng_start() of life.h. */

enum {
	START_FAILED = 125,
	HIGH_FD = 16,
	ENDING_MS = 30 * 1000,
	SIGNALLED_MS = 2000, /* a start that is told to end may come to its own end first */
};

/* The three fds of monitor.h, out of each other's way. */
static int place_fds(posix_spawn_file_actions_t *fa, const int from[3], int high[3],
		     struct cs_err *err)
{
	int ret = 0;

	for (int i = 0; i < 3; i++) {
		high[i] = from[i] < 0 ? -EBADF : fcntl(from[i], F_DUPFD_CLOEXEC, HIGH_FD);
		if (from[i] >= 0 && high[i] < 0)
			return cs_err_sys(err, "fds for the monitor");
	}
	for (int fd = 0; fd < 3 && ret == 0; fd++)
		ret = posix_spawn_file_actions_addopen(fa, fd, "/dev/null", O_RDWR, 0);
	for (int i = 0; i < 3 && ret == 0; i++)
		ret = high[i] < 0
			      ? posix_spawn_file_actions_addopen(fa, ENG_MON_REPORT + i,
								 "/dev/null", O_RDWR, 0)
			      : posix_spawn_file_actions_adddup2(fa, high[i], ENG_MON_REPORT + i);
	return ret ? cs_err_errno(err, ret, "fds for the monitor") : 0;
}

static int spawn(const struct eng *e, const char *id, const int fds[3], pid_t *pid,
		 struct cs_err *err)
{
	char path[PATH_MAX], root[PATH_MAX], state[PATH_MAX], me[ENG_ID_LEN + 1],
		name[] = "monitor";
	posix_spawn_file_actions_t fa;
	int high[3] = { -EBADF, -EBADF, -EBADF };
	cs_auto_fd int sealed = -EBADF, exe = -EBADF;
	posix_spawnattr_t attr;
	char by_fd[32];
	sigset_t none;
	int ret;

	sigemptyset(&none);
	snprintf(root, sizeof(root), "%s", e->root);
	snprintf(state, sizeof(state), "%s", e->state);
	snprintf(me, sizeof(me), "%s", id);
	if (eng_libexec("monitor", path, sizeof(path), err) < 0)
		return -err->code;
	sealed = ctr_sealed_open(path, err);
	if (sealed < 0)
		return sealed;
	exe = fcntl(sealed, F_DUPFD_CLOEXEC, HIGH_FD);
	if (exe < 0)
		return cs_err_sys(err, "fds for the monitor");
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", exe);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	ret = place_fds(&fa, fds, high, err);
	if (ret == 0) {
		char *argv[] = { name, root, state, me, NULL };

		ret = posix_spawn(pid, by_fd, &fa, &attr, argv, environ);
		if (ret)
			ret = cs_err_errno(err, ret, "start %s", path);
	}
	for (int i = 0; i < 3; i++)
		cs_close_fd(&high[i]);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return ret;
}

/* The signals that end a process. */
static void ending_signals(sigset_t *set)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

	sigemptyset(set);
	for (size_t i = 0; i < CS_LEN(ending); i++)
		sigaddset(set, ending[i]);
}

/* Until the monitor has something to say or is gone. A signal that comes meanwhile, and is left for
 * the caller, gives it a little time: a machine can hang for minutes before anything runs in it. */
static int await_report(const char *id, pid_t monitor, int report, struct cs_err *err)
{
	struct pollfd p[] = { { report, POLLIN, 0 }, { -1, POLLIN, 0 } };
	cs_auto_fd int signals = -EBADF;
	sigset_t set;

	ending_signals(&set);
	p[1].fd = signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return cs_err_sys(err, "signalfd");
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return cs_err_sys(err, "wait for the monitor");
	if (p[0].revents || poll(p, 1, SIGNALLED_MS) != 0)
		return 0;
	kill(monitor, SIGKILL); /* not waited for by anybody, so it is still that one */
	waitpid(monitor, NULL, 0);
	return cs_err_set(err, EINTR, "container %.12s: ended by a signal while it started", id);
}

/* Has the monitor started and hears from it. */
static int run_monitor(const struct eng *e, const char *id, int live, int client, sigset_t *held,
		       int *exit_code, struct cs_err *err)
{
	struct eng_report rep = { 0 };
	struct cs_err why = CS_ERR_INIT;
	int p[2], fds[3], ret;
	sigset_t set;
	pid_t pid = -1;

	if (pipe2(p, O_CLOEXEC) < 0)
		return cs_err_sys(err, "pipe to the monitor");
	fds[0] = p[1];
	fds[1] = live;
	fds[2] = client;
	if (held) {
		ending_signals(&set);
		sigprocmask(SIG_BLOCK, &set, held);
	}
	ret = spawn(e, id, fds, &pid, err);
	cs_close_fd(&p[1]);
	if (ret == 0 && held)
		ret = await_report(id, pid, p[0], err);
	if (ret == 0 && cs_fd_read_exact(p[0], &rep, sizeof(rep), &why) < 0)
		ret = cs_err_set(err, ECHILD, "the monitor of container %.12s died", id);
	cs_close_fd(&p[0]);
	if (ret < 0 || rep.ok)
		return ret;
	*exit_code = rep.exit_code;
	*err = rep.err;
	return -rep.err.code;
}

/* Could not be started: nothing of it stays, and its status says why. The caller has its live lock.
 */
static void note_failure(const struct eng *e, const struct eng_record *r, int exit_code,
			 const struct cs_err *cause)
{
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT;
	int down = eng_take_down(e, r, false, &why);

	if (down < 0)
		cs_log(CS_LOG_WARN, "container %s: %s", r->name, why.msg);
	cs_err_clear(&why);
	if (eng_status_load(e, r->id, &st, &why) < 0)
		return;
	st.state = st.started_ns || st.finished_ns ? ENG_EXITED : ENG_CREATED;
	st.exit_code = exit_code;
	st.pid = 0;
	st.monitor = 0;
	snprintf(st.error, sizeof(st.error), "%.255s", cause->msg);
	if (eng_status_save(e, r->id, &st, &why) == 0 && down == 0)
		eng_live_end(e, r->id, &why);
}

/* A mark of an earlier stop. Before the live lock is taken: what comes later is meant for this run.
 * A container that runs keeps its mark. */
static int forget_stop(const struct eng *e, const char *id, struct cs_err *err)
{
	cs_auto_fd int run = -EBADF;
	int ret = eng_live(e, id, err);

	if (ret != 0)
		return ret < 0 ? ret : 0;
	run = eng_run_dir(e, id, err);
	if (run < 0)
		return run;
	if (unlinkat(run, "stop", 0) < 0 && errno != ENOENT)
		return cs_err_sys(err, "container %.12s: forget that it was stopped", id);
	return 0;
}

/* No pid of an earlier run is taken for this one's while it is prepared. */
static int note_starting(const struct eng *e, const char *id, struct eng_status *st,
			 struct cs_err *err)
{
	int ret;

	/* its monitor may have noted its end since it was read */
	if (st->state != ENG_EXITED && st->state != ENG_CREATED &&
	    eng_status_load(e, id, st, err) < 0)
		return -err->code;
	st->state = ENG_STARTING;
	st->pid = 0;
	st->monitor = 0;
	ret = cs_file_boot_id(st->boot, err);
	return ret < 0 ? ret : eng_status_save(e, id, st, err);
}

/* With the container's lock held. */
static int start_locked(const struct eng *e, const struct eng_record *r, int client, sigset_t *held,
			int *exit_code, struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;
	cs_auto_fd int live = -EBADF;
	int ret;

	if (eng_status_load(e, r->id, &st, err) < 0 ||
	    eng_status_reach(e, r->id, r->name, &st, err) < 0 || forget_stop(e, r->id, err) < 0)
		return -err->code;
	live = eng_live_take(e, r->id, err);
	if (live == -EBUSY) {
		cs_err_clear(err);
		return cs_err_set(err, EALREADY, "container %s is running already", r->name);
	}
	if (live < 0)
		return live;
	ret = note_starting(e, r->id, &st, err);
	if (ret == 0)
		ret = eng_prepare(e, r, err);
	if (ret == 0)
		ret = run_monitor(e, r->id, live, client, held, exit_code, err);
	if (ret < 0)
		note_failure(e, r, *exit_code, err);
	return ret;
}

/* It has its live lock yet, though its program ended: its monitor is tidying up. The caller has its
 * lock, so no other start is at it. */
static bool is_ending(const struct eng *e, const char *id)
{
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	ctr_auto_info struct ctr_info info = { 0 };
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT;
	int ret;

	if (eng_status_load(e, id, &st, &why) < 0)
		return false;
	if (st.state != ENG_RUNNING)
		return st.state == ENG_EXITED || st.state == ENG_CREATED;
	ret = ctr_info_get(&rt, id, &info, &why);
	return ret == -ENOENT || (ret == 0 && info.status == CTR_STOPPED);
}

/* 1: it is just ending: again. */
static int try_start(const struct eng *e, const char *id, int client, sigset_t *held,
		     int *exit_code, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	cs_auto_fd int lock = eng_lock(e, id, err);
	int ret;

	if (lock < 0 || eng_record_load(e, id, &r, err) < 0)
		return -err->code;
	ret = start_locked(e, &r, client, held, exit_code, err);
	if (ret != -EALREADY || !is_ending(e, id))
		return ret;
	cs_err_clear(err);
	return 1;
}

int eng_start(const struct eng *e, const char *id, int client, sigset_t *held, int *exit_code,
	      struct cs_err *err)
{
	int64_t until = eng_mono_ms() + ENDING_MS;
	cs_auto_fd int sock = client;
	int ret;

	*exit_code = START_FAILED;
	/* without its lock meanwhile: its monitor may want it (--rm) */
	while ((ret = try_start(e, id, sock, held, exit_code, err)) == 1) {
		if (eng_mono_ms() > until)
			return cs_err_set(err, EBUSY,
					  "container %.12s has ended, but its monitor does not: "
					  "remove it with --force",
					  id);
		poll(NULL, 0, 5);
	}
	return ret;
}
