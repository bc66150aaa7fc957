#include "runtime/ns/clone.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"
#include "runtime/ns/join.h"
#include "runtime/ns/sync.h"

/* clone3(2) itself. Returns as fork(2) does, with a pidfd in the parent. A kernel that refuses
 * CLONE_INTO_CGROUP is older than any that has the rest (5.7), so that is not tried without. */
static pid_t clone_now(const struct ctr_clone *how, bool sibling, int *pidfd)
{
	struct clone_args args = {
		.flags = how->flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	if (how->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (__u64)how->cgroup_fd;
	}
	if (sibling) { /* then the exit signal is the caller's own, SIGCHLD as well */
		args.flags |= CLONE_PARENT;
		args.exit_signal = 0;
	}
	return cs_sys_clone3(&args);
}

/* The stage: joins, clones on the runtime's behalf, says who it was. The new process does not keep
 * the stage's end: that is how the runtime sees that the stage died. */
static _Noreturn void run_stage(const struct ctr_clone *how, int sock)
{
	struct ctr_msg msg = { .kind = CTR_MSG_FORKED };
	struct cs_err ignored = CS_ERR_INIT;
	int pidfd = -EBADF;
	pid_t pid;

	if (ctr_join_enter(how->join, &msg.err) == 0) {
		pid = clone_now(how, true, &pidfd);
		if (pid == 0) {
			close(sock);
			_exit(how->entry(how->arg));
		}
		if (pid > 0)
			msg.value = pid;
		else
			cs_err_sys(&msg.err, "linux.namespaces: make the namespaces");
	}
	if (msg.err.code)
		msg.kind = CTR_MSG_FAILED;
	_exit(ctr_sync_send(sock, &msg, pidfd, &ignored) < 0 ? 1 : 0);
}

static int clone_staged(const struct ctr_clone *how, pid_t *pid, int *pidfd, struct cs_err *err)
{
	const struct ctr_clone stage = { .cgroup_fd = -EBADF };
	cs_auto_fd int ours = -EBADF;
	cs_auto_fd int theirs = -EBADF;
	cs_auto_fd int stage_fd = -EBADF;
	cs_auto_fd int got = -EBADF;
	struct ctr_msg msg;
	pid_t stage_pid;
	int pair[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return cs_err_sys(err, "make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	stage_pid = clone_now(&stage, false, &stage_fd);
	if (stage_pid < 0)
		return cs_err_sys(err, "clone");
	if (stage_pid == 0)
		run_stage(how, theirs);
	cs_close_fd(&theirs);
	rc = ctr_sync_recv(ours, &msg, &got, err);
	while (waitpid(stage_pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (rc < 0)
		return cs_err_wrap(err, "join the namespaces");
	if (msg.kind != CTR_MSG_FORKED || got < 0) {
		*err = msg.err;
		return err->code ? -err->code : cs_err_set(err, EPROTO, "the stage said nothing");
	}
	*pid = msg.value;
	*pidfd = cs_take_fd(&got);
	return 0;
}

int ctr_clone(const struct ctr_clone *how, pid_t *pid, int *pidfd, struct cs_err *err)
{
	int fd = -EBADF;
	pid_t p;

	if (how->join)
		return clone_staged(how, pid, pidfd, err);
	p = clone_now(how, how->sibling, &fd);
	if (p < 0)
		return cs_err_sys(err, "linux.namespaces: make the namespaces");
	if (p == 0)
		_exit(how->entry(how->arg));
	*pid = p;
	*pidfd = fd;
	return 0;
}
