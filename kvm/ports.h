#ifndef CS_KVM_PORTS_H
#define CS_KVM_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct cs_err;
struct vm_bus;

/* What a guest tells the machine by writing to a port. */
enum vm_word {
	VM_WORD_EXIT,	   /* the workload has ended; @value its status */
	VM_WORD_PANIC,	   /* pvpanic: the kernel has panicked */
	VM_WORD_POWER_OFF, /* ACPI S5 */
	VM_WORD_RESET,	   /* ACPI reset, the keyboard controller's, or that of a chipset */
	VM_WORD_MARK,	   /* @value: a mark of time, VM_MARK_USER is the first process */
};

enum {
	VM_MARK_USER = 1,
	VM_PORTS_VERSION = 1,
};

/* The ports that end or mark something. All are write-only but for what Linux wants to read there.
 */
struct vm_ports {
	uint32_t version;
	void *owner;
	/* On the vCPU's thread, without a lock. */
	void (*said)(void *owner, enum vm_word word, uint8_t value);
};

int vm_ports_init(struct vm_ports *p, struct vm_bus *pio, void *owner,
		  void (*said)(void *owner, enum vm_word word, uint8_t value), struct cs_err *err);

#endif
