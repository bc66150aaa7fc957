#include "runtime/ns/socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/err.h"

/* The folder's fd keeps the name short enough for any state root, and is what was checked. */
static int open_socket(int dir, int flags, struct sockaddr_un *addr, struct cs_err *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return cs_err_sys(err, "make the start socket");
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/start.sock", dir);
	return fd;
}

int ctr_socket_listen(int dir, int *out, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct sockaddr_un addr;

	fd = open_socket(dir, 0, &addr, err);
	if (fd < 0)
		return fd;
	unlinkat(dir, "start.sock", 0); /* of a create that was killed */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0)
		return cs_err_sys(err, "listen on the start socket");
	*out = cs_take_fd(&fd);
	return 0;
}

int ctr_socket_connect(int dir, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct sockaddr_un addr;

	fd = open_socket(dir, 0, &addr, err);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return cs_err_sys(err, "connect to the start socket");
	return cs_take_fd(&fd);
}

int ctr_socket_listens(int dir, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct sockaddr_un addr;

	fd = open_socket(dir, SOCK_NONBLOCK, &addr, err);
	if (fd < 0)
		return fd;
	/* EAGAIN: more have asked than a stopped init can answer */
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN)
		return 1;
	if (errno == ECONNREFUSED || errno == ENOENT)
		return 0;
	return cs_err_sys(err, "connect to the start socket");
}
