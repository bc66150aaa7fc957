#include <stddef.h>

#include "base/cleanup.h"
#include "cli/oci.h"
#include "runtime/container.h"

static const struct cli_opt create_opts[] = {
	OCI_CREATE_OPTS,
};

static int create_run(struct cli_call *call, struct cs_err *err)
{
	return ctr_create(call->rt, call->argv[0], call->opts, NULL, err);
}

const struct cli_cmd cli_oci_create = {
	.name = "create",
	.synopsis = "[OPTION...] ID",
	.help = "create a container, ready to be started",
	.opts = CLI_OPTS(create_opts),
	.opts_size = sizeof(struct ctr_create_opts),
	.min_args = 1,
	.max_args = 1,
	.seal = true,
	.run = create_run,
};
