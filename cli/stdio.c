#include "cli/stdio.h"

#include <fcntl.h>
#include <poll.h>

#include "base/cleanup.h"
#include "base/err.h"

int cli_stdio_fill(struct cs_err *err)
{
	struct pollfd fds[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(fds, CS_LEN(fds), 0) < 0)
		return cs_err_sys(err, "look at the standard files");
	for (size_t i = 0; i < CS_LEN(fds); i++) {
		if ((fds[i].revents & POLLNVAL) == 0)
			continue;
		/* NOLINTNEXTLINE(android-cloexec-open): it is to stay */
		if (open("/dev/null", O_RDWR) != fds[i].fd)
			return cs_err_sys(err, "open /dev/null");
	}
	return 0;
}
