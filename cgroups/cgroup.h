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
	int fd; /* owned; the mounted root, O_PATH */
	bool v2;
	char controllers[64]; /* v1: "cpu,cpuacct" or "name=systemd" */
	char mountpoint[128]; /* "/sys/fs/cgroup/memory" */
	char own[256];	      /* this process's path in it: "/" or "/user.slice/…" */
};

enum { CG_MAX_HIER = 20 };

struct cg_host {
	enum cg_mode mode;
	struct cg_hier hier[CG_MAX_HIER];
	size_t n_hier;
};

/* Reads /proc/self/mountinfo and /proc/self/cgroup of the verified procfs root @procfd. A host
 * without any cgroup is no error: n_hier is 0 and every operation does nothing but complain when
 * a limit is asked for. */
int cg_host_open(int procfd, struct cg_host *out, struct cs_err *err);
void cg_host_fini(struct cg_host *host);

/* What a container's cgroup is called and how it is reached again after a crash. */
struct cg {
	const struct cg_host *host;
	char path[512];		   /* "/machine/abc", below each hierarchy's root */
	int dir[CG_MAX_HIER];	   /* owned; O_PATH|O_DIRECTORY per host hierarchy, -EBADF: not
				    * there */
	int join[CG_MAX_HIER];	   /* owned; v1 "tasks", v2 "cgroup.procs", O_WRONLY; -EBADF
				    * where the process is cloned into it, or not used */
	bool created[CG_MAX_HIER]; /* made by cg_create(): ours to remove */
};

/* The path for a spec's cgroupsPath (@spec_path, may be NULL) and container @id: absolute ones
 * are taken from the hierarchy's root, relative ones and none from "/caisson". With
 * @systemd the form "slice:prefix:name" is expected and refused for now with a message that names
 * the missing driver. ".." and control characters are EINVAL. */
int cg_path_resolve(const char *spec_path, const char *id, bool systemd, char *out, size_t size,
		    struct cs_err *err);

/* Makes (or takes over, when it is empty) the cgroup in every hierarchy and opens the join files.
 * v2: enables the needed controllers down the path. EBUSY when it exists and holds processes or is
 * frozen. On failure what was made is removed again. */
int cg_create(const struct cg_host *host, const char *path, struct cg *out, struct cs_err *err);

/* Opens an existing one; hierarchies where it is gone are left out. Never fails for ENOENT. */
int cg_open(const struct cg_host *host, const char *path, struct cg *out, struct cs_err *err);
void cg_fini(struct cg *cg); /* closes; removes nothing */

/* Applies every resource that was given. On v2 devices become an eBPF program. @relaxed skips
 * nothing: a controller the host lacks is an error naming the field. */
int cg_apply(struct cg *cg, const struct cg_resources *res, struct cs_err *err);

/* The v2 folder fd for CLONE_INTO_CGROUP, -EBADF on a pure v1 host. Borrowed. */
int cg_v2_fd(const struct cg *cg);

/* Moves the calling (single-threaded) process into every hierarchy: writes "0" to v1 "tasks",
 * which unlike cgroup.procs takes no RCU grace period; @cloned_into: skip v2. Async-signal-safe,
 * allocates nothing: called between clone and exec. */
int cg_join_self(const struct cg *cg, bool cloned_into, struct cs_err *err);

/* Moves another process. */
int cg_join_pid(const struct cg *cg, pid_t pid, struct cs_err *err);

/* The sub-cgroup @sub ("a/b") of @cg as a handle of its own, which must exist (exec --cgroup).
 * @controllers NULL: in all hierarchies; else only in that v1 one. */
int cg_sub(const struct cg *cg, const char *controllers, const char *sub, struct cg *out,
	   struct cs_err *err);

/* Hands the v2 subtree to a uid (chowns the folder and the delegatable files, cgroups(7)). */
int cg_delegate(const struct cg *cg, uid_t uid, gid_t gid, struct cs_err *err);

/* Freezes or thaws and waits until it is so (bounded). */
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

/* Statistics in the shape of runc's `events --stats` "data" object, written as members into the
 * open object of @w. */
int cg_stats(const struct cg *cg, struct cs_jw *w, struct cs_err *err);

/* Out-of-memory notification: an fd that polls readable when the OOM killer strikes, and what to
 * do after it did. v2: inotify on memory.events; v1: eventfd on memory.oom_control. ENOENT when
 * there is no memory controller. */
int cg_oom_open(const struct cg *cg, struct cs_err *err);
/* Reads the event off. 1: an OOM kill happened; 0: something else; -ENODEV: the cgroup is gone. */
int cg_oom_next(const struct cg *cg, int fd, struct cs_err *err);

#endif
