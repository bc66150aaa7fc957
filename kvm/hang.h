#ifndef CS_KVM_HANG_H
#define CS_KVM_HANG_H

#include <stdbool.h>
#include <stdint.h>

/* Is a vCPU dead: interrupts off for good, halted or in a tight loop? Told from samples taken of it
 * now and then. One that merely gets no processor time of the host's, or that had interrupts off
 * whenever a sample was taken, is not: only time that it ran (or was halted) between two samples
 * counts, and only where both have interrupts off and nearly the same place, and it has not come
 * out of the guest to user space between them. */

struct vm_hang_sample {
	uint64_t now_ns;    /* any clock */
	uint64_t busy_ns;   /* processor time of the vCPU's thread so far */
	uint64_t exits;	    /* to user space by itself, so far */
	uint64_t rip;	    /* where it is */
	bool interrupts;    /* they are on */
	bool halted;	    /* executed hlt, and nothing has woken it */
	bool wait_for_sipi; /* not yet started by the guest */
};

enum {
	VM_HANG_NEAR = 4096, /* bytes: a loop that is no longer than this is tight */
};

struct vm_hang {
	struct vm_hang_sample last;
	bool has_last;
	uint64_t dead_ns; /* how long it is dead; UINT64_MAX: not started */
};

void vm_hang_note(struct vm_hang *h, const struct vm_hang_sample *s);

#endif
