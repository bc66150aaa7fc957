#ifndef CS_CLI_PSTABLE_H
#define CS_CLI_PSTABLE_H

#include <stddef.h>
#include <sys/types.h>

struct cs_err;

/* Prints what ps(1), called with @args (none: -ef), says of the processes @pids. */
int cli_ps_table(const pid_t *pids, size_t n, char *const *args, size_t n_args, struct cs_err *err);

#endif
