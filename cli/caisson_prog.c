#include "base/cleanup.h"
#include "cli/caisson.h"

static const struct cli_opt global_opts[] = {
	CLI_BOOL(struct caisson_global, debug, "debug", 'D', "log what is of use to find faults"),
	{
		.name = "dump-options",
		.hidden = true,
		.type = CLI_OPT_BOOL,
		.off = CLI_OFF(struct caisson_global, dump_options, bool),
		.help = "list every option of every command for a program to read",
	},
	CLI_STR(struct caisson_global, root, "root", 0, "DIR",
		"folder of what lasts (default: /var/lib/caisson)"),
	CLI_STR(struct caisson_global, state, "state", 0, "DIR",
		"folder of what is gone at reboot (default: /run/caisson)"),
	CLI_BOOL(struct caisson_global, version, "version", 'v', "show the version"),
};

/* Sorted by name, as help shows them. */
/* clang-format off */
static const struct cli_cmd *const commands[] = {
	&cli_cmd_help,
	&cli_cmd_history,
	&cli_cmd_image_history,
	&cli_cmd_image_import,
	&cli_cmd_image_inspect,
	&cli_cmd_image_load,
	&cli_cmd_image_ls,
	&cli_cmd_image_mount,
	&cli_cmd_image_prune,
	&cli_cmd_image_pull,
	&cli_cmd_image_push,
	&cli_cmd_image_rm,
	&cli_cmd_image_save,
	&cli_cmd_image_tag,
	&cli_cmd_image_unmount,
	&cli_cmd_image_untag,
	&cli_cmd_image_verify,
	&cli_cmd_images,
	&cli_cmd_import,
	&cli_cmd_load,
	&cli_cmd_login,
	&cli_cmd_logout,
	&cli_cmd_network_attach,
	&cli_cmd_network_connect,
	&cli_cmd_network_create,
	&cli_cmd_network_detach,
	&cli_cmd_network_disconnect,
	&cli_cmd_network_inspect,
	&cli_cmd_network_ls,
	&cli_cmd_network_prune,
	&cli_cmd_network_reload,
	&cli_cmd_network_rm,
	&cli_cmd_pull,
	&cli_cmd_push,
	&cli_cmd_rmi,
	&cli_cmd_save,
	&cli_cmd_tag,
	&cli_cmd_untag,
	&cli_cmd_version,
	&cli_cmd_volume_create,
	&cli_cmd_volume_inspect,
	&cli_cmd_volume_ls,
	&cli_cmd_volume_prune,
	&cli_cmd_volume_rm,
};
/* clang-format on */

/* Sorted by name. */
static const struct cli_group groups[] = {
	{ .name = "image", .help = "images: what is there, where from and where to" },
	{ .name = "network", .help = "networks of containers and machines" },
	{ .name = "volume", .help = "volumes: files that outlive a container" },
};

const struct cli_prog cli_caisson_prog = {
	.name = "caisson",
	.help = "run OCI images as containers and microVMs",
	.opts = CLI_OPTS(global_opts),
	.cmds = commands,
	.n_cmds = CS_LEN(commands),
	.groups = groups,
	.n_groups = CS_LEN(groups),
};
