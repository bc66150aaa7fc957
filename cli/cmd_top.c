#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/proctable.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/container.h"

static int top_run(struct cli_call *call, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct eng_status st = ENG_STATUS_INIT;
	eng_auto struct eng e = ENG_INIT;
	struct ctr_rt rt = { .wall = "container" };
	char id[ENG_ID_LEN + 1];

	if (cli_ctr_engine(call, &e, err) < 0 || eng_find(&e, call->argv[0], id, err) < 0 ||
	    eng_record_load(&e, id, &r, err) < 0 || eng_status_get(&e, id, &st, err) < 0 ||
	    eng_status_reach(&e, id, r.name, &st, err) < 0)
		return -err->code;
	if (st.state != ENG_RUNNING && st.state != ENG_PAUSED)
		return cs_err_set(err, EBUSY, "container %s is %s, not running", r.name,
				  eng_state_name(st.state));
	rt.root = e.state;
	return cli_proc_table(&rt, id, call->argv + 1, call->argc - 1, err);
}

const struct cli_cmd cli_cmd_top = {
	.name = "top",
	.synopsis = "CONTAINER [PS-OPTION...]",
	.help = "show the processes of a container",
	.text = "The table is the output of ps(1), called with PS-OPTION or -ef, less the "
		"processes\n"
		"that are not the container's; its output must have a column PID. Of a machine it\n"
		"is the agent's list, without PS-OPTION.\n",
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
	.fail_status = CAISSON_FAILED,
	.run = top_run,
};
