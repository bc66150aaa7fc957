#include "kvm/virtio/fs_jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sys.h"

#include <sys/mount.h>

enum {
	FDS_SPARE = 64,
	FDS_MOST = 1 << 20,
};

/* What a server does; all else ends it, to abort among it, for it may not signal anybody. */
static const uint32_t calls[] = {
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_clock_gettime,
	SYS_exit,
	SYS_exit_group,
	SYS_rt_sigreturn,
	SYS_rt_sigprocmask,
	/* the loop and the socket */
	SYS_epoll_create1,
	SYS_epoll_wait,
	SYS_epoll_pwait,
	SYS_epoll_ctl,
	SYS_eventfd2,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_sendto,
	SYS_recvfrom,
	SYS_poll,
	SYS_fcntl,
	/* files */
	SYS_read,
	SYS_write,
	SYS_close,
	SYS_preadv,
	SYS_pwritev,
	SYS_openat,
	SYS_openat2,
	SYS_fstat,
	SYS_newfstatat,
	SYS_lseek,
	SYS_getdents64,
	SYS_fsync,
	SYS_fdatasync,
	SYS_syncfs,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_fstatfs,
	SYS_fchdir,
	/* names */
	SYS_mkdirat,
	SYS_mknodat,
	SYS_symlinkat,
	SYS_linkat,
	SYS_unlinkat,
	SYS_renameat, /* renameat2(3) without flags */
	SYS_renameat2,
	SYS_readlinkat,
	SYS_fchownat,
	SYS_fchmodat,
	SYS_utimensat,
	SYS_setxattr,
	SYS_getxattr,
	SYS_listxattr,
	SYS_removexattr,
	/* users */
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_capget,
	SYS_capset,
	SYS_geteuid,
/* what the architecture has beside these */
#ifdef SYS_open
	SYS_open,
	SYS_chmod,
#endif
};

/* These too, but not with PROT_EXEC for the third argument. */
static const uint32_t no_exec[] = { SYS_mmap, SYS_mprotect };

/* Capabilities that a guest's own checks stand in for. */
static const int kept[] = { CAP_CHOWN,	CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
			    CAP_SETGID, CAP_SETUID,	  CAP_SETFCAP };

static int filter(struct cs_err *err)
{
	struct sock_filter f[8 + 2 * CS_LEN(calls) + 5 * CS_LEN(no_exec)];
	struct sock_fprog prog = { 0 };
	unsigned short n = 0;
#ifdef __x86_64__
	const uint32_t arch = AUDIT_ARCH_X86_64;
#else
	const uint32_t arch = AUDIT_ARCH_AARCH64;
#endif

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, arch));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CS_LEN(calls); i++) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < CS_LEN(no_exec); i++) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, no_exec[i], 0, 4);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, args) +
							      2 * sizeof(uint64_t));
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	prog.filter = f;
	prog.len = n;
#if defined(__SANITIZE_ADDRESS__)
	return 0; /* the sanitizer's runtime does as it likes */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return 0;
#endif
#endif
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return cs_err_sys(err, "filter system calls");
	return 0;
}

static int write_map(const char *path, const char *text, struct cs_err *err)
{
	cs_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return cs_err_sys(err, "write %s", path);
	return 0;
}

/* As another user than root: a user namespace of our own, in which we stay who we are. */
static int become_own_root(struct cs_err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char text[64];
	int ret;

	if (unshare(CLONE_NEWUSER) < 0)
		return cs_err_sys(err, "make a user namespace");
	(void)snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	ret = write_map("/proc/self/uid_map", text, err);
	if (ret == 0)
		ret = write_map("/proc/self/setgroups", "deny", err);
	(void)snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return ret < 0 ? ret : write_map("/proc/self/gid_map", text, err);
}

static int drop_caps(bool root, struct cs_err *err)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	uint32_t keep = 0;

	for (size_t i = 0; root && i < CS_LEN(kept); i++)
		keep |= 1U << kept[i];
	/* past the last one there is EINVAL */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if ((cap >= 32 || !(keep >> cap & 1)) && prctl(PR_CAPBSET_DROP, cap) < 0)
			return cs_err_sys(err, "drop capability %d", cap);
	d[0].effective = keep;
	d[0].permitted = keep;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &h, d) < 0)
		return cs_err_sys(err, "drop capabilities");
	return 0;
}

/* A mount of @path and what is mounted below it, for this process alone. */
static int clone_mount(const char *path, uint64_t attributes, struct cs_err *err)
{
	const struct mount_attr attr = { .attr_set = attributes };
	cs_auto_fd int fd = cs_sys_open_tree(
		AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned int)AT_RECURSIVE);

	if (fd < 0 || cs_sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return cs_err_sys(err, "mount %s for the folder's server", path);
	return cs_take_fd(&fd);
}

/* The folder becomes the only mount. Afterwards nothing else has a name: not by "..", for above the
 * root of a mount that is nowhere else there is nothing, and not by /proc, of which one folder is
 * left, by a mount that is in no namespace. */
static int confine(struct vio_fs_jail *j, int root_fd, bool readonly, struct cs_err *err)
{
	const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

	/* the working folder goes along to the new namespace, an fd does not */
	if (fchdir(root_fd) < 0)
		return cs_err_sys(err, "go to the shared folder");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return cs_err_sys(err, "make namespaces");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return cs_err_sys(err, "keep mounts apart");
	j->proc_fd = clone_mount("/proc/self/fd", safe, err);
	if (j->proc_fd < 0)
		return j->proc_fd;
	j->root_fd = clone_mount(".", safe | (readonly ? MOUNT_ATTR_RDONLY : 0), err);
	if (j->root_fd < 0)
		return j->root_fd;
	if (cs_sys_move_mount(j->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(j->root_fd) < 0 || cs_sys_pivot_root(".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return cs_err_sys(err, "make the shared folder the root");
	return 0;
}

/* As many as there may be, but for some of the server's own. */
static uint32_t raise_fds(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return FDS_SPARE;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur <= 2UL * FDS_SPARE)
		return FDS_SPARE;
	return lim.rlim_cur > FDS_MOST ? FDS_MOST : (uint32_t)lim.rlim_cur - FDS_SPARE;
}

int vio_fs_jail(int sock, int *root_fd, bool readonly, struct vio_fs_jail *out, struct cs_err *err)
{
	const int keep[] = { sock, *root_fd };
	const bool root = geteuid() == 0;
	cs_auto_fd int given = cs_take_fd(root_fd);
	struct vio_fs_jail j = { .root_fd = -EBADF, .proc_fd = -EBADF };
	int ret = cs_fd_close_others(3, keep, CS_LEN(keep), err);

	if (ret < 0)
		return ret;
	(void)umask(0);
	j.max_fds = raise_fds();
	/* a guest may write as much as the folder's file system lets it */
	if (prctl(PR_SET_NAME, "vmm-fs") < 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return cs_err_sys(err, "prepare the folder's server");
	ret = root ? 0 : become_own_root(err);
	if (ret == 0)
		ret = confine(&j, given, readonly, err);
	if (ret == 0)
		ret = drop_caps(root, err);
	if (ret == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		ret = cs_err_sys(err, "give up new privileges");
	if (ret == 0)
		ret = filter(err);
	if (ret < 0) {
		cs_close_fd(&j.root_fd);
		cs_close_fd(&j.proc_fd);
		return ret;
	}
	*out = j;
	return 0;
}
