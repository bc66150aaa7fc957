#include "engine/life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/signame.h"
#include "base/sys.h"
#include "engine/attach.h"
#include "engine/bring.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/holder.h"
#include "engine/life_int.h"
#include "engine/record.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/container.h"

enum {
	DEFAULT_STOP_S = 10,
	MAX_STOP_S = 999999,	  /* in milliseconds it fits an int */
	KILL_WAIT_MS = 30 * 1000, /* after SIGKILL its monitor has that long to tidy up */
	AGAIN_MS = 100,		  /* from one SIGKILL to the next */
	BEGIN_MS = 30 * 1000,	  /* how long kill waits for a start */
	LOST_EXIT = 255,	  /* exit status where nobody saw the end */
};

static struct ctr_rt rt_of(const struct eng *e)
{
	return (struct ctr_rt){ .root = e->state, .wall = "container" };
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Waits for the monitor to let go of us: as a client that wants nothing, so that it is known at
 * once. Whatever goes wrong with that, the lock is asked afterwards. */
static void wait_as_client(const struct eng *e, const char *id, int timeout_ms, int *exit_code)
{
	int64_t end = now_ms() + timeout_ms;
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int sock = eng_attach_connect(e, id, &why);
	const struct eng_attach_opts o = { .want = 0 };
	char frame[16];

	if (sock < 0 || eng_attach_hello(sock, &o, &why) < 0)
		return;
	for (;;) {
		struct pollfd p = { .fd = sock, .events = POLLIN };
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();
		ssize_t n;

		if (timeout_ms >= 0 && left <= 0)
			return;
		if (poll(&p, 1, (int)left) <= 0)
			return;
		n = recv(sock, frame, sizeof(frame), MSG_DONTWAIT);
		if (n <= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR)))
			return;
		if (n == 1 + (ssize_t)sizeof(int32_t) && *frame == ENG_F_EXIT) {
			int32_t code;

			memcpy(&code, frame + 1, sizeof(code));
			*exit_code = code;
		}
	}
}

/* *@exit_code, -1 before, becomes what the monitor said to its clients, if it said so. */
static int wait_gone(const struct eng *e, const char *id, int timeout_ms, int *exit_code,
		     struct cs_err *err)
{
	int64_t start = now_ms(), left;

	wait_as_client(e, id, timeout_ms, exit_code);
	if (timeout_ms < 0)
		return eng_live_wait(e, id, -1, err);
	left = timeout_ms - (now_ms() - start);
	return eng_live_wait(e, id, left > 0 ? (int)left : 0, err);
}

int eng_wait(const struct eng *e, const char *id, int timeout_ms, int *exit_code,
	     struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;
	int ret, said = -1;

	ret = wait_gone(e, id, timeout_ms, &said, err);
	if (ret <= 0)
		return ret;
	ret = eng_status_load(e, id, &st, err);
	if (ret == -ENOENT && said >= 0) { /* --rm: it went with its end */
		cs_err_clear(err);
		if (exit_code)
			*exit_code = said;
		return 1;
	}
	if (ret < 0)
		return ret;
	if (eng_status_reach(e, id, id, &st, err) < 0)
		return -err->code;
	if (st.state == ENG_DEAD) {
		ret = eng_mend(e, id, err);
		if (ret >= 0)
			ret = eng_status_load(e, id, &st, err);
		if (ret < 0)
			return ret;
	}
	if (exit_code)
		*exit_code = st.exit_code;
	return 1;
}

/* Its program does not run yet: what is meant for it waits until it does, or the start failed. */
static int wait_begun(const struct eng *e, const char *id, int timeout_ms, struct eng_status *st,
		      struct cs_err *err)
{
	int64_t end = now_ms() + timeout_ms;
	int ret = eng_status_get(e, id, st, err), step = 1;

	while (ret == 0 && st->state == ENG_STARTING && now_ms() < end) {
		poll(NULL, 0, step);
		step = step < 20 ? 2 * step : step;
		ret = eng_status_get(e, id, st, err);
	}
	return ret;
}

/* --- ending ----------------------------------------------------------------------------------- */

int eng_life_mark_stop(const struct eng *e, const char *id, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char path[ENG_ID_LEN + 8];

	snprintf(path, sizeof(path), "%.64s/stop", id);
	fd = openat(e->run, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno != ENOENT)
		return cs_err_sys(err, "mark container %.12s as to be stopped", id);
	return 0;
}

