#include "runtime/ns/self.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* 1: nobody can write to this process's binary through its exe link. */
static int is_sealed(int exe, struct cs_err *err)
{
	struct statfs fs;
	int seals;

	if (fstatfs(exe, &fs) < 0)
		return cs_err_sys(err, "read the file system of /proc/self/exe");
	if ((fs.f_flags & ST_RDONLY) != 0)
		return 1;
	if (fs.f_type != TMPFS_MAGIC) /* what a memfd is on */
		return 0;
	seals = fcntl(exe, F_GET_SEALS);
	return seals >= 0 && (seals & SEALS) == SEALS;
}

/* A read-only mount of just the binary, attached nowhere. */
static int clone_read_only(int exe)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	cs_auto_fd int fd = -EBADF;

	fd = cs_sys_open_tree(exe, "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned int)AT_EMPTY_PATH);
	if (fd < 0 || cs_sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr) < 0)
		return -errno;
	return cs_take_fd(&fd);
}

/* Where mounting is refused: a copy in memory that is sealed against writing. */
static int copy_to_memfd(int exe, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct stat sb;
	off_t done = 0;

	fd = memfd_create("caisson-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fstat(exe, &sb) < 0)
		return cs_err_sys(err, "copy the runtime's binary into memory");
	while (done < sb.st_size) {
		ssize_t n = sendfile(fd, exe, &done, (size_t)(sb.st_size - done));

		if (n < 0)
			return cs_err_sys(err, "copy the runtime's binary into memory");
		if (n == 0)
			return cs_err_set(err, EIO,
					  "the runtime's binary shrank while it was copied");
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return cs_err_sys(err, "seal the copy of the runtime's binary");
	return cs_take_fd(&fd);
}

static int sealed(int exe, struct cs_err *err)
{
	int clone = clone_read_only(exe);

	return clone < 0 ? copy_to_memfd(exe, err) : clone;
}

/* The clone has no path: what stands beside the binary is found by this. */
static int note_folder(const char *path, struct cs_err *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (cs_str_fmt(folder, sizeof(folder), err, "%.*s", slash ? (int)(slash - path) : 1,
		       slash ? path : ".") < 0)
		return -err->code;
	return setenv(CTR_SELF_FOLDER, folder, 1) < 0 ? cs_err_sys(err, "set the environment") : 0;
}

int ctr_sealed_open(const char *path, struct cs_err *err)
{
	cs_auto_fd int exe = open(path, O_RDONLY | O_CLOEXEC);

	if (exe < 0)
		return cs_err_sys(err, "open %s", path);
	return note_folder(path, err) < 0 ? -err->code : sealed(exe, err);
}

int ctr_self_seal(char *const argv[], struct cs_err *err)
{
	cs_auto_fd int exe = -EBADF;
	cs_auto_fd int clone = -EBADF;
	char path[PATH_MAX];
	ssize_t n;
	int rc;

	exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (exe < 0)
		return cs_err_sys(err, "open /proc/self/exe (is /proc mounted?)");
	rc = is_sealed(exe, err);
	if (rc < 0)
		return rc;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0)
		return cs_err_sys(err, "read /proc/self/exe");
	path[n] = '\0';
	if (rc) {
		/* it is on a read-only file system, perhaps, and never was executed again */
		if (!getenv(CTR_SELF_FOLDER) && note_folder(path, err) < 0)
			return -err->code;
		if (prctl(PR_SET_DUMPABLE, 0) < 0)
			return cs_err_sys(err, "make the runtime undumpable");
		return 0;
	}
	clone = sealed(exe, err);
	if (clone < 0)
		return clone;
	if (note_folder(path, err) < 0)
		return -err->code;
	execveat(clone, "", argv, environ, AT_EMPTY_PATH);
	return cs_err_sys(err, "execute the runtime's read-only clone");
}
