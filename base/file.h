#ifndef CS_BASE_FILE_H
#define CS_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cs_err;

enum { CS_BOOT_ID = 40 }; /* room for the kernel's boot_id */

/* Writes @name in @dirfd atomically: temporary name ".<name>.<pid>" in the same folder (made with
 * @mode less the umask), written, fdatasync()ed if @sync, renamed. On failure nothing is left but
 * the old file. */
int cs_file_replace(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		    bool sync, struct cs_err *err);

/* Reads the whole regular file @name of @dirfd, at most @max bytes (EFBIG), as a new
 * NUL-terminated buffer the caller frees. Does not follow a symlink in the last component. */
int cs_file_read(int dirfd, const char *name, size_t max, char **out, size_t *len,
		 struct cs_err *err);

/* The same for a path below @dirfd of a file that is ours, written by cs_file_replace(), and mostly
 * small: in three system calls. */
int cs_file_read_own(int dirfd, const char *path, size_t max, char **out, size_t *len,
		     struct cs_err *err);

/* What the kernel calls this boot of the host: another one each time. */
int cs_file_boot_id(char out[CS_BOOT_ID], struct cs_err *err);

/* Writes @s to an existing file in one write(2): for /proc, /sys and cgroup files. */
int cs_file_write_str(int dirfd, const char *name, const char *s, struct cs_err *err);

/* Opens (and makes, 0600) @name and takes an exclusive flock(2); waits unless @nowait, then a
 * held lock is EWOULDBLOCK. Returns the fd: closing it (or dying) lets go. */
int cs_file_lock(int dirfd, const char *name, bool nowait, struct cs_err *err);
/* Does somebody have that lock? 1, or 0, or an error; it makes the file, too. Who asks is in
 * nobody's way but, for a moment, that of one who tries for the lock with @nowait. */
int cs_file_is_locked(int dirfd, const char *name, struct cs_err *err);

/* Removes @name (no path: a name) and all that is below it without following symlinks or crossing
 * mounts. ENOENT is success. Continues past what cannot be removed (EBUSY: a mount point) and
 * reports the first such failure. Any depth works with some 130 fds. */
int cs_file_rmtree(int dirfd, const char *name, struct cs_err *err);

#endif
