#ifndef CS_KVM_X86_BOOT_H
#define CS_KVM_X86_BOOT_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct vm_kernel;
struct vm_mem;

/* What a kernel is told, beside the tables of kvm/x86/acpi.h or kvm/x86/mptable.h. */
struct vm_boot {
	const char *cmdline;
	uint64_t initramfs_at, initramfs_len; /* len 0: none */
	uint64_t rsdp;			      /* 0: no ACPI */
};

/* Writes command line, memory map, and PVH's start info or Linux's zero page, page tables and
 * descriptor table, as @k wants to be entered. */
int vm_boot_write(const struct vm_mem *mem, const struct vm_kernel *k, const struct vm_boot *b,
		  struct cs_err *err);

/* Sets the registers of the first vCPU for the entry: 32-bit protected mode for PVH, long mode for
 * Linux. */
int vm_boot_regs(int vcpu_fd, const struct vm_kernel *k, struct cs_err *err);

/* Registers that firmware sets up on each vCPU: memory types and fast string operations. */
int vm_boot_msrs(int vcpu_fd, struct cs_err *err);

#endif
