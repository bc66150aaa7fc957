#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "engine/mon_int.h"

/* In the child. */
static void work(const struct mon *m, enum mon_step step, const struct eng_bring_io *io,
		 struct mon_found *out)
{
	switch (step) {
	case MON_BRING:
		out->ret = m->ops->bring(&m->e, &m->r, io, &out->brought, &out->err);
		return;
	case MON_DOWN:
		out->ret = m->ops->take_down(&m->e, &m->r, true, &out->err);
		return;
	}
}

/* It keeps what it needs of our files; clients must not be kept waiting by it, say. Its copy of the
 * lock tells that somebody is still at work, should we be killed. */
static _Noreturn void child(const struct mon *m, enum mon_step step, const struct eng_bring_io *io,
			    int result)
{
	int keep[] = { result, m->live, m->e.containers, m->e.run, -1, -1, -1 };
	struct mon_found found = { .brought = ENG_BROUGHT_INIT };
	struct cs_err why = CS_ERR_INIT;

	if (io) {
		keep[4] = io->in;
		keep[5] = io->out;
		keep[6] = io->err;
	}
	if (cs_proc_default_signals() < 0)
		found.ret = cs_err_sys(&found.err, "reset signals");
	if (found.ret == 0)
		found.ret = cs_fd_close_others(STDERR_FILENO + 1, keep, CS_LEN(keep), &found.err);
	if (found.ret == 0)
		work(m, step, io, &found);
	_exit(cs_fd_write_all(result, &found, sizeof(found), &why) < 0 ? EXIT_FAILURE
								       : EXIT_SUCCESS);
}

int eng_mon_child_start(struct mon *m, enum mon_step step, const struct eng_bring_io *io,
			struct cs_err *err)
{
	cs_auto_fd int in = -EBADF, out = -EBADF;
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return cs_err_sys(err, "make a pipe");
	in = p[0];
	out = p[1];
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "start a process");
	if (pid == 0)
		child(m, step, io, out);
	m->child = pid;
	m->result = cs_take_fd(&in);
	return 0;
}

/* What the child wrote before it ended. */
static void found(struct mon *m, int status)
{
	struct mon_found f = { .brought = ENG_BROUGHT_INIT };
	ssize_t n = read(m->result, &f, sizeof(f)); /* one write(2) into an empty pipe */

	if (n != (ssize_t)sizeof(f)) {
		f = (struct mon_found){ .brought = ENG_BROUGHT_INIT };
		f.ret = cs_err_set(&f.err, EPIPE,
				   "the process at work for the container was ended "
				   "unexpectedly (status %d)",
				   cs_proc_exit_code(status));
	}
	cs_close_fd(&m->result);
	m->found = f;
	m->child = 0;
	if (f.ret == 0 && f.brought.pid > 0)
		m->init = f.brought.pid;
}

/* While a child is at work, the container's init is its child or not known to be ours: nobody else
 * is reaped then. When it ends, both come to us, and we learn of init first. */
void eng_mon_reap(struct mon *m)
{
	int status;
	pid_t pid;

	if (m->child) {
		if (waitpid(m->child, &status, WNOHANG) != m->child)
			return;
		found(m, status);
	}
	for (;;) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return;
		if (pid != m->init)
			continue;
		m->ended = true;
		m->wait_status = status;
		m->init = 0;
	}
}
