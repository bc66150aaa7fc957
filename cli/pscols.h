#ifndef CS_CLI_PSCOLS_H
#define CS_CLI_PSCOLS_H

#include <stddef.h>
#include <sys/types.h>

struct cs_buf;
struct cs_err;

/* Keeps of a table as ps(1) prints it the headline and the lines whose column PID is one of @pids;
 * appends them to @out. Pure. EINVAL when there is no column PID. */
int cli_pscols_filter(const char *text, const pid_t *pids, size_t n, struct cs_buf *out,
		      struct cs_err *err);

#endif
