#include "kvm/x86/cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Bits that are taken away: [leaf, index, register] and which. Numbers are of Intel's manual,
 * volume 2, CPUID, and of AMD's, volume 3, appendix E. */
enum reg {
	EAX,
	EBX,
	ECX,
	EDX,
};

#define BIT(n) (UINT32_C(1) << (n))

static const struct {
	uint32_t leaf;
	uint32_t index;
	enum reg reg;
	uint32_t bits;
} taken[] = {
	/* VMX, DTES64, MONITOR, DS-CPL, SMX, EST, TM2, PDCM */
	{ 1, 0, ECX, BIT(5) | BIT(2) | BIT(3) | BIT(4) | BIT(6) | BIT(7) | BIT(8) | BIT(15) },
	/* DS, ACPI thermal, TM, PBE, PSN */
	{ 1, 0, EDX, BIT(21) | BIT(22) | BIT(29) | BIT(31) | BIT(18) },
	/* SGX, HLE, PQM, PQE, RTM, Intel PT */
	{ 7, 0, EBX, BIT(2) | BIT(4) | BIT(12) | BIT(15) | BIT(11) | BIT(25) },
	/* WAITPKG, SGX_LC, ENQCMD */
	{ 7, 0, ECX, BIT(5) | BIT(30) | BIT(29) },
	/* SVM, IBS, SKINIT, performance counters */
	{ 0x80000001, 0, ECX, BIT(2) | BIT(10) | BIT(12) | BIT(23) | BIT(24) | BIT(28) },
};

/* Leaves that read as zero: thermal, performance counters, SGX, Intel PT, SVM, IBS. */
static const uint32_t emptied[] = { 6, 0xa, 0x12, 0x14, 0x8000000a, 0x8000001b };

static uint32_t *reg_of(struct kvm_cpuid_entry2 *e, enum reg reg)
{
	switch (reg) {
	case EAX:
		return &e->eax;
	case EBX:
		return &e->ebx;
	case ECX:
		return &e->ecx;
	case EDX:
		break;
	}
	return &e->edx;
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *t, uint32_t leaf, uint32_t index)
{
	for (uint32_t i = 0; i < t->nent; i++)
		if (t->entries[i].function == leaf && t->entries[i].index == index)
			return &t->entries[i];
	return NULL;
}

void vm_cpuid_filter(struct kvm_cpuid2 *t)
{
	for (uint32_t i = 0; i < t->nent; i++) {
		struct kvm_cpuid_entry2 *e = &t->entries[i];

		for (size_t j = 0; j < CS_LEN(taken); j++)
			if (e->function == taken[j].leaf && e->index == taken[j].index)
				*reg_of(e, taken[j].reg) &= ~taken[j].bits;
		for (size_t j = 0; j < CS_LEN(emptied); j++)
			if (e->function == emptied[j])
				e->eax = e->ebx = e->ecx = e->edx = 0;
	}
}

int vm_cpuid_get(int kvm_fd, struct kvm_cpuid2 **out, struct cs_err *err)
{
	struct kvm_cpuid2 *t =
		calloc(1, sizeof(*t) + VM_CPUID_MAX * sizeof(struct kvm_cpuid_entry2));
	struct kvm_cpuid_entry2 *one;

	if (!t)
		return cs_err_set(err, ENOMEM, "out of memory");
	t->nent = VM_CPUID_MAX;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, t) < 0) {
		int rc = cs_err_sys(err, "ask KVM for the processor's features");

		free(t);
		return rc;
	}
	vm_cpuid_filter(t);
	one = find(t, 1, 0);
	if (one) {
		one->ecx |= BIT(31) | BIT(21); /* a hypervisor, x2APIC: KVM has both always */
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
			one->ecx |= BIT(24);
	}
	*out = t;
	return 0;
}

/* Bits that hold the numbers 0 to @n - 1. */
static uint32_t bits_for(uint32_t n)
{
	uint32_t bits = 0;

	while ((UINT32_C(1) << bits) < n)
		bits++;
	return bits;
}

/* Leaf 4 and AMD's 0x8000001d: who shares a cache. Levels 1 and 2 are a core's own, the rest
 * everybody's. */
static void cache_sharing(struct kvm_cpuid_entry2 *e, uint32_t n)
{
	const uint32_t type = e->eax & 0x1f, level = e->eax >> 5 & 7;
	const uint32_t sharing = level >= 3 ? n : 1;

	if (type == 0)
		return;
	e->eax &= ~((UINT32_C(0xfff) << 14) | (UINT32_C(0x3f) << 26));
	e->eax |= ((UINT32_C(1) << bits_for(sharing)) - 1) << 14;
	if (e->function == 4)
		e->eax |= ((UINT32_C(1) << bits_for(n)) - 1) << 26;
}

/* Leaves 0xb and 0x1f: level 0 the thread, 1 the core, then none. */
static void extended_topology(struct kvm_cpuid_entry2 *e, uint32_t index, uint32_t n)
{
	e->edx = index;
	e->eax = e->ebx = 0;
	e->ecx = e->index & 0xff;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= 1 << 8;
	} else if (e->index == 1) {
		e->eax = bits_for(n);
		e->ebx = n;
		e->ecx |= 2 << 8;
	}
}

static void add_entry(struct kvm_cpuid2 *t, uint32_t leaf, uint32_t index)
{
	if (find(t, leaf, index) || t->nent == VM_CPUID_MAX)
		return;
	t->entries[t->nent++] = (struct kvm_cpuid_entry2){
		.function = leaf,
		.index = index,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	};
}

static void entry_topology(struct kvm_cpuid_entry2 *e, uint32_t index, uint32_t n)
{
	switch (e->function) {
	case 1:
		e->ebx = (e->ebx & 0xffff) | (n << 16) | (index << 24);
		e->edx = n > 1 ? e->edx | BIT(28) : e->edx & ~BIT(28);
		break;
	case 4:
	case 0x8000001d:
		cache_sharing(e, n);
		break;
	case 0xb:
	case 0x1f:
		extended_topology(e, index, n);
		break;
	case 0x80000001:
		/* CmpLegacy: more cores than one, as AMD counted them of old */
		e->ecx = n > 1 ? e->ecx | BIT(1) : e->ecx & ~BIT(1);
		break;
	case 0x80000008:
		e->ecx = (e->ecx & ~UINT32_C(0xf0ff)) | (bits_for(n) << 12) | (n - 1);
		break;
	case 0x8000001e:
		e->eax = index;
		e->ebx = index; /* one thread a core */
		e->ecx = 0;
		break;
	default:
		break;
	}
}

void vm_cpuid_topology(struct kvm_cpuid2 *t, uint32_t index, uint32_t n)
{
	struct kvm_cpuid_entry2 *zero = find(t, 0, 0);

	if (zero && zero->eax < 0xb)
		zero->eax = 0xb;
	add_entry(t, 0xb, 0);
	add_entry(t, 0xb, 1);
	for (uint32_t i = 0; i < t->nent; i++)
		entry_topology(&t->entries[i], index, n);
}