/* A monitor that waits before a restart looks at the mark. */
void eng_life_wake(const struct eng *e, const char *id)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int sock = eng_attach_connect(e, id, &why);
	const char frame = ENG_F_STOP;

	if (sock >= 0 && send(sock, &frame, 1, MSG_NOSIGNAL) < 0)
		cs_log(CS_LOG_DEBUG, "container %.12s: its monitor does not listen", id);
}

static int send_signal(const struct eng *e, const char *id, int signo, struct cs_err *err)
{
	const struct ctr_rt rt = rt_of(e);
	int ret = ctr_kill(&rt, id, signo, false, err);

	/* it ended by itself meanwhile: what was wanted */
	if (ret == -ENOENT || ret == -EBUSY || ret == -ESRCH) {
		cs_err_clear(err);
		return 0;
	}
	return ret;
}

static int stop_signal(const struct eng_record *r)
{
	int signo = r->stop_signal ? cs_signal_parse(r->stop_signal) : SIGTERM;

	return signo > 0 ? signo : SIGTERM;
}

static int own_timeout(const struct eng_record *r)
{
	if (r->stop_timeout_s == ENG_STOP_NEVER_KILL)
		return MAX_STOP_S;
	if (r->stop_timeout_s < 0)
		return DEFAULT_STOP_S;
	return r->stop_timeout_s > MAX_STOP_S ? MAX_STOP_S : (int)r->stop_timeout_s;
}

int eng_life_end(const struct eng *e, const char *id, int patience_ms, struct cs_err *err)
{
	int64_t start = now_ms(), left = patience_ms;
	char live[ENG_ID_LEN + 8], what[48];
	int ret, unused = -1;

	do {
		ret = send_signal(e, id, SIGKILL, err);
		if (ret == 0)
			ret = wait_gone(e, id, left < AGAIN_MS ? (int)left : AGAIN_MS, &unused,
					err);
		left = patience_ms - (now_ms() - start);
	} while (ret == 0 && left > 0);
	if (ret)
		return ret < 0 ? ret : 0;
	/* the last means: monitor, command and their children, stopped or not */
	snprintf(live, sizeof(live), "%.64s/live", id);
	snprintf(what, sizeof(what), "the life of container %.12s", id);
	ret = eng_holders_kill(e->run, live, what, err);
	if (ret >= 0)
		ret = eng_live_wait(e, id, KILL_WAIT_MS, err);
	if (ret == 0)
		return cs_err_set(err, ETIMEDOUT, "container %.12s: does not end", id);
	return ret < 0 ? ret : 0;
}

/* SIGKILL, and what must follow. */
static int end_hard(const struct eng *e, const char *id, struct cs_err *err)
{
	int ret = eng_life_end(e, id, KILL_WAIT_MS, err);

	return ret < 0 ? ret : eng_mend(e, id, err);
}

int eng_stop(const struct eng *e, const char *id, int signo, int timeout_s, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct eng_status st = ENG_STATUS_INIT;
	int ret, unused = -1;

	if (eng_record_load(e, id, &r, err) < 0 || eng_status_get(e, id, &st, err) < 0 ||
	    eng_status_reach(e, id, r.name, &st, err) < 0)
		return -err->code;
	if (st.state == ENG_DEAD)
		ret = eng_mend(e, id, err);
	else
		ret = eng_live(e, id, err);
	if (ret <= 0 || st.state == ENG_DEAD)
		return ret < 0 ? ret : 0;
	if (eng_life_mark_stop(e, id, err) < 0)
		return -err->code;
	eng_life_wake(e, id);
	if (timeout_s < 0)
		timeout_s = own_timeout(&r);
	if (st.state == ENG_STARTING && wait_begun(e, id, timeout_s * 1000, &st, err) < 0)
		return -err->code;
	if (st.state == ENG_PAUSED && eng_unpause(e, id, err) < 0)
		return -err->code;
	ret = send_signal(e, id, signo > 0 ? signo : stop_signal(&r), err);
	if (ret == 0)
		ret = wait_gone(e, id, timeout_s * 1000, &unused, err);
	if (ret == 0)
		ret = end_hard(e, id, err);
	if (ret < 0)
		return ret;
	eng_event(e, "stop", &r, NULL, NULL);
	return 0;
}

