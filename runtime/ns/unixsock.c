#include "runtime/ns/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

int ctr_unixsock_connect(const char *path, struct cs_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	cs_auto_fd int node = -EBADF;
	cs_auto_fd int sock = -EBADF;
	size_t len = strlen(path);
	int rc;

	if (len < sizeof(addr.sun_path)) {
		memcpy(addr.sun_path, path, len + 1);
	} else {
		node = open(path, O_PATH | O_CLOEXEC);
		if (node < 0)
			return cs_err_sys(err, "connect to socket %s", path);
		rc = cs_str_fmt(addr.sun_path, sizeof(addr.sun_path), err, "/proc/self/fd/%d",
				node);
		if (rc < 0)
			return rc;
	}
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return cs_err_sys(err, "make a socket");
	if (connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return cs_err_sys(err, "connect to socket %s", path);
	return cs_take_fd(&sock);
}
