#ifndef CS_CGROUPS_CGROUP_H
#define CS_CGROUPS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroups/resources.h"

struct cs_err;
struct cs_json;
struct cs_jw;

/*
 * One API over cgroup v2, v1 and hybrid hosts. A host is read once (cg_host_open), a container's
 * cgroup is a handle (struct cg). Nothing here knows what a container is.
 */

enum cg_mode { CG_V2, CG_V1, CG_HYBRID };

/* One v1 hierarchy or the v2 tree. */
struct cg_hier {
	bool v2;
	uint32_t ctl; /* private: v1: its controllers as bits */
	size_t rel;   /* private: where in mountpoint the part below the host's root starts */
	char controllers[64]; /* v1: "cpu,cpuacct" or "name=systemd"; v2: "" */
	char mountpoint[128]; /* "/sys/fs/cgroup/memory" */
};

enum { CG_MAX_HIER = 20 };

struct cg_host {
	enum cg_mode mode;
	int root; /* owned; O_PATH of the deepest folder that holds all mount points. Every path is
		   * resolved beneath it (RESOLVE_BENEATH, no symlinks). -EBADF: no cgroups */
	int v2;	  /* index of the v2 tree, -1: none */
	struct cg_hier hier[CG_MAX_HIER];
	size_t n_hier;
};

/* Finds the host's hierarchies: the v2 tree on /sys/fs/cgroup or else, by the mountinfo of the
 * verified procfs root @procfd, every v1 hierarchy with a controller, name=systemd, and the v2
 * tree beside them. A mount that shows only a part of its hierarchy (a nested host: mountinfo's
 * root field is not "/") is taken as it is: its top is "/" here. A host without any cgroup is no
 * error: n_hier is 0 and every operation does nothing but complain when a limit is asked for. */
int cg_host_open(int procfd, struct cg_host *out, struct cs_err *err);
void cg_host_fini(struct cg_host *host);

/* What a container's cgroup is called and how it is reached again after a crash. */
struct cg {
	const struct cg_host *host;
	char path[512];		   /* "/machine/abc", below each hierarchy's root */
	int v2_dir;		   /* owned; O_PATH of the v2 folder, -EBADF: not there */
	int join[CG_MAX_HIER];	   /* owned; v1 "tasks", v2 "cgroup.procs", O_WRONLY, opened by
				    * cg_open_join() and cg_sub(); where it is -EBADF, joining opens
				    * the file itself */
	bool created[CG_MAX_HIER]; /* made by cg_create(): ours to remove */
	bool has_devices;	   /* cg_apply_devices() has set the rules */
};

/* The path for a spec's cgroupsPath (@spec_path, may be NULL) and container @id: absolute ones
 * are taken from the hierarchy's root, relative ones and none from "/caisson". @systemd is refused
 * for now (ENOTSUP), and so is its form of a path, "slice:prefix:name", with a message that names
 * the driver it belongs to. The root itself, ".." and control characters are EINVAL. */
int cg_path_resolve(const char *spec_path, const char *id, bool systemd, char *out, size_t size,
		    struct cs_err *err);

/* Makes (or takes over, when it is empty) the cgroup in every hierarchy. Pure v2: enables every
 * controller down the path that can be; hybrid: those of the v2 tree when cg_apply() needs one.
 * EBUSY when it exists and holds processes or is frozen. On failure what was made is removed again,
 * but for the folders above. */
int cg_create(const struct cg_host *host, const char *path, struct cg *out, struct cs_err *err);

/* Opens the v1 join files, for a process that will not have the right to: one in a user namespace.
 */
int cg_open_join(struct cg *cg, struct cs_err *err);

/* Names an existing one and opens its v2 folder. Never fails for ENOENT: each operation leaves out
 * the hierarchies where it is gone. */
int cg_open(const struct cg_host *host, const char *path, struct cg *out, struct cs_err *err);
void cg_fini(struct cg *cg); /* closes; removes nothing; idempotent */
/* The empty value: cg_fini() does nothing to it. */
#define CG_INIT ((struct cg){ .host = NULL, .v2_dir = -EBADF })

/* Applies every resource that was given. A controller the host lacks is an error naming the field
 * (unless "unlimited" is what was asked for). Device rules, if there are any, are followed by those
 * of the default devices (config-linux.md, Default Devices); without a v1 devices hierarchy they
 * become an eBPF program. In a user namespace that may not load one, rules are left to the kernel,
 * which lets nobody there make a device node. */
