#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/signame.h"
#include "tests/unit/unit.h"

struct name {
	const char *text;
	int want;
};

START_TEST(test_names)
{
	const struct name names[] = {
		{ "KILL", SIGKILL },
		{ "SIGKILL", SIGKILL },
		{ "sigkill", SIGKILL },
		{ "kill", SIGKILL },
		{ "9", SIGKILL },
		{ "TERM", SIGTERM },
		{ "SIGHUP", SIGHUP },
		{ "WINCH", SIGWINCH },
		{ "USR1", SIGUSR1 },
		{ "IOT", SIGABRT },
		{ "CLD", SIGCHLD },
		{ "POLL", SIGPOLL },
		{ "IO", SIGIO },
		{ "0", 0 },
		{ "RTMIN", SIGRTMIN },
		{ "SIGRTMIN+3", SIGRTMIN + 3 },
		{ "rtmin+3", SIGRTMIN + 3 },
		{ "RTMAX", SIGRTMAX },
		{ "SIGRTMAX-14", SIGRTMAX - 14 },
		{ "64", 64 },
		{ "RTMIN+30", SIGRTMAX },
	};

	for (size_t i = 0; i < CS_LEN(names); i++)
		ck_assert_msg(cs_signal_parse(names[i].text) == names[i].want, "%s gave %d",
			      names[i].text, cs_signal_parse(names[i].text));
}
END_TEST

START_TEST(test_no_names)
{
	static const char *const bad[] = {
		"",	    "SIG",     "SIGSIGKILL", "KILLL",
		"KIL",	    "-9",      "65",	     "99999999999999999999",
		"RTMIN-1",  "RTMIN+",  "RTMAX+1",    "RTMIN+31",
		"RTMAX-31", "RTMIN+x", "RTMINx",     " KILL",
		"KILL ",    "9 ",      "0x9",
	};

	for (size_t i = 0; i < CS_LEN(bad); i++)
		ck_assert_msg(cs_signal_parse(bad[i]) == -EINVAL, "\"%s\" gave %d", bad[i],
			      cs_signal_parse(bad[i]));
}
END_TEST

UNIT_MAIN("cli/signame", test_names, test_no_names)
