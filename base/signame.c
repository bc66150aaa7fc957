#include "base/signame.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static int parse_realtime(const char *s)
{
	uint64_t n = 0;
	int base, sign;

	if (strncasecmp(s, "RTMIN", 5) == 0) {
		base = SIGRTMIN;
		sign = '+';
	} else {
		base = SIGRTMAX;
		sign = '-';
	}
	s += 5;
	if (*s && (*s != sign || cs_str_u64(s + 1, &n) < 0))
		return -EINVAL;
	if (n > (uint64_t)(SIGRTMAX - SIGRTMIN))
		return -EINVAL;
	return sign == '+' ? base + (int)n : base - (int)n;
}

/* Second names, which the C library does not list. */
static int parse_alias(const char *s)
{
	if (strcasecmp(s, "CLD") == 0)
		return SIGCHLD;
	if (strcasecmp(s, "IO") == 0)
		return SIGIO;
	if (strcasecmp(s, "IOT") == 0)
		return SIGIOT;
	return -EINVAL;
}

int cs_signal_parse(const char *s)
{
	uint64_t n;

	if (cs_str_u64(s, &n) == 0)
		return n <= (uint64_t)SIGRTMAX ? (int)n : -EINVAL;
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	if (strncasecmp(s, "RTMIN", 5) == 0 || strncasecmp(s, "RTMAX", 5) == 0)
		return parse_realtime(s);
	for (int sig = 1; sig < NSIG; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name && strcasecmp(name, s) == 0)
			return sig;
	}
	return parse_alias(s);
}
