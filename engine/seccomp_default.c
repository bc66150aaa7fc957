#include "engine/seccomp_default.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "engine/seccomp_int.h"

/*
 * The default profile. Allowed is what programs do with their own memory, files, sockets and
 * processes, and what the kernel checks by namespaces or capabilities of long standing. Left out,
 * and so refused with EPERM:
 *  - what is not namespaced: the keyrings (add_key, keyctl, request_key), the host's clock, swap,
 *    modules, kexec, accounting;
 *  - what has been a way out of containers and hardly any program needs: io_uring, userfaultfd,
 * bpf, perf_event_open, new namespaces without CAP_SYS_ADMIN;
 *  - what the kernel keeps for programs of the last century (vm86, uselib, ustat, sysfs, ...).
 * What belongs to a capability is allowed with it. Calls younger than the table are answered with
 * ENOSYS by the runtime, so that a libc falls back.
 */

/* Names of other architectures, and 32-bit ones, are passed over where they do not exist. */
/* clang-format off */
static const char *const always[] = {
	"_llseek", "_newselect", "accept", "accept4", "access", "adjtimex", "alarm", "arch_prctl",
	"arm_fadvise64_64", "arm_sync_file_range", "bind", "breakpoint", "brk", "cacheflush",
	"cachestat", "capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_adjtime",
	"clock_adjtime64", "clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "close", "close_range",
	"connect", "copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
	"epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve", "execveat", "exit",
	"exit_group", "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate",
	"fanotify_mark", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32",
	"fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr", "file_getattr", "file_setattr",
	"flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatat",
	"fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex",
	"futex_requeue", "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "futimesat",
	"get_robust_list", "get_thread_area", "get_tls", "getcpu", "getcwd", "getdents",
	"getdents64", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
	"getgroups", "getgroups32", "getitimer", "getpeername", "getpgid", "getpgrp", "getpid",
	"getppid", "getpriority", "getrandom", "getresgid", "getresgid32", "getresuid",
	"getresuid32", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid",
	"gettimeofday", "getuid", "getuid32", "getxattr", "getxattrat", "inotify_add_watch",
	"inotify_init", "inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy",
	"io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "ioctl",
	"ioprio_get", "ioprio_set", "ipc", "kill", "landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listen",
	"listxattr", "listxattrat", "llistxattr", "llseek", "lremovexattr", "lseek", "lsetxattr",
	"lsm_get_self_attr", "lsm_list_modules", "lstat", "lstat64", "madvise",
	"map_shadow_stack", "membarrier", "memfd_create", "memfd_secret", "mincore", "mkdir",
	"mkdirat", "mknod", "mknodat", "mlock", "mlock2", "mlockall", "mmap", "mmap2",
	"modify_ldt", "mprotect", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
	"mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "mremap",
	"mseal", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock", "munlockall",
	"munmap", "name_to_handle_at", "nanosleep", "newfstatat", "nice", "oldfstat", "oldlstat",
	"oldstat", "olduname", "open", "openat", "openat2", "pause", "pidfd_open",
	"pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect", "poll",
	"ppoll", "ppoll_time64", "prctl", "pread64", "preadv", "preadv2", "prlimit64",
	"process_mrelease", "pselect6", "pselect6_time64", "ptrace", "pwrite64", "pwritev",
	"pwritev2", "read", "readahead", "readdir", "readlink", "readlinkat", "readv", "recvfrom",
	"recvmmsg", "recvmmsg_time64", "recvmsg", "remap_file_pages", "removexattr",
	"removexattrat", "rename", "renameat", "renameat2", "restart_syscall",
	"riscv_flush_icache", "riscv_hwprobe", "rmdir", "rseq", "rseq_slice_yield",
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
	"rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo",
	"s390_guarded_storage", "s390_runtime_instr", "s390_sthyi", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam",
	"sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64",
	"sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
	"sched_yield", "seccomp", "select", "semctl", "semget", "semop", "semtimedop",
	"semtimedop_time64", "sendfile", "sendfile64", "sendmmsg", "sendmsg", "sendto",
	"set_robust_list", "set_thread_area", "set_tid_address", "set_tls", "setfsgid",
	"setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32",
	"setitimer", "setpgid", "setpriority", "setregid", "setregid32", "setresgid",
	"setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit",
	"setsid", "setsockopt", "setuid", "setuid32", "setxattr", "setxattrat", "sgetmask",
	"shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaction", "sigaltstack", "signal",
	"signalfd", "signalfd4", "sigpending", "sigprocmask", "sigreturn", "sigsuspend",
	"socketcall", "socketpair", "splice", "ssetmask", "stat", "stat64", "statfs", "statfs64",
	"statx", "symlink", "symlinkat", "sync", "sync_file_range", "sync_file_range2", "syncfs",
	"sysinfo", "tee", "tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun",
	"timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64", "timerfd_create",
	"timerfd_gettime", "timerfd_gettime64", "timerfd_settime", "timerfd_settime64", "times",
	"tkill", "truncate", "truncate64", "ugetrlimit", "umask", "uname", "unlink", "unlinkat",
	"uretprobe", "utime", "utimensat", "utimensat_time64", "utimes", "vfork", "vmsplice",
	"wait4", "waitid", "waitpid", "write", "writev",
};

