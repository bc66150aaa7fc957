#ifndef CS_KVM_CAPS_H
#define CS_KVM_CAPS_H

#include <linux/kvm.h>
#include <stddef.h>

/* What a host's KVM must have for a machine, all of it in Linux since long before what we ask of it
 * otherwise. For whoever asks a host without making one, too. */
static const struct vm_cap {
	int cap; /* KVM_CHECK_EXTENSION's */
	const char *name;
} vm_caps_needed[] = {
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM" },
};

#endif
