#include "cli/completion.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cmd.h"

/* What a command's synopsis calls its arguments, and what lists them. */
static const struct kind {
	const char *word, *list;
} kinds[] = {
	{ "CONTAINER", "ps -a --format '{{.Names}}'" },
	{ "IMAGE", "images --format '{{.Repository}}:{{.Tag}}'" },
	{ "NETWORK", "network ls -q" },
	{ "VOLUME", "volume ls -q" },
	{ "COMMAND", "" },
};

static const char *list_of(const struct cli_cmd *cmd)
{
	for (size_t i = 0; i < CS_LEN(kinds); i++)
		if (strstr(cmd->synopsis, kinds[i].word))
			return kinds[i].list;
	return "";
}

static void options(const struct cli_opts *opts, bool with_value, struct cs_buf *out)
{
	for (size_t i = 0; i < opts->n; i++) {
		const struct cli_opt *o = &opts->v[i];

		if (o->hidden || (with_value && !o->arg))
			continue;
		cs_buf_addf(out, " --%s", o->name);
		if (o->letter)
			cs_buf_addf(out, " -%c", o->letter);
	}
	if (!with_value)
		cs_buf_add(out, " --help");
}

/* The names that stand first: commands of one word, and groups. */
static void first_words(const struct cli_prog *prog, struct cs_buf *out)
{
	for (size_t i = 0; i < prog->n_cmds; i++)
		if (!prog->cmds[i]->hidden && !strchr(prog->cmds[i]->name, ' '))
			cs_buf_addf(out, " %s", prog->cmds[i]->name);
	for (size_t i = 0; i < prog->n_groups; i++)
		cs_buf_addf(out, " %s", prog->groups[i].name);
}

static void second_words(const struct cli_prog *prog, const struct cli_group *g, struct cs_buf *out)
{
	for (size_t i = 0; i < prog->n_cmds; i++)
		if (!prog->cmds[i]->hidden && cli_group_has(g, prog->cmds[i]))
			cs_buf_addf(out, " %s", prog->cmds[i]->name + strlen(g->name) + 1);
}

/* --- bash ------------------------------------------------------------------------------------- */

/* The words that are no options make the command's name; of the options before it those with a
 * value take the next word. */
static const char bash_head[] =
	"# Completion of %1$s for bash; made by \"%1$s completion bash\".\n"
	"_%1$s()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} cmd='' opts='' valued='' list='' words='' i w\n"
	"\tlocal global=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tw=${COMP_WORDS[i]}\n"
	"\t\tcase $w in\n"
	"\t\t--root | --state) global+=(\"$w\" \"${COMP_WORDS[++i]}\") ;;\n"
	"\t\t-*) [ -z \"$cmd\" ] || break ;;\n"
	"\t\t*)\n"
	"\t\t\tcmd=\"$cmd${cmd:+ }$w\"\n"
	"\t\t\tcase $cmd in\n"
	"\t\t\t%2$s) ;;\n"
	"\t\t\t*) break ;;\n"
	"\t\t\tesac ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $cmd in\n";

static const char bash_tail[] = "\tesac\n"
				"\tcase \" $valued \" in\n"
				"\t*\" ${COMP_WORDS[COMP_CWORD-1]} \"*)\n"
				"\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
				"\t\treturn ;;\n"
				"\tesac\n"
				"\tcase $cur in\n"
				"\t-*) words=$opts ;;\n"
				"\t*) [ -z \"$list\" ] || words=\"$words $(eval \"%1$s "
				"${global[*]@Q} $list\" 2>/dev/null)\" ;;\n"
				"\tesac\n"
				"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
				"}\n"
				"complete -o default -F _%1$s %1$s\n";

static void bash(const struct cli_prog *prog, struct cs_buf *out)
{
	cs_auto_buf struct cs_buf groups = CS_BUF_INIT;

	for (size_t i = 0; i < prog->n_groups; i++)
		cs_buf_addf(&groups, "%s%s", i ? " | " : "", prog->groups[i].name);
	if (groups.failed) {
		out->failed = true;
		return;
	}
	cs_buf_addf(out, bash_head, prog->name, groups.s ? groups.s : "''");
	cs_buf_add(out, "\t'') words='");
	first_words(prog, out);
	cs_buf_add(out, "' opts='");
	options(&prog->opts, false, out);
	cs_buf_add(out, "' ;;\n");
	for (size_t i = 0; i < prog->n_groups; i++) {
		cs_buf_addf(out, "\t'%s') words='", prog->groups[i].name);
		second_words(prog, &prog->groups[i], out);
		cs_buf_add(out, "' opts=' --help' ;;\n");
	}
	for (size_t i = 0; i < prog->n_cmds; i++) {
		const struct cli_cmd *cmd = prog->cmds[i];

		if (cmd->hidden)
			continue;
		cs_buf_addf(out, "\t'%s') opts='", cmd->name);
		options(&cmd->opts, false, out);
		cs_buf_add(out, "' valued='");
		options(&cmd->opts, true, out);
		cs_buf_addf(out, "' list=\"%s\" ;;\n", list_of(cmd));
	}
	cs_buf_addf(out, bash_tail, prog->name);
}

