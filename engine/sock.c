#include "engine/sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

enum { BACKLOG = 64 };

static int address(int dir, const char *name, struct sockaddr_un *out, struct cs_err *err)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return cs_str_fmt(out->sun_path, sizeof(out->sun_path), err, "/proc/self/fd/%d/%s", dir,
			  name);
}

int eng_sock_listen(int dir, const char *name, int type, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct sockaddr_un addr;
	mode_t mask;
	int ret = address(dir, name, &addr, err);

	if (ret < 0)
		return ret;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return cs_err_sys(err, "remove the old socket %s", name);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return cs_err_sys(err, "make a socket");
	mask = umask(0177);
	ret = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (ret < 0 || listen(fd, BACKLOG) < 0)
		return cs_err_sys(err, "listen on socket %s", name);
	return cs_take_fd(&fd);
}

int eng_sock_connect(int dir, const char *name, int type, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct sockaddr_un addr;
	int ret = address(dir, name, &addr, err);

	if (ret < 0)
		return ret;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cs_err_sys(err, "make a socket");
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return cs_err_sys(err, "connect to socket %s", name);
	return cs_take_fd(&fd);
}
