#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/relay.h"
#include "engine/attach.h"
#include "engine/engine.h"
#include "engine/envfile.h"
#include "engine/events.h"
#include "engine/record.h"
#include "engine/status.h"
#include "engine/store.h"
#include "engine/strv.h"
#include "engine/user.h"
#include "runtime/container.h"
#include "runtime/ns/tty.h"

struct exec_opts {
	bool detach, interactive, privileged, tty;
	struct cli_strv env, env_file;
	const char *user, *workdir, *detach_keys;
};

static const struct cli_opt exec_optv[] = {
	CLI_BOOL(struct exec_opts, detach, "detach", 'd', "return once it runs"),
	CLI_STR(struct exec_opts, detach_keys, "detach-keys", 0, "KEYS",
		"what leaves it running, in a terminal (default: ctrl-p,ctrl-q)"),
	CLI_STRV(struct exec_opts, env, "env", 'e', "NAME[=VALUE]", "an environment variable"),
	CLI_STRV(struct exec_opts, env_file, "env-file", 0, "FILE", "a file of them, one a line"),
	CLI_BOOL(struct exec_opts, interactive, "interactive", 'i', "give it our stdin"),
	CLI_BOOL(struct exec_opts, privileged, "privileged", 0, "every capability"),
	CLI_BOOL(struct exec_opts, tty, "tty", 't', "give it a terminal"),
	CLI_STR(struct exec_opts, user, "user", 'u', "USER[:GROUP]",
		"names or numbers (default: the container's)"),
	CLI_STR(struct exec_opts, workdir, "workdir", 'w', "DIR",
		"working folder inside (default: the container's)"),
};

/* Everything exec is told, and what it lives in. */
struct plan {
	struct ctr_exec_opts to;
	struct eng_detach detach;
	struct eng_user user; /* owned */
	char user_text[32];
	const char *caps[64];
	char cap_names[64][24];
};

static int set_user(const struct eng *e, const struct exec_opts *o, const struct eng_record *r,
		    struct plan *p, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;
	char path[PATH_MAX];

	if (!o->user)
		return 0;
	if (cs_str_fmt(path, sizeof(path), err, "%s/containers/%s/rootfs", e->state, r->id) < 0)
		return -err->code;
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return cs_err_sys(err, "open the root filesystem of container %s", r->name);
	if (eng_user_find(root, o->user, &r->group_add, &p->user, err) < 0)
		return cs_err_wrap(err, "option --user");
	snprintf(p->user_text, sizeof(p->user_text), "%u:%u", p->user.uid, p->user.gid);
	p->to.user = p->user_text;
	p->to.additional_gids = p->user.groups;
	p->to.n_additional_gids = p->user.n_groups;
	return 0;
}

static int set_env(const struct exec_opts *o, struct cs_arena *a, struct plan *p,
		   struct cs_err *err)
{
	struct eng_strv env = { 0 };
	int ret = 0;

	if (o->tty)
		ret = eng_strv_add(a, &env, "TERM=xterm", err);
	for (size_t i = 0; i < o->env_file.n && ret == 0; i++)
		ret = eng_envfile_read(a, o->env_file.v[i], true, &env, err);
	for (size_t i = 0; i < o->env.n && ret == 0; i++)
		ret = eng_env_add(a, o->env.v[i], &env, err);
	p->to.env = env.v;
	return ret;
}

static void set_caps(struct plan *p)
{
	size_t n = 0;

	for (int cap = 0; n + 1 < CS_LEN(p->caps) && ctr_spec_cap_name(cap); cap++) {
		snprintf(p->cap_names[n], sizeof(p->cap_names[n]), "%s", ctr_spec_cap_name(cap));
		p->caps[n] = p->cap_names[n];
		n++;
	}
	p->to.caps = p->caps;
}

/* A ctr_tty_input_fn. */
static size_t look_at(const char *in, size_t len, char *out, bool *detach, void *arg)
{
	_Static_assert((int)ENG_DETACH_MAX <= (int)CTR_TTY_INPUT_MORE, "what is held back fits");
	return eng_detach_filter(arg, in, len, out, detach);
}

static int run(struct cli_call *call, const struct eng *e, const struct eng_record *r,
	       struct cs_arena *a, struct plan *p, struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = r->isolation };
	struct cli_relay relay = CLI_RELAY_INIT;
	const struct exec_opts *o = call->opts;
	int ret;

	p->to.argv = (const char *const *)call->argv + 1;
	p->to.cwd = o->workdir;
	p->to.tty = o->tty && !o->detach;
	if (o->interactive) {
		p->to.on_input = look_at;
		p->to.input_arg = &p->detach;
	}
	p->to.detach = o->detach;
	if (o->privileged)
		set_caps(p);
	ret = set_user(e, o, r, p, err);
	if (ret == 0)
		ret = set_env(o, a, p, err);
	if (ret == 0 && o->detach)
		ret = cli_relay_null(err);
	else if (ret == 0 && !o->tty)
		ret = cli_relay_start(o->interactive, &relay, err);
	if (ret < 0)
		return ret;
	eng_event(e, "exec_start", r, NULL, NULL);
	ret = ctr_exec(&rt, r->id, &p->to, &call->status, err);
	cli_relay_end(&relay);
	return ret;
}

static int exec_run(struct cli_call *call, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct plan p = { .user = ENG_USER_INIT };
	struct eng_status st = ENG_STATUS_INIT;
	const struct exec_opts *o = call->opts;
	eng_auto struct eng e = ENG_INIT;
	char id[ENG_ID_LEN + 1];
	struct cs_arena *a;
	int ret;

	ret = eng_detach_keys(o->detach_keys ? o->detach_keys : "ctrl-p,ctrl-q", p.detach.keys,
			      sizeof(p.detach.keys), err);
	if (ret < 0)
		return cs_err_wrap(err, "option --detach-keys");
	p.detach.n = (size_t)ret;
	if (o->tty && o->interactive && !isatty(STDIN_FILENO))
		return cs_err_set(err, ENOTTY,
				  "options -i and -t: stdin is not a terminal: leave out -t");
	if (cli_ctr_engine(call, &e, err) < 0 || eng_find(&e, call->argv[0], id, err) < 0 ||
	    eng_record_load(&e, id, &r, err) < 0 || eng_status_glance(&e, id, &st, err) < 0 ||
	    eng_status_reach(&e, id, r.name, &st, err) < 0)
		return -err->code;
	if (st.state != ENG_RUNNING)
		return cs_err_set(err, EBUSY, "container %s is %s, not running%s", r.name,
				  eng_state_name(st.state),
				  st.state == ENG_PAUSED ? ": unpause it first" : "");
	a = cs_arena_new(0);
	if (!a)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = run(call, &e, &r, a, &p, err);
	eng_user_fini(&p.user);
	cs_arena_free(a);
	return ret;
}

const struct cli_cmd cli_cmd_exec = {
	.name = "exec",
	.synopsis = "[OPTION...] CONTAINER COMMAND [ARGUMENT...]",
	.help = "run another command in a container that runs",
	.text = "The exit status is the command's, 128 + N if signal N ended it; 127 if it was "
		"not\n"
		"found, 126 if it cannot be executed, 125 if caisson itself failed.\n",
	.opts = CLI_OPTS(exec_optv),
	.opts_size = sizeof(struct exec_opts),
	.min_args = 2,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
	.seal = true,
	.fail_status = CAISSON_FAILED,
	.run = exec_run,
};
