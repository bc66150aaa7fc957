#include "runtime/ns/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/ns/caps.h"
#include "runtime/ns/limits.h"
#include "runtime/ns/lsm.h"
#include "runtime/ns/seccomp.h"

#include "runtime/ns/sync.h"
#include "runtime/passwd.h"

enum {
	EXIT_NOT_FOUND = 127,
	EXIT_NOT_EXECUTABLE = 126,
	FIRST_PRESERVED = 3,
	MAX_PRESERVED_FDS = 1 << 20, /* what a kernel lets a process have by default */
	MAX_LISTEN_FDS = 512,
};

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* The value of NAME=value in @env, NULL if it is not there. */
static const char *env_get(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static int env_add(struct ctr_becoming *b, size_t *n, const char *name, const char *value,
		   struct cs_err *err)
{
	char *entry = NULL;

	if (asprintf(&entry, "%s=%s", name, value) < 0)
		return cs_err_set(err, ENOMEM, "environment: out of memory");
	b->env[(*n)++] = entry;
	b->env[*n] = NULL;
	return 0;
}

/* Another LISTEN_PID: the variables are a caller's, who did not clear them, and fds of these
 * numbers are none of the container's business. */
unsigned int ctr_process_listen_fds(void)
{
	const char *text = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");
	uint64_t n;

	if (pid && (cs_str_u64(pid, &n) < 0 || n != (uint64_t)getpid()))
		return 0;
	return text && cs_str_u64(text, &n) == 0 && n <= MAX_LISTEN_FDS ? (unsigned int)n : 0;
}

static int env_add_listen(struct ctr_becoming *b, size_t *n, struct cs_err *err)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int rc;

	if (b->listen_fds == 0)
		return 0;
	rc = env_add(b, n, "LISTEN_FDS", getenv("LISTEN_FDS"), err);
	if (rc == 0)
		rc = env_add(b, n, "LISTEN_PID", "1", err);
	if (rc == 0 && names)
		rc = env_add(b, n, "LISTEN_FDNAMES", names, err);
	return rc;
}

static int make_env(struct ctr_becoming *b, struct cs_err *err)
{
	enum { EXTRA = 5 }; /* HOME, LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, NULL */
	char home[PATH_MAX];
	size_t n = 0;
	int rc;

	b->env = calloc(b->p->n_env + EXTRA, sizeof(*b->env));
	if (!b->env)
		return cs_err_set(err, ENOMEM, "environment: out of memory");
	for (; n < b->p->n_env; n++) {
		b->env[n] = strdup(b->p->env[n]);
		if (!b->env[n])
			return cs_err_set(err, ENOMEM, "environment: out of memory");
	}
	if (!env_get(b->env, "HOME")) {
		rc = ctr_passwd_home(b->root, b->p->user.uid, home, sizeof(home), err);
		if (rc == 0)
			rc = env_add(b, &n, "HOME", home, err);
		if (rc < 0)
			return rc;
	}
	return env_add_listen(b, &n, err);
}

