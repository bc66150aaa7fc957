#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/attach.h"
#include "engine/autostart.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/record.h"
#include "engine/store.h"

struct start_opts {
	bool attach, autostart, interactive;
	const char *detach_keys, *sig_proxy;
	struct cli_strv filter;
};

static const struct cli_opt start_optv[] = {
	CLI_BOOL(struct start_opts, attach, "attach", 'a', "stay attached, and exit as it does"),
	CLI_BOOL(struct start_opts, autostart, "autostart", 0,
		 "after a boot: those with restart policy always or unless-stopped"),
	CLI_STR(struct start_opts, detach_keys, "detach-keys", 0, "KEYS",
		"keys that leave it running (default: ctrl-p,ctrl-q)"),
	CLI_STRV(struct start_opts, filter, "filter", 'f', "KEY=VALUE",
		 "those that pass, as for ps, instead of names"),
	CLI_BOOL(struct start_opts, interactive, "interactive", 'i', "give it our stdin"),
	CLI_STR(struct start_opts, sig_proxy, "sig-proxy", 0, "true|false",
		"pass signals on (default: true with --attach)"),
};

static int start_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	int status;
	int ret = eng_start(e, id, -EBADF, NULL, &status, err);

	(void)arg;
	if (ret != -EALREADY)
		return ret;
	cs_err_clear(err);
	return 0;
}

static int start_attached(struct cli_call *call, const struct start_opts *o, struct cs_err *err)
{
	struct cli_attach_opts at = { .detach_keys = o->detach_keys };
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	eng_auto struct eng e = ENG_INIT;
	char id[ENG_ID_LEN + 1];
	int ret = cli_ctr_engine(call, &e, err);

	if (call->argc != 1)
		return cs_err_set(err, EINVAL,
				  "options --attach and --interactive take one container");
	if (ret == 0)
		ret = cli_ctr_switch("sig-proxy", o->sig_proxy, true, &at.sig_proxy, err);
	if (ret == 0)
		ret = eng_find(&e, call->argv[0], id, err);
	if (ret == 0)
		ret = eng_record_load(&e, id, &r, err);
	if (ret < 0)
		return ret;
	at.tty = r.tty;
	at.interactive = o->interactive && r.stdin_open;
	ret = cli_attach_check(&at, err);
	return ret < 0 ? ret : cli_attach_start(&e, id, &at, false, &call->status, err);
}

/* Those that are to be there once the host has booted. */
static int start_all(struct cli_call *call, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;
	int ret = cli_ctr_engine(call, &e, err);

	if (call->argc)
		return cs_err_set(err, EINVAL,
				  "option --autostart and containers exclude each other");
	if (ret == 0)
		ret = eng_autostart_list(&e, &ids, err);
	if (ret == 0)
		cli_ctr_ids(&e, &ids, CLI_CTR_ECHO | CLI_CTR_MISSING_OK, start_one, NULL, err);
	return -err->code;
}

static int start_run(struct cli_call *call, struct cs_err *err)
{
	const struct start_opts *o = call->opts;

	if (o->autostart && (o->attach || o->interactive))
		return cs_err_set(err, EINVAL,
				  "option --autostart: not with --attach or --interactive");
	if (o->filter.n && (o->autostart || o->attach || o->interactive))
		return cs_err_set(err, EINVAL,
				  "option --filter: not with --autostart, --attach or "
				  "--interactive");
	if (o->autostart)
		return start_all(call, err);
	if (o->attach || o->interactive)
		return start_attached(call, o, err);
	return cli_ctr_each(call, false, &o->filter, CLI_CTR_ECHO, start_one, NULL, err);
}

const struct cli_cmd cli_cmd_start = {
	.name = "start",
	.synopsis = "[OPTION...] [CONTAINER...]",
	.help = "start containers that do not run",
	.opts = CLI_OPTS(start_optv),
	.opts_size = sizeof(struct start_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = start_run,
};
