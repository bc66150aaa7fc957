#ifndef CS_RUNTIME_MOUNTOPT_H
#define CS_RUNTIME_MOUNTOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct cs_json_doc;

/*
 * A mount's options (config-linux.md, Mount Options; mount(8)), sorted by what they act on. Pure.
 *
 * The way a mount keeps access times is one value under the mask MOUNT_ATTR__ATIME, not bits: where
 * the options name one, the whole mask is in attr_clr, as mount_setattr(2) wants it, and the value
 * (0 is relatime, the kernel's default) in attr_set.
 */
struct ctr_mountopt {
	bool bind;	     /* "bind" or "rbind" */
	bool recursive_bind; /* "rbind" */
	uint64_t attr_set;   /* MOUNT_ATTR_*, this mount */
	uint64_t attr_clr;
	uint64_t rec_attr_set; /* MOUNT_ATTR_* of the recursive kin ("rro", "rnosuid", …) */
	uint64_t rec_attr_clr;
	unsigned long propagation; /* MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE with MS_REC
				    * for the r-forms, the last one wins; 0: not given */
	bool sb_readonly;	   /* "ro" given: for a new file system also its superblock */
	bool remount;
	bool tmpcopyup;
	bool idmap; /* "idmap" or "ridmap" */
	bool idmap_recursive;
	bool copy_symlink;
	bool src_nofollow;
	bool dest_nofollow;
	/* superblock flags for a new file system, as fsconfig(2) flag names ("dirsync",
	 * "iversion", "lazytime", "mand", "sync"); NULL-terminated or NULL. "silent" and "loud" are
	 * known but steer only what the kernel logs, which fsconfig(2) has no flag for. */
	const char *const *sb_flags;
	/* file system data: "key" or "key=value" in order; NULL-terminated or NULL. Split at commas
	 * as mount(2) does; a comma in double quotes or after a backslash is part of the value, and
	 * the quotes are taken off. */
	const char *const *data;
};

/* Parses @opts (NULL-terminated, may be NULL) into @out. Arrays come from @doc's arena. A
 * contradiction is not an error: as with mount(8) the last one counts. Errors: ENOMEM. */
int ctr_mountopt_parse(const struct cs_json_doc *doc, const char *const *opts,
		       struct ctr_mountopt *out, struct cs_err *err);

/* Every option name known here (for `features`), sorted. */
extern const char *const ctr_mountopt_names[];
extern const size_t ctr_mountopt_n_names;

#endif
