#ifndef CS_KVM_LAYOUT_H
#define CS_KVM_LAYOUT_H

/*
 * The machine as its guest sees it: where things are. Guest-physical addresses, I/O ports and
 * interrupt lines (GSIs) are handed out here and nowhere else.
 *
 *	0		RAM, up to VM_HOLE_START
 *	VM_HOLE_START	no RAM: virtio-mmio windows, IOAPIC, local APIC, KVM's own pages
 *	4 GiB		the rest of the RAM
 *	after it	files as memory (virtio-pmem), each at a multiple of VM_FILE_ALIGN
 */

#define VM_HOLE_START 0xc0000000ULL
#define VM_HOLE_END 0x100000000ULL

/* Device i of the config has the window VM_MMIO_BASE + i * VM_MMIO_SIZE and the edge-triggered line
 * VM_GSI_BASE + i. */
#define VM_MMIO_BASE 0xd0000000ULL
#define VM_MMIO_SIZE 0x1000ULL
#define VM_IOAPIC_BASE 0xfec00000ULL
#define VM_LAPIC_BASE 0xfee00000ULL
/* Three pages of the hypervisor's for real mode on older processors, and a page above for its
 * identity map (KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR). */
#define VM_TSS_ADDR 0xfffbd000ULL
#define VM_IDENTITY_ADDR 0xfffbc000ULL

/* Linux takes memory that is hot-added in units of 128 MiB. */
#define VM_FILE_ALIGN (128ULL << 20)
#define VM_HUGE_PAGE (2ULL << 20)
#define VM_MEM_MAX (1ULL << 40)

/* The lines that the I/O APIC has beyond the 16 of old, and the few of those nobody uses. */
enum {
	VM_GSI_SERIAL = 4,
	VM_GSI_BASE = 5, /* of the first virtio device */
	VM_GSI_LAST = 22,
	VM_GSI_POWER = 23, /* power button, level of the ACPI event device */
	VM_DEVS_MAX = VM_GSI_LAST - VM_GSI_BASE + 1,
	VM_CPUS_MAX = 32,
};

/* I/O ports. */
enum {
	VM_PORT_CMOS = 0x70,
	VM_PORT_SERIAL = 0x3f8,
	VM_PORT_EXIT = 0x501,  /* a byte: the workload's exit status; ends the machine */
	VM_PORT_PANIC = 0x505, /* pvpanic */
	VM_PORT_MARK = 0x510,  /* a byte: a mark of time, see kvm/stats.h */
	VM_PORT_ACPI = 0x600,  /* sleep control, sleep status, reset, power button event */
};

/* Guest-physical addresses below 1 MiB that boot data is put at before the first instruction. */
enum {
	VM_GDT_ADDR = 0x500,
	VM_START_INFO_ADDR = 0x6000,
	VM_ZERO_PAGE_ADDR = 0x7000,
	VM_PAGE_TABLE_ADDR = 0x9000,
	VM_CMDLINE_ADDR = 0x20000,
	VM_CMDLINE_MAX = 0x10000,
	VM_LOW_RAM_END = 0x9fc00,
	VM_ACPI_ADDR = 0xe0000,
	VM_ACPI_MAX = 0x10000,
	VM_RESET_ADDR = 0xffff0, /* where a PC's firmware begins */
	VM_KERNEL_MIN = 0x100000,
};

#endif
