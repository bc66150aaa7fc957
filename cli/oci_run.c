#include <stddef.h>

#include "base/cleanup.h"
#include "cli/oci.h"
#include "runtime/container.h"

static const struct cli_opt run_opts[] = {
	OCI_CREATE_OPTS,
	CLI_BOOL(struct ctr_create_opts, detach, "detach", 'd', "return once the container runs"),
	CLI_BOOL(struct ctr_create_opts, keep, "keep", 0,
		 "do not delete the container when it has ended"),
	CLI_BOOL(struct ctr_create_opts, no_subreaper, "no-subreaper", 0,
		 "do not adopt and reap the container's orphans"),
};

static int run_run(struct cli_call *call, struct cs_err *err)
{
	return ctr_run(call->rt, call->argv[0], call->opts, &call->status, err);
}

const struct cli_cmd cli_oci_run = {
	.name = "run",
	.synopsis = "[OPTION...] ID",
	.help = "create and start a container, and wait for its end",
	.text = "The exit status is that of the container's first process, 128 + N if signal N\n"
		"ended it; 127 if its program was not found, 126 if it cannot be executed.\n",
	.opts = CLI_OPTS(run_opts),
	.opts_size = sizeof(struct ctr_create_opts),
	.min_args = 1,
	.max_args = 1,
	.seal = true,
	.run = run_run,
};
