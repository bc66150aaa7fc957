#ifndef CS_KVM_MACHINE_H
#define CS_KVM_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kvm/bus.h"
#include "kvm/cmos.h"
#include "kvm/control.h"
#include "kvm/devices.h"
#include "kvm/irq.h"
#include "kvm/kvm.h"
#include "kvm/loop.h"
#include "kvm/mem.h"
#include "kvm/ports.h"
#include "kvm/serial.h"
#include "kvm/vcpu.h"

struct cs_err;
struct cs_jw;
struct vm_config;

/* How a machine ended. */
enum vm_reason {
	VM_REASON_NONE,	     /* it has not */
	VM_REASON_EXIT,	     /* the guest wrote its workload's status to the exit port */
	VM_REASON_POWER_OFF, /* the guest switched itself off */
	VM_REASON_RESET,     /* the guest wanted to start anew */
	VM_REASON_STOPPED,   /* told to from outside */
	VM_REASON_PANIC,     /* the guest's kernel panicked */
	VM_REASON_TRIPLE,    /* triple fault */
	VM_REASON_HANG,	     /* no vCPU would ever take an interrupt again */
	VM_REASON_ERROR,     /* the host's side could not go on */
	VM_REASONS,
};

struct vm_end {
	enum vm_reason reason;
	uint8_t status; /* VM_REASON_EXIT */
	char text[256]; /* the panic's message, where it faulted; else empty */
};

/*
 * A machine: the parts, and the threads that run it. The main thread serves control, timers and the
 * end; one thread serves the devices; a thread a vCPU.
 */
struct vm_machine {
	const struct vm_config *cfg;
	struct vm_kvm kvm;
	struct vm_mem mem;
	struct vm_bus pio, mmio;
	struct vm_loop loop;	 /* of the main thread */
	struct vm_loop dev_loop; /* of the device thread, its lock is the devices' */
	struct vm_cpus cpus;
	struct vm_serial serial;
	struct vm_cmos cmos;
	struct vm_ports ports;
	struct vm_devices devices;
	struct vm_irq power;
	struct vm_control control;
	struct vm_timer hang;	 /* on loop */
	struct vm_timer grace;	 /* on loop: from a panic's first line to the end */
	struct vm_watch signals; /* SIGTERM and its kind, as a signalfd */
	pthread_t dev_thread;
	bool dev_started;
	bool loops; /* both are there */

	pthread_mutex_t lock; /* of what follows */
	struct vm_end end;
	char panic[256];       /* the first line of a panic, once there was one */
	uint64_t started_ns;   /* CLOCK_MONOTONIC: when the program was started */
	uint64_t mark_ns[256]; /* when the guest wrote that mark first, 0: not yet */
};

/* Makes the machine of @cfg (borrowed), with the kernel loaded, ready to run. */
int vm_machine_init(struct vm_machine *m, const struct vm_config *cfg, struct cs_err *err);
/* Idempotent, also after a failed init. */
void vm_machine_fini(struct vm_machine *m);

/* Runs it to its end, which is in m->end. @lock_down (NULL: none) is called on each thread before
 * the guest's first instruction. An error is one of starting it. */
int vm_machine_run(struct vm_machine *m, int (*lock_down)(enum vm_role role, struct cs_err *err),
		   struct cs_err *err);

/* Ends it; the first reason is the one that counts. From any thread. @text may be NULL. */
void vm_machine_end(struct vm_machine *m, enum vm_reason reason, uint8_t status, const char *text);

/* Presses the power button. ENODEV without ACPI. */
int vm_machine_power_button(struct vm_machine *m, struct cs_err *err);

/* "exit", "power-off", … */
const char *vm_reason_name(enum vm_reason r);

/* Writes counters into an object that is open: exits by reason, times, devices' work. */
void vm_machine_counters(struct vm_machine *m, struct cs_jw *w);

#endif
