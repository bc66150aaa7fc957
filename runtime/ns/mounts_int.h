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
struct ctr_spec;

/* The parts mounts are made of, shared by the files of this folder. A detached mount's fd belongs
 * to the caller; attaching the mount does not close it. */

/* Fds that end together: a few close_range(2) instead of a close(2) each. Zeroed at first. */
struct ctr_fds {
	int v[64]; /* owned; ascending */
	size_t n;
};

enum { CTR_FDS_UNIT = 24 };

/* Takes over the fd, and returns it; a negative one is an error and only returned. */
int ctr_fds_keep(struct ctr_fds *f, int fd);

/* Between two units of work, each of which keeps CTR_FDS_UNIT fds at most: makes room. */
void ctr_fds_unit(struct ctr_fds *f);

void ctr_fds_close(struct ctr_fds *f);

/* What the mounts of one container share while they are made. */
struct ctr_mount_run {
	const struct ctr_ns_setup *s;
	struct ctr_fds fds;	 /* owned; of targets and mounts that are done with */
	bool late_prop;		 /* mounts may propagate here: a private one is made so after it is
				  * attached, which else would undo it */
	int fresh;		 /* owned; the last new tmpfs: what is in it was made here */
	char fresh_at[PATH_MAX]; /* and where it is; "" if there is none */
};

/* A mount being made. */
struct ctr_mount_job {
	struct ctr_mount_run *run;
	const struct ctr_mount *m;
	int prepared;	      /* from ctr_mounts_prepare(), or -EBADF */
	int *late_ro;	      /* gets the mount's fd, owned, if it is to become read-only only when
			       * all mounts are made */
	char clean[PATH_MAX]; /* m->destination, cleaned: what is resolved beneath the root */
};

/* mount_make.c: mounts out of nothing and out of others. */

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
	int scratch;		     /* a folder of this mount namespace that may be covered for a
				      * moment, when an option is longer than fsconfig(2) takes */
	struct ctr_fds *fds;	     /* gets an fd that is done with, to be closed with others;
				      * NULL: it is closed at once */
};

/* Makes it, detached. The error says which option the kernel refused, and why. */
int ctr_fs_mount(const struct ctr_fs_desc *d, struct cs_err *err);

/* The same by mount(2), for options longer than fsconfig(2) takes (an overlay of many layers). */
int ctr_fs_mount_long(const struct ctr_fs_desc *d, struct cs_err *err);

/* Gives the superblock of the mount @fd what @d says of its data and flags (remount). */
int ctr_fs_reconfigure(int fd, const struct ctr_fs_desc *d, struct cs_err *err);

/* A detached clone of what is at @path, with the mounts below it if recursive_bind. */
int ctr_bind_clone(int dirfd, const char *path, const struct ctr_mountopt *o, struct cs_err *err);

/* Puts the mount @tree over the file or folder @target (O_PATH). */
int ctr_mount_attach(int tree, int target, struct cs_err *err);

/* Sets attributes and propagation of a bind mount, or the attributes of a mount that stands
 * (@remount). */
int ctr_mount_attrs(int fd, const struct ctr_mountopt *o, bool remount, struct cs_err *err);

/* Sets the propagation alone (MS_*, with MS_REC); 0 does nothing. */
int ctr_mount_propagation(int fd, unsigned long propagation, struct cs_err *err);

/* mount_target.c: destinations. */

/* The cleaned text of one: absolute, no "." or "..", no double slash. */
int ctr_dest_clean(const char *dest, char out[PATH_MAX], struct cs_err *err);

/* Is the cleaned text @clean the folder @dir or below it? */
bool ctr_dest_below(const char *clean, const char *dir);

/* Refuses destinations that no mount may have: the root, a part of /proc. */
int ctr_dest_check_text(const char *clean, struct cs_err *err);

/* The same by what @target really is, which a symlink of the image or a bind mount may have led to
 * a procfs; and on /proc itself only a procfs: @tree is what shall be mounted, @fresh_proc that it
 * is a new one. */
int ctr_dest_check_target(const char *clean, int target, int tree, bool fresh_proc,
			  struct cs_err *err);

/* Opens a folder to mount on, O_PATH, made if it is missing. */
int ctr_dest_folder(int root, const char *clean, struct cs_err *err);

/* The same for what is to be new in run->fresh, where nobody but the runtime has made anything yet.
 * -1 if it is elsewhere, or not new. */
int ctr_dest_fresh(const struct ctr_mount_run *run, const char *clean);

/* As ctr_dest_folder(), but no component may be a symlink: for proc and sysfs (CVE-2023-27561). */
int ctr_dest_strict(int root, const char *clean, struct cs_err *err);

/* Opens the destination of a bind mount of @tree; a missing one is made as a folder or file, as
 * @tree is one. @nofollow: a symlink as last component is itself the target. */
int ctr_dest_bind(int root, const char *clean, int tree, bool nofollow, struct cs_err *err);

/* The others, a file each. */

bool ctr_mount_is_type(const struct ctr_mount *m, const char *type);

/* Is it a bind mount (config.md, Mounts)? */
bool ctr_mount_is_bind(const struct ctr_mount *m);

/* Is it a new tmpfs, or /dev, that is to be read-only when it has got its content (mount points,
 * device nodes)? */
bool ctr_mount_is_late_ro(const struct ctr_mount *m, const char *clean);

/* A new file system on its destination. */
int ctr_mount_new(const struct ctr_mount_job *j, struct cs_err *err);

/* Puts the job's mount over @target, with its propagation if that is due then. */
int ctr_mount_done(const struct ctr_mount_job *j, int tree, int target, struct cs_err *err);

/* The rest of ctr_mounts_apply(), after the devices are made: what had to stay writable. */
int ctr_mounts_seal(const struct ctr_ns_setup *s, struct cs_err *err);

/* type cgroup and cgroup2: makes the mount and attaches it to @target. */
int ctr_mount_cgroup(const struct ctr_ns_setup *s, const struct ctr_mount *m, int target,
		     struct cs_err *err);

/* Copies what is in the folder @from (O_PATH) into the root of the tmpfs @tree: folders, regular
 * files and symlinks, with owner, mode, times and extended attributes. @with_mode: the mode of the
 * folder itself, too. */
int ctr_tmpcopyup(int from, int tree, bool with_mode, struct cs_err *err);

/* For --no-pivot, before the root is moved: takes the host's /proc and /sys out of this mount
 * namespace. */
int ctr_rootfs_hide(const struct ctr_ns_setup *s, struct cs_err *err);

/* Host side: the user namespace that mounts[].uidMappings, gidMappings or "idmap" mean, as an fd.
 */
int ctr_mount_userns(const struct ctr_spec *spec, const struct ctr_mount *m, int host_proc,
		     struct cs_err *err);

/* Do the two mounts mean the same mapping? */
bool ctr_mount_same_maps(const struct ctr_mount *a, const struct ctr_mount *b);

#endif
