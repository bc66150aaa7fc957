#include "runtime/ns/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/execproc.h"
#include "runtime/ns/clone.h"
#include "runtime/ns/execcg.h"
#include "runtime/ns/keyring.h"
#include "runtime/ns/limits.h"
#include "runtime/ns/process.h"
#include "runtime/ns/procfs.h"
#include "runtime/ns/rdt.h"
#include "runtime/ns/seccomp.h"
#include "runtime/ns/seccomp_load.h"
#include "runtime/ns/serve.h"
#include "runtime/ns/sync.h"
#include "runtime/ns/tty.h"

/*
 * exec in two steps. A first process, which the container cannot see since it is in the host's pid
 * namespace, joins everything and drops every host fd; only then it clones, into the container's
 * pid namespace, the second, which becomes the user's program. So nothing of the host is ever
 * within reach of the container's processes (the runtime is undumpable besides).
 */

struct joiner {
	const struct ctr *c;
	const struct ctr_exec_opts *opts;
	struct ctr_exec_cgroup cg;
	struct ctr_seccomp_prog prog;
	struct ctr_becoming becoming;
	int pidfd;	/* the container's init */
	int root;	/* owned; its root folder */
	uint64_t flags; /* namespaces to join */
	int sync;
	int slave; /* pty, when there is a terminal */
};

/* Namespaces that differ from ours: joining one's own user namespace is refused. */
static int namespaces_to_join(const struct ctr *c, uint64_t *flags, struct cs_err *err)
{
	struct stat own, theirs;
	char path[40];

	*flags = 0;
	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		if (c->spec.ns[i].present)
			*flags |= ctr_ns_table[i].flag;
	if ((*flags & CLONE_NEWUSER) == 0)
		return 0;
	snprintf(path, sizeof(path), "%d/ns/user", c->state.pid);
	if (fstatat(c->host_proc, "self/ns/user", &own, 0) < 0 ||
	    fstatat(c->host_proc, path, &theirs, 0) < 0)
		return cs_err_sys(err, "compare user namespaces");
	if (own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev)
		*flags &= ~(uint64_t)CLONE_NEWUSER;
	return 0;
}

/* Did joining the mount namespace make the container's root "/"? Not so where the runtime that made
 * it was in a chroot: pivot_root(2) put it in the chroot's place, and the namespace's own root is
 * the host's still. Any folder of the same mount is taken for it: an init may chroot(2) itself. */
static bool is_root(const struct joiner *j)
{
	struct statx theirs, ours;

	return j->c->spec.ns[CTR_NS_MOUNT].present &&
	       statx(j->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &theirs) == 0 &&
	       statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &ours) == 0 &&
	       (theirs.stx_mask & ours.stx_mask & STATX_MNT_ID) != 0 &&
	       theirs.stx_mnt_id == ours.stx_mnt_id;
}