static const char *const with_admin[] = {
	"mount", "umount", "umount2", "pivot_root", "mount_setattr", "move_mount", "open_tree",
	"open_tree_attr", "fsopen", "fsmount", "fsconfig", "fspick", "statmount", "listmount",
	"setns", "unshare", "sethostname", "setdomainname", "quotactl", "quotactl_fd",
	"fanotify_init", "lookup_dcookie", "lsm_set_self_attr",
};
static const char *const with_boot[] = {
	"reboot",
};
static const char *const with_chroot[] = {
	"chroot",
};
static const char *const with_module[] = {
	"init_module", "finit_module", "delete_module",
};
static const char *const with_pacct[] = {
	"acct",
};
static const char *const with_ptrace[] = {
	"kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev",
};
static const char *const with_rawio[] = {
	"iopl", "ioperm",
};
static const char *const with_time[] = {
	"settimeofday", "stime", "clock_settime", "clock_settime64",
};
static const char *const with_tty[] = {
	"vhangup",
};
static const char *const with_nice[] = {
	"get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node",
};
static const char *const with_dac[] = {
	"open_by_handle_at",
};
static const char *const with_syslog[] = {
	"syslog",
};
static const char *const with_perfmon[] = {
	"perf_event_open",
};
static const char *const with_bpf[] = {
	"bpf",
};
/* clang-format on */

#define CAP(cap) (1ULL << (cap))

static const struct {
	uint64_t caps; /* any of them */
	const char *const *names;
	size_t n;
} by_caps[] = {
	{ CAP(CAP_SYS_ADMIN), with_admin, CS_LEN(with_admin) },
	{ CAP(CAP_SYS_BOOT), with_boot, CS_LEN(with_boot) },
	{ CAP(CAP_SYS_CHROOT), with_chroot, CS_LEN(with_chroot) },
	{ CAP(CAP_SYS_MODULE), with_module, CS_LEN(with_module) },
	{ CAP(CAP_SYS_PACCT), with_pacct, CS_LEN(with_pacct) },
	{ CAP(CAP_SYS_PTRACE), with_ptrace, CS_LEN(with_ptrace) },
	{ CAP(CAP_SYS_RAWIO), with_rawio, CS_LEN(with_rawio) },
	{ CAP(CAP_SYS_TIME), with_time, CS_LEN(with_time) },
	{ CAP(CAP_SYS_TTY_CONFIG), with_tty, CS_LEN(with_tty) },
	{ CAP(CAP_SYS_NICE), with_nice, CS_LEN(with_nice) },
	{ CAP(CAP_DAC_READ_SEARCH), with_dac, CS_LEN(with_dac) },
	{ CAP(CAP_SYSLOG) | CAP(CAP_SYS_ADMIN), with_syslog, CS_LEN(with_syslog) },
	{ CAP(CAP_BPF) | CAP(CAP_SYS_ADMIN), with_bpf, CS_LEN(with_bpf) },
	{ CAP(CAP_PERFMON) | CAP(CAP_SYS_ADMIN), with_perfmon, CS_LEN(with_perfmon) },
};

