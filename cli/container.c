#include "cli/container.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/ctrview.h"
#include "cli/out.h"
#include "cli/value.h"
#include "engine/attach.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/store.h"

int cli_ctr_engine(const struct cli_call *call, struct eng *out, struct cs_err *err)
{
	return eng_open(out, call->dirs->root, call->dirs->state, err);
}

/* One that fails does not keep the others from their turn. */
static void one(const struct eng *e, const char *text, unsigned int how, cli_ctr_fn fn,
		const void *arg, struct cs_err *last)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	char id[ENG_ID_LEN + 1];
	int ret = eng_find(e, text, id, &err);

	if (ret == 0)
		ret = fn(e, id, arg, &err);
	if (ret == 0 && (how & CLI_CTR_ECHO)) {
		cs_buf_addf(&b, "%s\n", text);
		ret = cli_out(&b, &err);
	}
	if (ret == 0 || (ret == -ENOENT && (how & CLI_CTR_MISSING_OK)))
		return;
	if (last->code)
		cs_log(CS_LOG_ERROR, "%s", last->msg);
	*last = err;
}

void cli_ctr_ids(const struct eng *e, const struct eng_ids *ids, unsigned int how, cli_ctr_fn fn,
		 const void *arg, struct cs_err *err)
{
	for (size_t i = 0; i < ids->n; i++)
		one(e, ids->v[i], how, fn, arg, err);
}

static bool has(const struct cli_cmd *cmd, const char *option)
{
	for (size_t i = 0; i < cmd->opts.n; i++)
		if (strcmp(cmd->opts.v[i].name, option) == 0)
			return true;
	return false;
}

/* Leaves in @ids those that pass; one that is gone or damaged does not. */
static int pick(const struct eng *e, const struct cli_strv *filter, struct eng_ids *ids,
		struct cs_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < ids->n; i++) {
		cli_auto_ctr struct cli_ctr c = CLI_CTR_INIT;
		struct cs_err why = CS_ERR_INIT;
		int ret = eng_glance(e, ids->v[i], true, &c.r, &c.st, &why);

		if (ret < 0 && ret != -ENOENT)
			cs_log(CS_LOG_WARN, "%s", why.msg);
		ret = ret < 0 ? 0 : cli_ctr_filter(e, filter, &c, err);
		if (ret < 0)
			return ret;
		if (ret > 0)
			memmove(ids->v[n++], ids->v[i], sizeof(ids->v[0]));
	}
	ids->n = n;
	return 0;
}

static int check_who(const struct cli_call *call, bool all, const struct cli_strv *filter,
		     struct cs_err *err)
{
	bool filters = filter && filter->n;

	if (filters && cli_ctr_filter_check(filter, err) < 0)
		return -err->code;
	if ((all || filters) && call->argc > 0)
		return cs_err_set(err, EINVAL, "--%s and containers exclude each other",
				  all ? "all" : "filter");
	if (!all && !filters && call->argc == 0)
		return cs_err_set(err, EINVAL, "%s: a container is missing%s", call->cmd->name,
				  has(call->cmd, "all")	     ? " (or --all)"
				  : has(call->cmd, "filter") ? " (or --filter)"
							     : "");
	return 0;
}

int cli_ctr_each(const struct cli_call *call, bool all, const struct cli_strv *filter,
		 unsigned int how, cli_ctr_fn fn, const void *arg, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;
	bool filters = filter && filter->n;
	int ret = check_who(call, all, filter, err);

	if (ret == 0)
		ret = cli_ctr_engine(call, &e, err);
	if (ret == 0 && (all || filters))
		ret = eng_list(&e, &ids, err);
	if (ret == 0 && filters)
		ret = pick(&e, filter, &ids, err);
	if (ret < 0)
		return ret;
	/* what a killed command left is no container, and one may go meanwhile */
	cli_ctr_ids(&e, &ids, how | CLI_CTR_MISSING_OK, fn, arg, err);
	for (size_t i = 0; i < call->argc; i++)
		one(&e, call->argv[i], how, fn, arg, err);
	return -err->code;
}

int cli_ctr_switch(const char *option, const char *text, bool fallback, bool *out,
		   struct cs_err *err)
{
	*out = fallback;
	if (text && cli_value_bool(text, out) < 0)
		return cs_err_set(err, EINVAL, "option --%s: \"%s\" is not true or false", option,
				  text);
	return 0;
}

int cli_attach_check(const struct cli_attach_opts *o, struct cs_err *err)
{
	unsigned char keys[16];

	if (o->detach_keys && eng_detach_keys(o->detach_keys, keys, sizeof(keys), err) < 0)
		return cs_err_wrap(err, "option --detach-keys");
	if (o->tty && o->interactive && !isatty(STDIN_FILENO))
		return cs_err_set(err, ENOTTY,
				  "options -i and -t: stdin is not a terminal: leave out -t");
	return 0;
}

static unsigned int wants(const struct cli_attach_opts *o)
{
	unsigned int want = 0;

	if (!o->attach || o->attach->n == 0)
		want = ENG_WANT_STDOUT | ENG_WANT_STDERR;
	for (size_t i = 0; o->attach && i < o->attach->n; i++)
		want |= strcmp(o->attach->v[i], "stdin") == 0	 ? (unsigned int)ENG_WANT_STDIN
			: strcmp(o->attach->v[i], "stdout") == 0 ? (unsigned int)ENG_WANT_STDOUT
								 : (unsigned int)ENG_WANT_STDERR;
	if (o->interactive && (!o->attach || o->attach->n == 0))
		want |= ENG_WANT_STDIN;
	return want;
}

int cli_attach_start(const struct eng *e, const char *id, const struct cli_attach_opts *o, bool rm,
		     int *status, struct cs_err *err)
{
	struct eng_attach_opts to = { .want = wants(o),
				      .tty = o->tty,
				      .sig_proxy = o->sig_proxy,
				      .detach_keys =
					      o->detach_keys ? o->detach_keys : "ctrl-p,ctrl-q",
				      .greeted = true,
				      .in = STDIN_FILENO,
				      .out = STDOUT_FILENO,
				      .err = STDERR_FILENO };
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int mine = -EBADF;
	sigset_t before;
	int sv[2], ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return cs_err_sys(err, "socket to the monitor");
	mine = sv[0];
	ret = eng_attach_hello(mine, &to, err);
	if (ret < 0) {
		close(sv[1]);
		return ret;
	}
	sigprocmask(SIG_BLOCK, NULL, &before);
	ret = eng_start(e, id, sv[1], &before, status, err);
	if (ret == 0)
		ret = eng_attach(e, id, mine, &to, status, err);
	else if (rm && eng_remove(e, id, true, true, &why) < 0)
		cs_log(CS_LOG_WARN, "%s", why.msg);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (ret == 1) /* detached */
		*status = 0;
	return ret < 0 ? ret : 0;
}