static int enter(struct joiner *j, struct cs_err *err)
{
	int rc;

	rc = ctr_exec_cgroup_join(&j->cg, err);
	if (rc < 0)
		return cs_err_wrap(err, "join the container's cgroup");
	rc = ctr_limits_affinity(j->becoming.p->affinity_initial, err);
	if (rc < 0)
		return rc;
	if (j->flags && setns(j->pidfd, (int)j->flags) < 0)
		return cs_err_sys(err, "join the container's namespaces");
	if (!is_root(j) && (fchdir(j->root) < 0 || chroot(".") < 0))
		return cs_err_sys(err, "enter the container's root");
	if ((j->flags & CLONE_NEWUSER) && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		return cs_err_sys(err, "become root of the container's user namespace");
	return 0;
}

static int open_terminal(struct joiner *j, struct cs_err *err)
{
	const struct ctr_process *p = j->becoming.p;
	struct ctr_msg msg = { .kind = CTR_MSG_CONSOLE };
	cs_auto_fd int master = -EBADF;
	int rc;

	if (!p->terminal)
		return 0;
	rc = ctr_tty_open(j->becoming.root, p->console_height, p->console_width, &master, &j->slave,
			  err);
	if (rc == 0)
		rc = ctr_sync_send(j->sync, &msg, master, err);
	/* the runtime's own stdio stays with the runtime */
	for (int fd = 0; rc == 0 && fd < 3; fd++)
		if (dup3(j->slave, fd, O_CLOEXEC) < 0)
			rc = cs_err_sys(err, "process.terminal: replace fd %d", fd);
	return rc;
}

/* Everything that needs no pid in the container. Afterwards only the socket, the terminal, the log
 * and the preserved fds are open: nothing of the host, before a process of the container can see
 * the one that has it. */
static int prepare_inside(struct joiner *j, int *exit_code, struct cs_err *err)
{
	int rc;

	rc = enter(j, err);
	if (rc < 0)
		return rc;
	j->becoming.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (j->becoming.root < 0)
		return cs_err_sys(err, "open the container's root");
	if (!j->c->state.no_new_keyring)
		rc = ctr_keyring_new(j->c->id, err);
	if (rc == 0)
		rc = ctr_limits_personality(&j->c->spec, err);
	if (rc == 0)
		rc = ctr_limits_mempolicy(&j->c->spec, err);
	if (rc == 0)
		rc = open_terminal(j, err);
	if (rc < 0)
		return rc;
	j->becoming.sync = j->sync;
	j->becoming.keep = j->slave;
	return ctr_process_prepare(&j->becoming, exit_code, err);
}

static _Noreturn void fail(int sync, int exit_code, const struct cs_err *err)
{
	struct ctr_msg msg = { .kind = CTR_MSG_FAILED, .value = exit_code, .err = *err };
	struct cs_err ignored = CS_ERR_INIT;

	ctr_sync_send(sync, &msg, -EBADF, &ignored);
	_exit(exit_code ? exit_code : 1);
}

/* The procfs for security labels must show this process, hence only now. */
static int open_proc(struct joiner *j, struct cs_err *err)
{
	if (!j->becoming.p->apparmor_profile && !j->becoming.p->selinux_label)
		return 0;
	j->becoming.proc = ctr_procfs_open(err);
	return j->becoming.proc < 0 ? -err->code : 0;
}

/* The second process: the user's program to be. */
static int run_program(void *arg)
{
	struct joiner *j = arg;
	struct cs_err err = CS_ERR_INIT;
	int exit_code = 0;
	int rc;

	rc = ctr_sync_wait(j->sync, &err);
	if (rc == 0 && setsid() < 0)
		rc = cs_err_sys(&err, "become a session leader");
	if (rc == 0 && j->slave >= 0)
		rc = ctr_tty_take(j->slave, &err);
	if (rc == 0)
		rc = open_proc(j, &err);
	if (rc == 0)
		rc = ctr_process_become(&j->becoming, &err);
	if (rc == 0)
		ctr_process_execute(&j->becoming, &exit_code, &err);
	fail(j->sync, exit_code, &err);
}

/* The first process. */
static int run_joiner(void *arg)
{
	struct joiner *j = arg;
	struct ctr_clone how = {
		.cgroup_fd = -EBADF,
		.sibling = true,
		.entry = run_program,
		.arg = j,
	};
	struct ctr_msg msg = { .kind = CTR_MSG_FORKED };
	struct cs_err err = CS_ERR_INIT;
	int exit_code = 0;
	int pidfd = -EBADF;

	if (prepare_inside(j, &exit_code, &err) < 0)
		fail(j->sync, exit_code, &err);
	if (ctr_clone(&how, &msg.value, &pidfd, &err) < 0 ||
	    ctr_sync_send(j->sync, &msg, pidfd, &err) < 0)
		fail(j->sync, 0, &err);
	return 0;
}

static int open_root(struct joiner *j, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	char path[32];

	snprintf(path, sizeof(path), "%d", j->c->state.pid);
	dir = cs_path_proc_file(j->c->host_proc, path, O_PATH | O_DIRECTORY, err);
	if (dir < 0)
		return -err->code;
	j->root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return j->root < 0 ? cs_err_sys(err, "open the container's root") : 0;
}

/* Clones the first process, on v2 into the cgroup. */
static int clone_joiner(struct joiner *j, pid_t *pid, int *pidfd, struct cs_err *err)
{
	struct ctr_clone how = { .cgroup_fd = j->cg.clone_fd, .entry = run_joiner, .arg = j };
	int rc = ctr_clone(&how, pid, pidfd, err);

	if (rc != -EBUSY || j->cg.sub)
		return rc;
	cs_err_clear(err);
	rc = ctr_exec_cgroup_follow_init(j->c, &j->cg, err);
	if (rc < 0)
		return rc;
	how.cgroup_fd = j->cg.clone_fd;
	return ctr_clone(&how, pid, pidfd, err);
}

/* Serves both processes until the program runs. */
static int serve(struct joiner *j, struct ctr *c, int sock, int pidfd, struct ctr_child *child,
		 struct cs_err *err)
{
	struct ctr_serve s = {
		.c = c,
		.sync = sock,
		.joiner = pidfd,
		.console_socket = j->opts->console_socket,
		.child = child,
	};
	int rc;

	rc = ctr_serve_until_forked(&s, err);
	if (rc == 0 && j->becoming.p->has_oom_score_adj)
		rc = ctr_limits_oom_score(j->becoming.p, c->host_proc, child->pid, err);
	if (rc == 0)
		rc = ctr_rdt_join(&c->spec, c->id, child->pid, err);
	if (rc == 0)
		rc = ctr_publish_child(j->opts->pid_file, j->opts->pidfd_socket, child, err);
	if (rc == 0)
		rc = ctr_sync_ack(sock, err);
	return rc < 0 ? rc : ctr_serve_until_exec(&s, err);
}

/* Ends what was made when a signal says so. It is not waited for long: in a frozen cgroup it dies
 * only when that is thawed. */
static void give_up(int joiner, const struct ctr_child *child)
{
	enum { PATIENCE_MS = 1000 };
	struct cs_err ignored = CS_ERR_INIT;

	if (child->pidfd >= 0)
		cs_sys_pidfd_send_signal(child->pidfd, SIGKILL);
	cs_sys_pidfd_send_signal(joiner, SIGKILL);
	cs_proc_wait_end(joiner, PATIENCE_MS, &ignored);
}

static int launch(struct joiner *j, struct ctr *c, struct ctr_child *child, struct cs_err *err)
{
	cs_auto_fd int ours = -EBADF;
	cs_auto_fd int pidfd = -EBADF;
	pid_t pid = 0;
	int pair[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return cs_err_sys(err, "make the socket pair to exec's process");
	ours = pair[0];
	j->sync = pair[1];
	rc = clone_joiner(j, &pid, &pidfd, err);
	cs_close_fd(&j->sync);
	if (rc < 0)
		return rc;
	rc = serve(j, c, ours, pidfd, child, err);
	if (rc == -EINTR) {
		give_up(pidfd, child);
		return rc;
	}
	while (waitid(P_PIDFD, (id_t)pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 && errno == EINTR)
		;
	return rc;
}

static int prepare_outside(struct joiner *j, struct cs_err *err)
{
	const struct ctr *c = j->c;
	int rc;

	j->pidfd = cs_proc_pidfd(c->host_proc, c->state.pid, c->state.start_time, err);
	rc = j->pidfd < 0 ? -err->code : namespaces_to_join(c, &j->flags, err);
	if (rc == 0)
		rc = open_root(j, err);
	if (rc != -ESRCH && rc != -ENOENT)
		return rc;
	cs_err_clear(err); /* it ended since its status was asked for */
	return cs_err_set(err, EBUSY, "cannot exec in a container that is stopped (%s)", c->id);
}

static int with_seccomp(struct joiner *j, struct ctr *c, struct ctr_child *child,
			struct cs_err *err)
{
	int rc;

	rc = ctr_seccomp_load(c, &j->prog, err);
	if (rc < 0)
		return rc;
	j->becoming.seccomp = c->spec.seccomp.present ? &j->prog : NULL;
	rc = ctr_exec_cgroup_open(c, j->opts->cgroups, &j->cg, err);
	if (rc == 0) {
		rc = launch(j, c, child, err);
		ctr_exec_cgroup_fini(&j->cg);
	}
	ctr_seccomp_fini(&j->prog);
	return rc;
}

int ctr_ns_exec(struct ctr *c, const struct ctr_exec_opts *opts, struct ctr_child *child,
		struct cs_err *err)
{
	struct ctr_execproc x;
	struct joiner j = {
		.c = c,
		.opts = opts,
		.pidfd = -EBADF,
		.root = -EBADF,
		.slave = -EBADF,
		.becoming = {
			.root = -EBADF,
			.proc = -EBADF,
			.setgroups = true,
			.preserve_fds = opts->preserve_fds,
			.listen_fds = ctr_process_listen_fds(),
		},
	};
	int rc;

	rc = ctr_execproc_make(&c->spec, opts, &x, err);
	if (rc < 0)
		return rc;
	j.becoming.p = &x.p;
	rc = prepare_outside(&j, err);
	if (rc == 0)
		rc = with_seccomp(&j, c, child, err);
	cs_close_fd(&j.pidfd);
	cs_close_fd(&j.root);
	ctr_execproc_fini(&x);
	return rc;
}
