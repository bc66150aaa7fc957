#include "runtime/ns/init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/info.h"
#include "runtime/ns/devnodes.h"
#include "runtime/ns/hooks.h"
#include "runtime/ns/join.h"
#include "runtime/ns/keyring.h"
#include "runtime/ns/limits.h"
#include "runtime/ns/lsm.h"
#include "runtime/ns/maskpaths.h"
#include "runtime/ns/mounts.h"
#include "runtime/ns/netdev.h"
#include "runtime/ns/procfs.h"
#include "runtime/ns/rootfs.h"
#include "runtime/ns/sync.h"
#include "runtime/ns/sysctl.h"
#include "runtime/ns/tty.h"

/*
 * The only code that runs inside a container before the user's program. It starts with the host's
 * rights and the container's namespaces, and gives the rights up step by step. What lies in the
 * root file system is an attacker's: every step resolves paths beneath the root and trusts nothing
 * it finds there. No host fd but those of struct ctr_init is used, all of them close on exec.
 */

static const struct ctr_spec *spec_of(const struct ctr_init *in)
{
	return in->setup.spec;
}

/* The cgroup namespace's root is where the process is when it is made, hence after the joining. */
static int step_cgroup(struct ctr_init *in, struct cs_err *err)
{
	const struct ctr_ns_spec *ns = &spec_of(in)->ns[CTR_NS_CGROUP];
	int rc = cg_join_self(in->setup.cg, in->cloned_into_cgroup, err);

	if (rc < 0)
		return cs_err_wrap(err, "join the container's cgroup");
	if (ns->present && !ns->path && unshare(CLONE_NEWCGROUP) < 0)
		return cs_err_sys(err, "linux.namespaces: make a cgroup namespace");
	return 0;
}

/* Waits for its id mappings, becomes root of the user namespace, and as such makes the others. */
static int step_user(struct ctr_init *in, struct cs_err *err)
{
	bool fresh = ctr_spec_new_userns(spec_of(in));
	uint64_t flags = ctr_join_unshare_flags(spec_of(in));
	int rc;

	if (!in->setup.userns)
		return 0;
	rc = fresh ? ctr_sync_wait(in->sync, err) : 0;
	if (rc < 0)
		return rc;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return cs_err_sys(err, "linux.uidMappings: become root of the user namespace "
				       "(is id 0 mapped?)");
	/* Its own /proc files belong to it only while it is dumpable; alone in a new user namespace
	 * there is nobody who could look in. */
	if (fresh && prctl(PR_SET_DUMPABLE, 1) < 0)
		return cs_err_sys(err, "become dumpable");
	if (flags && unshare((int)flags) < 0)
		return cs_err_sys(err, "linux.namespaces: make the namespaces");
	return 0;
}

static int step_join(struct ctr_init *in, struct cs_err *err)
{
	return in->join ? ctr_join_enter(in->join, err) : 0;
}

/* A new time namespace takes offsets until somebody is in it: time_namespaces(7). */
static int step_time(struct ctr_init *in, struct cs_err *err)
{
	const struct ctr_spec *spec = spec_of(in);
	const struct ctr_ns_spec *ns = &spec->ns[CTR_NS_TIME];
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int fd = -EBADF;
	char text[128];
	int n;

	if (!ns->present || ns->path)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return cs_err_sys(err, "linux.namespaces: make a time namespace");
	if (spec->has_timens_offsets) {
		n = snprintf(text, sizeof(text), "monotonic %lld %u\nboottime %lld %u\n",
			     (long long)spec->timens_monotonic_s, spec->timens_monotonic_ns,
			     (long long)spec->timens_boottime_s, spec->timens_boottime_ns);
		fd = cs_path_proc_file(in->setup.host_proc, "self/timens_offsets", O_WRONLY, err);
		if (fd < 0)
			return cs_err_wrap(err, "linux.timeOffsets");
		if (write(fd, text, (size_t)n) != n)
			return cs_err_sys(err, "linux.timeOffsets: write the offsets");
		cs_close_fd(&fd);
	}
	dir = cs_path_proc_file(in->setup.host_proc, "self/ns", O_PATH | O_DIRECTORY, err);
	if (dir < 0)
		return -err->code;
	fd = openat(dir, "time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		return cs_err_sys(err, "linux.namespaces: enter the time namespace");
	return 0;
}

static int step_names(struct ctr_init *in, struct cs_err *err)
{
	const struct ctr_spec *spec = spec_of(in);

	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return cs_err_sys(err, "hostname: set %s", spec->hostname);
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return cs_err_sys(err, "domainname: set %s", spec->domainname);
	return 0;
}

static int step_network(struct ctr_init *in, struct cs_err *err)
{
	const struct ctr_ns_spec *ns = &spec_of(in)->ns[CTR_NS_NETWORK];

	return ns->present && !ns->path ? ctr_netdev_lo_up(err) : 0;
}

static int step_session(struct ctr_init *in, struct cs_err *err)
{
	int rc;

	if (setsid() < 0)
		return cs_err_sys(err, "become a session leader");
	if (!in->new_keyring)
		return 0;
	rc = ctr_lsm_set_keyring(&spec_of(in)->process, in->setup.host_proc, err);
	return rc < 0 ? rc : ctr_keyring_new(in->setup.id, err);
}

/* Does anything that is asked for go through /proc? */
static bool needs_proc(const struct ctr_spec *spec)
{
	return spec->n_sysctl > 0 || spec->process.apparmor_profile || spec->process.selinux_label;
}

/* What can be changed in the root before anything of it is executed: mounts, nodes, working folder.
 */
static int step_root(struct ctr_init *in, struct cs_err *err)
{
	struct ctr_ns_setup *s = &in->setup;
	const struct ctr_process *p = &s->spec->process;
	int rc, fd;

	rc = ctr_rootfs_attach(s, err);
	if (rc == 0 && needs_proc(s->spec)) {
		s->proc = ctr_procfs_open(err);
		rc = s->proc < 0 ? s->proc : 0;
	}
	if (rc == 0)
		rc = ctr_mounts_apply(s, err);
	if (rc == 0)
		rc = ctr_devnodes_make(s, err);
	if (rc < 0 || !p->present || strcmp(p->cwd, "/") == 0)
		return rc;
	fd = cs_path_mkdirs(s->root, p->cwd, 0755, err);
	if (fd < 0 && err->code != EROFS && err->code != EACCES && err->code != EEXIST &&
	    err->code != ENOTDIR)
		return cs_err_wrap(err, "process.cwd");
	cs_err_clear(err); /* what cannot be made is said where it is entered */
	cs_close_fd(&fd);
	return 0;
}

/* Once the program is prepared there is no way to the host's procfs any more. */
static int find_pid(struct ctr_init *in, struct cs_err *err)
{
	const struct ctr_hooks *hooks = spec_of(in)->hooks;
	char pid[16] = "";
	int64_t v;

	if (hooks[CTR_HOOK_CREATE_CONTAINER].n + hooks[CTR_HOOK_START_CONTAINER].n == 0)
		return 0;
	if (readlinkat(in->setup.host_proc, "self", pid, sizeof(pid) - 1) < 0 ||
	    cs_str_i64(pid, &v) < 0)
		return cs_err_sys(err, "read the init's pid");
	in->pid = (pid_t)v;
	return 0;
}

/* Runs the hooks that belong inside. */
static int run_hooks(struct ctr_init *in, enum ctr_hook_kind kind, enum ctr_status status,
		     struct cs_err *err)
{
	const struct ctr_spec *spec = spec_of(in);
	cs_auto_free char *text = NULL;
	int rc;

	if (spec->hooks[kind].n == 0)
		return 0;
	rc = ctr_oci_state_text(spec, in->setup.id, in->setup.bundle, in->pid, status, &text, err);
	return rc < 0 ? rc : ctr_hooks_run(&spec->hooks[kind], kind, text, err);
}

static int step_hooks(struct ctr_init *in, struct cs_err *err)
{
	struct ctr_msg msg = { .kind = CTR_MSG_OUTSIDE };
	int rc = 0;

	if (in->outside) {
		rc = ctr_sync_send(in->sync, &msg, -EBADF, err);
		if (rc == 0)
			rc = ctr_sync_wait(in->sync, err);
	}
	if (rc == 0)
		rc = find_pid(in, err);
	return rc < 0 ? rc : run_hooks(in, CTR_HOOK_CREATE_CONTAINER, CTR_CREATING, err);
}

static int step_console(struct ctr_init *in, struct cs_err *err)
{
	const struct ctr_process *p = &spec_of(in)->process;
	struct ctr_msg msg = { .kind = CTR_MSG_CONSOLE };
	cs_auto_fd int master = -EBADF;
	cs_auto_fd int slave = -EBADF;
	int rc;

	if (!p->present || !p->terminal)
		return 0;
	rc = ctr_tty_open(in->setup.root, p->console_height, p->console_width, &master, &slave,
			  err);
	if (rc == 0)
		rc = ctr_devnodes_console(&in->setup, slave, err);
	if (rc == 0)
		rc = ctr_sync_send(in->sync, &msg, master, err);
	return rc < 0 ? rc : ctr_tty_take(slave, err);
}

static int step_pivot(struct ctr_init *in, struct cs_err *err)
{
	struct ctr_ns_setup *s = &in->setup;
	int rc;

	rc = ctr_rootfs_pivot(s, err);
	if (rc == 0)
		rc = ctr_sysctl_apply(s->spec, s->proc, err);
	if (rc == 0)
		rc = ctr_maskpaths_apply(s, err);
	if (rc == 0)
		rc = ctr_rootfs_seal(s, err);
	if (rc == 0)
		rc = ctr_limits_personality(s->spec, err);
	if (rc == 0)
		rc = ctr_limits_mempolicy(s->spec, err);
	return rc;
}

/* The order: an attacker's root is entered only when the namespaces stand, hooks run before the
 * pivot, and what seals the root comes last. */
static int (*const steps[])(struct ctr_init *in, struct cs_err *err) = {
	step_cgroup,  step_user, step_join,  step_time,	   step_names, step_network,
	step_session, step_root, step_hooks, step_console, step_pivot,
};

/* Takes connections on the start socket until one really starts us. One that only looks whether we
 * still wait closes at once; one that does neither is dropped after a while. */
static int wait_start(struct ctr_init *in, struct cs_err *err)
{
	enum { PATIENCE_MS = 5000 };
	struct ctr_msg msg = { .kind = CTR_MSG_STARTING };

	for (;;) {
		struct pollfd pfd = { .events = POLLIN };
		cs_auto_fd int conn = -EBADF;
		char c;

		/* cppcheck-suppress nullPointer ; accept(2) allows it, cppcheck 2.10 does not know
		 */
		conn = accept4(in->listener, NULL, NULL, SOCK_CLOEXEC);
		if (conn < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return cs_err_sys(err, "wait for start");
		}
		pfd.fd = conn;
		if (poll(&pfd, 1, PATIENCE_MS) <= 0 || recv(conn, &c, 1, MSG_DONTWAIT) != 1)
			continue;
		in->sync = cs_take_fd(&conn);
		cs_close_fd(&in->listener);
		return ctr_sync_send(in->sync, &msg, -EBADF, err);
	}
}

/* Up to the runtime's word that all is recorded, and the user's that it shall start. */
static int wait_go(struct ctr_init *in, struct cs_err *err)
{
	struct ctr_msg msg = { .kind = CTR_MSG_READY };
	int rc;

	rc = ctr_sync_send(in->sync, &msg, -EBADF, err);
	if (rc == 0)
		rc = ctr_sync_wait(in->sync, err);
	if (rc < 0 || in->listener < 0)
		return rc;
	cs_close_fd(&in->sync);
	return wait_start(in, err);
}

static int set_up(struct ctr_init *in, int *exit_code, struct cs_err *err)
{
	for (size_t i = 0; i < CS_LEN(steps); i++) {
		int rc = steps[i](in, err);

		if (rc < 0)
			return rc;
	}
	if (!spec_of(in)->process.present)
		return 0;
	in->becoming.root = in->setup.root;
	in->becoming.proc = in->setup.proc;
	in->becoming.sync = in->sync;
	in->becoming.keep = in->listener;
	return ctr_process_prepare(&in->becoming, exit_code, err);
}

_Noreturn void ctr_init_main(struct ctr_init *in)
{
	struct cs_err err = CS_ERR_INIT;
	struct cs_err ignored = CS_ERR_INIT;
	struct ctr_msg msg = { .kind = CTR_MSG_FAILED };
	int exit_code = 0;
	int rc;

	cs_close_fd(&in->lock);
	cs_close_fd(&in->runtime_end);
	prctl(PR_SET_NAME, "caisson-init");
	umask(022); /* what is made in the root is everybody's, whatever the caller's umask */
	rc = set_up(in, &exit_code, &err);
	if (rc == 0)
		rc = wait_go(in, &err);
	if (rc == 0 && !spec_of(in)->process.present)
		rc = cs_err_set(&err, EINVAL,
				"process: missing; a container without one cannot be started");
	if (rc == 0) {
		in->becoming.sync = in->sync;
		rc = ctr_process_become(&in->becoming, &err);
	}
	/* these hooks are the image's programs: they have no more rights than its process */
	if (rc == 0)
		rc = run_hooks(in, CTR_HOOK_START_CONTAINER, CTR_CREATED, &err);
	if (rc == 0)
		ctr_process_execute(&in->becoming, &exit_code, &err);
	msg.err = err;
	msg.value = exit_code;
	ctr_sync_send(in->sync, &msg, -EBADF, &ignored);
	_exit(exit_code ? exit_code : 1);
}
