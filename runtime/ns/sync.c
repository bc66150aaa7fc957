#include "runtime/ns/sync.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

_Static_assert(sizeof(struct ctr_msg) <= PIPE_BUF, "a message fits one packet");

int ctr_sync_send(int sock, const struct ctr_msg *msg, int fd, struct cs_err *err)
{
	ssize_t n;

	if (fd >= 0)
		return cs_fd_send(sock, &fd, 1, msg, sizeof(*msg), err);
	do
		n = send(sock, msg, sizeof(*msg), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return cs_err_sys(err, "send to the runtime");
	return 0;
}

int ctr_sync_recv(int sock, struct ctr_msg *out, int *fd, struct cs_err *err)
{
	size_t n_fds = 0, len = sizeof(*out);
	cs_auto_fd int got = -EBADF;
	int rc;

	rc = cs_fd_recv(sock, &got, 1, &n_fds, out, &len, err);
	if (rc < 0)
		return rc;
	if (len != sizeof(*out))
		return cs_err_set(err, EPROTO, "message of %zu bytes from a container's init", len);
	out->err.msg[sizeof(out->err.msg) - 1] = '\0';
	*fd = cs_take_fd(&got);
	return 0;
}

int ctr_sync_ack(int sock, struct cs_err *err)
{
	ssize_t n;

	do
		n = send(sock, "g", 1, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return cs_err_sys(err, "answer the container's init");
	return 0;
}

int ctr_sync_wait(int sock, struct cs_err *err)
{
	ssize_t n;
	char c;

	do
		n = recv(sock, &c, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return cs_err_sys(err, "wait for the runtime");
	if (n == 0)
		return cs_err_set(err, EPIPE, "the runtime is gone");
	return 0;
}
