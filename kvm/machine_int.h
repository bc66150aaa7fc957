#ifndef CS_KVM_MACHINE_INT_H
#define CS_KVM_MACHINE_INT_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct vm_kernel;
struct vm_machine;

/* Shared by the files that make a machine. */

/* @p is the member @m of a @T. */
#define vm_of(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

/* CLOCK_MONOTONIC */
uint64_t vm_now_ns(void);

/* What firmware and boot loader do. The first needs nothing but memory: loads kernel and initramfs,
 * writes tables and command line. The second makes the vCPUs and sets the first one's registers. */
int vm_machine_load(struct vm_machine *m, struct vm_kernel *k, struct cs_err *err);
int vm_machine_boot(struct vm_machine *m, const struct vm_kernel *k, struct cs_err *err);

#endif
