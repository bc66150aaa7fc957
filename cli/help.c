#include "cli/help.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/opt.h"

static void pad(struct cs_buf *out, size_t from, size_t to)
{
	for (; from < to; from++)
		cs_buf_add(out, " ");
}

/* "  -b, --bundle DIR" */
static size_t opt_width(const struct cli_opt *o)
{
	return 2 + 4 + 2 + strlen(o->name) + (o->arg ? 1 + strlen(o->arg) : 0);
}

static void print_opts(struct cs_buf *out, const char *title, const struct cli_opts *opts)
{
	static const struct cli_opt help = { .name = "help", .letter = 'h', .help = "show help" };
	size_t width = opt_width(&help);

	for (size_t i = 0; i < opts->n; i++) {
		if (!opts->v[i].hidden && opt_width(&opts->v[i]) > width)
			width = opt_width(&opts->v[i]);
	}
	cs_buf_addf(out, "\n%s:\n", title);
	for (size_t i = 0; i <= opts->n; i++) {
		const struct cli_opt *o = i < opts->n ? &opts->v[i] : &help;

		if (o->hidden)
			continue;
		if (o->letter)
			cs_buf_addf(out, "  -%c, --%s", o->letter, o->name);
		else
			cs_buf_addf(out, "      --%s", o->name);
		if (o->arg)
			cs_buf_addf(out, " %s", o->arg);
		pad(out, opt_width(o), width + 2);
		cs_buf_addf(out, "%s\n", o->help);
	}
}

static void print_row(struct cs_buf *out, const char *name, size_t width, const char *help)
{
	cs_buf_addf(out, "  %s", name);
	pad(out, strlen(name), width + 2);
	cs_buf_addf(out, "%s\n", help);
}

static bool in_a_group(const struct cli_prog *prog, const struct cli_cmd *cmd)
{
	for (size_t i = 0; i < prog->n_groups; i++) {
		if (cli_group_has(&prog->groups[i], cmd))
			return true;
	}
	return false;
}

void cli_help_prog(const struct cli_prog *prog, struct cs_buf *out)
{
	size_t width = 0;

	cs_buf_addf(out,
		    "%s: %s\n\nUsage: %s [GLOBAL OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n\n"
		    "Commands:\n",
		    prog->name, prog->help, prog->name);
	for (size_t i = 0; i < prog->n_cmds; i++) {
		size_t len = strlen(prog->cmds[i]->name);

		if (!in_a_group(prog, prog->cmds[i]))
			width = len > width ? len : width;
	}
	for (size_t i = 0; i < prog->n_groups; i++) {
		size_t len = strlen(prog->groups[i].name);

		width = len > width ? len : width;
	}
	for (size_t i = 0; i < prog->n_cmds; i++) {
		const struct cli_cmd *cmd = prog->cmds[i];

		if (!cmd->hidden && !in_a_group(prog, cmd))
			print_row(out, cmd->name, width, cmd->help);
	}
	if (prog->n_groups > 0)
		cs_buf_add(out, "\nCommands of two words:\n");
	for (size_t i = 0; i < prog->n_groups; i++)
		print_row(out, prog->groups[i].name, width, prog->groups[i].help);
	print_opts(out, "Global options", &prog->opts);
	cs_buf_addf(out, "\n\"%s COMMAND --help\" tells more of a command.\n", prog->name);
}

void cli_help_group(const struct cli_prog *prog, const struct cli_group *group, struct cs_buf *out)
{
	size_t width = 0;

	cs_buf_addf(out,
		    "%s %s: %s\n\nUsage: %s [GLOBAL OPTION...] %s COMMAND [OPTION...] "
		    "[ARGUMENT...]\n\nCommands:\n",
		    prog->name, group->name, group->help, prog->name, group->name);
	for (size_t i = 0; i < prog->n_cmds; i++) {
		size_t len = strlen(prog->cmds[i]->name);

		if (cli_group_has(group, prog->cmds[i]))
			width = len > width ? len : width;
	}
	for (size_t i = 0; i < prog->n_cmds; i++) {
		if (!prog->cmds[i]->hidden && cli_group_has(group, prog->cmds[i]))
			print_row(out, prog->cmds[i]->name, width, prog->cmds[i]->help);
	}
}

void cli_help_cmd(const struct cli_prog *prog, const struct cli_cmd *cmd, struct cs_buf *out)
{
	cs_buf_addf(out, "%s %s: %s\n\nUsage: %s [GLOBAL OPTION...] %s%s%s\n", prog->name,
		    cmd->name, cmd->help, prog->name, cmd->name, *cmd->synopsis ? " " : "",
		    cmd->synopsis);
	if (cmd->text)
		cs_buf_addf(out, "\n%s", cmd->text);
	print_opts(out, "Options", &cmd->opts);
}

static void dump_opts(struct cs_buf *out, const char *cmd, const struct cli_opts *opts)
{
	for (size_t i = 0; i < opts->n; i++) {
		const struct cli_opt *o = &opts->v[i];
		const char letter[] = { '-', o->letter, '\0' };

		cs_buf_addf(out, "%s\t--%s\t%s\t%s\t%s%s\n", cmd, o->name, letter,
			    o->arg ? o->arg : "-", o->hidden ? "(hidden) " : "", o->help);
	}
}

void cli_help_dump(const struct cli_prog *prog, struct cs_buf *out)
{
	dump_opts(out, "-", &prog->opts);
	cs_buf_add(out, "-\t--help\t-h\t-\tshow help\n");
	for (size_t i = 0; i < prog->n_cmds; i++) {
		const struct cli_cmd *cmd = prog->cmds[i];

		cs_buf_addf(out, "%s\t-\t-\t-\t%s%s\n", cmd->name, cmd->hidden ? "(hidden) " : "",
			    cmd->help);
		dump_opts(out, cmd->name, &cmd->opts);
	}
}
