#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/info.h"
#include "runtime/isolation.h"
#include "runtime/ns/clone.h"
#include "runtime/ns/hooks.h"
#include "runtime/ns/limits.h"
#include "runtime/ns/socket.h"
#include "runtime/ns/sync.h"
#include "runtime/vm/host.h"

/* Everything create holds; released by release(). */
struct launch {
	struct ctr *c;
	const struct ctr_create_opts *opts;
	struct ctr_child *child;
	struct ctr_vm_package package;
	struct cg cg;
	char *request; /* owned */
	size_t request_len;
	int sync[2];  /* owned; ours and the keeper's end */
	int waits;    /* owned */
	int commands; /* owned */
	int slave;    /* owned */
	int oom;      /* owned */
	int netns;    /* owned; a network namespace to join, -EBADF: none */
};

static void release(struct launch *l)
{
	ctr_vm_package_close(&l->package);
	cg_fini(&l->cg);
	free(l->request);
	cs_close_fd(&l->sync[0]);
	cs_close_fd(&l->sync[1]);
	cs_close_fd(&l->waits);
	cs_close_fd(&l->commands);
	cs_close_fd(&l->slave);
	cs_close_fd(&l->oom);
	cs_close_fd(&l->netns);
}

static int open_cgroup(struct launch *l, struct cs_err *err)
{
	const struct cg_host *host;

	if (ctr_cgroups(l->c, &host, err) < 0)
		return -err->code;
	if (cg_create(host, l->c->state.cgroup, &l->cg, err) < 0)
		return cs_err_wrap(err, "make cgroup %s", l->c->state.cgroup);
	l->c->state.own_cgroup = true;
	return 0;
}

/* All that is to be had before there is a process. */
static int prepare(struct launch *l, struct cs_err *err)
{
	const struct ctr_spec *spec = &l->c->spec;
	const struct ctr_process *p = &spec->process;

	if (l->opts->preserve_fds)
		return cs_err_set(err, ENOTSUP,
				  "--preserve-fds: isolation \"vm\" cannot honour it: files of the "
				  "host do not go into a machine");
	if (ctr_vm_package_open(spec, l->opts->boot, &l->package, err) < 0 ||
	    ctr_vm_config(spec, l->opts->nics, l->opts->n_nics, &l->request, &l->request_len, err) <
		    0 ||
	    open_cgroup(l, err) < 0)
		return -err->code;
	if (spec->ns[CTR_NS_NETWORK].path) {
		l->netns = open(spec->ns[CTR_NS_NETWORK].path, O_RDONLY | O_CLOEXEC);
		if (l->netns < 0)
			return cs_err_sys(err, "linux.namespaces: open %s",
					  spec->ns[CTR_NS_NETWORK].path);
	}
	l->oom = openat(l->c->dir, CTR_VM_OOM_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (l->oom < 0)
		return cs_err_sys(err, "make a file in the state folder");
	if (ctr_socket_listen(l->c->dir, &l->waits, err) < 0)
		return -err->code;
	l->commands = ctr_vm_listen(l->c, err);
	if (l->commands < 0)
		return l->commands;
	if (p->terminal) {
		l->slave = ctr_vm_term_make(p->console_height, p->console_width,
					    l->opts->console_socket, l->child, err);
		if (l->slave < 0)
			return l->slave;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, l->sync) < 0)
		return cs_err_sys(err, "make the socket pair to the keeper");
	return 0;
}

static int keeper_entry(void *arg)
{
	const struct launch *l = arg;
	struct ctr_vm_keeper_in in = {
		.c = l->c,
		.package = &l->package,
		.nics = l->opts->nics,
		.n_nics = l->opts->n_nics,
		.request = l->request,
		.request_len = l->request_len,
		.sync = l->sync[1],
		.runtime = l->sync[0],
		.waits = l->waits,
		.commands = l->commands,
		.slave = l->slave,
		.oom = l->oom,
		.console = l->opts->boot ? l->opts->boot->console : -EBADF,
		.cg = &l->cg,
		.cloned_into_cgroup = cg_v2_fd(&l->cg) >= 0,
	};

	if (l->netns >= 0 && setns(l->netns, CLONE_NEWNET) < 0)
		return EXIT_FAILURE;
	ctr_vm_keeper(&in);
}

