#ifndef CS_KVM_IRQ_H
#define CS_KVM_IRQ_H

#include <errno.h>
#include <stdint.h>

struct cs_err;

/*
 * Interrupt lines and doorbells: eventfds that KVM watches or signals, so that neither costs an
 * exit to user space. All are edge-triggered: there is nothing to lower. A @vm_fd of -EBADF stands
 * for no machine: tests see the eventfd itself.
 */

struct vm_irq {
	int fd; /* owned eventfd, non-blocking */
	uint32_t gsi;
	uint64_t raised; /* how often */
};
#define VM_IRQ_INIT ((struct vm_irq){ .fd = -EBADF })

/* Makes the eventfd and ties it to the line @gsi of the machine (KVM_IRQFD). */
int vm_irq_init(struct vm_irq *irq, int vm_fd, uint32_t gsi, struct cs_err *err);
/* Closes it, which unties it. Idempotent. */
void vm_irq_fini(struct vm_irq *irq);
/* Interrupts the guest. From any thread; keeps errno; async-signal-safe. */
void vm_irq_raise(struct vm_irq *irq);

/* Makes KVM signal the eventfd @fd (borrowed) instead of leaving to user space when the guest
 * writes the 32-bit value @match to the guest-physical address @gpa (KVM_IOEVENTFD). Writes of
 * other widths or values still come to the bus. */
int vm_doorbell_add(int vm_fd, uint64_t gpa, uint32_t match, int fd, struct cs_err *err);
/* Undoes it, with the same arguments. Failure (it was not there) is of no consequence. */
void vm_doorbell_del(int vm_fd, uint64_t gpa, uint32_t match, int fd);

#endif
