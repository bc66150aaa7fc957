#ifndef CS_RUNTIME_NS_MOUNTS_INT_H
#define CS_RUNTIME_NS_MOUNTS_INT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct ctr_idmaps;
struct ctr_mount;
struct ctr_mountopt;
struct ctr_ns_setup;

/* The parts mounts are made of, shared by the files of this folder. A detached mount's fd belongs
 * to the caller; attaching the mount does not close it. */

/* A new file system (fsopen(2)). */
struct ctr_fs_desc {
	const char *type;
	const char *source;	     /* NULL: none */
	const char *const *data;     /* "key" or "key=value"; NULL-terminated or NULL */
	const char *const *sb_flags; /* NULL-terminated or NULL */
	const char *mode;	     /* octal mode= that is not in data; NULL: none */
	const char *label;	     /* SELinux label (linux.mountLabel); NULL: none */
	uint64_t attrs;		     /* MOUNT_ATTR_* */
	bool readonly;		     /* the superblock as well */
	int scratch;		     /* a folder of this mount namespace for a moment's use, when an
				      * option is longer than fsconfig(2) takes */
};

/* Makes it, detached. The error says which option the kernel refused, and why. */
int ctr_fs_mount(const struct ctr_fs_desc *d, struct cs_err *err);

/* Gives the superblock of the mount @fd the data and flags of @d (remount). */
int ctr_fs_reconfigure(int fd, const struct ctr_fs_desc *d, struct cs_err *err);

/* A detached clone of what is at the host's @path (recursive: with the mounts below it). */
int ctr_bind_clone(int dirfd, const char *path, const struct ctr_mountopt *o, struct cs_err *err);

/* Puts the mount @tree over the file or folder @target (O_PATH). */
int ctr_mount_attach(int tree, int target, struct cs_err *err);

/* Sets attributes and propagation of a bind mount or (@remount) of a mount that stands. */
int ctr_mount_attrs(int fd, const struct ctr_mountopt *o, bool remount, struct cs_err *err);

/* Sets @propagation (MS_*, with MS_REC) alone; 0 does nothing. */
int ctr_mount_propagation(int fd, unsigned long propagation, struct cs_err *err);

/* Is it a bind mount (config.md, Mounts)? */
bool ctr_mount_is_bind(const struct ctr_mount *m);

/* Destinations. The cleaned text of one: absolute, no "." or "..", no double slash. */
int ctr_dest_clean(const char *dest, char out[PATH_MAX], struct cs_err *err);

/* Is the text @clean @dir or below it? */
bool ctr_dest_below(const char *clean, const char *dir);

/* Refuses what lies over /proc or over a part of it, by text and by what @target really is;
 * @tree is what shall be mounted, @fresh_proc that it is a new procfs. */
int ctr_dest_check_proc(const char *clean, int target, int tree, bool fresh_proc,
			struct cs_err *err);

/* A folder no component of which is a symlink, made if missing: for proc and sysfs. */
int ctr_dest_strict(int root, const char *dest, struct cs_err *err);

/* type cgroup and cgroup2: makes the mount and attaches it to @target. */
int ctr_mount_cgroup(const struct ctr_ns_setup *s, const struct ctr_mount *m, int target,
		     struct cs_err *err);

/* Copies what is in the folder @from (O_PATH) into the root of the detached tmpfs @tree. */
int ctr_tmpcopyup(int from, int tree, struct cs_err *err);

/* Host side: a user namespace with these mappings, for MOUNT_ATTR_IDMAP. */
int ctr_idmap_userns(const struct ctr_idmaps *uids, const struct ctr_idmaps *gids, int host_proc,
		     struct cs_err *err);

#endif
