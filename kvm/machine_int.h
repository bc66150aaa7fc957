#ifndef CS_KVM_MACHINE_INT_H
#define CS_KVM_MACHINE_INT_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct vm_machine;

/* Shared by the files that make a machine. */

/* @p is the member @m of a @T. */
#define vm_of(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

/* CLOCK_MONOTONIC */
uint64_t vm_now_ns(void);

/* Loads kernel and initramfs, writes tables and command line, makes the vCPUs, and sets the first
 * one's registers: what firmware and boot loader do. */
int vm_machine_boot(struct vm_machine *m, struct cs_err *err);

#endif
