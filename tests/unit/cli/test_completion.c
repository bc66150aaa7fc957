#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/completion.h"
#include "cli/opt.h"

struct values {
	bool quiet, secret;
};

static const struct cli_opt opts[] = {
	CLI_BOOL(struct values, quiet, "quiet", 'q', "it's quiet"),
	{ .name = "secret",
	  .hidden = true,
	  .type = CLI_OPT_BOOL,
	  .off = offsetof(struct values, secret) },
};

static const struct cli_cmd stop = { .name = "stop",
				     .synopsis = "CONTAINER...",
				     .help = "stop [one]",
				     .opts = CLI_OPTS(opts),
				     .opts_size = sizeof(struct values) };
static const struct cli_cmd hidden = {
	.name = "unborn", .synopsis = "", .help = "", .hidden = true
};
static const struct cli_cmd rm = { .name = "volume rm", .synopsis = "VOLUME...", .help = "remove" };
static const struct cli_cmd *const cmds[] = { &stop, &hidden, &rm };
static const struct cli_group groups[] = { { "volume", "volumes" } };
static const struct cli_prog prog = { .name = "prog",
				      .help = "a program",
				      .cmds = cmds,
				      .n_cmds = CS_LEN(cmds),
				      .groups = groups,
				      .n_groups = CS_LEN(groups) };

/* Each shell's script has the commands, groups and options that are shown, and no others. */
START_TEST(test_shells)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };

	for (size_t i = 0; i < CS_LEN(shells); i++) {
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(cli_completion(&prog, shells[i], &b, &err), 0);
		ck_assert_ptr_nonnull(strstr(b.s, "stop"));
		ck_assert_ptr_nonnull(strstr(b.s, "volume"));
		ck_assert_ptr_nonnull(strstr(b.s, "quiet"));
		ck_assert_ptr_null(strstr(b.s, "unborn"));
		ck_assert_ptr_null(strstr(b.s, "secret"));
	}
}
END_TEST

START_TEST(test_no_such_shell)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cli_completion(&prog, "csh", &b, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "csh"));
}
END_TEST

UNIT_MAIN("cli/completion", test_shells, test_no_such_shell)
