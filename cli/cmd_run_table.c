#include "base/cleanup.h"
#include "cli/caisson.h"
#include "cli/runopts.h"

#define T struct cli_run_opts

/* Known, and refused by name in cli_run_record(). */
#define REFUSED(i, nm)                                                                    \
	{                                                                                 \
		.name = (nm), .hidden = true, .type = CLI_OPT_STR,                        \
		.off = offsetof(T, refused) + (i) * sizeof(const char *), .arg = "VALUE", \
		.help = "not supported yet",                                              \
	}

/* clang-format off */
#define CREATE_OPTS                                                                              \
	CLI_STRV(T, add_host, "add-host", 0, "NAME:ADDRESS",                                     \
		 "a line of /etc/hosts; the address may be host-gateway"),                       \
	CLI_STRV(T, annotation, "annotation", 0, "KEY=VALUE", "an annotation of the OCI config"),\
	CLI_STR(T, append, "append", 0, "WORDS", "more on the command line of a machine's kernel"), \
	CLI_STRV(T, attach, "attach", 'a', "STREAM", "attach to stdin, stdout or stderr only"),  \
	CLI_NUM(T, blkio_weight, "blkio-weight", 0, 0, "N", "share of block I/O, 10 to 1000"),   \
	CLI_STRV(T, blkio_weight_device, "blkio-weight-device", 0, "PATH:N",                     \
		 "the same for one device"),                                                     \
	CLI_STRV(T, cap_add, "cap-add", 0, "CAP", "add a capability, or ALL"),                   \
	CLI_STRV(T, cap_drop, "cap-drop", 0, "CAP", "drop a capability, or ALL"),                \
	CLI_STR(T, cgroup_parent, "cgroup-parent", 0, "PATH", "cgroup to make its cgroup in"),   \
	CLI_STR(T, cgroupns, "cgroupns", 0, "private|host", "its cgroup namespace"),             \
	CLI_STR(T, cidfile, "cidfile", 0, "FILE", "write the id to a file, which must be new"),  \
	CLI_NUM(T, cpu_period, "cpu-period", 0, 0, "USECS", "period of the CPU quota"),          \
	CLI_NUM(T, cpu_quota, "cpu-quota", 0, -1, "USECS", "CPU time in each period"),           \
	CLI_NUM(T, cpu_shares, "cpu-shares", 'c', 0, "N", "share of CPU time"),                  \
	CLI_STR(T, cpus, "cpus", 0, "N", "number of CPUs' time, such as 1.5"),                   \
	CLI_STR(T, cpuset_cpus, "cpuset-cpus", 0, "LIST", "CPUs it may use: 0-3,7"),             \
	CLI_STR(T, cpuset_mems, "cpuset-mems", 0, "LIST", "memory nodes it may use"),            \
	CLI_STRV(T, device, "device", 0, "HOST[:INSIDE[:rwm]]",                                  \
		 "a device of the host, or VENDOR/CLASS=NAME of CDI"),                           \
	CLI_STRV(T, device_cgroup_rule, "device-cgroup-rule", 0, "RULE",                         \
		 "devices it may use besides: \"c 1:3 rwm\""),                                   \
	CLI_STRV(T, read_bps, "device-read-bps", 0, "PATH:RATE", "bytes a second read"),         \
	CLI_STRV(T, read_iops, "device-read-iops", 0, "PATH:RATE", "reads a second"),            \
	CLI_STRV(T, write_bps, "device-write-bps", 0, "PATH:RATE", "bytes a second written"),    \
	CLI_STRV(T, write_iops, "device-write-iops", 0, "PATH:RATE", "writes a second"),         \
	CLI_STRV(T, dns, "dns", 0, "ADDRESS", "a name server"),                                  \
	CLI_STRV(T, dns_option, "dns-option", 0, "OPTION", "an option of resolv.conf"),          \
	CLI_STRV(T, dns_search, "dns-search", 0, "DOMAIN", "a domain to search names in"),       \
	CLI_STR(T, domainname, "domainname", 0, "NAME", "NIS domain name"),                      \
	CLI_BOOL(T, dry_run, "dry-run", 0,                                                       \
		 "print what would be made, as JSON, and make nothing"),                         \
	CLI_STR(T, entrypoint, "entrypoint", 0, "PROGRAM",                                       \
		"instead of the image's; a JSON array for several words, \"\" for none"),        \
	CLI_STRV(T, env, "env", 'e', "NAME[=VALUE]", "an environment variable"),                 \
	CLI_STRV(T, env_file, "env-file", 0, "FILE", "a file of them, one a line"),              \
	CLI_STRV(T, expose, "expose", 0, "PORT[/PROTO]", "a port it listens on (for -P)"),       \
	CLI_STRV(T, gidmap, "gidmap", 0, "INSIDE:HOST:N", "map group ids"),                      \
	CLI_STRV(T, group_add, "group-add", 0, "GROUP", "one more group of its user"),           \
	CLI_STRV(T, gpus, "gpus", 0, "all|N|device=LIST",                                        \
		 "GPUs: the CDI devices nvidia.com/gpu=all, =0, ..."),                           \
	REFUSED(0, "health-cmd"),                                                                \
	REFUSED(1, "health-interval"),                                                           \
	REFUSED(2, "health-retries"),                                                            \
	REFUSED(4, "health-start-interval"),                                                     \
	REFUSED(5, "health-start-period"),                                                       \
	REFUSED(6, "health-timeout"),                                                            \
	CLI_STR(T, hostname, "hostname", 'h', "NAME", "its host name (default: its short id)"),  \
	CLI_BOOL(T, init, "init", 0, "run a small init as process 1"),                           \
	CLI_STR(T, initrd, "initrd", 0, "FILE", "a machine's, instead of the guest package's"),  \
	CLI_BOOL(T, interactive, "interactive", 'i', "keep stdin open"),                         \
	CLI_STR(T, ip, "ip", 0, "ADDRESS", "its IPv4 address"),                                  \
	CLI_STR(T, ip6, "ip6", 0, "ADDRESS", "its IPv6 address"),                                \
	CLI_STR(T, ipc, "ipc", 0, "MODE", "private, host, or container:NAME"),                   \
	CLI_STR(T, isolation, "isolation", 0, "WALL", "container (default) or vm"),              \
	CLI_STR(T, kernel, "kernel", 0, "FILE", "a machine's, instead of the guest package's"),  \
	CLI_STRV(T, label, "label", 'l', "KEY[=VALUE]", "a label"),                              \
	CLI_STRV(T, label_file, "label-file", 0, "FILE", "a file of them, one a line"),          \
	REFUSED(7, "link"),                                                                      \
	CLI_STR(T, log_driver, "log-driver", 0, "DRIVER", "json-file, k8s-file or none"),        \
	CLI_STRV(T, log_opt, "log-opt", 0, "KEY=VALUE", "max-size, max-file"),                   \
	CLI_STR(T, mac_address, "mac-address", 0, "ADDRESS", "its MAC address"),                 \
	CLI_SIZE(T, memory, "memory", 'm', "BYTES", "memory limit, as 512m or 2g"),              \
	CLI_SIZE(T, memory_reservation, "memory-reservation", 0, "BYTES", "soft memory limit"),  \
	CLI_SIZE(T, memory_swap, "memory-swap", 0, "BYTES", "memory and swap; -1: no limit"),    \
	CLI_NUM(T, memory_swappiness, "memory-swappiness", 0, 0, "N", "0 to 100"),               \
	CLI_STRV(T, mount, "mount", 0, "SPEC", "type=bind|volume|tmpfs,src=...,dst=...,..."),    \
	CLI_STR(T, name, "name", 0, "NAME", "its name (default: one is made up)"),               \
	{ .name = "net", .hidden = true, .type = CLI_OPT_STRV,                                   \
	  .off = CLI_OFF(T, network, struct cli_strv), .arg = "NETWORK",                         \
	  .help = "the same as --network" },                                                     \
	CLI_STRV(T, network, "network", 0, "NETWORK",                                            \
		 "a network's name, none, host, or container:NAME"),                             \
	CLI_STRV(T, network_alias, "network-alias", 0, "NAME", "another name on its network"),   \
	CLI_BOOL(T, oom_kill_disable, "oom-kill-disable", 0, "no OOM killer (cgroup v1)"),       \
	CLI_NUM(T, oom_score_adj, "oom-score-adj", 0, -1000, "N", "-1000 to 1000"),              \
	CLI_STR(T, pid, "pid", 0, "MODE", "private, host, or container:NAME"),                   \
	CLI_STR(T, pidfile, "pidfile", 0, "FILE",                                                \
		"while it runs, a file has its first process's pid"),                            \
	CLI_NUM(T, pids_limit, "pids-limit", 0, -1, "N", "processes (default 2048; -1: any)"),   \
	CLI_STR(T, platform, "platform", 0, "OS/ARCH", "of an image for several"),               \
	CLI_BOOL(T, privileged, "privileged", 0, "every capability and device, nothing masked"), \
	CLI_STR(T, progress, "progress", 0, "auto|tty|plain|json|none", "how a pull is shown"),  \
	CLI_STRV(T, publish, "publish", 'p', "[[HOST:]PORT:]PORT[/PROTO]", "publish a port"),    \
	CLI_BOOL(T, publish_all, "publish-all", 'P', "publish every exposed port"),              \
	CLI_STR(T, pull, "pull", 0, "always|missing|never", "when to pull (default: missing)"),  \
	CLI_BOOL(T, quiet, "quiet", 'q', "no progress of a pull"),                               \
	CLI_BOOL(T, read_only, "read-only", 0, "its root filesystem cannot be written"),         \
	CLI_BOOL(T, replace, "replace", 0, "remove a container that has the name first"),        \
	CLI_STR(T, restart, "restart", 0, "POLICY",                                              \
		"no, on-failure[:N], always or unless-stopped"),                                 \
	CLI_BOOL(T, rm, "rm", 0, "remove it, and its anonymous volumes, when it has ended"),     \
	REFUSED(8, "runtime"),                                                                   \
	REFUSED(3, "secret"),                                                                    \
	CLI_STRV(T, security_opt, "security-opt", 0, "OPTION",                                   \
		 "seccomp=FILE, apparmor=PROFILE, no-new-privileges, ..."),                      \
	CLI_SIZE(T, shm_size, "shm-size", 0, "BYTES", "of /dev/shm (default: 64m)"),             \
	CLI_STR(T, stop_signal, "stop-signal", 0, "SIGNAL", "instead of the image's or TERM"),   \
	CLI_NUM(T, stop_timeout, "stop-timeout", 0, -1, "SECONDS", "until KILL (default: 10)"),  \
	REFUSED(9, "storage-opt"),                                                               \
	CLI_STRV(T, sysctl, "sysctl", 0, "KEY=VALUE", "a kernel parameter of its namespaces"),   \
	CLI_BOOL(T, systemd, "systemd", 0, "a system container: made ready for systemd"),        \
	CLI_NUM(T, timeout, "timeout", 0, 0, "SECONDS", "it is killed after that time"),         \
	CLI_STRV(T, tmpfs, "tmpfs", 0, "PATH[:OPTIONS]", "a tmpfs"),                             \
	CLI_BOOL(T, tty, "tty", 't', "give it a terminal"),                                      \
	CLI_STRV(T, uidmap, "uidmap", 0, "INSIDE:HOST:N", "map user ids"),                       \
	CLI_STRV(T, ulimit, "ulimit", 0, "NAME=SOFT[:HARD]", "a resource limit"),                \
	CLI_STR(T, umask, "umask", 0, "MODE", "its umask (default: 0022)"),                      \
	CLI_STR(T, user, "user", 'u', "USER[:GROUP]", "names or numbers"),                       \
	CLI_STR(T, userns, "userns", 0, "MODE", "host (default), or auto: ids of its own"),      \
	CLI_STR(T, uts, "uts", 0, "MODE", "private or host"),                                    \
	CLI_BOOL(T, vm, "vm", 0, "the same as --isolation=vm"),                                  \
	CLI_STRV(T, volume, "volume", 'v', "[SOURCE:]TARGET[:OPTIONS]",                          \
		 "a folder of the host, or a volume"),                                           \
	REFUSED(10, "volume-driver"),                                                            \
	CLI_STRV(T, volumes_from, "volumes-from", 0, "CONTAINER[:ro]", "another's volumes"),     \
	CLI_STR(T, workdir, "workdir", 'w', "DIR", "working folder inside"),                     \
	CLI_REG_OPTS_RUN(T, reg)
