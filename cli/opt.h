#ifndef CS_CLI_OPT_H
#define CS_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * The command line's options as tables: parsing, --help, completion and the manual pages' test all
 * read the same rows. The grammar is that of Go's flag package, which callers of OCI runtimes
 * write for: one dash or two before any name, "--name value" or "--name=value", switches take
 * "=false", "--" ends the options. The user's command line has docker's grammar instead, where one
 * dash stands before letters (cli_args.letters).
 */

enum cli_opt_type {
	CLI_OPT_BOOL, /* bool */
	CLI_OPT_STR,  /* const char *, borrowed from argv */
	CLI_OPT_STRV, /* struct cli_strv: may be given several times */
	CLI_OPT_UINT, /* unsigned int */
	CLI_OPT_NUM,  /* struct cli_num */
	CLI_OPT_SIZE, /* struct cli_num, in bytes: "100m", "1.5g"; "-1" is -1 */
	CLI_OPT_TIME, /* struct cli_time: "5s", "1m30s", "250ms" */
};

/* What was given, in order; NULL-terminated once there is one. */
struct cli_strv {
	const char **v; /* owned; the strings are borrowed from argv */
	size_t n;
};

/* A number that may not have been given. An empty text counts as not given. */
struct cli_num {
	bool set;
	int64_t v;
};

struct cli_time {
	bool set;
	int64_t ms;
};

struct cli_opt {
	const char *name;
	char letter; /* 0: none */
	bool hidden; /* not shown by --help */
	enum cli_opt_type type;
	size_t off;	 /* of the field in the values' struct */
	int64_t min;	 /* CLI_OPT_NUM: smallest value */
	const char *arg; /* what the value is called; NULL for a switch */
	const char *help;
};

/* offsetof() that compiles only where the field has the wanted type. */
#define CLI_OFF(T, f, want) _Generic(((T *)0)->f, want : offsetof(T, f))

#define CLI_BOOL(T, f, nm, ch, hlp)                                                             \
	{                                                                                       \
		.name = (nm), .letter = (ch), .type = CLI_OPT_BOOL, .off = CLI_OFF(T, f, bool), \
		.help = (hlp),                                                                  \
	}
#define CLI_STR(T, f, nm, ch, argname, hlp)                                          \
	{                                                                            \
		.name = (nm), .letter = (ch), .type = CLI_OPT_STR,                   \
		.off = CLI_OFF(T, f, const char *), .arg = (argname), .help = (hlp), \
	}
#define CLI_STRV(T, f, nm, ch, argname, hlp)                                            \
	{                                                                               \
		.name = (nm), .letter = (ch), .type = CLI_OPT_STRV,                     \
		.off = CLI_OFF(T, f, struct cli_strv), .arg = (argname), .help = (hlp), \
	}
#define CLI_UINT(T, f, nm, ch, argname, hlp)                                         \
	{                                                                            \
		.name = (nm), .letter = (ch), .type = CLI_OPT_UINT,                  \
		.off = CLI_OFF(T, f, unsigned int), .arg = (argname), .help = (hlp), \
	}
#define CLI_NUM(T, f, nm, ch, lowest, argname, hlp)                                      \
	{                                                                                \
		.name = (nm), .letter = (ch), .type = CLI_OPT_NUM,                       \
		.off = CLI_OFF(T, f, struct cli_num), .min = (lowest), .arg = (argname), \
		.help = (hlp),                                                           \
	}
#define CLI_SIZE(T, f, nm, ch, argname, hlp)                                           \
	{                                                                              \
		.name = (nm), .letter = (ch), .type = CLI_OPT_SIZE,                    \
		.off = CLI_OFF(T, f, struct cli_num), .arg = (argname), .help = (hlp), \
	}
#define CLI_TIME(T, f, nm, ch, argname, hlp)                                            \
	{                                                                               \
		.name = (nm), .letter = (ch), .type = CLI_OPT_TIME,                     \
		.off = CLI_OFF(T, f, struct cli_time), .arg = (argname), .help = (hlp), \
	}

/* A table's rows, as CLI_OPTS(table). */
struct cli_opts {
	const struct cli_opt *v;
	size_t n;
};
#define CLI_OPTS(table)                                               \
	{                                                             \
		.v = (table), .n = sizeof(table) / sizeof((table)[0]) \
	}

struct cli_args {
	char **argv; /* words of the command line, NULL-terminated */
	size_t argc;
	bool letters; /* in: words behind one dash are letters, "-it", as docker has them */
	bool help;    /* out: --help or -h was given, which every table knows without a row */
};

/*
 * Parses the words of @args into the zeroed struct @values and leaves in @args those that are no
 * options. @in_order: the first word that is no option ends them, and the rest is left untouched.
 * Else a later word that is a known option is still taken as one; the words that stay are moved to
 * the front of the caller's argv. Errors: EINVAL, naming the option. Call cli_opt_fini() in every
 * case.
 */
int cli_opt_parse(const struct cli_opts *opts, void *values, bool in_order, struct cli_args *args,
		  struct cs_err *err);

/* Frees what parsing allocated in @values; idempotent. */
void cli_opt_fini(const struct cli_opts *opts, void *values);

/* The row for the @len characters of @name (a long name or a letter); NULL if there is none. */
const struct cli_opt *cli_opt_find(const struct cli_opts *opts, const char *name, size_t len);

#endif
