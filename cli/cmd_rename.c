#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/record.h"
#include "engine/store.h"

static int rename_run(struct cli_call *call, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	eng_auto struct eng e = ENG_INIT;
	cs_auto_fd int lock = -EBADF;
	char id[ENG_ID_LEN + 1];
	const char *old;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_find(&e, call->argv[0], id, err) < 0)
		return -err->code;
	lock = eng_lock(&e, id, err);
	if (lock < 0 || eng_record_load(&e, id, &r, err) < 0)
		return -err->code;
	old = r.name;
	if (eng_store_rename(&e, &r, call->argv[1], err) < 0)
		return -err->code;
	eng_event(&e, "rename", &r, "oldName", old);
	return 0;
}

const struct cli_cmd cli_cmd_rename = {
	.name = "rename",
	.synopsis = "CONTAINER NAME",
	.help = "give a container another name",
	.min_args = 2,
	.max_args = 2,
	.fail_status = CAISSON_FAILED,
	.run = rename_run,
};
