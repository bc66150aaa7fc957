#ifndef CS_RUNTIME_SPEC_H
#define CS_RUNTIME_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "cgroups/resources.h"
#include "runtime/mountopt.h"

struct cs_err;

/*
 * config.json (OCI runtime-spec 1.3.0, Linux) as a checked struct. Pure: text in, struct out, no
 * file system, no system call, so the fuzzer and unit tests call it directly. Everything that can
 * be known to be wrong from the text alone is refused here, naming the field. Strings and arrays
 * live in the JSON document's arena: borrowed, freed all at once by ctr_spec_fini().
 */

enum {
	CTR_SPEC_MAX_BYTES = 16 << 20,
	CTR_SPEC_MAX_CPU = 8191,
	CTR_SPEC_MAX_NODE = 4095,
	CTR_SPEC_MAX_IDMAPS = 340, /* user_namespaces(7) */
};

/* A word of the config and what it stands for; tables of them are sorted by name, also for what
 * `features` lists. */
struct ctr_name {
	const char *name;
	uint64_t value;
};

struct ctr_names {
	const struct ctr_name *v;
	size_t n;
};

/* config-linux.md, Seccomp: the words as libseccomp writes them. */
extern const struct ctr_names ctr_spec_seccomp_actions; /* SCMP_ACT_* without data */
extern const struct ctr_names ctr_spec_seccomp_archs;	/* SCMP_ARCH_* of the library built with */
extern const struct ctr_names ctr_spec_seccomp_flags;	/* SECCOMP_FILTER_FLAG_* */
extern const struct ctr_names ctr_spec_seccomp_ops;	/* enum scmp_compare */
/* config-linux.md, Memory Policy */
extern const struct ctr_names ctr_spec_mpol_modes; /* MPOL_* */
extern const struct ctr_names ctr_spec_mpol_flags; /* MPOL_F_* */

/* config-linux.md, User namespace mappings */
struct ctr_idmap {
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size;
};

struct ctr_idmaps {
	const struct ctr_idmap *v;
	size_t n;
};

/* config-linux.md, Namespaces. The order is the index into ctr_spec.ns. */
enum ctr_ns {
	CTR_NS_USER,
	CTR_NS_PID,
	CTR_NS_NETWORK,
	CTR_NS_IPC,
	CTR_NS_UTS,
	CTR_NS_CGROUP,
	CTR_NS_TIME,
	CTR_NS_MOUNT,
	CTR_NS_COUNT,
};

/* A row per enum ctr_ns: the spec's name ("network"), the name in /proc/<pid>/ns ("net") and the
 * CLONE_NEW* flag. */
struct ctr_ns_info {
	const char *name;
	const char *proc_name;
	uint64_t flag;
};
extern const struct ctr_ns_info ctr_ns_table[CTR_NS_COUNT];

struct ctr_ns_spec {
	bool present;	  /* listed: new, or joined if path is set */
	const char *path; /* NULL: a new one */
};

/* config.md, POSIX process: capability sets as bit masks (bit n = capability number n). A name
 * this build does not know is warned of and left out. */