/* Nothing to be killed: between two runs of it, whether its monitor has noticed or not. */
static bool is_between(const struct eng_record *r, const struct cs_err *why)
{
	return r->restart && strcmp(r->restart, "no") != 0 &&
	       (why->code == ENOENT || why->code == ESRCH || why->code == EBUSY);
}

/* The run that may have begun before the mark was there. What fails has ended by itself, or is
 * gone. */
static void kill_next(const struct eng *e, const char *id, int signo)
{
	const struct ctr_rt rt = rt_of(e);
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT;

	if (wait_begun(e, id, BEGIN_MS, &st, &why) == 0 && st.state == ENG_RUNNING)
		ctr_kill(&rt, id, signo, false, &why);
}

int eng_kill(const struct eng *e, const char *id, int signo, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	const struct ctr_rt rt = rt_of(e);
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT, unused = CS_ERR_INIT;
	bool ends, missed;

	if (eng_record_load(e, id, &r, err) < 0 || wait_begun(e, id, BEGIN_MS, &st, err) < 0 ||
	    eng_status_reach(e, id, r.name, &st, err) < 0)
		return -err->code;
	ends = signo == SIGKILL || signo == stop_signal(&r);
	if (st.state != ENG_RUNNING && st.state != ENG_PAUSED &&
	    (st.state != ENG_RESTARTING || !ends))
		return cs_err_set(err, EBUSY, "container %s is %s, not running", r.name,
				  eng_state_name(st.state));
	if (ends && eng_life_mark_stop(e, id, err) < 0)
		return -err->code;
	missed = st.state == ENG_RESTARTING;
	if (!missed && ctr_kill(&rt, id, signo, false, err) < 0) {
		if (!ends || !is_between(&r, err))
			return -err->code;
		cs_err_clear(err);
		missed = true;
	}
	if (ends) /* its monitor may have looked for the mark before it was there */
		eng_life_wake(e, id);
	if (missed)
		kill_next(e, id, signo);
	eng_event(e, "kill", &r, NULL, NULL);
	/* what is frozen cannot die on a cgroup v1 host; elsewhere it may have by now */
	if (st.state == ENG_PAUSED && signo == SIGKILL && eng_unpause(e, id, &why) < 0 &&
	    eng_status_get(e, id, &st, &unused) == 0 && st.state == ENG_PAUSED) {
		*err = why;
		return -err->code;
	}
	return 0;
}

/* --- pause ------------------------------------------------------------------------------------ */

int eng_pause(const struct eng *e, const char *id, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	const struct ctr_rt rt = rt_of(e);
	struct eng_status st = ENG_STATUS_INIT;

	if (eng_record_load(e, id, &r, err) < 0 || eng_status_get(e, id, &st, err) < 0 ||
	    eng_status_reach(e, id, r.name, &st, err) < 0)
		return -err->code;
	if (st.state != ENG_RUNNING)
		return cs_err_set(err, EBUSY, "container %s is %s, not running", r.name,
				  eng_state_name(st.state));
	if (ctr_pause(&rt, id, err) < 0)
		return -err->code;
	eng_event(e, "pause", &r, NULL, NULL);
	return 0;
}

int eng_unpause(const struct eng *e, const char *id, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	const struct ctr_rt rt = rt_of(e);
	struct eng_status st = ENG_STATUS_INIT;

	if (eng_record_load(e, id, &r, err) < 0 || eng_status_get(e, id, &st, err) < 0 ||
	    eng_status_reach(e, id, r.name, &st, err) < 0)
		return -err->code;
	if (st.state != ENG_PAUSED)
		return cs_err_set(err, EBUSY, "container %s is %s, not paused", r.name,
				  eng_state_name(st.state));
	if (ctr_resume(&rt, id, err) < 0)
		return -err->code;
	eng_event(e, "unpause", &r, NULL, NULL);
	return 0;
}

/* --- mending ---------------------------------------------------------------------------------- */

/* Does nothing of it run, so that nothing below the state should be its? One that ended well, or
 * never ran, has nothing there. */
static bool is_over(enum eng_state s)
{
	return s == ENG_DEAD || s == ENG_EXITED || s == ENG_CREATED;
}

