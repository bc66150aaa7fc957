#ifndef CS_CLI_PROCTABLE_H
#define CS_CLI_PROCTABLE_H

#include <stddef.h>

struct cs_err;
struct ctr_rt;

/* Prints the processes of a container: as cli_ps_table(), or, where they are a machine's, the same
 * columns without ps(1), which @args are refused for. */
int cli_proc_table(const struct ctr_rt *rt, const char *id, char *const *args, size_t n_args,
		   struct cs_err *err);

#endif
