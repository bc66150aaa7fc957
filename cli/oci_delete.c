#include "base/cleanup.h"
#include "cli/oci.h"
#include "runtime/container.h"

struct delete_opts {
	bool force;
	bool regex;
};

static const struct cli_opt delete_optv[] = {
	CLI_BOOL(struct delete_opts, force, "force", 'f',
		 "kill the container first if it has not ended; one that is not there is no error"),
	CLI_BOOL(struct delete_opts, regex, "regex", 'r',
		 "ID is an extended regular expression: delete every container that matches"),
};

static int delete_one(const struct cli_call *call, const char *id, struct cs_err *err)
{
	const struct delete_opts *o = call->opts;

	return ctr_delete(call->rt, id, o->force, err);
}

static int delete_run(struct cli_call *call, struct cs_err *err)
{
	const struct delete_opts *o = call->opts;

	if (o->regex)
		return cli_oci_each_match(call, call->argv[0], delete_one, err);
	return delete_one(call, call->argv[0], err);
}

const struct cli_cmd cli_oci_delete = {
	.name = "delete",
	.synopsis = "[OPTION...] ID",
	.help = "remove an ended container and all it holds",
	.opts = CLI_OPTS(delete_optv),
	.opts_size = sizeof(struct delete_opts),
	.min_args = 1,
	.max_args = 1,
	.run = delete_run,
};