/* --- fish ------------------------------------------------------------------------------------- */

/* In single quotes. */
static void quoted(struct cs_buf *out, const char *s)
{
	cs_buf_add(out, "'");
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			cs_buf_add(out, "\\");
		cs_buf_add_mem(out, s, 1);
	}
	cs_buf_add(out, "'");
}

/* "__fish_seen_subcommand_from image; and __fish_seen_subcommand_from ls" */
static void seen(struct cs_buf *out, const char *name)
{
	const char *blank = strchr(name, ' ');

	if (blank)
		cs_buf_addf(
			out,
			"'__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s'",
			(int)(blank - name), name, blank + 1);
	else
		cs_buf_addf(out, "'__fish_seen_subcommand_from %s'", name);
}

static void fish_word(const char *prog, const char *when, const char *word, const char *help,
		      struct cs_buf *out)
{
	cs_buf_addf(out, "complete -c %s -f -n '%s' -a %s -d ", prog, when, word);
	quoted(out, help);
	cs_buf_add(out, "\n");
}

static void fish_cmd(const struct cli_prog *prog, const struct cli_cmd *cmd, struct cs_buf *out)
{
	const char *list = list_of(cmd);

	for (size_t i = 0; i < cmd->opts.n; i++) {
		const struct cli_opt *o = &cmd->opts.v[i];

		if (o->hidden)
			continue;
		cs_buf_addf(out, "complete -c %s -n ", prog->name);
		seen(out, cmd->name);
		cs_buf_addf(out, " -l %s", o->name);
		if (o->letter)
			cs_buf_addf(out, " -s %c", o->letter);
		cs_buf_addf(out, "%s -d ", o->arg ? " -r" : "");
		quoted(out, o->help);
		cs_buf_add(out, "\n");
	}
	if (!*list)
		return;
	cs_buf_addf(out, "complete -c %s -n ", prog->name);
	seen(out, cmd->name);
	cs_buf_addf(out, " -a \"(%s %s 2>/dev/null)\"\n", prog->name, list);
}

static void fish(const struct cli_prog *prog, struct cs_buf *out)
{
	cs_auto_buf struct cs_buf when = CS_BUF_INIT;

	cs_buf_addf(out, "# Completion of %s for fish; made by \"%s completion fish\".\n",
		    prog->name, prog->name);
	for (size_t i = 0; i < prog->n_groups; i++)
		fish_word(prog->name, "__fish_use_subcommand", prog->groups[i].name,
			  prog->groups[i].help, out);
	for (size_t i = 0; i < prog->n_cmds; i++) {
		const struct cli_cmd *cmd = prog->cmds[i];
		const char *blank = strchr(cmd->name, ' ');

		if (cmd->hidden)
			continue;
		when.len = 0;
		cs_buf_addf(&when, "__fish_seen_subcommand_from %.*s",
			    blank ? (int)(blank - cmd->name) : 0, cmd->name);
		if (when.failed)
			break;
		fish_word(prog->name, blank ? when.s : "__fish_use_subcommand",
			  blank ? blank + 1 : cmd->name, cmd->help, out);
		fish_cmd(prog, cmd, out);
	}
	out->failed = out->failed || when.failed;
}

int cli_completion(const struct cli_prog *prog, const char *shell, struct cs_buf *out,
		   struct cs_err *err)
{
	if (strcmp(shell, "zsh") == 0)
		cs_buf_add(out, "#compdef caisson\n"
				"autoload -U +X bashcompinit && bashcompinit\n");
	if (strcmp(shell, "bash") == 0 || strcmp(shell, "zsh") == 0)
		bash(prog, out);
	else if (strcmp(shell, "fish") == 0)
		fish(prog, out);
	else
		return cs_err_set(err, EINVAL, "completion: \"%.40s\" is not bash, zsh or fish",
				  shell);
	return cs_buf_ok(out, err);
}
