#ifndef CS_KVM_VCPU_H
#define CS_KVM_VCPU_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/hang.h"

struct cs_err;
struct kvm_run;
struct kvm_cpuid2;
struct vm_bus;
struct vm_kvm;

/* Why user space was entered, for counters. */
enum vm_exit {
	VM_EXIT_PIO,
	VM_EXIT_MMIO,
	VM_EXIT_KICK, /* somebody asked for it: pause, the hang check, the end */
	VM_EXIT_HALT,
	VM_EXIT_SHUTDOWN,
	VM_EXIT_OTHER,
	VM_EXITS,
};

/* What ended a vCPU's running. */
enum vm_stop {
	VM_STOP_NONE,
	VM_STOP_ASKED,	  /* vm_cpus_stop() */
	VM_STOP_TRIPLE,	  /* triple fault */
	VM_STOP_INTERNAL, /* KVM cannot go on; the text says why */
	VM_STOP_HALT,	  /* halted where nothing can wake it: only without interrupt controllers */
};

/* Kinds of threads: what a filter of system calls is made for, see kvm/jail.h. */
enum vm_role {
	VM_ROLE_CONTROL, /* the main thread */
	VM_ROLE_DEVICE,
	VM_ROLE_VCPU,
	VM_ROLE_WORKER, /* a device's own thread */
	VM_ROLES,
};

struct vm_cpus;

struct vm_vcpu {
	struct vm_cpus *all;
	uint32_t index;
	int fd;		     /* owned */
	struct kvm_run *run; /* owned mapping */
	pthread_t thread;
	bool started;
	bool parked; /* waits in the pause; with all->lock */
	enum vm_stop stop;
	char why[160];		  /* VM_STOP_INTERNAL: what KVM said */
	uint64_t exits[VM_EXITS]; /* written by its thread, read by others as they are */
	struct vm_hang hang;	  /* dead_ns is read by others */
	uint32_t probed;	  /* the last hang check it answered */
};

/* Called on the vCPU's thread when it has stopped for another reason than VM_STOP_ASKED. */
typedef void (*vm_cpus_ended_fn)(void *owner, struct vm_vcpu *cpu);

/* All vCPUs of a machine, a thread each. */
struct vm_cpus {
	uint32_t n;
	struct vm_vcpu *cpu; /* owned */
	struct vm_bus *pio, *mmio;
	void *owner;
	vm_cpus_ended_fn ended;
	int trace_fd; /* a line an exit; -EBADF: none */
	/* What each thread does first (its jail); failure stops its vCPU as VM_STOP_INTERNAL. May
	 * be NULL. */
	int (*lock_down)(enum vm_role role, struct cs_err *err);

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool has_lock; /* lock and changed are there */
	bool paused;
	bool stopping;
	uint32_t probe; /* number of the hang check going on */
	uint32_t n_parked;
	uint64_t entered_ns; /* CLOCK_MONOTONIC of the first entry, 0: not yet */
	size_t run_size;
};
#define VM_CPUS_INIT ((struct vm_cpus){ .trace_fd = -EBADF })

/* Makes @n vCPUs in their reset state with the features of @cpuid (vm_cpuid_get()). */
int vm_cpus_init(struct vm_cpus *c, const struct vm_kvm *k, uint32_t n,
		 const struct kvm_cpuid2 *cpuid, struct cs_err *err);
/* Their threads must not run. Idempotent. */
void vm_cpus_fini(struct vm_cpus *c);

/* The signal that makes a vCPU leave the guest. vm_cpus_start() installs an empty handler. */
int vm_cpus_kick_signal(void);

/* Starts the threads; they wait if it is paused. */
int vm_cpus_start(struct vm_cpus *c, struct cs_err *err);

/* Returns when no vCPU runs any more; they stay out until vm_cpus_resume(). Nested calls are not
 * counted. Not on a vCPU's thread, nor with a lock that a bus access takes. */
void vm_cpus_pause(struct vm_cpus *c);
void vm_cpus_resume(struct vm_cpus *c);
bool vm_cpus_paused(struct vm_cpus *c);

/* Ends and joins the threads; idempotent. As for pause, not with a lock that a bus access takes. */
void vm_cpus_stop(struct vm_cpus *c);

/* Asks each vCPU to take a sample of itself; the answers are there by the next call. Does not wait.
 */
void vm_cpus_probe(struct vm_cpus *c);
/* For how long all that the guest has started were dead, as the samples tell (kvm/hang.h). */
uint64_t vm_cpus_dead_ns(const struct vm_cpus *c);

const char *vm_exit_name(enum vm_exit e);

#endif
