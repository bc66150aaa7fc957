#ifndef CS_TESTS_UNIT_RUNTIME_MNTFIX_H
#define CS_TESTS_UNIT_RUNTIME_MNTFIX_H

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "runtime/ns/devnodes.h"
#include "runtime/ns/maskpaths.h"
#include "runtime/ns/mounts.h"
#include "runtime/ns/procfs.h"
#include "runtime/ns/rootfs.h"
#include "runtime/ns/setup.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

/*
 * The mount steps on real mounts. A test process is in a mount namespace of its own, in which a
 * tmpfs lies over /mnt: bundle and rootfs are made there, "the host's" files beside them, and all
 * of it is gone with the process.
 */

UNIT_NO_LEAK_CHECK

#define FIX_BUNDLE "/mnt/bundle"
#define FIX_ROOT FIX_BUNDLE "/rootfs"

enum { FIX_MAX_MOUNTS = 24, FIX_FIRST_ID = 100000 };

struct fix {
	struct ctr_spec spec;
	struct ctr_ns_setup s;
	struct ctr_mount mounts[FIX_MAX_MOUNTS];
	int fds[FIX_MAX_MOUNTS];
	struct cs_err err;
	char *mountinfo; /* owned; as last read */
};

/* Steps of fix_run(). */
enum {
	STEP_ATTACH = 1,
	STEP_PROC = 2,
	STEP_MOUNTS = 4,
	STEP_DEV = 8,
	STEP_PIVOT = 16,
	STEP_MASK = 32,
	STEP_SEAL = 64,
	STEP_IN = STEP_ATTACH | STEP_PROC | STEP_MOUNTS,
	STEP_ALL = 127,
};

static inline void fix_dir(const char *path)
{
	ck_assert_msg(mkdir(path, 0755) == 0 || errno == EEXIST, "mkdir %s: %s", path,
		      strerror(errno));
}

static inline void fix_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0, "make %s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* The first bytes of a file, "" if it cannot be read. */
static inline const char *fix_text(const char *path)
{
	static char buf[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static inline void fix_tmpfs(const char *path)
{
	ck_assert_int_eq(mount("tmpfs", path, "tmpfs", 0, ""), 0);
}

/* Enters new namespaces (CLONE_NEW*, besides the mount namespace) and makes the bundle. */
static inline void fix_init(struct fix *f, int flags)
{
	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(unshare(CLONE_NEWNS | flags), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL), 0);
	fix_tmpfs("/mnt");
	fix_dir(FIX_BUNDLE);
	fix_dir(FIX_ROOT);
	f->spec.root_path = "rootfs";
	f->spec.mounts = f->mounts;
	f->spec.ns[CTR_NS_MOUNT].present = true;
	f->s = (struct ctr_ns_setup){
		.spec = &f->spec,
		.id = "test",
		.bundle = FIX_BUNDLE,
		.bundle_fd = open(FIX_BUNDLE, O_PATH | O_CLOEXEC),
		.host_proc = cs_path_proc_open(&f->err),
		.root = -EBADF,
		.host_null = -EBADF,
		.proc = -EBADF,
	};
	ck_assert_int_ge(f->s.bundle_fd, 0);
	ck_assert_int_ge(f->s.host_proc, 0);
}

static inline void fix_fini(struct fix *f)
{
	int *const fds[] = { &f->s.bundle_fd, &f->s.host_proc, &f->s.root, &f->s.host_null,
			     &f->s.proc };

	for (size_t i = 0; i < CS_LEN(fds); i++)
		cs_close_fd(fds[i]);
	for (size_t i = 0; f->s.mount_fds && i < f->spec.n_mounts; i++)
		cs_close_fd(&f->fds[i]);
	free(f->mountinfo);
}

/* fork(2) for a helper of the test, which does not outlive it. */
static inline pid_t fix_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static inline void fix_write_map(pid_t pid, const char *name)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	snprintf(text, sizeof(text), "0 %d 65536\n", FIX_FIRST_ID);
	fix_file(path, text);
}

/* Enters a new user namespace with 65536 ids from FIX_FIRST_ID, and new ones of @flags that it
 * owns, a mount namespace with them, as its root. The bundle must be made before. With CLONE_NEWPID
 * the rest of the test goes on in a child, which this process waits for. */
static inline void fix_enter_userns(struct fix *f, int flags)
{
	static const struct ctr_idmap map = { 0, FIX_FIRST_ID, 65536 };
	pid_t pid = getpid(), helper;
	int go[2], done[2];
	char c = 0;

	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(done, O_CLOEXEC), 0);
	helper = fix_fork();
	if (helper == 0) {
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		fix_write_map(pid, "uid_map");
		fix_write_map(pid, "gid_map");
		_exit(write(done[1], &c, 1) != 1);
	}
	ck_assert_int_eq(unshare(CLONE_NEWUSER | CLONE_NEWNS | flags), 0);
	ck_assert_int_eq(write(go[1], &c, 1), 1);
	ck_assert_int_eq(read(done[0], &c, 1), 1);
	ck_assert_int_eq(waitpid(helper, NULL, 0), helper);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(done[i]);
	}
	ck_assert_int_eq(setresgid(0, 0, 0), 0);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	f->s.userns = true;
	f->spec.ns[CTR_NS_USER].present = true;
	f->spec.uid_maps = f->spec.gid_maps = (struct ctr_idmaps){ &map, 1 };
	if (flags & CLONE_NEWPID) {
		pid = fix_fork();
		if (pid > 0)
			check_waitpid_and_exit(pid);
	}
}

