#include "runtime/ns/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/info.h"
#include "runtime/ns/hooks.h"
#include "runtime/ns/idmap.h"
#include "runtime/ns/limits.h"
#include "runtime/ns/netdev.h"
#include "runtime/ns/rdt.h"
#include "runtime/ns/seccomp.h"
#include "runtime/ns/sync.h"
#include "runtime/ns/tty.h"

/* Root of a container with a user namespace may make cgroups of its own, where it can write to
 * them: it has a cgroup namespace and a cgroup mount that is not read-only. The same as with runc.
 */
static int delegate(struct ctr_serve *s, struct cs_err *err)
{
	const struct ctr_spec *spec = &s->c->spec;
	const struct ctr_ns_spec *ns = &spec->ns[CTR_NS_CGROUP];
	bool writable = false;
	uid_t uid;

	if (!ctr_spec_new_userns(spec) || !ns->present || ns->path)
		return 0;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct ctr_mount *m = &spec->mounts[i];

		if (m->type && cs_str_starts(m->type, "cgroup"))
			writable |= !((m->opt.attr_set | m->opt.rec_attr_set) & MOUNT_ATTR_RDONLY);
	}
	if (!writable || !ctr_idmap_host(&spec->uid_maps, spec->process.user.uid, &uid))
		return 0;
	return cg_delegate(s->cg, uid, (gid_t)-1, err);
}

static int move_devices(struct ctr_serve *s, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int fd = -EBADF;
	char path[32];

	if (s->c->spec.n_net_devices == 0)
		return 0;
	snprintf(path, sizeof(path), "%d/ns", s->child->pid);
	dir = cs_path_proc_file(s->c->host_proc, path, O_PATH | O_DIRECTORY, err);
	if (dir < 0)
		return -err->code;
	fd = openat(dir, "net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "linux.netDevices: open init's network namespace");
	return ctr_netdev_move(&s->c->spec, fd, err);
}

static int set_rdt(struct ctr_serve *s, struct cs_err *err)
{
	const struct ctr_spec *spec = &s->c->spec;

	return spec->intel_rdt.present ? ctr_rdt_create(spec, s->c->id, s->child->pid, err) : 0;
}

/* What is done to init from outside. It waits for the mappings only: the rest goes on while it
 * works. */
static int set_up_outside(struct ctr_serve *s, struct cs_err *err)
{
	struct ctr *c = s->c;
	int rc;

	rc = ctr_record_init(c, s->child->pid, err);
	if (rc == 0 && ctr_spec_new_userns(&c->spec)) {
		rc = ctr_idmap_write(c->host_proc, s->child->pid, &c->spec, err);
		if (rc == 0)
			rc = ctr_sync_ack(s->sync, err);
	}
	if (rc == 0 && c->spec.process.has_oom_score_adj)
		rc = ctr_limits_oom_score(&c->spec.process, c->host_proc, s->child->pid, err);
	if (rc == 0)
		rc = cg_apply(s->cg, &c->spec.resources, err);
	if (rc == 0)
		rc = delegate(s, err);
	if (rc == 0)
		rc = set_rdt(s, err);
	return rc;
}

/* The namespaces stand, and init waits. */
static int finish_outside(struct ctr_serve *s, struct cs_err *err)
{
	const struct ctr_spec *spec = &s->c->spec;
	cs_auto_free char *text = NULL;
	int rc;

	rc = move_devices(s, err);
	if (rc < 0)
		return rc;
	rc = ctr_oci_state_text(spec, s->c->id, s->c->state.bundle, s->child->pid, CTR_CREATING,
				&text, err);
	if (rc == 0)
		rc = ctr_hooks_run_until(&spec->hooks[CTR_HOOK_PRESTART], CTR_HOOK_PRESTART, text,
					 s->c->stop, err);
	if (rc == 0)
		rc = ctr_hooks_run_until(&spec->hooks[CTR_HOOK_CREATE_RUNTIME],
					 CTR_HOOK_CREATE_RUNTIME, text, s->c->stop, err);
	if (rc == 0)
		rc = ctr_sync_ack(s->sync, err);
	return rc;
}

static int take_console(struct ctr_serve *s, int *master, struct cs_err *err)
{
	cs_auto_fd int sock = -EBADF;

	if (*master < 0)
		return cs_err_set(err, EPROTO, "init sent no terminal");
	if (!s->console_socket) {
		s->child->master = cs_take_fd(master);
		return 0;
	}
	sock = ctr_tty_connect(s->console_socket, err);
	if (sock < 0)
		return sock;
	return ctr_tty_send(sock, *master, err);
}

/* The pidfd of who is served; start has none yet, and mostly needs none. */
static int need_pidfd(struct ctr_serve *s, struct cs_err *err)
{
	const struct ctr_state *st = &s->c->state;

	if (s->child->pidfd < 0)
		s->child->pidfd = cs_proc_pidfd(s->c->host_proc, st->pid, st->start_time, err);
	return s->child->pidfd < 0 ? -err->code : 0;
}

/* Fetches the notify fd from the process that is installing its filter: it is there a moment after
 * the message. Then lets the process, which cannot be spoken to any more, go on. */
static int fetch_listener(struct ctr_serve *s, const struct ctr_msg *msg, struct cs_err *err)
{
	enum { TRIES = 5000, PAUSE_NS = 200000 };
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	int taken = 1;
	struct iovec here = { &taken, sizeof(taken) };
	struct iovec there = { (void *)(uintptr_t)msg->address, sizeof(taken) };
	int fd = -1;

	for (int i = 0; i < TRIES && fd < 0; i++) {
		fd = (int)syscall(SYS_pidfd_getfd, s->child->pidfd, msg->value, 0);
		if (fd < 0 && errno != EBADF)
			break;
		if (fd < 0)
			nanosleep(&pause, NULL);
	}
	if (fd < 0)
		return cs_err_sys(err, "linux.seccomp: fetch the notify fd from the container");
	if (process_vm_writev(s->child->pid, &here, 1, &there, 1, 0) != sizeof(taken)) {
		int rc = cs_err_sys(err, "linux.seccomp: answer the container");

		close(fd);
		return rc;
	}
	return fd;
}

static int take_listener(struct ctr_serve *s, const struct ctr_msg *msg, struct cs_err *err)
{
	const struct ctr_seccomp *sc = &s->c->spec.seccomp;
	cs_auto_free char *state = NULL;
	cs_auto_fd int fd = -EBADF;
	int rc;

	rc = need_pidfd(s, err);
	if (rc < 0)
		return rc;
	fd = fetch_listener(s, msg, err);
	if (fd < 0)
		return fd;
	rc = ctr_oci_process_state_text(&s->c->spec, s->c->id, s->c->state.bundle, s->child->pid,
					&state, err);
	if (rc < 0)
		return rc;
	return ctr_seccomp_send_listener(sc->listener_path, fd, state, err);
}

static int stopped(struct cs_err *err)
{
	return cs_err_set(err, EINTR, "a signal came while the process was set up");
}

/* Waits for the next message, unless somebody asks us to end. */
static int wait_message(const struct ctr_serve *s, struct cs_err *err)
{
	struct pollfd p[] = { { .fd = s->sync, .events = POLLIN },
			      { .fd = s->c->stop, .events = POLLIN } };

	if (s->c->stop < 0)
		return 0;
	while (poll(p, CS_LEN(p), -1) < 0)
		if (errno != EINTR)
			return cs_err_sys(err, "wait for the container's init");
	return p[1].revents ? stopped(err) : 0;
}

/* One message. 1: it is the one @last names. */
static int serve_one(struct ctr_serve *s, enum ctr_msg_kind last, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct ctr_msg msg;
	int rc;

	rc = wait_message(s, err);
	if (rc == 0)
		rc = ctr_sync_recv(s->sync, &msg, &fd, err);
	if (rc < 0)
		return rc;
	switch ((enum ctr_msg_kind)msg.kind) {
	case CTR_MSG_OUTSIDE:
		rc = finish_outside(s, err);
		break;
	case CTR_MSG_CONSOLE:
		rc = take_console(s, &fd, err);
		break;
	case CTR_MSG_SECCOMP:
		rc = take_listener(s, &msg, err);
		break;
	case CTR_MSG_FORKED:
		s->child->pid = msg.value;
		s->child->pidfd = cs_take_fd(&fd);
		break;
	case CTR_MSG_FAILED:
		s->child->program_exit = msg.value;
		*err = msg.err;
		return err->code ? -err->code : cs_err_set(err, EPROTO, "init failed");
	case CTR_MSG_READY:
	case CTR_MSG_STARTING:
		break;
	default:
		return cs_err_set(err, EPROTO, "message %u from init is not known", msg.kind);
	}
	return rc < 0 ? rc : msg.kind == (uint32_t)last;
}

static int died(struct cs_err *err)
{
	return cs_err_wrap(err, "the process died while it was set up (killed, or out of memory?)");
}

int ctr_serve_until_ready(struct ctr_serve *s, struct cs_err *err)
{
	int rc;

	do
		rc = serve_one(s, CTR_MSG_READY, err);
	while (rc == 0);
	if (rc == -EPIPE)
		return died(err);
	return rc < 0 ? rc : 0;
}

/* Waits until there is something to be received. */
static int wait_joiner(const struct ctr_serve *s, struct cs_err *err)
{
	struct pollfd p[] = { { .fd = s->sync, .events = POLLIN },
			      { .fd = s->joiner, .events = POLLIN },
			      { .fd = s->c->stop, .events = POLLIN } };

	while (poll(p, CS_LEN(p), -1) < 0)
		if (errno != EINTR)
			return cs_err_sys(err, "wait for exec's first process");
	if (p[2].revents)
		return stopped(err);
	/* when it has ended, its last word may be a moment older */
	if (p[0].revents || poll(p, 1, 0) > 0)
		return 0;
	return cs_err_set(err, EPIPE, "its first process ended without a word");
}

int ctr_serve_until_forked(struct ctr_serve *s, struct cs_err *err)
{
	int rc;

	do {
		rc = wait_joiner(s, err);
		if (rc == 0)
			rc = serve_one(s, CTR_MSG_FORKED, err);
	} while (rc == 0);
	if (rc == -EPIPE)
		return died(err);
	return rc < 0 ? rc : 0;
}

int ctr_serve_until_exec(struct ctr_serve *s, struct cs_err *err)
{
	int rc;

	do
		rc = serve_one(s, CTR_MSG_FAILED, err);
	while (rc == 0);
	if (rc != -EPIPE)
		return rc;
	cs_err_clear(err);
	return 0;
}

int ctr_serve_create(struct ctr_serve *s, struct cs_err *err)
{
	int rc = set_up_outside(s, err);

	if (rc == 0)
		return ctr_serve_until_ready(s, err);
	return rc;
}
