#ifndef CS_KVM_X86_ACPI_H
#define CS_KVM_X86_ACPI_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;

/* What the tables tell of. */
struct vm_acpi_opts {
	uint32_t cpus;	 /* APIC ids 0 to cpus - 1 */
	uint32_t n_devs; /* virtio-mmio windows and lines as kvm/layout.h numbers them */
};

/* Writes the tables of a hardware-reduced machine (ACPI 6.4) into @buf, which will stand at the
 * guest-physical address @gpa: RSDP first, XSDT, FADT, MADT, DSDT. The DSDT has the serial port,
 * the virtio-mmio devices ("LNRO0005"), a power button and the event device that presses it.
 * Returns how many bytes, ENOSPC when @size is not enough. Pure. */
int vm_acpi_build(const struct vm_acpi_opts *o, uint64_t gpa, uint8_t *buf, size_t size,
		  struct cs_err *err);

#endif