/* Gives the rootfs to the user namespace's root, as engines do. */
static inline void fix_chown_root(void)
{
	ck_assert_int_eq(chown(FIX_ROOT, FIX_FIRST_ID, FIX_FIRST_ID), 0);
}

static inline struct ctr_mount *fix_mount(struct fix *f, const char *type, const char *source,
					  const char *destination)
{
	struct ctr_mount *m = &f->mounts[f->spec.n_mounts++];

	ck_assert_uint_le(f->spec.n_mounts, FIX_MAX_MOUNTS);
	*m = (struct ctr_mount){ .type = type, .source = source, .destination = destination };
	m->opt.bind = strcmp(type, "bind") == 0;
	return m;
}

/* Host side of the mounts, in the present namespaces. */
static inline int fix_prepare(struct fix *f)
{
	f->s.mount_fds = f->fds;
	return ctr_mounts_prepare(&f->spec, f->s.bundle_fd, f->s.host_proc, f->fds, &f->err);
}

/* Runs the steps in init's order up to the first that fails; its value. */
static inline int fix_run(struct fix *f, int steps)
{
	int r = 0;

	if (r == 0 && (steps & STEP_ATTACH))
		r = ctr_rootfs_attach(&f->s, &f->err);
	if (r == 0 && (steps & STEP_PROC)) {
		f->s.proc = ctr_procfs_open(&f->err);
		r = f->s.proc < 0 ? f->s.proc : 0;
	}
	if (r == 0 && (steps & STEP_MOUNTS))
		r = ctr_mounts_apply(&f->s, &f->err);
	if (r == 0 && (steps & STEP_DEV))
		r = ctr_devnodes_make(&f->s, &f->err);
	if (r == 0 && (steps & STEP_PIVOT))
		r = ctr_rootfs_pivot(&f->s, &f->err);
	if (r == 0 && (steps & STEP_MASK))
		r = ctr_maskpaths_apply(&f->s, &f->err);
	if (r == 0 && (steps & STEP_SEAL))
		r = ctr_rootfs_seal(&f->s, &f->err);
	return r;
}

static inline void fix_ok(struct fix *f, int r)
{
	ck_assert_msg(r == 0, "%s", f->err.msg);
	ck_assert_msg(f->err.code == 0, "an error is left: %s", f->err.msg);
}

/* It failed with @code, and each text is part of the message. */
static inline void fix_failed(struct fix *f, int r, int code, const char *a, const char *b)
{
	ck_assert_msg(r == -code, "%d, not %d: %s", r, -code, f->err.msg);
	ck_assert_msg(strstr(f->err.msg, a), "no \"%s\" in: %s", a, f->err.msg);
	ck_assert_msg(strstr(f->err.msg, b), "no \"%s\" in: %s", b, f->err.msg);
	cs_err_clear(&f->err);
}

static inline int fix_step_ok(struct fix *f, int steps)
{
	int r = fix_run(f, steps);

	fix_ok(f, r);
	return r;
}

/* The topmost mount at @point as its line of mountinfo; NULL if none is there. */
static inline const char *fix_line(struct fix *f, const char *point)
{
	enum { SIZE = 1 << 20 };
	int proc = f->s.proc >= 0 ? f->s.proc : f->s.host_proc;
	int fd = cs_path_proc_file(proc, "self/mountinfo", O_RDONLY, &f->err);
	char *found = NULL;
	char needle[PATH_MAX];
	size_t len = 0;
	ssize_t n;

	ck_assert_msg(fd >= 0, "%s", f->err.msg);
	if (!f->mountinfo)
		f->mountinfo = malloc(SIZE);
	ck_assert_ptr_nonnull(f->mountinfo);
	while ((n = read(fd, f->mountinfo + len, SIZE - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	f->mountinfo[len] = '\0';
	/* "ID PARENT DEV ROOT POINT OPTIONS": the point is the first that has blanks around it
	 * after the root, which is never the same text as the point and its options */
	snprintf(needle, sizeof(needle), " %s rw", point);
	for (char *line = f->mountinfo; line && *line;) {
		char *end = strchr(line, '\n');
		char *at;

		if (end)
			*end = '\0';
		needle[strlen(point) + 2] = 'r';
		needle[strlen(point) + 3] = 'w';
		at = strstr(line, needle);
		if (!at) {
			needle[strlen(point) + 3] = 'o';
			at = strstr(line, needle);
		}
		if (at)
			found = line;
		line = end ? end + 1 : NULL;
	}
	return found;
}

static inline void fix_has(struct fix *f, const char *point, const char *text)
{
	const char *line = fix_line(f, point);

	ck_assert_msg(line != NULL, "no mount at %s", point);
	ck_assert_msg(strstr(line, text), "no \"%s\" in: %s", text, line);
}

static inline void fix_has_not(struct fix *f, const char *point, const char *text)
{
	const char *line = fix_line(f, point);

	ck_assert_msg(line != NULL, "no mount at %s", point);
	ck_assert_msg(!strstr(line, text), "\"%s\" in: %s", text, line);
}

static inline void fix_no_mount(struct fix *f, const char *point)
{
	const char *line = fix_line(f, point);

	ck_assert_msg(line == NULL, "mounted: %s", line);
}

static inline bool fix_is_null(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && S_ISCHR(sb.st_mode) && sb.st_rdev == makedev(1, 3);
}

static inline int fix_count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif
