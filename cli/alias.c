#include "cli/alias.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/opt.h"

/* Sorted as a reader looks for them: docker's, then virsh's. */
static const struct alias {
	const char *word;
	const char *to, *option; /* option "": none */
	bool container_only;	 /* only behind "container" */
} aliases[] = {
	{ "ls", "ps", "", true },
	{ "remove", "rm", "", true },
	{ "console", "attach", "--detach-keys=ctrl-]", false },
	{ "destroy", "kill", "", false },
	{ "dominfo", "inspect", "", false },
	{ "list", "ps", "", false },
	{ "reboot", "restart", "", false },
	{ "shutdown", "stop", "", false },
	{ "undefine", "rm", "", false },
	{ "autostart", "update", "--restart=always", false },
};

/* "container prune" is a command of its own: these two words stay. */
static bool is_group_command(const char *word)
{
	return strcmp(word, "prune") == 0 || *word == '-';
}

/* The words of the only command line of this process, where one is added. */
enum { WORDS_MAX = 256, WORD_MAX = 24 };
static char *words[WORDS_MAX];
static char command[WORD_MAX], added[WORD_MAX];

/* Puts the option behind the command, before the user's own: "autostart web" is "update
 * --restart=always web", and with --disable "update --restart=no web". */
static void insert_option(struct cli_args *args, const char *option)
{
	bool switches = cs_str_starts(option, "--restart="), off = false;
	size_t n = 2;

	if (args->argc + 2 > WORDS_MAX)
		return;
	words[0] = args->argv[0];
	for (size_t i = 1; i < args->argc; i++)
		if (switches && strcmp(args->argv[i], "--disable") == 0)
			off = true;
		else
			words[n++] = args->argv[i];
	snprintf(added, sizeof(added), "%s", off ? "--restart=no" : option);
	words[1] = added;
	words[n] = NULL;
	args->argc = n;
	args->argv = words;
}

void cli_alias(struct cli_args *args)
{
	bool container = args->argc > 1 && strcmp(args->argv[0], "container") == 0 &&
			 !is_group_command(args->argv[1]);

	if (container) {
		args->argv++;
		args->argc--;
	}
	for (size_t i = 0; i < CS_LEN(aliases); i++) {
		const struct alias *a = &aliases[i];

		if (strcmp(args->argv[0], a->word) != 0 || (a->container_only && !container))
			continue;
		snprintf(command, sizeof(command), "%s", a->to);
		args->argv[0] = command;
		if (*a->option)
			insert_option(args, a->option);
		return;
	}
}
