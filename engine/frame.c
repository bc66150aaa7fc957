#include "engine/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/err.h"

static bool parse_fixed(const char *data, size_t len, struct eng_msg *m)
{
	uint16_t size[2];
	int32_t code;

	switch (m->type) {
	case ENG_F_HELLO:
		m->want = len == 1 ? (unsigned char)*data : 0;
		return len == 1;
	case ENG_F_EOF:
	case ENG_F_STOP:
		return len == 0;
	case ENG_F_RESIZE:
		if (len != sizeof(size))
			return false;
		memcpy(size, data, sizeof(size));
		m->rows = size[0];
		m->cols = size[1];
		return true;
	case ENG_F_EXIT:
		if (len != sizeof(code))
			return false;
		memcpy(&code, data, sizeof(code));
		m->exit_code = code;
		return true;
	case ENG_F_STDIN:
	case ENG_F_STDOUT:
	case ENG_F_STDERR:
	case ENG_F_WARN:
		m->data = data;
		m->len = len;
		return true;
	}
	return false;
}

int eng_msg_parse(const char *buf, size_t len, struct eng_msg *out, struct cs_err *err)
{
	static const char types[] = { ENG_F_HELLO,  ENG_F_STDIN, ENG_F_EOF,
				      ENG_F_RESIZE, ENG_F_STOP,	 ENG_F_STDOUT,
				      ENG_F_STDERR, ENG_F_WARN,	 ENG_F_EXIT };
	struct eng_msg m = { 0 };

	if (len == 0 || len > ENG_FRAME_MAX || !memchr(types, *buf, sizeof(types)))
		return cs_err_set(err, EBADMSG, "attach: a message of no known kind");
	m.type = (enum eng_frame) * buf;
	if (!parse_fixed(buf + 1, len - 1, &m))
		return cs_err_set(err, EBADMSG, "attach: a message \"%c\" of %zu bytes", *buf, len);
	*out = m;
	return 0;
}

int eng_msg_send(int sock, enum eng_frame type, const void *data, size_t len)
{
	char kind = (char)type;
	struct iovec iov[] = {
		{ .iov_base = &kind, .iov_len = 1 },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = len },
	};
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };
	ssize_t n;

	do
		n = sendmsg(sock, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
}
