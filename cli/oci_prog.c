#include "base/cleanup.h"
#include "cli/oci.h"

/* An option that --help does not show. */
#define HIDDEN(kind, want, field, optname, argname, text)                                         \
	{                                                                                         \
		.name = (optname), .hidden = true, .type = (kind),                                \
		.off = CLI_OFF(struct oci_global, field, want), .arg = (argname), .help = (text), \
	}

static const struct cli_opt global_opts[] = {
	HIDDEN(CLI_OPT_STR, const char *, criu, "criu", "PROGRAM",
	       "has no effect, for callers that still give it"),
	CLI_BOOL(struct oci_global, debug, "debug", 0, "log what is of use to find faults"),
	HIDDEN(CLI_OPT_BOOL, bool, dump_options, "dump-options", NULL,
	       "list every option of every command for a program to read"),
	HIDDEN(CLI_OPT_STR, const char *, isolation, "isolation", "WALL",
	       "wall of new containers, \"container\" or \"vm\""),
	CLI_STR(struct oci_global, log, "log", 0, "FILE",
		"file to append messages to (default: standard error)"),
	CLI_STR(struct oci_global, log_format, "log-format", 0, "FORMAT",
		"\"text\" (default) or \"json\""),
	CLI_STR(struct oci_global, root, "root", 0, "DIR",
		"folder of the containers' states (default: /run/caisson)"),
	CLI_STR(struct oci_global, rootless, "rootless", 0, "MODE",
		"\"auto\" (default) or \"false\"; \"true\" is not supported yet"),
	CLI_BOOL(struct oci_global, systemd_cgroup, "systemd-cgroup", 0,
		 "let systemd make the cgroups; not supported yet"),
	CLI_BOOL(struct oci_global, version, "version", 'v', "show the version"),
};

static const struct cli_cmd *const commands[] = {
	&cli_oci_checkpoint, &cli_oci_create,  &cli_oci_delete, &cli_oci_events, &cli_oci_exec,
	&cli_oci_features,   &cli_oci_help,    &cli_oci_kill,	&cli_oci_list,	 &cli_oci_pause,
	&cli_oci_ps,	     &cli_oci_restore, &cli_oci_resume, &cli_oci_run,	 &cli_oci_spec,
	&cli_oci_start,	     &cli_oci_state,   &cli_oci_update,
};

const struct cli_prog cli_oci_prog = {
	.name = "caisson-oci",
	.help = "run OCI containers, for container engines",
	.opts = CLI_OPTS(global_opts),
	.cmds = commands,
	.n_cmds = CS_LEN(commands),
};
