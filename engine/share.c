#include "engine/share.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/store.h"

int eng_share_etc(const struct eng *e, const struct eng_record *r, int run, struct cs_err *err)
{
	static const char prefix[] = "container:";
	char id[ENG_ID_LEN + 1], path[PATH_MAX];

	if (!r->network_mode || !cs_str_starts(r->network_mode, prefix))
		return 0;
	if (eng_find(e, r->network_mode + strlen(prefix), id, err) < 0 ||
	    cs_str_fmt(path, sizeof(path), err, "%s/containers/%s/etc", e->state, id) < 0)
		return -err->code;
	if (symlinkat(path, run, "etc") < 0)
		return cs_err_sys(err, "share the files of /etc");
	return 1;
}

void eng_share_hostname(int run, char *out, size_t size)
{
	cs_auto_fd int fd = openat(run, "etc/hostname", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* In the child. What lies in that mount namespace is its container's, who may have put anything
 * there: links lead nowhere out of it, and it is shared without devices and programs. */
static int take_shm(int mnt_ns, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	int fd;

	if (setns(mnt_ns, CLONE_NEWNS) < 0)
		return cs_err_sys(err, "enter its mount namespace");
	dir = cs_path_open(AT_FDCWD, "/dev/shm", O_PATH | O_DIRECTORY, err);
	if (dir < 0)
		return dir;
	fd = cs_sys_open_tree(dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "take its /dev/shm");
	return fd;
}

static _Noreturn void child(int mnt_ns, int sock)
{
	struct cs_err err = CS_ERR_INIT, ignored = CS_ERR_INIT;
	int fd = take_shm(mnt_ns, &err);

	cs_fd_send(sock, &fd, fd >= 0, &err, sizeof(err), &ignored);
	_exit(fd < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int receive(int sock, struct cs_err *err)
{
	struct cs_err theirs = CS_ERR_INIT;
	size_t n = 0, len = sizeof(theirs);
	int fd = -EBADF;
	int ret = cs_fd_recv(sock, &fd, 1, &n, &theirs, &len, err);

	if (ret < 0)
		return ret;
	if (n == 1)
		return fd;
	theirs.msg[sizeof(theirs.msg) - 1] = '\0';
	return cs_err_set(err, theirs.code > 0 ? theirs.code : EIO, "%s", theirs.msg);
}

/* A mount can be taken only by who is in its namespace. */
static int fetch_shm(int mnt_ns, struct cs_err *err)
{
	cs_auto_fd int ours = -EBADF;
	cs_auto_fd int theirs = -EBADF;
	int sv[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return cs_err_sys(err, "make a socket pair");
	ours = sv[0];
	theirs = sv[1];
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "fork");
	if (pid == 0)
		child(mnt_ns, theirs);
	cs_close_fd(&theirs);
	ret = receive(ours, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return ret;
}

int eng_share_shm(int run, const char *ipc_ns, struct cs_err *err)
{
	cs_auto_fd int mnt_ns = -EBADF;
	cs_auto_fd int shm = -EBADF;
	size_t n = strlen(ipc_ns);
	char path[64];

	if (n < 3 || cs_str_fmt(path, sizeof(path), err, "%.*smnt", (int)n - 3, ipc_ns) < 0)
		return cs_err_set(err, EINVAL, "%.60s: no ipc namespace", ipc_ns);
	mnt_ns = open(path, O_RDONLY | O_CLOEXEC);
	if (mnt_ns < 0)
		return cs_err_sys(err, "open its mount namespace");
	shm = fetch_shm(mnt_ns, err);
	if (shm < 0)
		return cs_err_wrap(err, "share another container's /dev/shm");
	if (mkdirat(run, "shm", 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the mount point of /dev/shm");
	if (cs_sys_move_mount(shm, "", run, "shm", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "mount another container's /dev/shm");
	return 0;
}