struct ctr_caps {
	bool present;
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct ctr_rlimit {
	int resource;	     /* RLIMIT_* */
	const char *name;    /* "RLIMIT_NOFILE" */
	uint64_t soft, hard; /* RLIM_INFINITY as UINT64_MAX */
};

struct ctr_user {
	uid_t uid;
	gid_t gid;
	bool has_umask;
	mode_t umask;
	const gid_t *additional_gids;
	size_t n_additional_gids;
};

/* config.md, scheduler: sched_setattr(2) fields */
struct ctr_scheduler {
	bool present;
	uint32_t policy; /* SCHED_* */
	int32_t nice;
	int32_t priority;
	uint64_t flags;			    /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period; /* ns */
};

struct ctr_process {
	bool present; /* create without a process is allowed by the spec, start not */
	bool terminal;
	bool has_console_size;
	uint16_t console_height, console_width;
	struct ctr_user user;
	const char *const *args; /* NULL-terminated, at least one */
	size_t n_args;
	const char *const *env; /* NULL-terminated; each name once: the last one given counts */
	size_t n_env;
	const char *cwd; /* absolute */
	struct ctr_caps caps;
	const struct ctr_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int oom_score_adj;
	const char *apparmor_profile; /* NULL: none */
	const char *selinux_label;    /* NULL: none */
	struct ctr_scheduler scheduler;
	bool has_io_priority;
	int io_priority; /* as ioprio_set(2) wants it: class << 13 | data */
	/* execCPUAffinity: CPU lists, checked, without blanks ("0-3,7"), CPUs up to
	 * CTR_SPEC_MAX_CPU; NULL: not given */
	const char *affinity_initial;
	const char *affinity_final;
};

/* config.md, POSIX-platform hooks */
struct ctr_hook {
	const char *path;
	const char *const *args; /* NULL-terminated or NULL */
	const char *const *env;	 /* NULL-terminated or NULL */
	int timeout_s;		 /* 0: none; in milliseconds it fits an int */
};

enum ctr_hook_kind {
	CTR_HOOK_PRESTART,
	CTR_HOOK_CREATE_RUNTIME,
	CTR_HOOK_CREATE_CONTAINER,
	CTR_HOOK_START_CONTAINER,
	CTR_HOOK_POSTSTART,
	CTR_HOOK_POSTSTOP,
	CTR_HOOK_COUNT,
};
/* The spec's names, "prestart", … */
extern const char *const ctr_hook_names[CTR_HOOK_COUNT];

struct ctr_hooks {
	const struct ctr_hook *v;
	size_t n;
};

/* config.md, Mounts */
struct ctr_mount {
	const char *destination; /* absolute: a relative one is taken from "/" */
	const char *type;	 /* NULL: a bind mount or a remount */
	const char *source;	 /* NULL: none; never for a bind mount */
	struct ctr_mountopt opt; /* options, parsed; type "bind" implies the option "bind" and
				  * mappings imply "idmap"; a bind mount has no data */
	/* both or neither; neither with opt.idmap: those of the container's user namespace */
	struct ctr_idmaps uid_maps, gid_maps;
};

/* config-linux.md, Devices */
struct ctr_device {
	char type; /* 'c' (also for "u"), 'b', 'p' */
	const char *path;
	uint32_t major, minor;
	bool has_mode; /* else 0666 */
	mode_t mode;
	bool has_uid, has_gid; /* else container root */
	uid_t uid;
	gid_t gid;
};

struct ctr_kv {
	const char *key;
	const char *value;
};

/* config-linux.md, Seccomp */
struct ctr_seccomp_arg {
	uint32_t index;
	uint64_t value, value_two;
	int op; /* enum scmp_compare */
};

struct ctr_seccomp_rule {
	const char *const *names; /* NULL-terminated */
	size_t n_names;
	uint32_t action; /* SCMP_ACT_* with its errno in place */
	const struct ctr_seccomp_arg *args;
	size_t n_args;
};

struct ctr_seccomp {
	bool present;
	uint32_t default_action;
	const uint32_t *archs; /* SCMP_ARCH_* */
	size_t n_archs;
	uint32_t filter_flags;	   /* SECCOMP_FILTER_FLAG_*; SPEC_ALLOW where the config has no
				    * list of flags, as other runtimes do */
	const char *listener_path; /* not NULL where uses_notify */
	const char *listener_metadata;
	const struct ctr_seccomp_rule *rules;
	size_t n_rules;
	bool uses_notify;
};

/* config-linux.md, Memory Policy: set_mempolicy(2) */
struct ctr_memory_policy {
	bool present;
	int mode;		    /* MPOL_* */
	unsigned int flags;	    /* MPOL_F_* */
	const unsigned long *nodes; /* bit mask; NULL: no nodes */
	unsigned long max_node;	    /* highest node + 1; set_mempolicy(2) wants one more: the
				     * kernel takes one off */
};

/* config-linux.md, IntelRdt */
struct ctr_intel_rdt {
	bool present;
	const char *clos_id;	     /* NULL: the container's id; "/": the root group */
	const char *const *schemata; /* NULL-terminated or NULL */
	const char *l3_cache_schema;
	const char *mem_bw_schema;
	bool enable_monitoring; /* also for the older enableCMT and enableMBM */
};

/* config-linux.md, netDevices: host name -> name inside */
struct ctr_net_device {
	const char *host_name;
	const char *name; /* inside; equals host_name if the config gives none */
};

/* hwConfig.iomems: frames of the host's I/O memory to show to the guest. */
struct ctr_vm_iomem {
	bool has_first_gfn; /* else where it is on the host */
	uint64_t first_gfn, first_mfn, n_mfns;
};

/* config-vm.md: read and checked; served by the second wall. */
struct ctr_vm {
	bool present;
	const char *hypervisor_path;
	const char *const *hypervisor_parameters;
	const char *kernel_path;
	const char *const *kernel_parameters;
	const char *kernel_initrd;
	const char *image_path;
	const char *image_format; /* "raw", "qcow2", … */
	/* hwConfig */
	uint32_t vcpus;		 /* 0: not given */
	uint64_t memory;	 /* bytes; 0: not given */
	const char *device_tree; /* NULL: none */
	const char *const *dtdevs;
	const struct ctr_vm_iomem *iomems;
	size_t n_iomems;
	const uint32_t *irqs;
	size_t n_irqs;
};

enum ctr_personality_domain { CTR_PER_NONE, CTR_PER_LINUX, CTR_PER_LINUX32 };

struct ctr_spec {
	struct cs_json_doc doc; /* owned; everything below is borrowed from it */
	const char *oci_version;

