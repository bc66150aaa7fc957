#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/which.h"
#include "engine/check_int.h"
#include "engine/libexec.h"

/* --- the kernel ------------------------------------------------------------------------------- */

static int try_calls(const struct eng_check *c, void *arg, struct cs_err *err)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	struct clone_args args = { .exit_signal = SIGCHLD };
	cs_auto_fd int fd = cs_sys_openat2(AT_FDCWD, "/", &how);
	pid_t pid;

	(void)c;
	(void)arg;
	if (fd < 0)
		return cs_err_sys(err, "openat2");
	cs_close_fd(&fd);
	fd = cs_sys_pidfd_open(getpid(), 0);
	if (fd < 0)
		return cs_err_sys(err, "pidfd_open");
	if (cs_sys_close_range(1000, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) < 0)
		return cs_err_sys(err, "close_range");
	pid = cs_sys_clone3(&args);
	if (pid < 0)
		return cs_err_sys(err, "clone3");
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return 0;
}

static void check_kernel(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	struct utsname u;

	uname(&u);
	if (geteuid() == 0)
		eng_check_pass(c, "root", "runs as root");
	else
		eng_check_fail(c, "root", "run caisson as root: running without is not there yet",
			       "runs as user %u", geteuid());
	if (eng_check_try(c, try_calls, NULL, &why) == 0)
		eng_check_pass(c, "kernel", "Linux %s has the system calls", u.release);
	else
		eng_check_fail(c, "kernel",
			       "use Linux 5.11 or newer; inside another container, allow the call "
			       "in its seccomp profile",
			       "Linux %s: %s", u.release, why.msg);
}

static int try_unshare(const struct eng_check *c, void *arg, struct cs_err *err)
{
	const int *flag = arg;

	(void)c;
	return unshare(*flag) < 0 ? cs_err_sys(err, "unshare") : 0;
}

static void check_namespaces(struct eng_check *c)
{
	static const struct {
		int flag;
		const char *name;
		bool needed;
	} kinds[] = {
		{ CLONE_NEWNS, "mount", true },	   { CLONE_NEWPID, "pid", true },
		{ CLONE_NEWNET, "network", true }, { CLONE_NEWIPC, "ipc", true },
		{ CLONE_NEWUTS, "uts", true },	   { CLONE_NEWCGROUP, "cgroup", true },
		{ CLONE_NEWUSER, "user", false },
	};
	size_t bad = 0;

	for (size_t i = 0; i < CS_LEN(kinds); i++) {
		struct cs_err why = CS_ERR_INIT;
		int flag = kinds[i].flag;

		if (eng_check_try(c, try_unshare, &flag, &why) == 0)
			continue;
		bad++;
		if (kinds[i].needed)
			eng_check_fail(c, "namespaces",
				       "raise user.max_*_namespaces (sysctl), or use a kernel with "
				       "all namespaces",
				       "%s: %s", kinds[i].name, why.msg);
		else
			eng_check_warn(c, "namespaces",
				       "--userns and --uidmap do not work: raise "
				       "user.max_user_namespaces (sysctl)",
				       "%s: %s", kinds[i].name, why.msg);
	}
	if (bad == 0)
		eng_check_pass(c, "namespaces", "mount, pid, network, ipc, uts, cgroup, user");
}

/* --- mounts ----------------------------------------------------------------------------------- */

static int new_fs(const char *type, struct cs_err *err)
{
	cs_auto_fd int fs = cs_sys_fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || cs_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cs_err_sys(err, "mount %s", type);
	fd = cs_sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? cs_err_sys(err, "mount %s", type) : fd;
}

/* In a pid namespace of its own, whose first process mounts what a container has. */
static int mount_all(struct cs_err *err)
{
	static const char *const types[] = { "tmpfs", "proc", "sysfs", "mqueue", "devpts" };

	for (size_t i = 0; i < CS_LEN(types); i++) {
		cs_auto_fd int fd = new_fs(types[i], err);

		if (fd < 0)
			return fd;
	}
	return 0;
}

