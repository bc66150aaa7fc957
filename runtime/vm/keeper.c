#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "kvm/virtio/vsock.h"
#include "runtime/container.h"
#include "runtime/ns/sync.h"
#include "runtime/vm/host.h"
#include "runtime/vm/keeper_int.h"

enum {
	FAILED = 125,
	BOOT_MS = 300000, /* from the monitor's start to the agent's answer */
	END_MS = 10000,	  /* from the container's end to the machine's */
	TURN = 16,	  /* frames at once: a guest that floods us is not the only one */
	ANSWER_MAX = (1 << 20) + 4096, /* the agent's own is 1 MiB */
	FIXED = 9,		       /* entries of the poll table before the commands' */
};

static struct timespec in_ms(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	return t;
}

/* Milliseconds that are left; -1: there is no hurry. */
static int left_ms(const struct keeper *k)
{
	struct timespec now;
	int64_t ms;

	if (k->deadline.tv_sec == 0)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (k->deadline.tv_sec - now.tv_sec) * 1000 +
	     (k->deadline.tv_nsec - now.tv_nsec) / 1000000;
	return ms < 0 ? 0 : (int)ms;
}

/* --- the machine's owner ---------------------------------------------------------------------- */

/* Where the stream that the agent dials goes; NULL: nobody asked for one. Processes in the machine
 * may dial as well: two ports are the agent's before there are any, and never again; the number of
 * an exec's is a secret between it and us. */
static int *place_of(struct keeper *k, uint32_t port)
{
	if (port == CTR_VM_PORT_CONTROL)
		return k->greeted ? NULL : &k->control;
	if (port == CTR_VM_PORT_STREAM)
		return k->sync >= 0 ? &k->io.sock : NULL;
	for (size_t i = 0; i < KEEPER_COMMANDS; i++)
		if (k->cmd[i].kind == CTR_VM_ASK_EXEC && k->cmd[i].id != 0 &&
		    port - CTR_VM_PORT_STREAM == k->cmd[i].id)
			return &k->cmd[i].stream;
	return NULL;
}

