#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <linux/vhost.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "kvm/jail.h"

/*
 * What a thread may ask of the kernel, a line a system call, by the thread's role. Anything else
 * ends the whole process: it means that a guest has got hold of it.
 */
enum {
	CONTROL = 1 << VM_ROLE_CONTROL,
	DEVICE = 1 << VM_ROLE_DEVICE,
	VCPU = 1 << VM_ROLE_VCPU,
	WORKER = 1 << VM_ROLE_WORKER,
	IO = DEVICE | WORKER | VCPU, /* a vCPU writes registers, which starts and stops devices */
	ALL = CONTROL | IO,
};

enum check {
	ANY,
	NO_EXEC, /* the third argument has no PROT_EXEC */
	IOCTL,	 /* the second argument is one of the list */
};

struct rule {
	uint32_t nr;
	uint8_t roles;
	uint8_t check;
};

static const struct rule rules[] = {
	/* memory, locks, time, the end */
	{ SYS_brk, ALL, ANY },
	{ SYS_mmap, ALL, NO_EXEC },
	{ SYS_mprotect, ALL, NO_EXEC },
	{ SYS_mremap, ALL, ANY },
	{ SYS_munmap, ALL, ANY },
	{ SYS_madvise, ALL, ANY },
	{ SYS_futex, ALL, ANY },
	{ SYS_clock_gettime, ALL, ANY },
	{ SYS_gettimeofday, ALL, ANY },
	{ SYS_clock_nanosleep, ALL, ANY },
	{ SYS_restart_syscall, ALL, ANY },
	{ SYS_rt_sigreturn, ALL, ANY },
	{ SYS_rt_sigprocmask, ALL, ANY },
	{ SYS_gettid, ALL, ANY },
	{ SYS_getpid, ALL, ANY },
	{ SYS_exit, ALL, ANY },
	{ SYS_exit_group, ALL, ANY },

	/* fds that are there */
	{ SYS_read, ALL, ANY },
	{ SYS_write, ALL, ANY },
	{ SYS_close, ALL, ANY },
	{ SYS_poll, ALL, ANY },
	{ SYS_ppoll, ALL, ANY },
	{ SYS_timerfd_settime, ALL, ANY },
	{ SYS_epoll_ctl, ALL, ANY },
	{ SYS_epoll_wait, CONTROL | DEVICE | WORKER, ANY },
	{ SYS_epoll_pwait, CONTROL | DEVICE | WORKER, ANY },
	{ SYS_ioctl, ALL, IOCTL },

	/* what devices do with files and sockets */
	{ SYS_readv, IO, ANY },
	{ SYS_writev, IO, ANY },
	{ SYS_pread64, IO, ANY },
	{ SYS_pwrite64, IO, ANY },
	{ SYS_preadv, IO, ANY },
	{ SYS_pwritev, IO, ANY },
	{ SYS_preadv2, IO, ANY },
	{ SYS_pwritev2, IO, ANY },
	{ SYS_fsync, IO, ANY },
	{ SYS_fdatasync, IO, ANY },
	{ SYS_fallocate, IO, ANY },
	{ SYS_msync, IO, ANY },
	{ SYS_fstat, ALL, ANY },
	{ SYS_newfstatat, ALL, ANY }, /* glibc's fstat(); there is no path to name */
	{ SYS_getrandom, IO, ANY },
	{ SYS_eventfd2, IO, ANY },
	{ SYS_sendmsg, CONTROL | IO, ANY },
	{ SYS_recvmsg, CONTROL | IO, ANY },
	{ SYS_sendto, CONTROL | IO, ANY },
	{ SYS_recvfrom, CONTROL | IO, ANY },
	{ SYS_shutdown, CONTROL | IO, ANY },
	{ SYS_fcntl, CONTROL | IO, ANY },
	{ SYS_getsockopt, IO, ANY },

	/* the control socket; stopping vCPUs and joining their threads */
	{ SYS_accept4, CONTROL, ANY },
	{ SYS_tgkill, ALL, ANY },

#ifdef CS_SANITIZE
	/* what the sanitizers' runtime wants, to report and at the end */
	{ SYS_sigaltstack, ALL, ANY },
	{ SYS_sched_yield, ALL, ANY },
	{ SYS_sched_getaffinity, ALL, ANY },
	{ SYS_readlink, ALL, ANY },
	{ SYS_open, ALL, ANY },
	{ SYS_openat, ALL, ANY },
	{ SYS_stat, ALL, ANY },
	{ SYS_lseek, ALL, ANY },
	{ SYS_prctl, ALL, ANY },
	{ SYS_clone, CONTROL, ANY },
	{ SYS_clone3, CONTROL, ANY },
	{ SYS_ptrace, CONTROL, ANY },
	{ SYS_wait4, CONTROL, ANY },
	{ SYS_getdents64, CONTROL, ANY },
	{ SYS_rt_sigaction, ALL, ANY },
	{ SYS_getrlimit, ALL, ANY },
	{ SYS_prlimit64, ALL, ANY },
	{ SYS_set_robust_list, ALL, ANY },
	{ SYS_rseq, ALL, ANY },
#endif
};

