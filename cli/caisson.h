#ifndef CS_CLI_CAISSON_H
#define CS_CLI_CAISSON_H

#include <stdbool.h>

#include "cli/cmd.h"
#include "cli/opt.h"

/* The user's command line: docker's grammar. */

/* Exit status when caisson itself fails, as docker and podman have it. */
enum { CAISSON_FAILED = 125 };

/* The global options. */
struct caisson_global {
	const char *root;
	const char *state;
	bool debug;
	bool version;
	bool dump_options;
};

/* The lists of runtime/ns/early.h: of the commands those that are sealed, of the global options
 * those that take a value. */
#define CAISSON_EARLY_COMMANDS "exec\0"
#define CAISSON_EARLY_OPTIONS "--root\0--state\0"

/* Where caisson keeps things; absolute paths. The folders need not exist yet. */
struct caisson_dirs {
	const char *root;  /* what lasts: images, networks, volumes, containers */
	const char *state; /* what is gone at reboot: locks, mounts, sockets */
};

extern const struct cli_prog cli_caisson_prog;

extern const struct cli_cmd cli_cmd_attach;
extern const struct cli_cmd cli_cmd_build;
extern const struct cli_cmd cli_cmd_check;
extern const struct cli_cmd cli_cmd_checkpoint;
extern const struct cli_cmd cli_cmd_commit;
extern const struct cli_cmd cli_cmd_completion;
extern const struct cli_cmd cli_cmd_container_prune;
extern const struct cli_cmd cli_cmd_cp;
extern const struct cli_cmd cli_cmd_create;
extern const struct cli_cmd cli_cmd_diff;
extern const struct cli_cmd cli_cmd_events;
extern const struct cli_cmd cli_cmd_exec;
extern const struct cli_cmd cli_cmd_export;
extern const struct cli_cmd cli_cmd_healthcheck;
extern const struct cli_cmd cli_cmd_help;
extern const struct cli_cmd cli_cmd_history;
extern const struct cli_cmd cli_cmd_image_history;
extern const struct cli_cmd cli_cmd_image_import;
extern const struct cli_cmd cli_cmd_image_inspect;
extern const struct cli_cmd cli_cmd_image_load;
extern const struct cli_cmd cli_cmd_image_ls;
extern const struct cli_cmd cli_cmd_image_mount;
extern const struct cli_cmd cli_cmd_image_prune;
extern const struct cli_cmd cli_cmd_image_pull;
extern const struct cli_cmd cli_cmd_image_push;
extern const struct cli_cmd cli_cmd_image_rm;
extern const struct cli_cmd cli_cmd_image_save;
extern const struct cli_cmd cli_cmd_image_tag;
extern const struct cli_cmd cli_cmd_image_unmount;
extern const struct cli_cmd cli_cmd_image_untag;
extern const struct cli_cmd cli_cmd_image_verify;
extern const struct cli_cmd cli_cmd_images;
extern const struct cli_cmd cli_cmd_import;
extern const struct cli_cmd cli_cmd_info;
extern const struct cli_cmd cli_cmd_inspect;
extern const struct cli_cmd cli_cmd_kill;
extern const struct cli_cmd cli_cmd_load;
extern const struct cli_cmd cli_cmd_login;
extern const struct cli_cmd cli_cmd_logout;
extern const struct cli_cmd cli_cmd_logs;
extern const struct cli_cmd cli_cmd_network_attach;
extern const struct cli_cmd cli_cmd_network_connect;
extern const struct cli_cmd cli_cmd_network_create;
extern const struct cli_cmd cli_cmd_network_detach;
extern const struct cli_cmd cli_cmd_network_disconnect;
extern const struct cli_cmd cli_cmd_network_inspect;
extern const struct cli_cmd cli_cmd_network_leases;
extern const struct cli_cmd cli_cmd_network_ls;
extern const struct cli_cmd cli_cmd_network_prune;
extern const struct cli_cmd cli_cmd_network_reload;
extern const struct cli_cmd cli_cmd_network_rm;
extern const struct cli_cmd cli_cmd_pause;
extern const struct cli_cmd cli_cmd_port;
extern const struct cli_cmd cli_cmd_ps;
extern const struct cli_cmd cli_cmd_pull;
extern const struct cli_cmd cli_cmd_push;
extern const struct cli_cmd cli_cmd_rename;
extern const struct cli_cmd cli_cmd_restart;
extern const struct cli_cmd cli_cmd_restore;
extern const struct cli_cmd cli_cmd_rm;
extern const struct cli_cmd cli_cmd_rmi;
extern const struct cli_cmd cli_cmd_run;
extern const struct cli_cmd cli_cmd_save;
extern const struct cli_cmd cli_cmd_search;
extern const struct cli_cmd cli_cmd_secret;
extern const struct cli_cmd cli_cmd_start;
extern const struct cli_cmd cli_cmd_stats;
extern const struct cli_cmd cli_cmd_stop;
extern const struct cli_cmd cli_cmd_system_check;
extern const struct cli_cmd cli_cmd_system_df;
extern const struct cli_cmd cli_cmd_system_info;
extern const struct cli_cmd cli_cmd_system_prune;
extern const struct cli_cmd cli_cmd_system_reset;
extern const struct cli_cmd cli_cmd_tag;
extern const struct cli_cmd cli_cmd_top;
extern const struct cli_cmd cli_cmd_unpause;
extern const struct cli_cmd cli_cmd_untag;
extern const struct cli_cmd cli_cmd_update;
extern const struct cli_cmd cli_cmd_version;
extern const struct cli_cmd cli_cmd_volume_create;
extern const struct cli_cmd cli_cmd_volume_inspect;
extern const struct cli_cmd cli_cmd_volume_ls;
extern const struct cli_cmd cli_cmd_volume_prune;
extern const struct cli_cmd cli_cmd_volume_rm;
extern const struct cli_cmd cli_cmd_wait;

#endif