/* The host's limits on the machine: on its processors. That on memory is the machine's size. */
static int limit(struct launch *l, struct cs_err *err)
{
	const struct ctr_spec *spec = &l->c->spec;
	struct cg_resources cpu;

	if (spec->process.has_oom_score_adj &&
	    ctr_limits_oom_score(&spec->process, l->c->host_proc, l->child->pid, err) < 0)
		return -err->code;
	ctr_vm_host_limits(&spec->resources, &cpu);
	return cg_apply(&l->cg, &cpu, err);
}

static int run_hooks(struct launch *l, struct cs_err *err)
{
	const struct ctr_spec *spec = &l->c->spec;
	static const enum ctr_hook_kind kinds[] = { CTR_HOOK_PRESTART, CTR_HOOK_CREATE_RUNTIME };
	cs_auto_free char *text = NULL;

	if (ctr_oci_state_text(spec, l->c->id, l->c->state.bundle, l->child->pid, CTR_CREATING,
			       &text, err) < 0)
		return -err->code;
	for (size_t i = 0; i < CS_LEN(kinds); i++)
		if (ctr_hooks_run_until(&spec->hooks[kinds[i]], kinds[i], text, l->c->stop, err) <
		    0)
			return -err->code;
	return 0;
}

/* Until the container stands in the machine. */
static int wait_ready(struct launch *l, struct cs_err *err)
{
	struct pollfd p[] = { { l->sync[0], POLLIN, 0 }, { l->c->stop, POLLIN, 0 } };
	struct ctr_msg msg;
	int fd = -EBADF;

	while (poll(p, CS_LEN(p), -1) < 0)
		if (errno != EINTR)
			return cs_err_sys(err, "wait for the machine");
	if (p[1].revents)
		return cs_err_set(err, EINTR, "interrupted while the machine was made");
	if (ctr_sync_recv(l->sync[0], &msg, &fd, err) < 0)
		return cs_err_wrap(err, "the machine's keeper");
	cs_close_fd(&fd);
	if (msg.kind == CTR_MSG_READY)
		return 0;
	l->child->program_exit = msg.value;
	*err = msg.err;
	return -err->code;
}

static int launch(struct launch *l, struct cs_err *err)
{
	const struct ctr_ns_spec *net = &l->c->spec.ns[CTR_NS_NETWORK];
	struct ctr_clone how = {
		.flags = CLONE_NEWNS | (net->present && !net->path ? CLONE_NEWNET : 0),
		.cgroup_fd = -EBADF,
		.entry = keeper_entry,
		.arg = l,
	};

	if (prepare(l, err) < 0)
		return -err->code;
	how.cgroup_fd = cg_v2_fd(&l->cg);
	if (ctr_clone(&how, &l->child->pid, &l->child->pidfd, err) < 0)
		return -err->code;
	cs_close_fd(&l->sync[1]);
	if (ctr_record_init(l->c, l->child->pid, err) < 0 || limit(l, err) < 0 ||
	    ctr_sync_ack(l->sync[0], err) < 0 || run_hooks(l, err) < 0 || wait_ready(l, err) < 0)
		return -err->code;
	return ctr_publish_child(l->opts->pid_file, l->opts->pidfd_socket, l->child, err);
}

int ctr_vm_create(struct ctr *c, const struct ctr_create_opts *opts, struct ctr_child *child,
		  struct cs_err *err)
{
	struct launch l = {
		.c = c,
		.opts = opts,
		.child = child,
		.package = { .kernel = -EBADF, .initramfs = -EBADF },
		.cg = CG_INIT,
		.sync = { -EBADF, -EBADF },
		.waits = -EBADF,
		.commands = -EBADF,
		.slave = -EBADF,
		.oom = -EBADF,
		.netns = -EBADF,
	};
	int ret = launch(&l, err);

	if (ret < 0 && child->pidfd >= 0) {
		cs_sys_pidfd_send_signal(child->pidfd, SIGKILL);
		while (waitid(P_PIDFD, (id_t)child->pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 &&
		       errno == EINTR)
			;
		ctr_child_fini(child);
	}
	release(&l);
	return ret;
}
