#include "cli/alias.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/opt.h"
#include "tests/unit/unit.h"

/* Other tools' words become ours. */
static void check(const char *line, const char *want)
{
	char text[128], got[128] = "", *rest = text, *w;
	char *argv[16];
	struct cli_args args = { .argv = argv };

	snprintf(text, sizeof(text), "%s", line);
	while ((w = strsep(&rest, " ")))
		argv[args.argc++] = w;
	argv[args.argc] = NULL;
	cli_alias(&args);
	for (size_t i = 0; i < args.argc; i++) {
		strncat(got, i ? " " : "", sizeof(got) - strlen(got) - 1);
		strncat(got, args.argv[i], sizeof(got) - strlen(got) - 1);
	}
	ck_assert_str_eq(got, want);
}

START_TEST(words)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "ps -a", "ps -a" },
		{ "container ls -a", "ps -a" },
		{ "container run x", "run x" },
		{ "container prune -f", "container prune -f" },
		{ "container --help", "container --help" },
		{ "container", "container" },
		{ "ls", "ls" },
		{ "list --all", "ps --all" },
		{ "shutdown web", "stop web" },
		{ "reboot web", "restart web" },
		{ "destroy web", "kill web" },
		{ "undefine web", "rm web" },
		{ "dominfo web", "inspect web" },
		{ "console --detach-keys x --disable",
		  "attach --detach-keys=ctrl-] --detach-keys x --disable" },
		{ "console web", "attach --detach-keys=ctrl-] web" },
		{ "autostart web", "update --restart=always web" },
		{ "autostart --disable web", "update --restart=no web" },
		{ "run list", "run list" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++)
		check(rows[i].line, rows[i].want);
}
END_TEST

UNIT_MAIN("cli/alias", words)