/* Can @path be executed, as far as a look tells? 0 yes, else errno. */
static int look(const char *path)
{
	struct stat sb;

	if (stat(path, &sb) < 0)
		return errno;
	if (S_ISDIR(sb.st_mode))
		return EISDIR;
	if (!S_ISREG(sb.st_mode) || (sb.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		return EACCES;
	return 0;
}

/* The texts are those that dockerd and containerd know from runc and turn into 127 and 126. */
static int not_executable(const char *name, int why, int *exit_code, struct cs_err *err)
{
	*exit_code = why == ENOENT || why == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	if (why == EISDIR)
		return cs_err_set(err, why, "exec: \"%s\": is a directory", name);
	return cs_err_errno(err, why, "exec: \"%s\"", name);
}

/* Looks for the bare name @name in PATH as execvp(3) does. */
static int search_path(struct ctr_becoming *b, const char *name, int *exit_code, struct cs_err *err)
{
	const char *dir = env_get(b->env, "PATH");
	int denied = 0;

	if (!dir)
		dir = default_path;
	for (const char *end;; dir = end + 1) {
		char path[PATH_MAX];
		int n, why;

		end = strchrnul(dir, ':');
		n = snprintf(path, sizeof(path), "%.*s%s%s", (int)(end - dir), dir,
			     end == dir ? "./" : "/", name);
		why = n > 0 && (size_t)n < sizeof(path) ? look(path) : ENOENT;
		if (why == 0) {
			b->path = strdup(path);
			return b->path ? 0 : cs_err_set(err, ENOMEM, "program: out of memory");
		}
		if (why == EACCES)
			denied = why;
		if (!*end)
			break;
	}
	if (denied)
		return not_executable(name, denied, exit_code, err);
	*exit_code = EXIT_NOT_FOUND;
	return cs_err_set(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

/* The working folder is the program's, so that a relative program is found; it must be inside: a
 * leaked fd of the host as "/proc/self/fd/N" shows as an unreachable path (CVE-2024-21626). */
static int enter_cwd(const char *cwd, struct cs_err *err)
{
	char path[PATH_MAX];

	if (chdir(cwd) < 0)
		return cs_err_sys(err, "process.cwd: chdir to %s", cwd);
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return cs_err_sys(err, "process.cwd: %s is not reachable from the container's root",
				  cwd);
	if (path[0] != '/')
		return cs_err_set(err, EPERM, "process.cwd: %s is outside the container's root",
				  cwd);
	return 0;
}

static bool is_null(const struct stat *sb)
{
	return S_ISCHR(sb->st_mode) && sb->st_rdev == makedev(1, 3);
}

/* Through the host's /dev/null, as a standard file, the container's root could change that file's
 * mode and owner: the container's own takes its place, where it has one. */
static int replace_null(struct cs_err *err)
{
	cs_auto_fd int null = -EBADF;
	struct stat sb;

	for (int fd = 0; fd < FIRST_PRESERVED; fd++) {
		if (fstat(fd, &sb) < 0 || !is_null(&sb))
			continue;
		if (null < 0)
			null = open("/dev/null",
				    O_RDWR | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (null < 0 || fstat(null, &sb) < 0 || !is_null(&sb))
			return 0;
		/* NOLINTNEXTLINE(android-cloexec-dup): it is to stay */
		if (dup2(null, fd) < 0)
			return cs_err_sys(err, "replace fd %d by the container's /dev/null", fd);
	}
	return 0;
}

/* A user other than root must be able to open its own /dev/stdout again: the inherited files go to
 * it. What cannot change owner (a socket, a read-only file system) stays as it is. */
static int own_stdio(const struct ctr_process *p, struct cs_err *err)
{
	for (int fd = 0; fd < FIRST_PRESERVED; fd++) {
		struct stat sb;

		if (fstat(fd, &sb) < 0) {
			if (errno == EBADF)
				continue;
			return cs_err_sys(err, "stat fd %d", fd);
		}
		if (sb.st_uid == p->user.uid || is_null(&sb))
			continue;
		if (fchown(fd, p->user.uid, (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM &&
		    errno != EROFS)
			return cs_err_sys(err, "give fd %d to uid %u", fd, p->user.uid);
	}
	return 0;
}

/* Nothing but stdio and the preserved fds gets through execve(2), whatever the caller of the
 * runtime had open. */
static int seal_fds(const struct ctr_becoming *b, struct cs_err *err)
{
	for (unsigned int i = 0; i < b->preserve_fds; i++) {
		int fd = (int)(FIRST_PRESERVED + i);
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || (flags & FD_CLOEXEC))
			return cs_err_set(err, EBADF,
					  "--preserve-fds (or LISTEN_FDS): fd %d is not open", fd);
	}
	if (cs_sys_close_range(FIRST_PRESERVED + b->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return cs_err_sys(err, "mark the runtime's files close-on-exec");
	return 0;
}

static int find_program(struct ctr_becoming *b, int *exit_code, struct cs_err *err)
{
	const char *name = b->p->args[0];
	int why;

	if (!strchr(name, '/'))
		return search_path(b, name, exit_code, err);
	why = look(name);
	if (why)
		return not_executable(name, why, exit_code, err);
	b->path = strdup(name);
	return b->path ? 0 : cs_err_set(err, ENOMEM, "program: out of memory");
}

/* Nothing of the host stays within reach of the paths that follow, all of them an image's to say.
 */
static int drop_host_fds(struct ctr_becoming *b, struct cs_err *err)
{
	const int keep[] = { b->proc, b->sync, b->keep, cs_log_fd() };

	b->root = -EBADF;
	return cs_fd_close_others(FIRST_PRESERVED + b->preserve_fds, keep, CS_LEN(keep), err);
}

int ctr_process_prepare(struct ctr_becoming *b, int *exit_code, struct cs_err *err)
{
	int rc;

	rc = make_env(b, err);
	if (rc < 0)
		return rc;
	if (b->preserve_fds > MAX_PRESERVED_FDS)
		return cs_err_set(err, EINVAL, "--preserve-fds: %u are more than the %d allowed",
				  b->preserve_fds, MAX_PRESERVED_FDS);
	b->preserve_fds += b->listen_fds;
	rc = drop_host_fds(b, err);
	if (rc < 0)
		return rc;
	if (enter_cwd(b->p->cwd, err) < 0) {
		if (err->code != EACCES)
			return -err->code;
		cs_err_clear(err); /* the user may be let in where root is not: tried again then */
		b->cwd_pending = true;
	}
	rc = find_program(b, exit_code, err);
	if (rc == 0)
		rc = replace_null(err);
	if (rc == 0 && b->p->user.uid != 0)
		rc = own_stdio(b->p, err);
	if (rc == 0)
		rc = seal_fds(b, err);
	return rc;
}

/* Which number the next fd gets: seccomp(2) gives the notify fd the lowest free one. */
static int next_fd(int any, struct cs_err *err)
{
	int fd = fcntl(any, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return cs_err_sys(err, "find a free fd for the seccomp listener");
	close(fd);
	/* cppcheck-suppress deallocret ; only its number is of use */
	return fd;
}

/* Waits until the runtime has set @taken. Nothing here is a system call: the filter is in force. */
static void wait_taken(const volatile int *taken)
{
	enum { PATIENCE_S = 10 };
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!*taken) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > PATIENCE_S)
			__builtin_trap();
	}
}

/* Installs the filter. A notify fd is fetched by the runtime with pidfd_getfd(2) and acknowledged
 * by a write into this process's memory, since the filter may forbid, or hold, any system call that
 * could pass it on. It must be fetched before execve(2), which closes it. */
static int install_seccomp(struct ctr_becoming *b, struct cs_err *err)
{
	volatile int taken = 0;
	struct ctr_msg msg = { .kind = CTR_MSG_SECCOMP, .address = (uintptr_t)&taken };
	int listener = -EBADF;
	int rc;

	if (b->seccomp->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) {
		msg.value = next_fd(b->sync, err);
		if (msg.value < 0)
			return -err->code;
		rc = ctr_sync_send(b->sync, &msg, -EBADF, err);
		if (rc < 0)
			return rc;
	}
	rc = ctr_seccomp_install(b->seccomp, &listener, err);
	if (rc == 0 && listener >= 0)
		wait_taken(&taken);
	return rc;
}

int ctr_process_become(struct ctr_becoming *b, struct cs_err *err)
{
	const struct ctr_process *p = b->p;
	bool seccomp_last = b->seccomp && p->no_new_privileges;
	int rc;

	rc = ctr_limits_sched(p, err);
	if (rc == 0)
		rc = ctr_limits_rlimits(p, err);
	if (rc == 0)
		rc = ctr_lsm_set_exec(p, b->proc, err);
	cs_close_fd(&b->proc);
	if (rc == 0 && p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = cs_err_sys(err, "process.noNewPrivileges");
	/* Without no_new_privs a filter needs the rights that are about to go. */
	if (rc == 0 && b->seccomp && !seccomp_last)
		rc = install_seccomp(b, err);
	if (rc == 0)
		rc = ctr_caps_become(&p->user, &p->caps, b->setgroups, err);
	if (rc == 0 && b->cwd_pending)
		rc = enter_cwd(p->cwd, err);
	if (rc == 0 && seccomp_last)
		rc = install_seccomp(b, err);
	return rc;
}

int ctr_process_execute(struct ctr_becoming *b, int *exit_code, struct cs_err *err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none,
		    NULL); /* the runtime, or who called it, may hold signals back */
	/* execve(2) takes char *const[], and changes nothing */
	execve(b->path, (char *const *)(uintptr_t)b->p->args, b->env);
	return not_executable(b->p->args[0], errno, exit_code, err);
}
