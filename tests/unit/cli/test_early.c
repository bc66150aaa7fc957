/* What the two programs know of their command lines before libc starts, and the tables of those. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/caisson.h"
#include "cli/oci.h"
#include "tests/unit/unit.h"

struct early {
	const struct cli_prog *prog;
	const char *commands, *options; /* as in runtime/ns/early.h */
};

static const struct early programs[] = {
	{ &cli_caisson_prog, CAISSON_EARLY_COMMANDS, CAISSON_EARLY_OPTIONS },
	{ &cli_oci_prog, OCI_EARLY_COMMANDS, OCI_EARLY_OPTIONS },
};

static bool has(const char *words, const char *word)
{
	for (; *words; words += strlen(words) + 1)
		if (strcmp(words, word) == 0)
			return true;
	return false;
}

static size_t count(const char *words)
{
	size_t n = 0;

	for (; *words; words += strlen(words) + 1)
		n++;
	return n;
}

/* One that takes a value and is missing makes its value the command; one too many hides that. */
START_TEST(test_options)
{
	const struct early *e = &programs[_i];
	size_t with_value = 0;

	for (size_t i = 0; i < e->prog->opts.n; i++) {
		const struct cli_opt *o = &e->prog->opts.v[i];
		char word[64];

		snprintf(word, sizeof(word), "--%s", o->name);
		ck_assert_msg(has(e->options, word) == (o->type != CLI_OPT_BOOL), "%s %s",
			      e->prog->name, word);
		with_value += o->type != CLI_OPT_BOOL;
		if (o->type == CLI_OPT_BOOL || !o->letter)
			continue;
		snprintf(word, sizeof(word), "-%c", o->letter);
		ck_assert_msg(has(e->options, word), "%s %s", e->prog->name, word);
		with_value++;
	}
	ck_assert_uint_eq(count(e->options), with_value);
}
END_TEST

START_TEST(test_commands)
{
	const struct early *e = &programs[_i];
	size_t sealed = 0;

	for (size_t i = 0; i < e->prog->n_cmds; i++) {
		const struct cli_cmd *cmd = e->prog->cmds[i];

		ck_assert_msg(has(e->commands, cmd->name) == cmd->seal, "%s %s", e->prog->name,
			      cmd->name);
		sealed += cmd->seal;
	}
	ck_assert_uint_eq(count(e->commands), sealed);
	ck_assert_uint_gt(sealed, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_options, test_commands };

	return unit_run_times("cli/early", tests, CS_LEN(tests), CS_LEN(programs));
}