static int note_lost(const struct eng *e, const struct eng_record *r, struct eng_status *st,
		     struct cs_err *err)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	st->state = ENG_EXITED;
	st->exit_code = LOST_EXIT;
	st->pid = 0;
	st->monitor = 0;
	st->finished_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	snprintf(st->error, sizeof(st->error), "its monitor was killed, or the machine stopped");
	if (eng_status_save(e, r->id, st, err) < 0)
		return -err->code;
	eng_event(e, "die", r, "exitCode", "255");
	return 0;
}

/* With --rm all of it goes; but a start that failed is its command's to remove. */
static int mend_locked(const struct eng *e, const char *id, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct eng_status st = ENG_STATUS_INIT;
	cs_auto_fd int live = -EBADF;
	int ret;

	if (eng_record_load(e, id, &r, err) < 0 || eng_status_load(e, id, &st, err) < 0)
		return -err->code;
	if (!is_over(st.state))
		return 0;
	live = eng_live_take(e, id, err);
	if (live == -EBUSY) { /* its monitor is at it */
		cs_err_clear(err);
		return 0;
	}
	if (live < 0 || eng_take_down(e, &r, false, err) < 0 ||
	    (st.state == ENG_DEAD && note_lost(e, &r, &st, err) < 0))
		return -err->code;
	if (r.auto_remove && st.state == ENG_EXITED)
		ret = eng_life_drop(e, &r, true, err);
	else
		ret = eng_live_end(e, id, err);
	return ret < 0 ? ret : 1;
}

static bool has_rest(const struct eng *e, const char *id, enum eng_state s)
{
	return s == ENG_DEAD ||
	       (is_over(s) && faccessat(e->run, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
}

int eng_mend(const struct eng *e, const char *id, struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;
	cs_auto_fd int lock = -EBADF, dir = -EBADF;

	if (eng_status_load(e, id, &st, err) < 0)
		return -err->code;
	if (!has_rest(e, id, st.state))
		return 0;
	dir = eng_dir(e, id, err);
	if (dir < 0)
		return dir;
	lock = cs_file_lock(dir, "lock", true, err);
	if (lock == -EWOULDBLOCK) {
		cs_err_clear(err);
		return 0;
	}
	return lock < 0 ? lock : mend_locked(e, id, err);
}

/* What a rm left that was killed when all was down and the record gone; not what lives. */
static void drop_unknown(const struct eng *e, const char *id)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int live = eng_live_take(e, id, &why);

	if (live >= 0)
		cs_file_rmtree(e->run, id, &why);
}

int eng_mend_all(const struct eng *e, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };

	if (eng_list_run(e, &ids, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ids.n; i++) {
		struct cs_err one = CS_ERR_INIT;

		if (!eng_has_record(e, ids.v[i])) {
			drop_unknown(e, ids.v[i]);
			continue;
		}
		if (eng_mend(e, ids.v[i], &one) < 0 && one.code != ENOENT)
			cs_log(CS_LOG_WARN, "container %.12s: %s", ids.v[i], one.msg);
	}
	return 0;
}

static int look(const struct eng *e, const char *id, struct eng_record *r, struct eng_status *st,
		struct cs_err *err)
{
	eng_auto_record struct eng_record got = ENG_RECORD_INIT;

	if (eng_record_load(e, id, &got, err) < 0 || eng_status_glance(e, id, st, err) < 0)
		return -err->code;
	/* one that goes loses its record first: without a status it would look like a new one */
	if (st->state == ENG_CREATED && !eng_has_record(e, id))
		return cs_err_set(err, ENOENT, "no such container: %s", id);
	*r = got;
	got = ENG_RECORD_INIT;
	return 0;
}

int eng_glance(const struct eng *e, const char *id, bool rest, struct eng_record *r,
	       struct eng_status *st, struct cs_err *err)
{
	struct cs_err why = CS_ERR_INIT;
	int ret = look(e, id, r, st, err);

	if (ret == -ENOENT && rest && !eng_has_record(e, id))
		drop_unknown(e, id);
	if (ret < 0 || !(st->state == ENG_DEAD || (is_over(st->state) && rest)))
		return ret;
	if (eng_mend(e, id, &why) < 0 && why.code != ENOENT)
		cs_log(CS_LOG_WARN, "container %.12s: %s", id, why.msg);
	eng_record_fini(r);
	*r = ENG_RECORD_INIT;
	return look(e, id, r, st, err);
}
