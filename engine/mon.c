#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "engine/events.h"
#include "engine/mon_int.h"
#include "engine/restart.h"
#include "engine/stamp.h"
#include "engine/store.h"

enum { ENGINE_FAILED = 125 };

/* --- what this process is --------------------------------------------------------------------- */

/* Our own fd with a number above those that were handed to us, or -EBADF. */
static int adopt(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -EBADF : fd;
}

static int set_up_fds(struct mon *m, struct cs_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return cs_err_sys(err, "open /dev/null");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return cs_err_sys(err, "close standard files");
	if (null > ENG_MON_CLIENT)
		cs_close_fd(&null);
	m->report = adopt(ENG_MON_REPORT);
	m->live = adopt(ENG_MON_LIVE);
	return cs_fd_close_others(ENG_MON_CLIENT + 1, NULL, 0, err);
}

/* Nobody's signals are meant for us: all are held back, and read where they matter. */
static int set_up_process(struct mon *m, struct cs_err *err)
{
	sigset_t all, child;

	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return cs_err_sys(err, "hold signals back");
	m->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals < 0)
		return cs_err_sys(err, "signalfd");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return cs_err_sys(err, "become the parent of the container");
	prctl(PR_SET_NAME, "caisson-monitor");
	setsid(); /* fails only if we are a session's leader already */
	umask(022);
	return chdir("/") < 0 ? cs_err_sys(err, "change to /") : 0;
}

static int set_up(struct mon *m, char *const argv[], struct cs_err *err)
{
	int ret = set_up_fds(m, err);

	if (ret == 0)
		ret = set_up_process(m, err);
	if (ret == 0)
		ret = eng_open(&m->e, argv[1], argv[2], err);
	if (ret == 0)
		ret = eng_record_load(&m->e, m->id, &m->r, err);
	if (ret == 0)
		ret = eng_status_load(&m->e, m->id, &m->st, err);
	if (ret == 0) {
		m->dir = eng_dir(&m->e, m->id, err);
		ret = m->dir < 0 ? m->dir : 0;
	}
	if (ret == 0) {
		m->run = eng_run_dir(&m->e, m->id, err);
		ret = m->run < 0 ? m->run : 0;
	}
	return ret;
}

static int set_up_log(struct mon *m, struct cs_err *err)
{
	struct eng_log_opts o;
	int ret = eng_log_opts(m->r.log_driver, m->r.log_opt.v, m->r.log_opt.n, &o, err);

	return ret < 0 ? ret : eng_log_open(m->dir, &o, &m->log, err);
}

/* Whoever started us may be attached from the beginning. */
static void first_client(struct mon *m)
{
	int type, fd = adopt(ENG_MON_CLIENT);
	socklen_t len = sizeof(type);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		cs_close_fd(&fd);
	else
		eng_mon_client_add(m, fd, true);
}

/* --- a run ------------------------------------------------------------------------------------ */

/* A status that cannot be written is not what ends a container: who reads it finds the monitor gone
 * in the end, and cleans up. */
static void save(struct mon *m)
{
	struct cs_err why = CS_ERR_INIT;

	m->st.monitor = m->st.state == ENG_EXITED || m->st.state == ENG_CREATED ? 0 : getpid();
	eng_status_save(&m->e, m->id, &m->st, &why);
}

static void report(struct mon *m, int ret, const struct cs_err *err)
{
	struct eng_report rep = { .ok = ret == 0 };
	struct cs_err why = CS_ERR_INIT;

	if (m->report < 0)
		return;
	if (ret < 0) {
		rep.exit_code = m->st.exit_code ? m->st.exit_code : ENGINE_FAILED;
		rep.err = *err;
	}
	cs_fd_write_all(m->report, &rep, sizeof(rep), &why);
	cs_close_fd(&m->report);
}

/* The record may have been changed since (update, rename). */
static void load_again(struct mon *m)
{
	struct cs_err why = CS_ERR_INIT;
	struct eng_record r = ENG_RECORD_INIT;

	m->removed = eng_record_load(&m->e, m->id, &r, &why) == -ENOENT;
	if (why.code)
		return;
	eng_record_fini(&m->r);
	m->r = r;
}

static int bring(struct mon *m, struct cs_err *err)
{
	struct eng_bring_io io = { .in = -EBADF };
	char console[PATH_MAX];
	int ret;

	m->found = (struct mon_found){ .brought = ENG_BROUGHT_INIT };
	m->st.state = ENG_STARTING;
	m->st.pid = 0;
	m->st.exit_code = 0;
	m->st.oom_killed = false;
	m->st.user_stopped = false;
	m->st.error[0] = '\0';
	m->ended = false;
	save(m);
	/* in this order: eng_update() either comes before it, or sees that there is a start */
	io.again = m->st.restarts > 0;
	if (io.again)
		load_again(m);
	ret = eng_mon_io_open(m, &io, console, sizeof(console), err);
	if (ret < 0)
		eng_mon_io_given(&io);
	else
		ret = eng_mon_step(m, MON_BRING, &io, err);
	if (ret < 0) {
		int code = m->found.brought.program_exit;

		m->st.exit_code = code ? code : ENGINE_FAILED;
		snprintf(m->st.error, sizeof(m->st.error), "%.255s", err->msg);
		return ret;
	}
	m->st.state = ENG_RUNNING;
	m->st.pid = m->found.brought.pid;
	m->st.started_ns = eng_now();
	m->st.finished_ns = 0;
	save(m);
	eng_event(&m->e, "start", &m->r, NULL, NULL);
	return 0;
}