static int try_mounts(const struct eng_check *c, void *arg, struct cs_err *err)
{
	struct cs_err inner = CS_ERR_INIT;
	int status = 0;
	pid_t pid;

	(void)c;
	(void)arg;
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC) < 0)
		return cs_err_sys(err, "unshare");
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "fork");
	if (pid == 0)
		_exit(mount_all(&inner) < 0 ? inner.code : 0);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return cs_err_errno(err, WEXITSTATUS(status),
				    "mount tmpfs, proc, sysfs, mqueue and devpts");
	return WIFEXITED(status) ? 0 : cs_err_set(err, ECHILD, "the process was killed");
}

static void check_mounts(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;

	if (eng_check_try(c, try_mounts, NULL, &why) == 0)
		eng_check_pass(c, "mounts",
			       "tmpfs, proc, sysfs, mqueue, devpts by the new mount "
			       "calls");
	else
		eng_check_fail(c, "mounts",
			       "use Linux 5.2 or newer; inside another container, let that one "
			       "have an unmasked /proc and the right to mount",
			       "%s", why.msg);
}

/* --- what processes may ----------------------------------------------------------------------- */

static int try_seccomp(const struct eng_check *c, void *arg, struct cs_err *err)
{
	static const struct {
		uint32_t action;
		const char *name;
	} actions[] = { { SECCOMP_RET_ERRNO, "errno" },
			{ SECCOMP_RET_LOG, "log" },
			{ SECCOMP_RET_KILL_PROCESS, "kill_process" } };
	struct sock_filter all = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	const struct sock_fprog prog = { 1, &all };

	(void)c;
	(void)arg;
	for (size_t i = 0; i < CS_LEN(actions); i++)
		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i].action) < 0)
			return cs_err_sys(err, "action %s", actions[i].name);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return cs_err_sys(err, "load a filter");
	return 0;
}

static void check_seccomp(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;
	char lsm[256];

	if (eng_check_try(c, try_seccomp, NULL, &why) == 0)
		eng_check_pass(c, "seccomp", "filters can be loaded");
	else
		eng_check_fail(c, "seccomp",
			       "use a kernel with CONFIG_SECCOMP_FILTER (Linux 4.14 or newer)",
			       "%s", why.msg);
	if (eng_check_line_of("/sys/kernel/security/lsm", lsm, sizeof(lsm)) == 0 &&
	    (strstr(lsm, "apparmor") || strstr(lsm, "selinux")))
		eng_check_pass(c, "security modules", "%s", lsm);
	else
		eng_check_warn(c, "security modules",
			       "boot with one of them (lsm=... on the kernel's command line) as "
			       "one more wall",
			       "neither AppArmor nor SELinux: namespaces, capabilities and seccomp "
			       "alone hold containers");
}

