#ifndef CS_KVM_KVM_H
#define CS_KVM_KVM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct vm_mem;

/*
 * The host's KVM: /dev/kvm and the machine made of it, with interrupt controllers in the kernel
 * (8259 pair, I/O APIC, a local APIC a vCPU) and no other device.
 */
struct vm_kvm {
	int kvm_fd;	   /* owned: /dev/kvm */
	int fd;		   /* owned: the machine */
	size_t run_size;   /* bytes of a vCPU's shared struct kvm_run */
	uint32_t max_cpus; /* that this KVM allows */
	bool has_pit;
};
#define VM_KVM_INIT ((struct vm_kvm){ .kvm_fd = -EBADF, .fd = -EBADF })

/* Makes a machine on @kvm_fd (taken over, also on failure; -EBADF: /dev/kvm is opened). @pit: with
 * the timer chip of old. An error names what the host lacks. */
int vm_kvm_init(struct vm_kvm *k, int kvm_fd, bool pit, struct cs_err *err);
/* Idempotent. */
void vm_kvm_fini(struct vm_kvm *k);

/* Gives the regions of @m to the machine: a slot a region, in order. */
int vm_kvm_map(const struct vm_kvm *k, const struct vm_mem *m, struct cs_err *err);

#endif
