#ifndef CS_CLI_CMD_H
#define CS_CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/opt.h"

struct caisson_dirs;
struct cs_err;
struct ctr_rt;

/* Commands as table entries, and how a command line becomes a call of one. */

struct cli_call;

enum { CLI_ANY_ARGS = -1 };

struct cli_cmd {
	const char *name;     /* one word, or two: a group's and its own ("network create") */
	const char *synopsis; /* what follows the name: "[-f] ID" */
	const char *help;     /* one line, lower-case */
	const char *text;     /* more, for the command's own --help; lines of their own, or NULL */
	struct cli_opts opts;
	size_t opts_size;	/* of the options' struct; 0 without options */
	int min_args, max_args; /* CLI_ANY_ARGS: no upper bound */
	bool in_order;		/* words after the first argument are no options of ours */
	bool seal;		/* starts a process inside: the binary must be sealed first */
	bool transfer;		/* moves images: see cli/transfer.h */
	bool any_opts;		/* options are taken as arguments */
	bool hidden;
	int fail_status; /* exit status when run() fails; 0: 1 */
	/* 0 or -errno; call->status is the exit status if it set one. */
	int (*run)(struct cli_call *call, struct cs_err *err);
};

/* The first word of commands of two words. */
struct cli_group {
	const char *name;
	const char *help; /* one line, lower-case */
};

struct cli_prog {
	const char *name;
	const char *help;
	struct cli_opts opts;		   /* the global ones */
	const struct cli_cmd *const *cmds; /* sorted by name */
	size_t n_cmds;
	const struct cli_group *groups; /* sorted by name */
	size_t n_groups;
};

struct cli_call {
	const struct cli_prog *prog;
	const struct cli_cmd *cmd;
	const struct ctr_rt *rt;	 /* the OCI command line's; else NULL */
	const struct caisson_dirs *dirs; /* the user's command line's; else NULL */
	const void *opts;		 /* the command's options' struct */
	char *const *words;		 /* all of the command line; the user's, else NULL */
	char *const *argv;		 /* arguments, NULL-terminated */
	size_t argc;
	int status; /* exit status; -1: not set */
};

/* The command of that name, NULL if there is none. */
const struct cli_cmd *cli_cmd_find(const struct cli_prog *prog, const char *name);

/* The group of that name, NULL if there is none. */
const struct cli_group *cli_group_find(const struct cli_prog *prog, const char *name);

/* Is @cmd a command of the group? */
bool cli_group_has(const struct cli_group *group, const struct cli_cmd *cmd);

/*
 * The command that the words of a command line begin with; *@words (1 or 2) is how many of them
 * are its name. EINVAL, with a suggestion, when there is none. A group's name without a second
 * word, or before an option, is no error: then *@out is NULL and *@group the group.
 */
int cli_cmd_lookup(const struct cli_prog *prog, char *const *argv, size_t argc,
		   const struct cli_cmd **out, const struct cli_group **group, size_t *words,
		   struct cs_err *err);

/* The command whose name is nearest to @name, NULL if none is near. */
const struct cli_cmd *cli_cmd_suggest(const struct cli_prog *prog, const char *name);

/* EINVAL for a command that does not exist, with a suggestion. */
int cli_cmd_unknown(const struct cli_prog *prog, const char *name, struct cs_err *err);

/*
 * Parses what follows the command's name into @values (zeroed, of cmd->opts_size bytes), as
 * cli_opt_parse(), and checks the number of arguments, unless --help was given. Pure; for the
 * fuzzer as well. Call cli_opt_fini() in every case.
 */
int cli_cmd_parse(const struct cli_cmd *cmd, void *values, struct cli_args *args,
		  struct cs_err *err);

#endif
