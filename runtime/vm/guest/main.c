/* The first process of a machine that a container runs in: see agent.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "runtime/vm/guest/agent.h"

enum { FATAL = 99 };

static int begin(struct agent *a, struct cs_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return cs_err_sys(err, "set signals up");
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signals < 0)
		return cs_err_sys(err, "wait for signals");
	if (agent_setup(err) < 0)
		return -err->code;
	a->control = agent_dial(CTR_VM_PORT_CONTROL, err);
	if (a->control < 0)
		return -err->code;
	ctr_vm_put_word(&a->out, CTR_VM_HELLO, CTR_VM_VERSION);
	return 0;
}

/* What is waited for: signals, the host, each job's answer, and each process's stream. */
static size_t fill(const struct agent *a, struct pollfd **fds, struct cs_err *err)
{
	size_t n = 2, need = 2;
	struct pollfd *p;

	for (const struct agent_job *j = a->jobs; j; j = j->next)
		need++;
	for (const struct agent_proc *q = a->procs; q; q = q->next)
		need += CTR_VM_STREAM_FDS;
	p = realloc(*fds, need * sizeof(*p));
	if (!p) {
		cs_err_set(err, ENOMEM, "out of memory");
		return 0;
	}
	*fds = p;
	p[0] = (struct pollfd){ .fd = a->signals, .events = POLLIN };
	p[1] = (struct pollfd){
		.fd = a->control,
		.events = (short)(POLLIN | (ctr_vm_waiting(&a->out) ? POLLOUT : 0)),
	};
	for (const struct agent_job *j = a->jobs; j; j = j->next)
		p[n++] = (struct pollfd){ .fd = j->answer, .events = POLLIN };
	for (const struct agent_proc *q = a->procs; q; q = q->next, n += CTR_VM_STREAM_FDS)
		ctr_vm_stream_wants(&q->stream, p + n);
	return n;
}

static int serve_host(struct agent *a, short revents, struct cs_err *err)
{
	struct ctr_vm_msg m;
	int ret = 1;

	while (revents & ~POLLOUT && ret == 1) {
		ret = ctr_vm_read(&a->in, a->control, &m, err);
		if (ret == 1 && agent_request(a, &m, err) < 0)
			ret = -err->code;
	}
	return ret < 0 ? ret : 0;
}

/* Jobs and processes are freed and added at the front while they are served: what @fds says is of
 * those that were there before, in their order. */
static int serve(struct agent *a, const struct pollfd *fds, struct cs_err *err)
{
	struct agent_job *job = a->jobs, *next_job;
	struct agent_proc *proc = a->procs, *next;
	struct signalfd_siginfo info;
	size_t at = 2;
	int ret = 0;

	while (fds[0].revents && read(a->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
	for (; job; job = next_job, at++) {
		next_job = job->next;
		if (fds[at].revents && agent_job_read(a, job, err) < 0)
			return -err->code;
	}
	for (; proc; proc = proc->next, at += CTR_VM_STREAM_FDS)
		if (proc->stream.sock >= 0)
			agent_proc_step(a, proc, fds + at);
	agent_reap(a);
	for (proc = a->procs; proc; proc = next) {
		next = proc->next;
		if (proc->stream.sock >= 0 && proc->ended && !proc->told)
			agent_proc_step(a, proc, NULL);
		if (proc->stream.sock < 0 && proc->ended && proc->id != 0)
			agent_proc_free(a, proc);
	}
	ret = serve_host(a, fds[1].revents, err);
	if (ret == 0 && ctr_vm_waiting(&a->out) && ctr_vm_flush(&a->out, a->control, err) < 0)
		ret = -err->code;
	return ret;
}

static int run(struct agent *a, struct cs_err *err)
{
	cs_auto_free struct pollfd *fds = NULL;

	while (!a->over) {
		size_t n = fill(a, &fds, err);

		if (n == 0)
			return -err->code;
		if (poll(fds, n, -1) < 0) {
			if (errno != EINTR)
				return cs_err_sys(err, "wait");
			continue;
		}
		if (serve(a, fds, err) < 0)
			return -err->code;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct agent a = { .control = -EBADF, .signals = -EBADF, .in = { .max = CTR_VM_TEXT_MAX } };
	struct cs_err err = CS_ERR_INIT;

	cs_log_setup(STDERR_FILENO, CS_LOG_TEXT, CS_LOG_WARN, "guest-init");
	if (getpid() != 1 && argc == 2 && strcmp(argv[1], "--version") == 0) {
		char version[CTR_VM_PACKAGE_VERSION];

		ctr_vm_package_version(version);
		return puts(version) < 0 ? 1 : 0;
	}
	if (getpid() != 1) {
		fputs("guest-init is the first process of a virtual machine; it is not for "
		      "hosts\n",
		      stderr);
		return 2;
	}
	if (begin(&a, &err) < 0 || run(&a, &err) < 0) {
		cs_log(CS_LOG_ERROR, "%s", err.msg);
		agent_end(FATAL);
	}
	agent_end(0);
}