/* Every namespace a flag of clone(2) makes; not CLONE_NEWTIME, whose bit is the exit signal's
 * there. */
static const uint64_t new_ns = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
			       CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/* personality(2): Linux, Linux with the word size or the version of old, and the question. */
static const uint64_t personalities[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };

static const char *const archs[] = {
#if defined(__x86_64__)
	"SCMP_ARCH_X86_64",
	"SCMP_ARCH_X86",
	"SCMP_ARCH_X32",
#elif defined(__aarch64__)
	"SCMP_ARCH_AARCH64",
	"SCMP_ARCH_ARM",
#elif defined(__riscv)
	"SCMP_ARCH_RISCV64",
#endif
};

void eng_seccomp_put_names(struct cs_jw *w, const char *const *names, size_t n)
{
	cs_jw_arr(w, "names");
	for (size_t i = 0; i < n; i++)
		cs_jw_str(w, NULL, names[i]);
	cs_jw_arr_end(w);
}

static void allow(struct cs_jw *w, const char *const *names, size_t n)
{
	cs_jw_obj(w, NULL);
	eng_seccomp_put_names(w, names, n);
	cs_jw_str(w, "action", "SCMP_ACT_ALLOW");
	cs_jw_obj_end(w);
}

/* Allowed where one argument is as @op says. */
static void allow_arg(struct cs_jw *w, const char *name, const char *op, uint64_t value,
		      uint64_t value_two)
{
	cs_jw_obj(w, NULL);
	eng_seccomp_put_names(w, &name, 1);
	cs_jw_str(w, "action", "SCMP_ACT_ALLOW");
	cs_jw_arr(w, "args");
	cs_jw_obj(w, NULL);
	cs_jw_u64(w, "index", 0);
	cs_jw_u64(w, "value", value);
	cs_jw_u64(w, "valueTwo", value_two);
	cs_jw_str(w, "op", op);
	cs_jw_obj_end(w);
	cs_jw_arr_end(w);
	cs_jw_obj_end(w);
}

/* clone3(2) has its flags in memory, where no filter sees them: without it, libc uses clone(2). */
static void put_clone(struct cs_jw *w, uint64_t caps)
{
	static const char *const both[] = { "clone", "clone3" };

	if (caps & CAP(CAP_SYS_ADMIN)) {
		allow(w, both, CS_LEN(both));
		return;
	}
	allow_arg(w, "clone", "SCMP_CMP_MASKED_EQ", new_ns, 0);
	cs_jw_obj(w, NULL);
	eng_seccomp_put_names(w, &both[1], 1);
	cs_jw_str(w, "action", "SCMP_ACT_ERRNO");
	cs_jw_u64(w, "errnoRet", ENOSYS);
	cs_jw_obj_end(w);
}

void eng_seccomp_default(uint64_t caps, struct cs_jw *w)
{
	cs_jw_obj(w, "seccomp");
	cs_jw_str(w, "defaultAction", "SCMP_ACT_ERRNO");
	cs_jw_u64(w, "defaultErrnoRet", EPERM);
	cs_jw_arr(w, "architectures");
	for (size_t i = 0; i < CS_LEN(archs); i++)
		cs_jw_str(w, NULL, archs[i]);
	cs_jw_arr_end(w);
	cs_jw_arr(w, "syscalls");
	allow(w, always, CS_LEN(always));
	/* all but AF_VSOCK: it leads to the host of a virtual machine, past every namespace.
	 * (32-bit x86 has socketcall besides, whose arguments a filter cannot see.) */
	allow_arg(w, "socket", "SCMP_CMP_NE", AF_VSOCK, 0);
	for (size_t i = 0; i < CS_LEN(personalities); i++)
		allow_arg(w, "personality", "SCMP_CMP_EQ", personalities[i], 0);
	put_clone(w, caps);
	for (size_t i = 0; i < CS_LEN(by_caps); i++) {
		if (caps & by_caps[i].caps)
			allow(w, by_caps[i].names, by_caps[i].n);
	}
	cs_jw_arr_end(w);
	cs_jw_obj_end(w);
}
