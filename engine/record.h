#ifndef CS_ENGINE_RECORD_H
#define CS_ENGINE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct cs_err;

/*
 * What was asked for when a container was created, with the image's own config merged in: its
 * record.json. All strings are borrowed: from the command line while it is made, from @doc once it
 * was read. A string that was not given is NULL, a vector has n 0.
 */

enum { ENG_RECORD_VERSION = 1, ENG_RECORD_MAX = 4 << 20 };

struct eng_strv {
	const char *const *v; /* NULL-terminated when n > 0 */
	size_t n;
};

/* -v, --mount, --tmpfs, an image's VOLUME; from an option's text by mountspec.h. */
enum eng_mount_type {
	ENG_MOUNT_BIND,	  /* @source is a path of the host, absolute */
	ENG_MOUNT_VOLUME, /* @source is a volume's name; anonymous ones get one at create */
	ENG_MOUNT_TMPFS,
};

struct eng_mount {
	int64_t type;	     /* enum eng_mount_type */
	const char *source;  /* NULL: an anonymous volume, a tmpfs */
	const char *target;  /* absolute */
	const char *options; /* more mount options as OCI has them ("rslave,noexec"); NULL: none */
	const char *subpath; /* of a volume; NULL: all of it */
	bool read_only;
	bool no_copy;	/* an empty volume is not filled from the image */
	bool anonymous; /* the volume goes with the container (rm -v, --rm) */
	bool create;	/* a bind's missing source is made (-v does, --mount does not) */
};

/* --network */
struct eng_net {
	const char *network; /* a network's name */
	const char *ip, *ip6, *mac, *ifname;
	struct eng_strv aliases;
};

enum { ENG_STOP_NEVER_KILL = -2 };

struct eng_record {
	struct cs_json_doc doc; /* owned; empty while it is made */
	int64_t version;
	const char *id, *name;
	const char *other_name; /* it may have that one, too: it is being renamed; NULL: none */
	int64_t created_ns;	/* Unix time */
	const char *image;	/* as the user named it; NULL: none (--rootfs) */
	const char *image_id;	/* digest of its config */
	const char *manifest;	/* digest of its manifest */
	const char *isolation;	/* "container", "vm" */
	const char *kernel, *initrd;  /* of a machine, instead of the guest package's; absolute */
	const char *append;	      /* more words on its kernel's command line */
	struct eng_strv command_line; /* what the user typed, for inspect */

	/* the process; the image's config is merged in */
	struct eng_strv entrypoint, cmd, env;
	const char *workdir, *user, *stop_signal, *umask;
	struct eng_strv group_add;
	bool tty, stdin_open, init;
	int64_t stop_timeout_s;		     /* -1: the default, 10; ENG_STOP_NEVER_KILL */
	int64_t timeout_s;		     /* killed after that time; 0: never */
	struct eng_strv labels, annotations; /* "KEY=VALUE", sorted, each key once */
	const char *hostname, *domainname;

	/* what it may */
	bool privileged, read_only, no_new_privileges;
	struct eng_strv cap_add, cap_drop, security_opt, devices, device_cgroup_rules, sysctl,
		ulimits;
	struct eng_strv uidmap, gidmap;		/* "CONTAINER:HOST:SIZE" */
	const char *userns;			/* NULL or "host", "auto" */
	const char *pid, *ipc, *uts, *cgroupns; /* NULL or "private", "host", "container:ID" */
	bool systemd; /* a system container: its own cgroup subtree, tmpfs on /run ... */

	/* files */
	struct eng_mount *mounts;
	size_t n_mounts;
	int64_t shm_size; /* bytes; 0: 64 MiB */

	/* networks: @network_mode NULL: those of @nets; else "none", "host", "container:ID" */
	const char *network_mode;
	struct eng_net *nets;
	size_t n_nets;
	struct eng_strv ports;	/* as net_port_parse() takes them */
	struct eng_strv expose; /* "80/tcp" */
	bool publish_all;	/* -P: those too */
	struct eng_strv add_host, dns, dns_search, dns_option;

	/* resources; 0 or NULL: not given, unless said otherwise */
	int64_t memory, memory_reservation;
	int64_t memory_swap;			   /* memory and swap; -1: no limit */
	int64_t memory_swappiness;		   /* -1: not given */
	int64_t nano_cpus;			   /* --cpus, in 1e-9 of a CPU */
	int64_t cpu_period, cpu_quota, cpu_shares; /* us, us, weight */
	const char *cpuset_cpus, *cpuset_mems;
	int64_t pids_limit; /* 0: the default, 2048; -1: none */
	int64_t blkio_weight;
	struct eng_strv blkio_weight_device, read_bps, write_bps, read_iops, write_iops;
	int64_t oom_score_adj;
	bool oom_kill_disable;
	const char *cgroup_parent;

	/* what it writes */
	const char *log_driver;	 /* "json-file", "k8s-file", "none" */
	struct eng_strv log_opt; /* "max-size=10m" */

	/* what becomes of it */
	const char *restart; /* "no", "always", "unless-stopped", "on-failure" */
	int64_t restart_max; /* on-failure: tries; 0: no bound */
	bool auto_remove;
	const char *pidfile; /* has its first process's pid while it runs; absolute; NULL: none */
};

/* The fields that are not 0 when not given. */
#define ENG_RECORD_INIT       \
	((struct eng_record){ \
		.version = ENG_RECORD_VERSION, .stop_timeout_s = -1, .memory_swappiness = -1 })

/* Parses record.json's text; pure, for the fuzzer. EINVAL names the member; EOPNOTSUPP: it was
 * written by a newer version. */
int eng_record_parse(const char *buf, size_t len, struct eng_record *out, struct cs_err *err);
/* Its text; the caller frees *@out. */
int eng_record_text(const struct eng_record *r, char **out, size_t *len, struct cs_err *err);
/* Its members into the open object of @w. */
void eng_record_write(const struct eng_record *r, struct cs_jw *w);
void eng_record_fini(struct eng_record *r);	    /* idempotent */
#define eng_auto_record CS_CLEANUP(eng_record_fini) /* needs base/cleanup.h */

/* Is it in a machine of its own? Its first process on the host is then no process of the
 * container's, nor are that one's namespaces and root. */
bool eng_is_vm(const struct eng_record *r);

/* The value of label @key, NULL if there is none. */
const char *eng_record_label(const struct eng_record *r, const char *key);

/* A container's name: [A-Za-z0-9][A-Za-z0-9_.-]{0,127}, and not 64 hex digits. */
int eng_name_check(const char *name, struct cs_err *err);

#endif
