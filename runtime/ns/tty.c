#include "runtime/ns/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sys.h"
#include "runtime/ns/unixsock.h"

enum {
	PTMX_MAJOR = 5,
	PTMX_MINOR = 2,
};

/*
 * The container's image and mounts decide what lies at dev/pts: a link there, another file system,
 * or a file over ptmx would have us hand a wrong file to the runtime as the console
 * (CVE-2025-52565). So nothing on the way is followed, no mount lies over the last step, and the
 * open file must be the pty multiplexer of a devpts.
 */
static int ptmx_open(int root, struct cs_err *err)
{
	const struct open_how dir_how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
	};
	const struct open_how ptmx_how = {
		.flags = O_RDWR | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	cs_auto_fd int dir = -EBADF;
	cs_auto_fd int fd = -EBADF;
	struct statfs fs;
	struct stat st;

	dir = cs_sys_openat2(root, "dev/pts", &dir_how);
	if (dir < 0)
		return cs_err_sys(err, "process.terminal: open the container's /dev/pts (it needs "
				       "a devpts mount there)");
	if (fstatfs(dir, &fs) < 0)
		return cs_err_sys(err, "process.terminal: statfs /dev/pts");
	if ((unsigned long)fs.f_type != DEVPTS_SUPER_MAGIC)
		return cs_err_set(
			err, EINVAL,
			"process.terminal: /dev/pts of the container is not a devpts mount");
	fd = cs_sys_openat2(dir, "ptmx", &ptmx_how);
	if (fd < 0)
		return cs_err_sys(err, "process.terminal: open the container's /dev/pts/ptmx");
	if (fstat(fd, &st) < 0)
		return cs_err_sys(err, "process.terminal: stat /dev/pts/ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR))
		return cs_err_set(err, EINVAL,
				  "process.terminal: /dev/pts/ptmx is not the pty multiplexer");
	return cs_take_fd(&fd);
}

int ctr_tty_open(int root, uint16_t height, uint16_t width, int *master, int *slave,
		 struct cs_err *err)
{
	const struct winsize size = { .ws_row = height, .ws_col = width };
	const int unlock = 0;
	cs_auto_fd int m = -EBADF;
	cs_auto_fd int s = -EBADF;

	m = ptmx_open(root, err);
	if (m < 0)
		return m;
	if (ioctl(m, TIOCSPTLCK, &unlock) < 0)
		return cs_err_sys(err, "process.terminal: unlock the pty");
	s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s < 0)
		return cs_err_sys(err, "process.terminal: open the other end of the pty");
	if ((height || width) && ioctl(m, TIOCSWINSZ, &size) < 0)
		return cs_err_sys(err, "process.consoleSize: set %ux%u", height, width);
	*master = cs_take_fd(&m);
	*slave = cs_take_fd(&s);
	return 0;
}

int ctr_tty_take(int slave, struct cs_err *err)
{
	int rc;

	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return cs_err_sys(err, "process.terminal: make the pty the controlling terminal");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fd == slave)
			rc = cs_fd_set_cloexec(fd, 0, err);
		else if (dup2(slave, fd) < 0)
			rc = cs_err_sys(err, "process.terminal: put the pty on fd %d", fd);
		else
			rc = 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int ctr_tty_connect(const char *path, struct cs_err *err)
{
	int fd = ctr_unixsock_connect(path, err);

	return fd < 0 ? cs_err_wrap(err, "--console-socket") : fd;
}

int ctr_tty_send(int sock, int master, struct cs_err *err)
{
	static const char name[] = "/dev/ptmx";
	int rc;

	/* without the NUL */
	rc = cs_fd_send(sock, &master, 1, name, sizeof(name) - 1, err);
	return rc < 0 ? cs_err_wrap(err, "send the terminal over the console socket") : 0;
}