int cg_apply(const struct cg *cg, const struct cg_resources *res, struct cs_err *err);

/* The device rules alone, of a v1 devices hierarchy: they are denied and allowed one by one, so
 * this is for when nobody is in there. cg_apply() leaves them as they are then. */
int cg_apply_devices(struct cg *cg, const struct cg_resources *res, struct cs_err *err);

/* The v2 folder fd for CLONE_INTO_CGROUP, -EBADF on a pure v1 host. Borrowed. */
int cg_v2_fd(const struct cg *cg);

/* Moves the calling (single-threaded) process into every hierarchy: writes "0" to v1 "tasks",
 * which unlike cgroup.procs takes no lock that waits for an RCU grace period; @cloned_into: skip
 * v2. Hierarchies where the cgroup is gone are left out; gone from all is ENOENT.
 * Async-signal-safe, allocates nothing: called between clone and exec. */
int cg_join_self(const struct cg *cg, bool cloned_into, struct cs_err *err);

/* Moves another process. */
int cg_join_pid(const struct cg *cg, pid_t pid, struct cs_err *err);

/* Makes @cg join its sub-cgroup @sub ("a/b"), which must exist (exec --cgroup): in all hierarchies,
 * or with @controllers ("cpu,memory") only in those v1 ones. After it @cg is for joining only. */
int cg_sub(struct cg *cg, const char *controllers, const char *sub, struct cs_err *err);

/* Makes @cg join the v2 cgroup that process @pid is in, if that is below it (else EINVAL): a
 * container that manages cgroups of its own (systemd) leaves no process in its topmost one, and the
 * kernel then lets none in (EBUSY from clone3(2) or cg_join_self()). After it @cg is for joining
 * only. */
int cg_follow(struct cg *cg, int procfd, pid_t pid, struct cs_err *err);

/* Hands the v2 subtree to a uid (chowns the folder and the delegatable files, cgroups(7)). */
int cg_delegate(const struct cg *cg, uid_t uid, gid_t gid, struct cs_err *err);

/* Freezes and waits until it is so (bounded), or thaws. */
int cg_freeze(const struct cg *cg, bool frozen, struct cs_err *err);
/* 1 frozen, 0 not. */
int cg_is_frozen(const struct cg *cg, struct cs_err *err);

/* Every pid in it and below. *@pids is the caller's to free. */
int cg_pids(const struct cg *cg, pid_t **pids, size_t *n, struct cs_err *err);

/* Sends @signo to every process in it and below, in such a way that a forking process does not
 * get away: cgroup.kill where SIGKILL and the kernel allow, else frozen meanwhile. */
int cg_kill(const struct cg *cg, int signo, struct cs_err *err);

/* Kills what is left in it, thaws, waits for the end, and removes it with everything below.
 * Idempotent: gone is success. */
int cg_destroy(const struct cg_host *host, const char *path, struct cs_err *err);

/* Removes it where nobody lives in it and nothing is below it, and ends nobody; waits a moment for
 * processes that are ending. Where it cannot be removed it stays. */
void cg_remove_empty(const struct cg_host *host, const char *path);

/* Statistics in the shape of runc's `events --stats` "data" object, written as members into the
 * open object of @w. */
int cg_stats(const struct cg *cg, struct cs_jw *w, struct cs_err *err);

/* Out-of-memory notification. */
struct cg_oom {
	int fd;		/* owned; polls readable when something happened, then cg_oom_next() */
	int wd;		/* private */
	uint64_t kills; /* OOM kills so far (v1: before it was opened) */
};
#define CG_OOM_INIT ((struct cg_oom){ .fd = -EBADF, .wd = -1 })

/* v2: inotify on memory.events and cgroup.events; v1: eventfd on memory.oom_control. ENOENT when
 * there is no memory controller or no such cgroup. */
int cg_oom_open(const struct cg *cg, struct cg_oom *out, struct cs_err *err);
/* Reads the event off; does not wait. 1: an OOM kill happened; 0: something else; -ENODEV (without
 * a message): the cgroup is gone or its last process has ended. */
int cg_oom_next(const struct cg *cg, struct cg_oom *oom, struct cs_err *err);
void cg_oom_fini(struct cg_oom *oom); /* idempotent */

#endif
