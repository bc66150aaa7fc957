#include "engine/follow.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/attach.h"
#include "engine/frame.h"
#include "engine/stamp.h"

void eng_alive_open(struct eng_alive *a, const struct eng *e, const char *id)
{
	struct cs_err why = CS_ERR_INIT;
	const unsigned char nothing = 0;

	a->e = e;
	a->id = id;
	a->sock = eng_attach_connect(e, id, &why);
	if (a->sock >= 0 && eng_msg_send(a->sock, ENG_F_HELLO, &nothing, 1) != 1)
		cs_close_fd(&a->sock);
}

bool eng_alive_is(struct eng_alive *a)
{
	char buf[64];

	/* whatever it says, this run has ended: is there another? */
	while (a->sock >= 0) {
		ssize_t n = recv(a->sock, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		cs_close_fd(&a->sock);
		a->refused = n > 0 && *buf == ENG_F_WARN;
		if (!a->refused)
			eng_alive_open(a, a->e, a->id);
	}
	return false;
}

void eng_alive_close(struct eng_alive *a)
{
	cs_close_fd(&a->sock);
}

int eng_follow_timeout(int64_t until_ns)
{
	int64_t left;

	if (until_ns == INT64_MAX)
		return -1;
	left = until_ns - eng_now();
	if (left <= 0)
		return 0;
	left = left / 1000000 + 1;
	return left > INT_MAX ? INT_MAX : (int)left;
}
