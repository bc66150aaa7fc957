#include "runtime/attend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/sys.h"
#include "runtime/container.h"
#include "runtime/ns/tty.h"

int ctr_attend_check_console(bool terminal, bool detach, const char *console_socket,
			     struct cs_err *err)
{
	if (terminal && detach && !console_socket)
		return cs_err_set(err, EINVAL,
				  "nobody would hold the terminal (process.terminal, --tty) of a "
				  "detached process; give --console-socket");
	if (console_socket && !terminal)
		return cs_err_set(
			err, EINVAL,
			"--console-socket %s: is for a terminal, and the process gets none "
			"(process.terminal, --tty)",
			console_socket);
	if (console_socket && !detach)
		return cs_err_set(err, EINVAL,
				  "--console-socket %s: is for a detached process; give --detach, "
				  "or leave the terminal to this command",
				  console_socket);
	return 0;
}

int ctr_attend_prepare(int *stop, struct cs_err *err)
{
	static const int stops[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	sigset_t all, some;
	int fd;

	sigfillset(&all);
	sigemptyset(&some);
	for (size_t i = 0; i < CS_LEN(stops); i++)
		sigaddset(&some, stops[i]);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return cs_err_sys(err, "hold signals back");
	fd = signalfd(-1, &some, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return cs_err_sys(err, "make a signalfd");
	*stop = fd;
	return 0;
}

int ctr_attend_stopped(int stop)
{
	struct signalfd_siginfo si;

	if (stop < 0 || read(stop, &si, sizeof(si)) != sizeof(si))
		return 0;
	return (int)si.ssi_signo;
}

int ctr_attend_orphans(struct cs_err *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return cs_err_sys(err, "become the subreaper");
	return 0;
}

/* Reaps whatever else was left to us, but not the process itself. */
static void reap_others(const struct ctr_child *child)
{
	siginfo_t si;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == 0 ||
		    si.si_pid == child->pid)
			return;
		waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG);
	}
}

static int forward(int signo, void *arg, struct cs_err *err)
{
	const struct ctr_child *child = arg;

	switch (signo) {
	case SIGCHLD:
		reap_others(child);
		return 0;
	case SIGURG: /* Go programs send it to themselves all the time */
	case SIGPIPE:
	case SIGWINCH:
		return 0;
	default:
		break;
	}
	if (cs_sys_pidfd_send_signal(child->pidfd, signo) < 0 && errno != ESRCH)
		return cs_err_sys(err, "forward signal %d", signo);
	return 0;
}

/* Forwards signals until the process ends. */
static int forward_until_end(struct ctr_child *child, int sigfd, struct cs_err *err)
{
	struct pollfd pfd[] = { { .fd = child->pidfd, .events = POLLIN },
				{ .fd = sigfd, .events = POLLIN } };

	while ((pfd[0].revents & POLLIN) == 0) {
		struct signalfd_siginfo si;
		int rc;

		if (poll(pfd, CS_LEN(pfd), -1) < 0) {
			if (errno == EINTR)
				continue;
			return cs_err_sys(err, "wait for the container");
		}
		if ((pfd[1].revents & POLLIN) == 0)
			continue;
		if (read(sigfd, &si, sizeof(si)) != sizeof(si))
			return cs_err_sys(err, "read a signal");
		rc = forward((int)si.ssi_signo, child, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Reads what nobody wants any more: a program that fills its terminal would wait for ever, and one
 * that loses it gets a hang-up. */
static _Noreturn void hold_terminal(const struct ctr_child *child)
{
	struct pollfd p[] = { { .fd = child->pidfd, .events = POLLIN },
			      { .fd = child->master, .events = POLLIN } };
	char buf[4096];

	while (p[0].revents == 0) {
		if (poll(p, CS_LEN(p), -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents && read(child->master, buf, sizeof(buf)) < 0 && errno != EAGAIN)
			p[1].fd = -1; /* nobody has it open */
	}
	_exit(0);
}

/* The user leaves: a process of its own keeps the terminal for the program. */
static int let_go(const struct ctr_child *child, struct cs_err *err)
{
	cs_auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int keep[] = { null, child->master, child->pidfd };
	pid_t pid = null < 0 ? -1 : fork();

	if (pid < 0)
		return cs_err_sys(err, "leave the terminal behind");
	if (pid > 0)
		return 0;
	setsid();
	/* somebody may wait for the end of what we were given */
	cs_fd_close_others(0, keep, CS_LEN(keep), err);
	for (int fd = 0; fd < 3; fd++)
		/* NOLINTNEXTLINE(android-cloexec-dup): they stay ours */
		if (dup2(null, fd) < 0)
			close(fd);
	hold_terminal(child);
}

int ctr_attend(struct ctr_child *child, const struct ctr_exec_opts *opts, int *exit_code,
	       struct cs_err *err)
{
	const struct ctr_tty_hooks hooks = { .on_signal = forward,
					     .signal_arg = child,
					     .on_input = opts ? opts->on_input : NULL,
					     .input_arg = opts ? opts->input_arg : NULL };
	cs_auto_fd int sigfd = -EBADF;
	sigset_t all;
	int status, rc;

	sigfillset(&all);
	sigfd = signalfd(-1, &all, SFD_CLOEXEC);
	if (sigfd < 0)
		return cs_err_sys(err, "make a signalfd");
	if (child->master >= 0)
		rc = ctr_tty_proxy(child->master, child->pidfd, sigfd, &hooks, err);
	else
		rc = forward_until_end(child, sigfd, err);
	if (rc == 1) {
		*exit_code = 0;
		return let_go(child, err);
	}
	if (rc < 0)
		return rc;
	rc = cs_proc_wait(child->pidfd, &status, err);
	if (rc < 0)
		return rc;
	*exit_code = cs_proc_exit_code(status);
	return 0;
}
