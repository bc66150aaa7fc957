#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/signame.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/life.h"
#include "engine/record.h"
#include "engine/store.h"

/* stop and restart. */

struct stop_opts {
	bool all, ignore;
	const char *signal;
	struct cli_num time;
	struct cli_strv filter;
};

static const struct cli_opt stop_optv[] = {
	CLI_BOOL(struct stop_opts, all, "all", 'a', "every container"),
	CLI_STRV(struct stop_opts, filter, "filter", 'f', "KEY=VALUE",
		 "those that pass, as for ps, instead of names"),
	CLI_BOOL(struct stop_opts, ignore, "ignore", 'i', "no error for one that is not there"),
	CLI_STR(struct stop_opts, signal, "signal", 's', "SIGNAL",
		"instead of its own stop signal"),
	CLI_NUM(struct stop_opts, time, "time", 't', -1, "SECONDS",
		"until it is killed (default: its own, 10)"),
};

/* What the options say, checked. */
struct stop_how {
	int signo, timeout_s;
};

static int how_of(const struct stop_opts *o, struct stop_how *out, struct cs_err *err)
{
	out->timeout_s = o->time.set && o->time.v < 1000000 ? (int)o->time.v : -1;
	out->signo = o->signal ? cs_signal_parse(o->signal) : 0;
	if (o->time.set && o->time.v >= 1000000)
		return cs_err_set(err, EINVAL, "option --time: more than 999999 seconds");
	if (o->signal && out->signo <= 0)
		return cs_err_set(err, EINVAL, "option --signal: \"%s\" is no signal", o->signal);
	/* docker's -1: wait for ever; a day will do */
	if (o->time.set && o->time.v < 0)
		out->timeout_s = 24 * 3600;
	return 0;
}

static int stop_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	const struct stop_how *how = arg;

	return eng_stop(e, id, how->signo, how->timeout_s, err);
}

static int restart_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	int status;

	if (eng_record_load(e, id, &r, err) < 0)
		return -err->code;
	if (r.auto_remove)
		return cs_err_set(
			err, EINVAL,
			"container %s goes when it ends (--rm), so it cannot be restarted", r.name);
	if (stop_one(e, id, arg, err) < 0 || eng_start(e, id, -EBADF, NULL, &status, err) < 0)
		return -err->code;
	eng_event(e, "restart", &r, NULL, NULL);
	return 0;
}

static int each(struct cli_call *call, cli_ctr_fn fn, struct cs_err *err)
{
	const struct stop_opts *o = call->opts;
	struct stop_how how;
	int ret = how_of(o, &how, err);

	if (ret == 0)
		ret = cli_ctr_each(call, o->all, &o->filter,
				   CLI_CTR_ECHO | (o->ignore ? CLI_CTR_MISSING_OK : 0U), fn, &how,
				   err);
	return ret;
}

static int stop_run(struct cli_call *call, struct cs_err *err)
{
	return each(call, stop_one, err);
}

static int restart_run(struct cli_call *call, struct cs_err *err)
{
	return each(call, restart_one, err);
}

const struct cli_cmd cli_cmd_stop = {
	.name = "stop",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "stop containers: their stop signal, and after a while KILL",
	.opts = CLI_OPTS(stop_optv),
	.opts_size = sizeof(struct stop_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = stop_run,
};

const struct cli_cmd cli_cmd_restart = {
	.name = "restart",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "stop containers and start them again",
	.opts = CLI_OPTS(stop_optv),
	.opts_size = sizeof(struct stop_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = restart_run,
};