/* Answers who dials with a connection, once; else with a refusal. */
static int serve_owner(struct keeper *k, struct cs_err *err)
{
	struct vio_vsock_msg m;
	int pair[2] = { -EBADF, -EBADF }, *place, ret;
	ssize_t n = recv(k->m.owner, &m, sizeof(m), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 0
			       : cs_err_sys(err, "hear what the machine wants");
	if (n == 0) { /* its end is seen by its pidfd */
		cs_close_fd(&k->m.owner);
		return 0;
	}
	if (n != (ssize_t)sizeof(m) || m.type != VIO_VSOCK_DIAL)
		return cs_err_set(err, EPROTO, "the machine's monitor sent what is no message");
	m.type = VIO_VSOCK_ANSWER;
	place = place_of(k, m.port);
	if (!place || *place >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		n = send(k->m.owner, &m, sizeof(m), MSG_NOSIGNAL);
		return n < 0 ? cs_err_sys(err, "refuse a connection") : 0;
	}
	*place = pair[0];
	ret = cs_fd_send(k->m.owner, &pair[1], 1, &m, sizeof(m), err);
	close(pair[1]);
	if (ret == 0 && (place == &k->control || place == &k->io.sock) &&
	    fcntl(*place, F_SETFL, O_NONBLOCK) < 0)
		ret = cs_err_sys(err, "keep a connection from blocking");
	return ret;
}

/* --- the agent -------------------------------------------------------------------------------- */

/* Tells who made the container how it went. */
static void report(struct keeper *k, const struct cs_err *why, int program_exit)
{
	struct ctr_msg msg = { .kind = why ? CTR_MSG_FAILED : CTR_MSG_READY,
			       .value = program_exit };
	struct cs_err ignored = CS_ERR_INIT;

	if (k->sync < 0)
		return;
	if (why)
		msg.err = *why;
	ctr_sync_send(k->sync, &msg, -EBADF, &ignored);
	cs_close_fd(&k->sync);
}

/* The answer to "create". */
static int created(struct keeper *k, const struct ctr_vm_msg *m, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err why = CS_ERR_INIT;
	int program_exit = 0;

	if (cs_json_parse((const char *)m->data + 4, m->len - 4, "the agent's answer", &doc, err) <
	    0)
		return -err->code;
	if (ctr_vm_judge(doc.root, &program_exit, &why) < 0) {
		report(k, &why, program_exit);
		_exit(FAILED);
	}
	k->deadline = (struct timespec){ 0 };
	report(k, NULL, 0);
	return 0;
}

static int answered(struct keeper *k, const struct ctr_vm_msg *m, struct cs_err *err)
{
	uint32_t id;

	if (!ctr_vm_word(m, 0, &id))
		return cs_err_set(err, EPROTO, "the agent's answer is too short");
	if (id == KEEPER_CREATE_ID && k->sync >= 0)
		return created(k, m, err);
	/* "{}": it runs; whoever asked for it may have gone */
	if (id & KEEPER_START && m->len < sizeof(id) + 8)
		cs_close_fd(&k->waits);
	for (size_t i = 0; i < KEEPER_COMMANDS; i++)
		/* the monitor answers the others, not the agent */
		if (id && k->cmd[i].id == id && k->cmd[i].kind < CTR_VM_ASK_PAUSE)
			ctr_vm_keeper_answer(&k->cmd[i], (const char *)m->data + sizeof(id),
					     m->len - sizeof(id));
	return 0; /* who asked may have gone */
}

static int serve_agent(struct keeper *k, struct cs_err *err)
{
	struct ctr_vm_msg m;
	uint32_t version;
	int ret = 0;

	for (int i = 0; i < TURN && (ret = ctr_vm_read(&k->r, k->control, &m, err)) == 1; i++) {
		if (m.type == CTR_VM_REPLY) {
			ret = answered(k, &m, err);
		} else if (m.type == CTR_VM_HELLO && !k->greeted) {
			const uint32_t id = KEEPER_CREATE_ID;

			if (!ctr_vm_word(&m, 0, &version) || version != CTR_VM_VERSION)
				return cs_err_set(err, EPROTO,
						  "the guest package is of another version: make "
						  "it anew");
			k->greeted = true;
			ctr_vm_put(&k->w, CTR_VM_REQUEST, &id, k->in->request, k->in->request_len);
		} else {
			return cs_err_set(err, EPROTO, "the agent sent what does not belong there");
		}
		if (ret < 0)
			return ret;
	}
	if (ret == -EPIPE) { /* it ends, or is dead: the monitor will say */
		cs_err_clear(err);
		cs_close_fd(&k->control);
		if (k->deadline.tv_sec == 0)
			k->deadline = in_ms(END_MS);
		return 0;
	}
	return ret < 0 ? ret : 0;
}

/* --- the container's own files ---------------------------------------------------------------- */

static int serve_io(struct keeper *k, const struct pollfd *p, struct cs_err *err)
{
	struct ctr_vm_msg m;
	uint32_t code, kills;
	int ret = 0;

	for (int i = 0; i < TURN && (ret = ctr_vm_stream_step(&k->io, p, &m, err)) == 1; i++) {
		p = NULL;
		if (m.type == CTR_VM_EXIT && ctr_vm_word(&m, 0, &code)) {
			k->ended = true;
			k->code = (int)(code & 0xff);
			if (ctr_vm_word(&m, sizeof(code), &kills) && kills)
				dprintf(k->in->oom, "%" PRIu32, kills);
			break;
		}
	}
	if (ret == -EPIPE || k->ended) {
		cs_err_clear(err);
		cs_close_fd(&k->io.sock); /* the agent takes it for a good-bye */
		k->deadline = in_ms(END_MS);
		return 0;
	}
	return ret < 0 ? ret : 0;
}

static void serve_signals(struct keeper *k)
{
	struct signalfd_siginfo info;

	while (read(k->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (k->io.sock >= 0)
			ctr_vm_term_signal(&k->io, k->in->slave, (int)info.ssi_signo);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Its entries: FIXED of ours, those of the io stream, one a command. */
enum { ALL = FIXED + CTR_VM_STREAM_FDS + KEEPER_COMMANDS };

static void fill(const struct keeper *k, struct pollfd p[ALL])
{
	p[0] = (struct pollfd){ k->m.pidfd, POLLIN, 0 };
	p[1] = (struct pollfd){ k->m.owner, POLLIN, 0 };
	p[2] = (struct pollfd){ k->signals, POLLIN, 0 };
	p[3] = (struct pollfd){ k->m.console.fd, POLLIN, 0 };
	p[4] = (struct pollfd){ k->m.errors.fd, POLLIN, 0 };
	p[5] = (struct pollfd){ k->listener, POLLIN, 0 };
	p[6] = (struct pollfd){ k->control, (short)(POLLIN | (ctr_vm_waiting(&k->w) ? POLLOUT : 0)),
				0 };
	/* who makes the container has gone before it stood */
	p[7] = (struct pollfd){ k->sync, 0, 0 };
	p[8] = (struct pollfd){ k->m.control, POLLIN, 0 };
	if (k->io.sock >= 0)
		ctr_vm_stream_wants(&k->io, p + FIXED);
	else
		for (int i = 0; i < CTR_VM_STREAM_FDS; i++)
			p[FIXED + i] = (struct pollfd){ .fd = -1 };
	for (size_t i = 0; i < KEEPER_COMMANDS; i++)
		p[FIXED + CTR_VM_STREAM_FDS + i] = (struct pollfd){ k->cmd[i].sock, POLLIN, 0 };
}

static int serve(struct keeper *k, const struct pollfd p[ALL], struct cs_err *err)
{
	int ret = 0;

	if (p[3].revents)
		ctr_vm_tail_read(&k->m.console);
	if (p[4].revents)
		ctr_vm_tail_read(&k->m.errors);
	if (p[2].revents)
		serve_signals(k);
	if (p[1].revents)
		ret = serve_owner(k, err);
	if (ret == 0 && p[6].revents & ~POLLOUT)
		ret = serve_agent(k, err);
	if (ret == 0 && k->io.sock >= 0)
		ret = serve_io(k, p + FIXED, err);
	if (p[8].revents)
		ctr_vm_keeper_control(k);
	if (p[5].revents)
		ctr_vm_keeper_accept(k);
	for (size_t i = 0; i < KEEPER_COMMANDS; i++)
		if (p[FIXED + CTR_VM_STREAM_FDS + i].revents &&
		    p[FIXED + CTR_VM_STREAM_FDS + i].fd == k->cmd[i].sock)
			ctr_vm_keeper_read(k, &k->cmd[i]);
	if (ret == 0 && k->control >= 0 && ctr_vm_waiting(&k->w))
		ret = ctr_vm_flush(&k->w, k->control, err);
	return ret == -EPIPE ? (cs_err_clear(err), 0) : ret < 0 ? ret : 0;
}

/* Until the machine has ended. */
static int run(struct keeper *k, struct cs_err *err)
{
	struct pollfd p[ALL];
	int n;

	for (;;) {
		fill(k, p);
		n = poll(p, ALL, left_ms(k));
		if (n < 0 && errno != EINTR)
			return cs_err_sys(err, "wait");
		if (n == 0 || left_ms(k) == 0)
			return k->ended ? 0
					: cs_err_set(err, ETIMEDOUT, "the machine does not answer");
		if (n > 0 && p[7].revents)
			return cs_err_set(err, EPIPE, "who made the container has gone");
		if (n > 0 && serve(k, p, err) < 0)
			return -err->code;
		if (n > 0 && p[0].revents)
			return 0;
	}
}

static void kill_machine(struct keeper *k)
{
	if (k->m.pidfd < 0)
		return;
	cs_sys_pidfd_send_signal(k->m.pidfd, SIGKILL);
	while (waitpid(k->m.pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* What of the host's it does not need, the container's lock above all, is not its. */
static int close_others(const struct ctr_vm_keeper_in *in, struct cs_err *err)
{
	int keep[8 + CTR_NICS_MAX] = {
		in->sync, in->waits,   in->commands,	    in->slave,
		in->oom,  in->console, in->package->kernel, in->package->initramfs
	};
	size_t n = 8;

	for (size_t i = 0; i < in->n_nics; i++)
		keep[n++] = in->nics[i].tap;
	return cs_fd_close_others(3, keep, n, err);
}

static int begin(struct keeper *k, struct cs_err *err)
{
	const struct ctr_vm_keeper_in *in = k->in;
	struct ctr_vm_start start = {
		.spec = &in->c->spec,
		.package = in->package,
		.nics = in->nics,
		.n_nics = in->n_nics,
	};
	cs_auto_fd int share = -EBADF;
	int ret;

	/* recorded, and in its cgroup, before it makes anything */
	if (ctr_sync_wait(in->sync, err) < 0 ||
	    cg_join_self(in->cg, in->cloned_into_cgroup, err) < 0 || close_others(in, err) < 0)
		return -err->code;
	if (setsid() < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    prctl(PR_SET_NAME, "caisson-vm") < 0)
		return cs_err_sys(err, "become a session leader");
	k->signals = ctr_vm_term_signals(err);
	if (k->signals < 0 || ctr_vm_term_ends(&k->io, in->slave, err) < 0)
		return -err->code;
	share = ctr_vm_share(in->c, err);
	if (share < 0)
		return share;
	start.share = share;
	k->deadline = in_ms(BOOT_MS);
	ret = ctr_vm_machine_start(&start, &k->m, err);
	/* they are the machine's: when it ends, they are gone */
	for (size_t i = 0; i < in->n_nics; i++)
		close(in->nics[i].tap);
	return ret;
}

void ctr_vm_keeper(struct ctr_vm_keeper_in *in)
{
	static struct keeper k; /* large */
	struct cs_err err = CS_ERR_INIT;
	char why[512];

	k = (struct keeper){
		.in = in,
		.m = CTR_VM_MACHINE_INIT,
		.sync = in->sync,
		.waits = in->waits,
		.listener = in->commands,
		.signals = -EBADF,
		.control = -EBADF,
		.r = { .max = ANSWER_MAX },
		.io = CTR_VM_STREAM_INIT,
	};
	k.m.console.keep = in->console;
	for (size_t i = 0; i < KEEPER_COMMANDS; i++)
		k.cmd[i].sock = k.cmd[i].stream = -EBADF;
	cs_close_fd(&in->runtime);
	if (begin(&k, &err) == 0 && run(&k, &err) == 0 && !k.ended) {
		kill_machine(&k);
		ctr_vm_machine_why(&k.m, why, sizeof(why));
		cs_err_set(&err, EIO, "its machine has ended: %s", why);
	} else {
		kill_machine(&k);
	}
	if (err.code == 0)
		_exit(k.code);
	if (k.sync >= 0)
		report(&k, &err, 0);
	else
		dprintf(STDERR_FILENO, "caisson: container %s: %s\n", in->c->id, err.msg);
	_exit(FAILED);
}