/* Stays with it to its end. */
static void attend(struct mon *m)
{
	char code[16];

	eng_mon_wait_init(m, m->r.timeout_s);
	m->st.exit_code = cs_proc_exit_code(m->wait_status);
	m->st.finished_ns = eng_now();
	m->st.oom_killed = eng_mon_oom_killed(m);
	eng_mon_drain(m);
	eng_log_end(&m->log);
	if (m->st.oom_killed)
		eng_event(&m->e, "oom", &m->r, NULL, NULL);
	snprintf(code, sizeof(code), "%d", m->st.exit_code);
	eng_event(&m->e, "die", &m->r, "exitCode", code);
}

/* At the end by this process itself, which ends soon: a fork would take longer than the work. Who
 * attaches meanwhile is served afterwards. */
static void take_down(struct mon *m, bool again)
{
	struct cs_err why = CS_ERR_INIT;
	int ret = again ? eng_mon_step(m, MON_DOWN, NULL, &why)
			: m->ops->take_down(&m->e, &m->r, false, &why);

	m->left = ret < 0;
	if (ret < 0 && !m->st.error[0])
		snprintf(m->st.error, sizeof(m->st.error), "take down: %.240s", why.msg);
	eng_mon_io_close(m);
	m->st.pid = 0;
}

/* Ends the run and says whether there is to be another. */
static bool end_run(struct mon *m, bool ran)
{
	bool again;

	load_again(m);
	m->st.user_stopped = eng_mon_stop_wanted(m);
	again = !m->removed && (ran || m->st.restarts > 0) &&
		eng_restart_wanted(&m->r, &m->st, m->st.user_stopped);
	take_down(m, again);
	m->st.state = again ? ENG_RESTARTING : m->st.started_ns ? ENG_EXITED : ENG_CREATED;
	save(m);
	return again;
}

/* Waits as the policy says; false: the user does not want it again. */
static bool wait_restart(struct mon *m, int64_t *delay_ms, int64_t ran_ms)
{
	*delay_ms = eng_restart_delay(*delay_ms, ran_ms);
	eng_mon_clients_exit(m, m->st.exit_code);
	if (eng_mon_wait_restart(m, *delay_ms)) {
		m->st.restarts++;
		return true;
	}
	m->st.user_stopped = true;
	take_down(m, false);
	m->st.state = ENG_EXITED;
	save(m);
	return false;
}

static int runs(struct mon *m, struct cs_err *err)
{
	int64_t delay_ms = 0;
	bool again = true;
	int ret = 0;

	m->st.restarts = 0;
	while (again) {
		int64_t began_ms = eng_mono_ms();
		struct cs_err why = CS_ERR_INIT;
		int run = bring(m, &why);

		if (run == 0) {
			report(m, 0, NULL);
			attend(m);
		} else if (m->report >= 0) {
			ret = run;
			*err = why;
		}
		again = end_run(m, run == 0);
		if (again)
			again = wait_restart(m, &delay_ms, eng_mono_ms() - began_ms);
	}
	return ret;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Nobody can attach any more; who has just done so is told the end. The lock goes before the last
 * word, so that who hears it can start the container at once. */
static void say_goodbye(struct mon *m, bool started)
{
	struct cs_err why = CS_ERR_INIT;

	/* if it did not start, the command that waits for the report does it; with something left
	 * it stays, so that the next command finds that and tries again */
	if (m->r.auto_remove && started && !m->left) {
		if (m->ops->remove)
			m->ops->remove(&m->e, &m->r, &why);
	} else if (started && !m->left) { /* what cannot be removed the next command mends */
		eng_live_end(&m->e, m->id, &why);
	} else if (m->run >= 0) {
		unlinkat(m->run, "attach", 0);
	}
	if (m->listen >= 0)
		eng_mon_accept(m);
	cs_close_fd(&m->listen);
	cs_close_fd(&m->live);
	eng_mon_clients_exit(m, m->st.exit_code);
}

static void fini(struct mon *m)
{
	eng_log_close(&m->log);
	eng_record_fini(&m->r);
	eng_close(&m->e);
	cs_close_fd(&m->dir);
	cs_close_fd(&m->run);
	cs_close_fd(&m->signals);
	cs_close_fd(&m->listen);
	cs_close_fd(&m->live);
	cs_close_fd(&m->report);
	free(m);
}

static struct mon *new_mon(const char *id, const struct eng_mon_ops *ops)
{
	struct mon *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->ops = ops;
	m->e = ENG_INIT;
	m->r = ENG_RECORD_INIT;
	m->log = ENG_LOG_INIT;
	m->id = id;
	m->dir = m->run = m->signals = m->listen = m->report = m->live = -EBADF;
	m->console = m->master = m->in = m->out[0] = m->out[1] = m->result = -EBADF;
	return m;
}

int eng_monitor(char *const argv[], const struct eng_mon_ops *ops)
{
	struct mon *m = new_mon(argv[3], ops);
	struct cs_err err = CS_ERR_INIT;
	int ret;

	if (!m)
		return EXIT_FAILURE;
	ret = set_up(m, argv, &err);
	if (ret == 0)
		ret = set_up_log(m, &err);
	if (ret == 0)
		ret = eng_mon_listen(m, &err);
	if (ret == 0) {
		first_client(m);
		ret = runs(m, &err);
		say_goodbye(m, ret == 0);
	}
	if (ret < 0)
		report(m, ret, &err);
	fini(m);
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
