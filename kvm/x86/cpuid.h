#ifndef CS_KVM_X86_CPUID_H
#define CS_KVM_X86_CPUID_H

#include <stdint.h>

struct cs_err;
struct kvm_cpuid2;

enum {
	VM_CPUID_MAX = 256, /* entries */
};

/* What the host's KVM can give a guest, filtered: without virtualization of its own, performance
 * counters, enclaves and transactional memory. The caller frees *@out. */
int vm_cpuid_get(int kvm_fd, struct kvm_cpuid2 **out, struct cs_err *err);

/* The filter alone, on any table: pure. */
void vm_cpuid_filter(struct kvm_cpuid2 *t);

/* Makes @t that of vCPU @index of @n: @n cores of one package, one thread each, whose APIC ids are
 * their indexes. Pure. */
void vm_cpuid_topology(struct kvm_cpuid2 *t, uint32_t index, uint32_t n);

#endif
