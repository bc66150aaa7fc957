#include "cli/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/nearest.h"

const struct cli_cmd *cli_cmd_find(const struct cli_prog *prog, const char *name)
{
	for (size_t i = 0; i < prog->n_cmds; i++) {
		if (strcmp(prog->cmds[i]->name, name) == 0)
			return prog->cmds[i];
	}
	return NULL;
}

const struct cli_group *cli_group_find(const struct cli_prog *prog, const char *name)
{
	for (size_t i = 0; i < prog->n_groups; i++) {
		if (strcmp(prog->groups[i].name, name) == 0)
			return &prog->groups[i];
	}
	return NULL;
}

bool cli_group_has(const struct cli_group *group, const struct cli_cmd *cmd)
{
	size_t len = strlen(group->name);

	return strncmp(cmd->name, group->name, len) == 0 && cmd->name[len] == ' ';
}

const struct cli_cmd *cli_cmd_suggest(const struct cli_prog *prog, const char *name)
{
	struct cli_nearest near = cli_nearest_to(name, strlen(name));
	const struct cli_cmd *best = NULL;

	for (size_t i = 0; i < prog->n_cmds; i++) {
		if (!prog->cmds[i]->hidden && cli_nearest_try(&near, prog->cmds[i]->name))
			best = prog->cmds[i];
	}
	return best;
}

int cli_cmd_unknown(const struct cli_prog *prog, const char *name, struct cs_err *err)
{
	const struct cli_cmd *near = cli_cmd_suggest(prog, name);

	if (near)
		return cs_err_set(err, EINVAL, "unknown command \"%s\"; did you mean \"%s\"?", name,
				  near->name);
	return cs_err_set(err, EINVAL, "unknown command \"%s\"; \"%s --help\" lists them", name,
			  prog->name);
}

int cli_cmd_lookup(const struct cli_prog *prog, char *const *argv, size_t argc,
		   const struct cli_cmd **out, const struct cli_group **group, size_t *words,
		   struct cs_err *err)
{
	const struct cli_group *g = cli_group_find(prog, argv[0]);
	const struct cli_cmd *cmd;
	char name[48]; /* of two words */

	*words = 1;
	if (!g) {
		*out = cli_cmd_find(prog, argv[0]);
		return *out ? 0 : cli_cmd_unknown(prog, argv[0], err);
	}
	if (argc < 2 || *argv[1] == '-') {
		*out = NULL;
		*group = g;
		return 0;
	}
	snprintf(name, sizeof(name), "%s %s", g->name, argv[1]);
	cmd = cli_cmd_find(prog, name);
	if (!cmd)
		return cli_cmd_unknown(prog, name, err);
	*out = cmd;
	*words = 2;
	return 0;
}

static int check_args(const struct cli_cmd *cmd, size_t argc, struct cs_err *err)
{
	if (argc < (size_t)cmd->min_args)
		return cs_err_set(err, EINVAL, "%s: arguments missing, usage: %s %s", cmd->name,
				  cmd->name, cmd->synopsis);
	if (cmd->max_args != CLI_ANY_ARGS && argc > (size_t)cmd->max_args)
		return cs_err_set(err, EINVAL, "%s: too many arguments, usage: %s %s", cmd->name,
				  cmd->name, cmd->synopsis);
	return 0;
}

int cli_cmd_parse(const struct cli_cmd *cmd, void *values, struct cli_args *args,
		  struct cs_err *err)
{
	if (cmd->any_opts)
		return 0;
	if (cli_opt_parse(&cmd->opts, values, cmd->in_order, args, err) < 0)
		return cs_err_wrap(err, "%s", cmd->name);
	return args->help ? 0 : check_args(cmd, args->argc, err);
}
