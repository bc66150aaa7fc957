#ifndef CS_KVM_DEVICES_H
#define CS_KVM_DEVICES_H

#include <stdint.h>

#include "kvm/layout.h"

struct cs_err;
struct cs_jw;
struct vm_dev;
struct vm_machine;

/* The virtio devices of a machine, as its config names them. */
struct vm_devices {
	uint32_t n;
	struct vm_dev *dev[VM_DEVS_MAX]; /* owned */
};

/* Makes them and what they add to guest memory: before that is given to KVM. */
int vm_devices_init(struct vm_machine *m, struct cs_err *err);
/* Puts them at their windows and lines. */
int vm_devices_tie(struct vm_machine *m, struct cs_err *err);
/* Starts their threads, each of which calls @thread_begin first (vm_devices_init() hands it on). */
int vm_devices_start(struct vm_machine *m, struct cs_err *err);
/* Idempotent. No vCPU and no device thread runs any more. */
void vm_devices_fini(struct vm_machine *m);
/* An object a device, by its id, into one that is open. */
void vm_devices_counters(struct vm_machine *m, struct cs_jw *w);

#endif
