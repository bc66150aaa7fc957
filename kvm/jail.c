#include "kvm/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/sys.h"

#include <sys/mount.h>

enum {
	FDS_MAX = 1024,
};

/* --- the parent --------------------------------------------------------------------------------
 */

static int write_proc(pid_t pid, const char *name, const char *text, struct cs_err *err)
{
	char path[64];
	cs_auto_fd int fd = -EBADF;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return cs_err_sys(err, "jail: write %s", path);
	return 0;
}

/* Root may map any id, others their own and have to give up setgroups(2) for it. */
static int map_ids(pid_t pid, uid_t uid, gid_t gid, struct cs_err *err)
{
	char text[64];
	int rc = 0;

	if (geteuid() != 0)
		rc = write_proc(pid, "setgroups", "deny", err);
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	if (rc == 0)
		rc = write_proc(pid, "uid_map", text, err);
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	if (rc == 0)
		rc = write_proc(pid, "gid_map", text, err);
	return rc;
}

/* A child waits for its ids: a byte, or the end of a parent that could not give them. */
static void wait_for_ids(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(EXIT_FAILURE);
}

pid_t vm_jail_fork(uid_t uid, gid_t gid, struct cs_err *err)
{
	const struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET |
			 CLONE_NEWUTS | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	cs_auto_fd int mine = -EBADF, theirs = -EBADF;
	int pair[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return cs_err_sys(err, "jail: make a socket pair");
	mine = pair[0];
	theirs = pair[1];
	pid = cs_sys_clone3(&args);
	if (pid < 0)
		return cs_err_sys(err, "jail: make a process in namespaces of its own (are user "
				       "namespaces allowed?)");
	if (pid == 0) {
		cs_close_fd(&mine);
		/* before it waits: a parent that ended earlier than this is seen there */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			_exit(EXIT_FAILURE);
		wait_for_ids(theirs);
		return 0;
	}
	rc = map_ids(pid, geteuid() == 0 ? uid : geteuid(), geteuid() == 0 ? gid : getegid(), err);
	if (rc == 0)
		rc = cs_fd_write_all(mine, "i", 1, err);
	if (rc < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return rc;
	}
	return pid;
}

int vm_jail_attend(pid_t child, struct cs_err *err)
{
	cs_auto_fd int pidfd = cs_sys_pidfd_open(child, 0), sigfd = -EBADF;
	struct signalfd_siginfo si;
	sigset_t set;
	int rc, status = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC);
	if (pidfd < 0 || sigfd < 0) {
		kill(child, SIGKILL);
		return cs_err_sys(err, "attend to the jailed process");
	}
	/* what was handed in is the child's: others are to see its end when it lets go */
	rc = cs_fd_close_others(0, (const int[]){ pidfd, sigfd, STDERR_FILENO }, 3, err);
	while (rc == 0) {
		struct pollfd p[] = { { .fd = pidfd, .events = POLLIN },
				      { .fd = sigfd, .events = POLLIN } };

		if (poll(p, CS_LEN(p), -1) < 0 && errno != EINTR)
			return cs_err_sys(err, "wait for the jailed process");
		if (p[1].revents && read(sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si))
			cs_sys_pidfd_send_signal(pidfd, (int)si.ssi_signo);
		if (p[0].revents)
			break;
	}
	if (rc == 0)
		rc = cs_proc_wait(pidfd, &status, err);
	return rc < 0 ? rc : cs_proc_exit_code(status);
}

/* --- the child ---------------------------------------------------------------------------------
 */

/* An empty tmpfs over the root, then the root itself; what was there is let go of. Nothing is seen
 * outside: the namespace is the child's own. */
static int empty_root(struct cs_err *err)
{
	const struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC,
	};
	cs_auto_fd int fs = -EBADF, mnt = -EBADF;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return cs_err_sys(err, "jail: make the mounts private");
	fs = cs_sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_SET_STRING, "size", "4096", 0) < 0 ||
	    cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "jail: make an empty root");
	mnt = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attr.attr_set);
	if (mnt < 0 || cs_sys_move_mount(mnt, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "jail: mount the empty root");
	if (fchdir(mnt) < 0 || cs_sys_pivot_root(".", ".") < 0)
		return cs_err_sys(err, "jail: enter the empty root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return cs_err_sys(err, "jail: let go of the old root");
	return 0;
}

static int set_limits(struct cs_err *err)
{
	static const struct {
		int what;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_NOFILE, FDS_MAX },
	};

	for (size_t i = 0; i < CS_LEN(limits); i++) {
		struct rlimit now, r;

		if (getrlimit((__rlimit_resource_t)limits[i].what, &now) < 0)
			return cs_err_sys(err, "jail: read resource limit %d", limits[i].what);
		r.rlim_max = now.rlim_max < limits[i].most ? now.rlim_max : limits[i].most;
		r.rlim_cur = r.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].what, &r) < 0)
			return cs_err_sys(err, "jail: set resource limit %d", limits[i].what);
	}
	return 0;
}

/* The one user and group there are; groups that root brought along go as well. */
static int become(uid_t uid, gid_t gid, struct cs_err *err)
{
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return cs_err_sys(err, "jail: drop groups");
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return cs_err_sys(err, "jail: become user %u, group %u", uid, gid);
	/* which a change of user takes back */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return cs_err_sys(err, "jail: end with the parent");
	return 0;
}

static int drop_capabilities(struct cs_err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return cs_err_sys(err, "jail: drop capability %d for good", cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &head, none) < 0)
		return cs_err_sys(err, "jail: drop capabilities");
	return 0;
}

int vm_jail_close(uid_t uid, gid_t gid, struct cs_err *err)
{
	int rc = empty_root(err);

	if (rc == 0)
		rc = set_limits(err);
	if (rc == 0)
		rc = become(uid, gid, err);
	if (rc == 0)
		rc = drop_capabilities(err);
	if (rc < 0)
		return rc;
	/* after the change of user, which takes the second back */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return cs_err_sys(err, "jail: set the process' attributes");
	return 0;
}
