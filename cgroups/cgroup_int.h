#ifndef CS_CGROUPS_CGROUP_INT_H
#define CS_CGROUPS_CGROUP_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroups/cgroup.h"

/* What the files of this folder share. Functions marked "no message" return -errno and leave the
 * words to their caller, who knows what the file was for. */

/* Controllers. Of the named v1 hierarchies only systemd's is used. */
enum cg_ctl {
	CG_CTL_CPU,
	CG_CTL_CPUACCT,
	CG_CTL_CPUSET,
	CG_CTL_MEMORY,
	CG_CTL_BLKIO, /* "io" on v2 */
	CG_CTL_PIDS,
	CG_CTL_DEVICES,
	CG_CTL_FREEZER,
	CG_CTL_HUGETLB,
	CG_CTL_NET_CLS,
	CG_CTL_NET_PRIO,
	CG_CTL_PERF_EVENT,
	CG_CTL_RDMA,
	CG_CTL_MISC,
	CG_CTL_SYSTEMD,
	CG_CTL_COUNT,
};

enum {
	CG_FILE_MAX = 64,   /* longest file name of ours */
	CG_PATH_MAX = 1024, /* mount point, cgroup and file name together */
	CG_WAIT_MS = 10000, /* how long the kernel may take to freeze, to end processes */
};

/* Host (host.c) */

/* The v1 name; on v2 @v2 gives "io" for blkio. */
const char *cg_ctl_name(enum cg_ctl ctl, bool v2);
/* The v1 hierarchy that has @ctl, or -1. */
int cg_v1_hier(const struct cg_host *host, enum cg_ctl ctl);
/* Fills @out (but for its root fd) from the text of a mountinfo file. Pure. */
int cg_host_parse(const char *mountinfo, struct cg_host *out, struct cs_err *err);

/* Paths (path.c) */

/* Checks a cgroup path: absolute, clean (no empty component, ".", ".."), not "/", no control
 * characters. */
int cg_path_check(const char *path, struct cs_err *err);
/* The path from host->root of file @name ("" for the folder itself) in cgroup @path ("/" for the
 * topmost) of hierarchy @h; "" is host->root itself. No message. */
int cg_path_rel(const struct cg_host *host, size_t h, const char *path, const char *name,
		char out[CG_PATH_MAX]);

/* Files (file.c). All resolve beneath host->root without following a symlink. */

/* Opens file or folder @name of cgroup @path. No message. */
int cg_file_open_at(const struct cg_host *host, size_t h, const char *path, const char *name,
		    int flags);
/* The same for the handle's cgroup. No message. */
int cg_file_open(const struct cg *cg, size_t h, const char *name, int flags);
/* Reads a whole small file as a string without its last newline. Returns its length; -EFBIG when
 * it does not fit. No message. */
int cg_file_read_at(const struct cg_host *host, size_t h, const char *path, const char *name,
		    char *buf, size_t size);
int cg_file_read(const struct cg *cg, size_t h, const char *name, char *buf, size_t size);
/* Reads a file of any length up to 16 MiB; the caller frees *@out. No message. */
int cg_file_read_all(const struct cg *cg, size_t h, const char *name, char **out);
/* "<what> /sys/fs/cgroup/memory/caisson/abc/memory.max: <strerror(code)>". Returns -@code. */
int cg_file_err(struct cs_err *err, int code, const struct cg *cg, size_t h, const char *name,
		const char *what);
/* Writes @text in one write(2). No message. */
int cg_file_write_at(const struct cg_host *host, size_t h, const char *path, const char *name,
		     const char *text);
int cg_file_write(const struct cg *cg, size_t h, const char *name, const char *text);
/* A file that holds one number; "max" is UINT64_MAX. No message. */
int cg_file_u64(const struct cg *cg, size_t h, const char *name, uint64_t *out);
/* The number after @key in text of "key number" lines; -ENOENT when it is not there. Pure. */
int cg_text_key(const char *text, const char *key, uint64_t *out);
/* cg_text_key() on a small file. No message. */
int cg_file_key(const struct cg *cg, size_t h, const char *name, const char *key, uint64_t *out);

/* Walks (walk.c) */

/* Called with an fd of each cgroup's folder, from the top down. A negative return ends the walk. */
typedef int (*cg_walk_fn)(int dir, void *arg);
/* Visits the cgroup below fd @top and all below it; with @remove removes, from the bottom up, all
 * but the top itself (what is busy stays and is no error). Depth costs neither stack nor fds, so
 * that a hostile container cannot nest cgroups out of our reach. Folders that vanish meanwhile are
 * passed over. No message. */
int cg_walk(int top, bool remove, cg_walk_fn enter, void *arg);

struct cg_pidv {
	pid_t *v; /* owned */
	size_t n, cap;
};
/* Adds every process in the cgroup of hierarchy @h and below. Processes outside our pid namespace
 * (shown as 0) are passed over. A cgroup that is gone adds none. No message. */
int cg_hier_pids(const struct cg *cg, size_t h, struct cg_pidv *out);

/* Tree (tree.c) */

/* Sets @cg up for @path with nothing opened. */
void cg_init(struct cg *cg, const struct cg_host *host, const char *path);
/* Enables @ctl (all that can be: CG_CTL_COUNT) of the v2 tree in every cgroup above @cg's.
 * No message. */
int cg_v2_enable(const struct cg *cg, enum cg_ctl ctl);

/* Waits: sleeps a growing time. Returns false once CG_WAIT_MS have passed since the first call.
 * Start from a zeroed struct. */
struct cg_backoff {
	int64_t deadline_ns;
	int64_t sleep_ns;
};
bool cg_backoff_wait(struct cg_backoff *b);

#endif
