#include "base/cleanup.h"
#include "base/json.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "runtime/container.h"

static int state_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = true };
	ctr_auto_info struct ctr_info info = { 0 };
	int ret;

	ret = ctr_info_get(call->rt, call->argv[0], &info, err);
	if (ret < 0)
		return ret;
	ret = ctr_state_json(&info, true, &w, err);
	if (ret < 0)
		return ret;
	return cli_out_json(&w, true, err);
}

const struct cli_cmd cli_oci_state = {
	.name = "state",
	.synopsis = "ID",
	.help = "show a container's state as JSON",
	.min_args = 1,
	.max_args = 1,
	.run = state_run,
};
