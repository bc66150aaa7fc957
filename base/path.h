#ifndef CS_BASE_PATH_H
#define CS_BASE_PATH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct cs_err;

/*
 * Paths beneath a root that an attacker may write to, while he writes to it: the only
 * resolver of rootfs paths. Symlinks are followed as if @root were "/" (RESOLVE_IN_ROOT,
 * openat2(2)), magic links never, ".." stops at the root. @path may be absolute or not: it
 * is taken from the root in both cases; "/" and "" are the root itself. EAGAIN (a rename
 * raced) is retried a bounded number of times. Every fd is close-on-exec.
 */

/* Opens what is there. @flags as for open(2) (O_PATH to only name it). */
int cs_path_open(int root, const char *path, int flags, struct cs_err *err);

/* Opens a folder O_PATH, making what is missing with @mode less the umask (owner: the caller). A
 * symlink to nothing has its target made, beneath the root (/var/run -> /run without /run). */
int cs_path_mkdirs(int root, const char *path, mode_t mode, struct cs_err *err);

/* Opens the parent folder of @path O_PATH (making it with 0755 if @make) and points *@name at
 * the last component inside @path. EINVAL when @path does not end in a name ("a/", "."). */
int cs_path_parent(int root, const char *path, bool make, const char **name, struct cs_err *err);

/* Opens a mount target O_PATH: a folder (@dir) or a regular file, made with its missing
 * parents if nothing is there. An existing one of the other kind is ENOTDIR/EISDIR.
 * The last component is followed if it is a symlink, still beneath the root. */
int cs_path_target(int root, const char *path, bool dir, struct cs_err *err);

/* /proc handle: an O_PATH fd of a procfs root, verified by file system type and inode number,
 * so that a planted /proc is noticed (CVE-2019-16884, CVE-2025-52881). */
int cs_path_proc_verify(int procfd, struct cs_err *err);
/* Opens the /proc of this mount namespace, verified. */
int cs_path_proc_open(struct cs_err *err);
/* Opens a file below a verified procfs root: only symlinks that stay in that procfs ("self"), no
 * magic links, no crossing of mounts (an over-mounted file is EXDEV). "self" is the caller as that
 * procfs numbers it; ENOENT when it is not in that pid namespace. */
int cs_path_proc_file(int procfd, const char *path, int flags, struct cs_err *err);

#endif