	const char *root_path; /* as written: relative ones are taken from the bundle */
	bool root_readonly;
	const char *hostname;	/* NULL: leave */
	const char *domainname; /* NULL: leave */

	struct ctr_process process;
	const struct ctr_mount *mounts;
	size_t n_mounts;
	struct ctr_hooks hooks[CTR_HOOK_COUNT];
	const struct ctr_kv *annotations;
	size_t n_annotations;

	/* linux */
	struct ctr_ns_spec ns[CTR_NS_COUNT];
	/* Both, where a user namespace is made. Where one is joined they are only what the caller
	 * believes of it (containerd and CRI-O give both): to be compared, not to be written. */
	struct ctr_idmaps uid_maps, gid_maps;
	bool has_timens_offsets; /* only with a new time namespace */
	int64_t timens_monotonic_s, timens_boottime_s;
	uint32_t timens_monotonic_ns, timens_boottime_ns;
	const struct ctr_device *devices;
	size_t n_devices;
	const char *cgroups_path; /* NULL: the runtime chooses */
	struct cg_resources resources;
	const char *const *masked_paths; /* NULL-terminated or NULL */
	const char *const *readonly_paths;
	const struct ctr_kv *sysctl;
	size_t n_sysctl;
	struct ctr_seccomp seccomp;
	unsigned long rootfs_propagation; /* MS_SHARED, … | MS_REC; 0: not given */
	const char *mount_label;
	struct ctr_intel_rdt intel_rdt;
	struct ctr_memory_policy memory_policy;
	enum ctr_personality_domain personality;
	const struct ctr_net_device *net_devices;
	size_t n_net_devices;

	struct ctr_vm vm;
};

/* Parses and checks @len bytes of config.json into @out, which the caller has zeroed. On failure
 * nothing is kept and @out is as it was. Errors: EINVAL with the field's path, EFBIG, ENOMEM. What
 * other runtimes only warn of is logged. */
int ctr_spec_parse(const char *buf, size_t len, struct ctr_spec *out, struct cs_err *err);

/* Frees; idempotent. */
void ctr_spec_fini(struct ctr_spec *spec);

/* Parses a process object alone (exec --process FILE): same checks as inside config.json, but for
 * those that need the rest of it. The result borrows from @doc; defaults are the caller's. @out is
 * zeroed by the caller. */
int ctr_spec_parse_process(const struct cs_json_doc *doc, const struct cs_json *obj,
			   struct ctr_process *out, struct cs_err *err);

/* The capability's number for "CAP_CHOWN" (case-insensitive, prefix optional), or -1. */
int ctr_spec_cap_by_name(const char *name);
/* "CAP_CHOWN" for 0; NULL past the last known one. */
const char *ctr_spec_cap_name(int cap);

/* Is there a new (not joined) user namespace? */
bool ctr_spec_new_userns(const struct ctr_spec *spec);

/* The annotation's value, NULL if there is none. */
const char *ctr_spec_annotation(const struct ctr_spec *spec, const char *key);

#endif
