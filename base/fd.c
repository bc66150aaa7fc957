#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"

enum {
	FDS_MAX = 16, /* fds in one message */
	KEEP_MAX = 16,
	READ_FIRST = 64 * 1024, /* cs_fd_read_all()'s first buffer; untouched pages cost nothing */
};

/* After EAGAIN: true when @fd is non-blocking (a pipe's other end may have made it so) and has
 * become ready. A blocking fd says EAGAIN when its own timeout passed: that is an error. */
static bool wait_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !(flags & O_NONBLOCK)) {
		errno = EAGAIN;
		return false;
	}
	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

int cs_fd_write_all(int fd, const void *buf, size_t len, struct cs_err *err)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR || (errno == EAGAIN && wait_ready(fd, POLLOUT)))
				continue;
			return cs_err_sys(err, "write %zu bytes", len);
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* read(2) through EINTR and a non-blocking fd. */
static ssize_t read_some(int fd, void *buf, size_t len)
{
	for (;;) {
		ssize_t n = read(fd, buf, len);

		if (n >= 0)
			return n;
		if (errno != EINTR && !(errno == EAGAIN && wait_ready(fd, POLLIN)))
			return -1;
	}
}

int cs_fd_read_exact(int fd, void *buf, size_t len, struct cs_err *err)
{
	char *p = buf;

	while (len) {
		ssize_t n = read_some(fd, p, len);

		if (n < 0)
			return cs_err_sys(err, "read %zu bytes", len);
		if (n == 0)
			return cs_err_set(err, EPIPE, "the other end closed with %zu bytes to come",
					  len);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int cs_fd_read_all(int fd, size_t max, char **out, size_t *len, struct cs_err *err)
{
	cs_auto_free char *buf = NULL;
	size_t have = 0, cap = 0;

	if (max > (size_t)SSIZE_MAX - 1)
		max = (size_t)SSIZE_MAX - 1;
	for (;;) {
		ssize_t n;

		/* One byte past @max tells a text of @max bytes from a longer one; the last is
		 * for the NUL. */
		if (have == cap) {
			char *bigger;

			cap = cap ? cap * 2 : READ_FIRST;
			if (cap > max + 1)
				cap = max + 1;
			bigger = realloc(buf, cap + 1);
			if (!bigger)
				return cs_err_set(err, ENOMEM, "out of memory for %zu bytes", cap);
			buf = bigger;
		}
		n = read_some(fd, buf + have, cap - have);
		if (n < 0)
			return cs_err_sys(err, "read");
		if (n == 0)
			break;
		have += (size_t)n;
		if (have > max)
			return cs_err_set(err, EFBIG, "more than %zu bytes", max);
	}
	buf[have] = '\0';
	*out = cs_take_ptr(&buf);
	if (len)
		*len = have;
	return 0;
}

/* Room for the control message, aligned as cmsg(3) asks. */
union fd_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int cs_fd_send(int sock, const int *fds, size_t n, const void *buf, size_t len, struct cs_err *err)
{
	union fd_control ctl = { 0 };
	struct iovec iov = { .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t sent;

	if (n < 1 || n > FDS_MAX || len < 1)
		return cs_err_set(err, EINVAL, "send fds: %zu fds with %zu bytes", n, len);
	/* sendmsg() does not write to it; the struct is shared with recvmsg(). */
	memcpy(&iov.iov_base, &buf, sizeof(buf));
	msg.msg_control = ctl.buf;
	msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return cs_err_sys(err, "send %zu fds", n);
	/* The fds go with the first byte; what is left of a stream's message follows. */
	for (size_t done = (size_t)sent; done < len; done += (size_t)sent) {
		sent = send(sock, (const char *)buf + done, len - done, MSG_NOSIGNAL);
		if (sent < 0 && errno != EINTR)
			return cs_err_sys(err, "send the rest of a message");
		if (sent < 0)
			sent = 0;
	}
	return 0;
}

/* Copies the fds of a received message to @fds (room for FDS_MAX), returns how many. */
static size_t collect_fds(struct msghdr *msg, int *fds)
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t here;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (here > FDS_MAX - n)
			here = FDS_MAX - n;
		memcpy(fds + n, CMSG_DATA(c), here * sizeof(int));
		n += here;
	}
	return n;
}

int cs_fd_recv(int sock, int *fds, size_t max, size_t *n, void *buf, size_t *len,
	       struct cs_err *err)
{
	union fd_control ctl = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = *len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int got[FDS_MAX];
	size_t n_got;
	ssize_t r;

	msg.msg_control = ctl.buf;
	msg.msg_controllen = sizeof(ctl.buf);
	do
		r = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return cs_err_sys(err, "receive fds");
	n_got = collect_fds(&msg, got);
	if (r == 0 && n_got == 0)
		return cs_err_set(err, EPIPE, "receive fds: the other end closed");
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || n_got > max) {
		for (size_t i = 0; i < n_got; i++)
			close(got[i]);
		return cs_err_set(err, EMSGSIZE, "receive fds: more than %zu fds or %zu bytes", max,
				  *len);
	}
	if (n_got)
		memcpy(fds, got, n_got * sizeof(int));
	*n = n_got;
	*len = (size_t)r;
	return 0;
}

int cs_fd_cloexec_from(unsigned int first, struct cs_err *err)
{
	if (cs_sys_close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return cs_err_sys(err, "mark the fds from %u close-on-exec", first);
	return 0;
}

/* close_range(2) of [@first, @last], which may be empty. */
static int close_row(unsigned int first, unsigned int last, struct cs_err *err)
{
	if (first <= last && cs_sys_close_range(first, last, 0) < 0)
		return cs_err_sys(err, "close the fds from %u", first);
	return 0;
}

int cs_fd_close_others(unsigned int first, const int *keep, size_t n, struct cs_err *err)
{
	unsigned int sorted[KEEP_MAX];
	size_t k = 0;
	int ret = 0;

	if (n > KEEP_MAX)
		return cs_err_set(err, EINVAL, "close fds but %zu", n);
	for (size_t i = 0; i < n; i++) {
		size_t at = k;

		if (keep[i] < 0 || (unsigned int)keep[i] < first)
			continue;
		for (; at > 0 && sorted[at - 1] > (unsigned int)keep[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = (unsigned int)keep[i];
		k++;
	}
	for (size_t i = 0; i < k && !ret; i++) {
		if (sorted[i] > first)
			ret = close_row(first, sorted[i] - 1, err);
		first = sorted[i] + 1;
	}
	return ret < 0 ? ret : close_row(first, ~0U, err);
}

void cs_fd_close_rows(const int *fds, size_t n)
{
	int saved = errno;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && fds[end] == fds[end - 1] + 1;)
			end++;
		cs_sys_close_range((unsigned int)fds[i], (unsigned int)fds[end - 1], 0);
	}
	errno = saved;
}

int cs_fd_set_cloexec(int fd, int on, struct cs_err *err)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0)
		return cs_err_sys(err, "set close-on-exec of fd %d", fd);
	return 0;
}
