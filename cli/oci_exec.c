#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/oci.h"
#include "runtime/container.h"

struct exec_opts {
	struct ctr_exec_opts to;
	struct cli_strv additional_gids;
	struct cli_strv caps;
	struct cli_strv cgroups;
	struct cli_strv env;
	bool no_new_privs;
};

static const struct cli_opt exec_optv[] = {
	CLI_STRV(struct exec_opts, additional_gids, "additional-gids", 'g', "GID",
		 "add a supplementary group"),
	CLI_STR(struct exec_opts, to.apparmor, "apparmor", 0, "PROFILE",
		"AppArmor profile of the process"),
	CLI_STRV(struct exec_opts, caps, "cap", 'c', "CAP", "add a capability"),
	CLI_STRV(struct exec_opts, cgroups, "cgroup", 0, "[CONTROLLER:]PATH",
		 "run in an existing cgroup below the container's"),
	CLI_STR(struct exec_opts, to.console_socket, "console-socket", 0, "SOCKET",
		"Unix socket that gets the terminal's master end"),
	CLI_STR(struct exec_opts, to.cwd, "cwd", 0, "DIR", "working folder inside the container"),
	CLI_BOOL(struct exec_opts, to.detach, "detach", 'd', "return once the process runs"),
	CLI_STRV(struct exec_opts, env, "env", 'e', "NAME=VALUE", "add an environment variable"),
	CLI_BOOL(struct exec_opts, to.ignore_paused, "ignore-paused", 0,
		 "also in a paused container, where the process runs once it is resumed"),
	CLI_BOOL(struct exec_opts, no_new_privs, "no-new-privs", 0,
		 "set no_new_privs (prctl(2)) for the process"),
	CLI_STR(struct exec_opts, to.pid_file, "pid-file", 0, "FILE",
		"file to write the process's pid to"),
	CLI_STR(struct exec_opts, to.pidfd_socket, "pidfd-socket", 0, "SOCKET",
		"Unix socket that gets a pidfd of the process"),
	CLI_UINT(struct exec_opts, to.preserve_fds, "preserve-fds", 0, "N",
		 "pass N more file descriptors, from 3 on (LISTEN_FDS come on top)"),
	CLI_STR(struct exec_opts, to.process_file, "process", 'p', "FILE",
		"file with the process as a JSON object, instead of COMMAND"),
	CLI_STR(struct exec_opts, to.process_label, "process-label", 0, "LABEL",
		"SELinux label of the process"),
	CLI_BOOL(struct exec_opts, to.tty, "tty", 't', "give it a terminal"),
	CLI_STR(struct exec_opts, to.user, "user", 'u', "UID[:GID]", "user (and group) to run as"),
};

static int parse_gids(const struct cli_strv *sv, gid_t **out, struct cs_err *err)
{
	cs_auto_free gid_t *gids = calloc(sv->n + 1, sizeof(*gids));

	if (!gids)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < sv->n; i++) {
		uint64_t v;

		/* (gid_t)-1 means "no change" to the kernel */
		if (cs_str_u64(sv->v[i], &v) < 0 || v >= UINT32_MAX)
			return cs_err_set(err, EINVAL,
					  "option --additional-gids: \"%s\" is not a group id",
					  sv->v[i]);
		gids[i] = (gid_t)v;
	}
	*out = cs_take_ptr(&gids);
	return 0;
}

static int exec_run(struct cli_call *call, struct cs_err *err)
{
	const struct exec_opts *o = call->opts;
	struct ctr_exec_opts to = o->to;
	cs_auto_free gid_t *gids = NULL;
	int ret;

	if (to.process_file && call->argc > 1)
		return cs_err_set(err, EINVAL, "exec: --process and a COMMAND exclude each other");
	if (!to.process_file && call->argc < 2)
		return cs_err_set(err, EINVAL, "exec: COMMAND is missing (or --process FILE)");
	ret = parse_gids(&o->additional_gids, &gids, err);
	if (ret < 0)
		return ret;
	if (!to.process_file)
		to.argv = (const char *const *)call->argv + 1;
	to.env = o->env.v;
	to.caps = o->caps.v;
	to.cgroups = o->cgroups.v;
	to.additional_gids = gids;
	to.n_additional_gids = o->additional_gids.n;
	to.no_new_privs = o->no_new_privs;
	return ctr_exec(call->rt, call->argv[0], &to, &call->status, err);
}

const struct cli_cmd cli_oci_exec = {
	.name = "exec",
	.synopsis = "[OPTION...] ID COMMAND [ARGUMENT...]",
	.help = "run another process in a container",
	.text = "The exit status is the process's, 128 + N if signal N ended it; 127 if its "
		"program\n"
		"was not found, 126 if it cannot be executed, 255 for any other failure.\n",
	.opts = CLI_OPTS(exec_optv),
	.opts_size = sizeof(struct exec_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
	.seal = true,
	.fail_status = 255,
	.run = exec_run,
};
