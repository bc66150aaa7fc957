#ifndef CS_CLI_CONTAINER_H
#define CS_CLI_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/opt.h"

struct cli_call;
struct cs_err;
struct cs_jw;
struct eng;
struct eng_ids;
struct eng_record;
struct eng_status;

/* What the commands for containers share. */

/* Opens the engine at the folders of the command line. @out is the caller's. */
int cli_ctr_engine(const struct cli_call *call, struct eng *out, struct cs_err *err);

/*
 * Calls @fn for the id of every container of @argv, or, with @all, for each there is. It goes on
 * past one that fails: its error is logged, and the last is returned. What was named is printed, a
 * line each, with CLI_CTR_ECHO. With CLI_CTR_MISSING_OK one that is not there is no error.
 */
enum { CLI_CTR_ECHO = 1, CLI_CTR_MISSING_OK = 2 };
typedef int (*cli_ctr_fn)(const struct eng *e, const char *id, const void *arg, struct cs_err *err);
/* @filter (NULL or empty: none) as ps has it: those that pass, which go with no names. */
int cli_ctr_each(const struct cli_call *call, bool all, const struct cli_strv *filter,
		 unsigned int how, cli_ctr_fn fn, const void *arg, struct cs_err *err);
/* The same with those of a list; *@err is the last's error. */
void cli_ctr_ids(const struct eng *e, const struct eng_ids *ids, unsigned int how, cli_ctr_fn fn,
		 const void *arg, struct cs_err *err);

/* A switch whose default is not false: --sig-proxy. */
int cli_ctr_switch(const char *option, const char *text, bool fallback, bool *out,
		   struct cs_err *err);

/* Being attached to what is started: run, start -a. */
struct cli_attach_opts {
	const struct cli_strv *attach; /* -a; NULL or empty: stdout and stderr, stdin with -i */
	bool interactive, tty, sig_proxy;
	const char *detach_keys;
};
/* What can be refused before anything is made. */
int cli_attach_check(const struct cli_attach_opts *o, struct cs_err *err);
/* Starts it and stays with it. *@status is what to exit with. @rm: remove it if it does not start.
 */
int cli_attach_start(const struct eng *e, const char *id, const struct cli_attach_opts *o, bool rm,
		     int *status, struct cs_err *err);

#endif
