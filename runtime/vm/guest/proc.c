#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/proc.h"
#include "runtime/vm/guest/agent.h"

struct agent_proc *agent_proc_new(uint32_t id, struct cs_err *err)
{
	struct agent_proc *p = calloc(1, sizeof(*p));

	if (!p) {
		cs_err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	p->id = id;
	p->master = -EBADF;
	p->stream = CTR_VM_STREAM_INIT;
	p->stream.sock = agent_dial(CTR_VM_PORT_STREAM + id, err);
	if (p->stream.sock < 0) {
		free(p);
		return NULL;
	}
	return p;
}

void agent_proc_free(struct agent *a, struct agent_proc *p)
{
	for (struct agent_proc **at = &a->procs; *at; at = &(*at)->next) {
		if (*at == p) {
			*at = p->next;
			break;
		}
	}
	cs_close_fd(&p->master);
	ctr_vm_stream_fini(&p->stream);
	free(p);
}

int agent_proc_pipes(struct agent_proc *p, int child[3], struct cs_err *err)
{
	struct ctr_vm_end *ends[3] = { &p->stream.sink[0], &p->stream.source[0],
				       &p->stream.source[1] };

	for (int i = 0; i < 3; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0)
			return cs_err_sys(err, "make a pipe");
		child[i] = fds[i != 0];
		*ends[i] = (struct ctr_vm_end){ .kind = CTR_VM_STDIN + (unsigned int)i,
						.fd = fds[i == 0] };
		if (fcntl(ends[i]->fd, F_SETFL, O_NONBLOCK) < 0)
			return cs_err_sys(err, "keep a pipe from blocking");
	}
	return 0;
}

int agent_proc_terminal(struct agent_proc *p, int master, struct cs_err *err)
{
	cs_auto_fd int in = master, out = -EBADF;

	out = fcntl(master, F_DUPFD_CLOEXEC, 3);
	p->master = fcntl(master, F_DUPFD_CLOEXEC, 3);
	if (out < 0 || p->master < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return cs_err_sys(err, "take the terminal");
	p->stream.sink[0] = (struct ctr_vm_end){ .kind = CTR_VM_STDIN, .fd = cs_take_fd(&in) };
	p->stream.source[0] = (struct ctr_vm_end){ .kind = CTR_VM_STDOUT, .fd = cs_take_fd(&out) };
	return 0;
}

static void told(const struct agent_proc *p, const struct ctr_vm_msg *m)
{
	uint32_t word;

	if (!ctr_vm_word(m, 0, &word))
		return;
	if (m->type == CTR_VM_SIGNAL && p->pid > 0 && !p->ended && word < NSIG) {
		kill(p->pid, (int)word);
	} else if (m->type == CTR_VM_WINSIZE && p->master >= 0) {
		const struct winsize size = { .ws_row = (unsigned short)(word & 0xffff),
					      .ws_col = (unsigned short)(word >> 16) };

		ioctl(p->master, TIOCSWINSZ, &size);
	}
}

/* A process that has ended is told of when all that it wrote was sent. */
static int tell_end(struct agent_proc *p, struct cs_err *err)
{
	const uint32_t code = (uint32_t)p->code;
	uint32_t kills;
	int ret;

	if (!p->ended || p->told)
		return 0;
	ret = ctr_vm_stream_drain(&p->stream, err);
	if (ret <= 0)
		return ret;
	kills = p->id == 0 ? agent_oom_kills() : 0;
	ctr_vm_put(&p->stream.out, CTR_VM_EXIT, &code, &kills, sizeof(kills));
	p->told = true;
	return ctr_vm_flush(&p->stream.out, p->stream.sock, err);
}

void agent_proc_step(struct agent *a, struct agent_proc *p, const struct pollfd *fds)
{
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	int ret;

	while ((ret = ctr_vm_stream_step(&p->stream, fds, &m, &err)) == 1) {
		told(p, &m);
		fds = NULL;
	}
	if (ret == 0)
		ret = tell_end(p, &err);
	if (ret >= 0)
		return;
	/* the host has let go of it: after its end, or with no one left who wants what it writes */
	cs_close_fd(&p->stream.sock);
	for (int i = 0; i < 2; i++) {
		cs_close_fd(&p->stream.source[i].fd);
		cs_close_fd(&p->stream.sink[i].fd);
	}
	if (p->ended && p->id == 0)
		a->over = true;
}

void agent_reap(struct agent *a)
{
	int status;

	for (struct agent_proc *p = a->procs; p; p = p->next) {
		if (p->pid > 0 && !p->ended && waitpid(p->pid, &status, WNOHANG) == p->pid) {
			p->ended = true;
			p->code = cs_proc_exit_code(status);
		}
	}
	/* one that a job has just made may have ended before the job said its pid; and a job is
	 * waited for where its answer is read */
	while (!a->jobs) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
			break;
		for (struct agent_proc *p = a->procs; p; p = p->next) {
			if (p->pid == info.si_pid) {
				p->ended = true;
				p->code = info.si_code == CLD_EXITED ? info.si_status
								     : 128 + info.si_status;
			}
		}
	}
}