static const uint32_t ioctls[] = {
	KVM_RUN,
	KVM_GET_REGS,
	KVM_GET_MP_STATE,
	KVM_IRQFD,
	KVM_IOEVENTFD,
	TUNSETOFFLOAD,
	VHOST_SET_FEATURES,
	VHOST_SET_MEM_TABLE,
	VHOST_SET_VRING_NUM,
	VHOST_SET_VRING_ADDR,
	VHOST_SET_VRING_BASE,
	VHOST_GET_VRING_BASE,
	VHOST_SET_VRING_KICK,
	VHOST_SET_VRING_CALL,
	VHOST_NET_SET_BACKEND,
};

enum {
	PER_RULE = 4 + (int)CS_LEN(ioctls),
	PROGRAM_MAX = 8 + (int)CS_LEN(rules) * 5 + (int)CS_LEN(ioctls) * 2,
	X32_BIT = 0x40000000,
};

struct program {
	struct sock_filter f[PROGRAM_MAX];
	unsigned short n;
};

static void add(struct program *p, struct sock_filter f)
{
	p->f[p->n++] = f;
}

static void load(struct program *p, size_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void give(struct program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The low half of an argument: all that is looked at have 32 bits. */
static void load_arg(struct program *p, size_t i)
{
	load(p, offsetof(struct seccomp_data, args) + i * sizeof(uint64_t));
}

static void add_rule(struct program *p, const struct rule *r)
{
	switch ((enum check)r->check) {
	case ANY:
		add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, 1));
		give(p, SECCOMP_RET_ALLOW);
		break;
	case NO_EXEC:
		add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, 4));
		load_arg(p, 2);
		add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0));
		give(p, SECCOMP_RET_ALLOW);
		give(p, SECCOMP_RET_KILL_PROCESS);
		break;
	case IOCTL:
		add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0,
						    (uint8_t)(2 + 2 * CS_LEN(ioctls))));
		load_arg(p, 1);
		for (size_t i = 0; i < CS_LEN(ioctls); i++) {
			add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ioctls[i], 0,
							    1));
			give(p, SECCOMP_RET_ALLOW);
		}
		give(p, SECCOMP_RET_KILL_PROCESS);
		break;
	}
}

static void build(struct program *p, enum vm_role role)
{
	p->n = 0;
	load(p, offsetof(struct seccomp_data, arch));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
	give(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	give(p, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < CS_LEN(rules); i++)
		if (rules[i].roles & 1 << role)
			add_rule(p, &rules[i]);
	give(p, SECCOMP_RET_KILL_PROCESS);
}

int vm_jail_thread(enum vm_role role, struct cs_err *err)
{
	const struct rlimit none = { 0, 0 };
	struct program p;
	struct sock_fprog prog = { .filter = p.f };

	/* the last to come: all threads are there */
	if (role == VM_ROLE_CONTROL && setrlimit(RLIMIT_NPROC, &none) < 0)
		return cs_err_sys(err, "jail: forbid more threads");
	build(&p, role);
	prog.len = p.n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return cs_err_sys(err, "jail: set the filter of system calls");
	return 0;
}

/* A thread without its filter must not run, and has nobody to tell. */
void vm_jail_worker(void)
{
	struct cs_err err = CS_ERR_INIT;

	if (vm_jail_thread(VM_ROLE_WORKER, &err) < 0) {
		cs_log(CS_LOG_ERROR, "%s", err.msg);
		_exit(EXIT_FAILURE);
	}
}
