#ifndef CS_CLI_OCI_H
#define CS_CLI_OCI_H

#include "cli/cmd.h"
#include "cli/opt.h"

struct cs_err;
struct cs_jw;

/* The version of the OCI runtime-spec this is written for. */
#define CLI_OCI_SPEC_VERSION "1.3.0"

/* The OCI runtime's command line (caisson-oci, and caisson-vm): runc's commands and flags. */

/* The global options. */
struct oci_global {
	const char *root;
	const char *log;
	const char *log_format;
	const char *rootless;
	const char *isolation;
	const char *criu;
	bool debug;
	bool systemd_cgroup;
	bool version;
	bool dump_options;
};

/* The lists of runtime/ns/early.h: of the commands those that are sealed, of the global options
 * those that take a value. */
#define OCI_EARLY_COMMANDS "create\0exec\0run\0"
#define OCI_EARLY_OPTIONS "--criu\0--isolation\0--log\0--log-format\0--root\0--rootless\0"

extern const struct cli_prog cli_oci_prog;

extern const struct cli_cmd cli_oci_checkpoint;
extern const struct cli_cmd cli_oci_create;
extern const struct cli_cmd cli_oci_delete;
extern const struct cli_cmd cli_oci_events;
extern const struct cli_cmd cli_oci_exec;
extern const struct cli_cmd cli_oci_features;
extern const struct cli_cmd cli_oci_help;
extern const struct cli_cmd cli_oci_kill;
extern const struct cli_cmd cli_oci_list;
extern const struct cli_cmd cli_oci_pause;
extern const struct cli_cmd cli_oci_ps;
extern const struct cli_cmd cli_oci_restore;
extern const struct cli_cmd cli_oci_resume;
extern const struct cli_cmd cli_oci_run;
extern const struct cli_cmd cli_oci_spec;
extern const struct cli_cmd cli_oci_start;
extern const struct cli_cmd cli_oci_state;
extern const struct cli_cmd cli_oci_update;

/* Rows that create and run share, into a struct ctr_create_opts. */
#define OCI_CREATE_OPTS                                                                            \
	CLI_STR(struct ctr_create_opts, bundle, "bundle", 'b', "DIR",                              \
		"folder of the bundle (default: the working folder)"),                             \
		CLI_STR(struct ctr_create_opts, config, "config", 'f', "FILE",                     \
			"configuration to use instead of the bundle's config.json"),               \
		CLI_STR(struct ctr_create_opts, console_socket, "console-socket", 0, "SOCKET",     \
			"Unix socket that gets the terminal's master end"),                        \
		CLI_STR(struct ctr_create_opts, pidfd_socket, "pidfd-socket", 0, "SOCKET",         \
			"Unix socket that gets a pidfd of the container's first process"),         \
		CLI_STR(struct ctr_create_opts, pid_file, "pid-file", 0, "FILE",                   \
			"file to write the pid of the container's first process to"),              \
		CLI_BOOL(struct ctr_create_opts, no_pivot, "no-pivot", 0,                          \
			 "move the root mount instead of pivot_root(2), for a root on a ramdisk"), \
		CLI_BOOL(struct ctr_create_opts, no_new_keyring, "no-new-keyring", 0,              \
			 "keep the caller's session keyring"),                                     \
		CLI_UINT(struct ctr_create_opts, preserve_fds, "preserve-fds", 0, "N",             \
			 "pass N more file descriptors, from 3 on (LISTEN_FDS come on top)")

/* Runs @fn for every container whose id matches the extended regular expression @pattern. Goes on
 * after a failure, logs it, and fails at the end. */
int cli_oci_each_match(const struct cli_call *call, const char *pattern,
		       int (*fn)(const struct cli_call *call, const char *id, struct cs_err *err),
		       struct cs_err *err);

/* The Features Document, a whole JSON object. */
void cli_oci_features_put(struct cs_jw *w);

/* The text of `spec`; the caller frees *@text. */
int cli_oci_spec_text(char **text, size_t *len, struct cs_err *err);

#endif
