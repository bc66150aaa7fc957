#include "runtime/ns/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/isolation.h"
#include "runtime/ns/clone.h"
#include "runtime/ns/init.h"
#include "runtime/ns/join.h"
#include "runtime/ns/mounts.h"
#include "runtime/ns/seccomp.h"
#include "runtime/ns/seccomp_load.h"
#include "runtime/ns/serve.h"
#include "runtime/ns/socket.h"
#include "runtime/ns/sync.h"

/* Everything create holds on the host's side; released by release(). */
struct launch {
	struct ctr *c;
	const struct ctr_create_opts *opts;
	struct cg cg;
	bool has_cg;
	struct ctr_process process; /* the spec's, as init is to become it */
	struct ctr_join join;
	bool has_join;
	struct ctr_seccomp_prog seccomp;
	int *mount_fds; /* owned; spec.n_mounts of them */
	int sync[2];	/* owned; the runtime's and init's end */
	int listener;	/* owned */
};

static void release(struct launch *l)
{
	if (l->has_cg)
		cg_fini(&l->cg);
	if (l->has_join)
		ctr_join_fini(&l->join);
	ctr_seccomp_fini(&l->seccomp);
	for (size_t i = 0; l->mount_fds && i < l->c->spec.n_mounts; i++)
		cs_close_fd(&l->mount_fds[i]);
	free(l->mount_fds);
	cs_close_fd(&l->sync[0]);
	cs_close_fd(&l->sync[1]);
	cs_close_fd(&l->listener);
}

static int open_cgroup(struct launch *l, struct cs_err *err)
{
	const struct cg_host *host;
	int rc = ctr_cgroups(l->c, &host, err);

	if (rc < 0)
		return rc;
	rc = cg_create(host, l->c->state.cgroup, &l->cg, err);
	if (rc < 0)
		return cs_err_wrap(err, "make cgroup %s", l->c->state.cgroup);
	l->has_cg = true;
	l->c->state.own_cgroup = true;
	/* init makes device nodes while the other limits are set */
	rc = cg_apply_devices(&l->cg, &l->c->spec.resources, err);
	if (rc < 0)
		return rc;
	return l->c->spec.ns[CTR_NS_USER].present ? cg_open_join(&l->cg, err) : 0;
}

static int open_mounts(struct launch *l, struct cs_err *err)
{
	const struct ctr_spec *spec = &l->c->spec;

	if (spec->n_mounts == 0)
		return 0;
	l->mount_fds = malloc(spec->n_mounts * sizeof(*l->mount_fds));
	if (!l->mount_fds)
		return cs_err_set(err, ENOMEM, "mounts: out of memory");
	for (size_t i = 0; i < spec->n_mounts; i++)
		l->mount_fds[i] = -EBADF;
	return ctr_mounts_prepare(spec, l->c->bundle, l->c->host_proc, l->mount_fds, err);
}

/* All that is to be had before there is a process. */
static int prepare(struct launch *l, struct cs_err *err)
{
	struct ctr *c = l->c;
	int rc;

	rc = ctr_join_open(&c->spec, &l->join, err);
	if (rc < 0)
		return rc;
	l->has_join = true;
	rc = open_mounts(l, err);
	if (rc == 0)
		rc = ctr_seccomp_load(l->c, &l->seccomp, err);
	if (rc == 0)
		rc = open_cgroup(l, err);
	if (rc == 0 && !l->opts->run)
		rc = ctr_socket_listen(c->dir, &l->listener, err);
	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, l->sync) < 0)
		return cs_err_sys(err, "make the socket pair to init");
	return 0;
}

/* Does init wait, when the namespaces stand, for what is done from outside? A createContainer hook
 * is to run with the container's limits on. */
static bool has_outside(const struct ctr_spec *spec)
{
	return spec->hooks[CTR_HOOK_PRESTART].n + spec->hooks[CTR_HOOK_CREATE_RUNTIME].n +
		       spec->hooks[CTR_HOOK_CREATE_CONTAINER].n + spec->n_net_devices >
	       0;
}