/* clang-format on */

static const struct cli_opt create_optv[] = { CREATE_OPTS };

static const struct cli_opt run_optv[] = {
	CREATE_OPTS,
	CLI_BOOL(T, detach, "detach", 'd', "print its id and return once it runs"),
	CLI_STR(T, detach_keys, "detach-keys", 0, "KEYS",
		"keys that leave it running (default: ctrl-p,ctrl-q)"),
	CLI_STR(T, sig_proxy, "sig-proxy", 0, "true|false", "pass signals on (default: true)"),
};

#define STATUS_TEXT                                                                              \
	"The image is pulled if it is not there. What follows its name is the command, or the\n" \
	"arguments of the image's entrypoint.\n"

const struct cli_cmd cli_cmd_create = {
	.name = "create",
	.synopsis = "[OPTION...] IMAGE [COMMAND [ARGUMENT...]]",
	.help = "create a container without starting it",
	.text = STATUS_TEXT,
	.opts = CLI_OPTS(create_optv),
	.opts_size = sizeof(T),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
	.fail_status = CAISSON_FAILED,
	.run = cli_create_run,
};

const struct cli_cmd cli_cmd_run = {
	.name = "run",
	.synopsis = "[OPTION...] IMAGE [COMMAND [ARGUMENT...]]",
	.help = "create a container and start it",
	.text = STATUS_TEXT
	"The exit status is the command's, 128 + N if signal N ended it; 127 if it was not found,\n"
	"126 if it cannot be executed, 125 if caisson itself failed.\n",
	.opts = CLI_OPTS(run_optv),
	.opts_size = sizeof(T),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.in_order = true,
	.fail_status = CAISSON_FAILED,
	.run = cli_run_run,
};
