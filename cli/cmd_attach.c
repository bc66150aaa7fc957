#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/attach.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/record.h"
#include "engine/status.h"
#include "engine/store.h"

struct attach_opts {
	const char *detach_keys, *sig_proxy;
	bool no_stdin;
};

static const struct cli_opt attach_optv[] = {
	CLI_STR(struct attach_opts, detach_keys, "detach-keys", 0, "KEYS",
		"what detaches from a terminal (default: ctrl-p,ctrl-q)"),
	CLI_BOOL(struct attach_opts, no_stdin, "no-stdin", 0, "give it no input"),
	CLI_STR(struct attach_opts, sig_proxy, "sig-proxy", 0, "BOOL",
		"pass signals on (default: true)"),
};

static int check_status(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;
	int ret = eng_status_get(e, r->id, &st, err);

	if (ret < 0)
		return ret;
	if (st.state == ENG_PAUSED)
		return cs_err_set(err, EBUSY, "container %s is paused: unpause it first", r->name);
	if (st.state != ENG_RUNNING && st.state != ENG_RESTARTING && st.state != ENG_STARTING)
		return cs_err_set(err, EBUSY,
				  "container %s does not run: start it first (start -a)", r->name);
	return eng_status_reach(e, r->id, r->name, &st, err);
}

/* It ended without telling us, or before we came: its status says how. */
static int last_words(const struct eng *e, const struct eng_record *r, int *exit_code,
		      struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT;

	if (eng_status_load(e, r->id, &st, &why) < 0 || st.state != ENG_EXITED)
		return -err->code;
	cs_err_clear(err);
	*exit_code = st.exit_code;
	return 0;
}

static int attach(const struct eng *e, const struct eng_record *r, struct eng_attach_opts *ao,
		  int *status, struct cs_err *err)
{
	cs_auto_fd int sock = eng_attach_connect(e, r->id, err);
	int ret, code = 0;

	if (sock < 0)
		return sock;
	eng_event(e, "attach", r, NULL, NULL);
	ret = eng_attach(e, r->id, sock, ao, &code, err);
	if (ret == -EPIPE)
		ret = last_words(e, r, &code, err);
	if (ret == 1)
		eng_event(e, "detach", r, NULL, NULL);
	if (ret >= 0)
		*status = code;
	return ret < 0 ? ret : 0;
}

static int attach_run(struct cli_call *call, struct cs_err *err)
{
	const struct attach_opts *o = call->opts;
	struct eng_attach_opts ao = { .want = ENG_WANT_STDOUT | ENG_WANT_STDERR,
				      .detach_keys =
					      o->detach_keys ? o->detach_keys : "ctrl-p,ctrl-q",
				      .in = STDIN_FILENO,
				      .out = STDOUT_FILENO,
				      .err = STDERR_FILENO };
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	eng_auto struct eng e = ENG_INIT;
	char id[ENG_ID_LEN + 1];
	unsigned char keys[16];
	int ret = cli_ctr_switch("sig-proxy", o->sig_proxy, true, &ao.sig_proxy, err);

	if (ret == 0 && eng_detach_keys(ao.detach_keys, keys, sizeof(keys), err) < 0)
		ret = cs_err_wrap(err, "option --detach-keys");
	if (ret == 0)
		ret = cli_ctr_engine(call, &e, err);
	if (ret == 0)
		ret = eng_find(&e, call->argv[0], id, err);
	if (ret == 0)
		ret = eng_record_load(&e, id, &r, err);
	if (ret == 0)
		ret = check_status(&e, &r, err);
	if (ret < 0)
		return ret;
	ao.tty = r.tty;
	if (r.stdin_open && !o->no_stdin)
		ao.want |= ENG_WANT_STDIN;
	return attach(&e, &r, &ao, &call->status, err);
}

const struct cli_cmd cli_cmd_attach = {
	.name = "attach",
	.synopsis = "[OPTION...] CONTAINER",
	.help = "connect to a running container's input and output",
	.opts = CLI_OPTS(attach_optv),
	.opts_size = sizeof(struct attach_opts),
	.min_args = 1,
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = attach_run,
};