static void fill_init(struct launch *l, bool staged, struct ctr_init *in)
{
	struct ctr *c = l->c;
	const struct ctr_spec *spec = &c->spec;

	l->process = spec->process;
	l->process.affinity_initial = NULL; /* execCPUAffinity is for exec */
	l->process.affinity_final = NULL;
	*in = (struct ctr_init){
		.setup = {
			.spec = spec,
			.id = c->id,
			.bundle = c->state.bundle,
			.bundle_fd = c->bundle,
			.host_proc = c->host_proc,
			.host_null = -EBADF,
			.cg = &l->cg,
			.mount_fds = l->mount_fds,
			.userns = spec->ns[CTR_NS_USER].present,
			.cgroupns = spec->ns[CTR_NS_CGROUP].present && !spec->ns[CTR_NS_CGROUP].path,
			.no_pivot = l->opts->no_pivot,
			.root = -EBADF,
			.proc = -EBADF,
		},
		.becoming = {
			.p = &l->process,
			.seccomp = spec->seccomp.present ? &l->seccomp : NULL,
			.setgroups = true,
			.preserve_fds = l->opts->preserve_fds,
			.listen_fds = ctr_process_listen_fds(),
		},
		.join = staged ? NULL : &l->join,
		.sync = l->sync[1],
		.runtime_end = l->sync[0],
		.listener = l->listener,
		.lock = c->lock,
		.cloned_into_cgroup = cg_v2_fd(&l->cg) >= 0,
		.outside = has_outside(spec),
		.new_keyring = !l->opts->no_new_keyring,
	};
}

static int init_entry(void *arg)
{
	struct ctr_init *in = arg;

	ctr_init_main(in);
}

/* Clones init, by way of a stage that joins namespaces where the runtime cannot. */
static int clone_init(struct launch *l, struct ctr_child *child, struct cs_err *err)
{
	bool staged = ctr_join_needs_stage(&l->c->spec);
	struct ctr_init in;
	struct ctr_clone how = {
		.flags = ctr_join_clone_flags(&l->c->spec),
		.cgroup_fd = cg_v2_fd(&l->cg),
		.join = staged ? &l->join : NULL,
		.entry = init_entry,
		.arg = &in,
	};

	fill_init(l, staged, &in);
	return ctr_clone(&how, &child->pid, &child->pidfd, err);
}

/* Ends and reaps an init whose creation failed. */
static void kill_child(struct ctr_child *child)
{
	if (child->pidfd < 0)
		return;
	cs_sys_pidfd_send_signal(child->pidfd, SIGKILL);
	while (waitid(P_PIDFD, (id_t)child->pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 &&
	       errno == EINTR)
		;
	ctr_child_fini(child);
}

static int launch(struct launch *l, struct ctr_child *child, struct cs_err *err)
{
	struct ctr_serve serve = {
		.c = l->c,
		.cg = &l->cg,
		.sync = l->sync[0],
		.console_socket = l->opts->console_socket,
		.child = child,
	};
	int rc;

	rc = prepare(l, err);
	if (rc == 0)
		rc = clone_init(l, child, err);
	if (rc < 0)
		return rc;
	serve.sync = l->sync[0];
	cs_close_fd(&l->sync[1]); /* so that init's death is seen as end of file */
	rc = ctr_serve_create(&serve, err);
	if (rc == 0)
		rc = ctr_publish_child(l->opts->pid_file, l->opts->pidfd_socket, child, err);
	if (rc == 0 && !l->opts->run)
		rc = ctr_sync_ack(l->sync[0], err);
	if (rc < 0)
		return rc;
	if (l->opts->run)
		l->c->go = cs_take_fd(&l->sync[0]);
	return 0;
}

int ctr_ns_create(struct ctr *c, const struct ctr_create_opts *opts, struct ctr_child *child,
		  struct cs_err *err)
{
	struct launch l = {
		.c = c,
		.opts = opts,
		.sync = { -EBADF, -EBADF },
		.listener = -EBADF,
	};
	int rc = launch(&l, child, err);

	if (rc < 0)
		kill_child(child);
	release(&l);
	return rc;
}
