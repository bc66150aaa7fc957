#ifndef CS_CLI_RUNOPTS_H
#define CS_CLI_RUNOPTS_H

#include "cli/opt.h"
#include "cli/regopts.h"

struct cli_call;
struct cs_arena;
struct cs_err;
struct eng;
struct eng_record;

/* The options that run and create share, and what becomes of them. */
struct cli_run_opts {
	struct cli_strv add_host, annotation, attach, blkio_weight_device, cap_add, cap_drop,
		device, device_cgroup_rule, dns, dns_option, dns_search, env, env_file, expose,
		gidmap, gpus, group_add, label, label_file, log_opt, mount, network, network_alias,
		publish, read_bps, read_iops, security_opt, sysctl, tmpfs, uidmap, ulimit, volume,
		volumes_from, write_bps, write_iops;
	const char *append, *initrd, *kernel;
	const char *cgroup_parent, *cgroupns, *cidfile, *cpuset_cpus, *cpuset_mems, *detach_keys,
		*domainname, *entrypoint, *hostname, *ip, *ip6, *ipc, *isolation, *log_driver,
		*mac_address, *name, *pid, *pidfile, *platform, *progress, *pull, *restart,
		*stop_signal, *umask, *user, *userns, *uts, *workdir;
	const char *refused[16]; /* known to docker's users, not there yet */
	const char *cpus;
	struct cli_num blkio_weight, cpu_period, cpu_quota, cpu_shares, memory, memory_reservation,
		memory_swap, memory_swappiness, oom_score_adj, pids_limit, shm_size, stop_timeout,
		timeout;
	bool detach, dry_run, init, interactive, oom_kill_disable, privileged, publish_all, quiet,
		read_only, replace, rm, systemd, tty, vm;
	const char *sig_proxy;
	struct cli_regopts reg;
};

/* What the two commands of cmd_run_table.c do (cmd_run.c). */
int cli_run_run(struct cli_call *call, struct cs_err *err);
int cli_create_run(struct cli_call *call, struct cs_err *err);

/*
 * What run and create have in common: finds or pulls the image (argv[0]), makes a record of the
 * options and the rest of @argv, and creates the container. @id is the new container's.
 */
int cli_run_create(struct cli_call *call, const struct cli_run_opts *o, const struct eng *e,
		   char id[65], struct cs_err *err);

/* From options to a record, without the image. Strings are borrowed or of @a. */
int cli_run_record(const struct cli_run_opts *o, const struct eng *e, struct cs_arena *a,
		   struct eng_record *r, struct cs_err *err);

/* --cpus: "1.5" in 1e-9 of a CPU. */
int cli_run_cpus(const char *text, int64_t *out, struct cs_err *err);

/* --restart's text ("on-failure:3") into the record; update has it too. */
int cli_run_restart(const char *text, struct cs_arena *a, struct eng_record *r, struct cs_err *err);

#endif
