#ifndef CS_KVM_X86_MPTABLE_H
#define CS_KVM_X86_MPTABLE_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;

enum {
	VM_MPTABLE_ADDR = 0xf0000,
	VM_MPTABLE_MAX = 0x2000,
};

/* Writes the tables of Intel's MultiProcessor Specification 1.4 into @buf, which will stand at
 * VM_MPTABLE_ADDR, for kernels without ACPI: @cpus processors, an ISA bus, the I/O APIC with its 24
 * lines. Returns how many bytes; ENOSPC. Pure. */
int vm_mptable_build(uint32_t cpus, uint8_t *buf, size_t size, struct cs_err *err);

#endif