static void check_caps(struct eng_check *c)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ CAP_CHOWN, "CHOWN" },		{ CAP_DAC_OVERRIDE, "DAC_OVERRIDE" },
		{ CAP_KILL, "KILL" },		{ CAP_MKNOD, "MKNOD" },
		{ CAP_NET_ADMIN, "NET_ADMIN" }, { CAP_SETGID, "SETGID" },
		{ CAP_SETPCAP, "SETPCAP" },	{ CAP_SETUID, "SETUID" },
		{ CAP_SYS_ADMIN, "SYS_ADMIN" }, { CAP_SYS_CHROOT, "SYS_CHROOT" },
	};
	long long last = eng_check_number("/proc/sys/kernel/cap_last_cap"), have = 0;
	size_t bad = 0;

	for (size_t i = 0; i < CS_LEN(needed); i++) {
		if (prctl(PR_CAPBSET_READ, needed[i].cap, 0, 0, 0) == 1)
			continue;
		bad++;
		eng_check_fail(c, "capabilities", "give the outer container or unit all of them",
			       "CAP_%s is missing", needed[i].name);
	}
	for (int i = 0; i <= last; i++)
		have += prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
	if (bad)
		return;
	if (have == last + 1)
		eng_check_pass(c, "capabilities", "all %lld", have);
	else
		eng_check_warn(c, "capabilities",
			       "--privileged and --cap-add give fewer than they say: give the "
			       "outer container or unit all of them",
			       "%lld of %lld", have, last + 1);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void check_limits(struct eng_check *c)
{
	static const struct {
		const char *path, *name;
		long long want;
	} sysctls[] = {
		{ "/proc/sys/kernel/pid_max", "kernel.pid_max", 32768 },
		{ "/proc/sys/kernel/threads-max", "kernel.threads-max", 16384 },
		{ "/proc/sys/kernel/keys/root_maxkeys", "kernel.keys.root_maxkeys", 10000 },
		{ "/proc/sys/fs/inotify/max_user_instances", "fs.inotify.max_user_instances", 128 },
		{ "/proc/sys/fs/inotify/max_user_watches", "fs.inotify.max_user_watches", 8192 },
		{ "/proc/sys/vm/max_map_count", "vm.max_map_count", 65530 },
	};
	size_t bad = 0;

	for (size_t i = 0; i < CS_LEN(sysctls); i++) {
		long long n = eng_check_number(sysctls[i].path);
		char help[160];

		if (n < 0 || n >= sysctls[i].want)
			continue;
		bad++;
		snprintf(help, sizeof(help), "sysctl -w %s=%lld", sysctls[i].name, sysctls[i].want);
		eng_check_warn(c, "kernel limits", help, "%s is %lld: many containers run out",
			       sysctls[i].name, n);
	}
	if (bad == 0)
		eng_check_pass(c, "kernel limits", "processes, keys, inotify, mappings");
}

static void check_clock(struct eng_check *c)
{
	enum { OLDEST = 1767225600 }; /* 2026-01-01 */
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);

	if (time(NULL) < OLDEST)
		eng_check_fail(c, "clock", "set it: certificates of registries seem not valid yet",
			       "is before 2026");
	else if (state < 0 || state == TIME_ERROR || (t.status & STA_UNSYNC))
		eng_check_warn(c, "clock", "run a time service (systemd-timesyncd, chrony)",
			       "nobody keeps it right");
	else
		eng_check_pass(c, "clock", "is kept right");
}

static void check_programs(struct eng_check *c)
{
	static const char *const names[] = { "monitor", "caisson-init", "transfer" };
	char path[PATH_MAX] = "";

	for (size_t i = 0; i < CS_LEN(names); i++) {
		struct cs_err why = CS_ERR_INIT;

		if (eng_libexec(names[i], path, sizeof(path), &why) < 0) {
			eng_check_fail(c, "programs", "install caisson whole", "%s", why.msg);
			return;
		}
	}
	eng_check_pass(c, "programs", "monitor, caisson-init and transfer are there");
}

/* Others' programs that nothing here needs: people look for them. */
static void check_found(struct eng_check *c)
{
	static const struct {
		const char *name, *instead;
	} programs[] = {
		{ "criu", "containers are not checkpointed" },
		{ "pasta", "networks are made as root" },
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < CS_LEN(programs); i++)
		if (cs_which(programs[i].name, path, sizeof(path)))
			eng_check_pass(c, programs[i].name, "%s is there; not needed: %s", path,
				       programs[i].instead);
		else
			eng_check_pass(c, programs[i].name, "not there, not needed: %s",
				       programs[i].instead);
}

void eng_check_host(struct eng_check *c)
{
	check_kernel(c);
	check_namespaces(c);
	check_mounts(c);
	check_caps(c);
	check_seccomp(c);
	check_limits(c);
	eng_check_ids(c);
	check_clock(c);
	check_programs(c);
	check_found(c);
}
