/* What a guest reads of its machine: kvm/x86/{acpi,aml,mptable,cpuid}. */
#include "kvm/x86/acpi.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/layout.h"
#include "kvm/x86/aml.h"
#include "kvm/x86/cpuid.h"
#include "kvm/x86/mptable.h"
#include "tests/unit/unit.h"

static uint8_t buf[VM_ACPI_MAX];

static uint64_t get(size_t at, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, buf + at, len);
	return v;
}

static uint8_t sum(size_t at, size_t len)
{
	uint8_t s = 0;

	while (len--)
		s = (uint8_t)(s + buf[at++]);
	return s;
}

/* Offset of the table that an address points to; its checksum holds. */
static size_t table(uint64_t gpa, const char *signature)
{
	const size_t at = (size_t)(gpa - VM_ACPI_ADDR);

	ck_assert_int_eq(memcmp(buf + at, signature, 4), 0);
	ck_assert_uint_eq(sum(at, get(at + 4, 4)), 0);
	return at;
}

static size_t count(const char *what, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i + len <= sizeof(buf); i++)
		n += memcmp(buf + i, what, len) == 0;
	return n;
}

START_TEST(test_acpi)
{
	const struct vm_acpi_opts o = { .cpus = 4, .n_devs = VM_DEVS_MAX };
	struct cs_err err = CS_ERR_INIT;
	size_t xsdt, fadt, madt;
	int n = vm_acpi_build(&o, VM_ACPI_ADDR, buf, sizeof(buf), &err);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(memcmp(buf, "RSD PTR ", 8), 0);
	ck_assert_uint_eq(sum(0, 20), 0);
	ck_assert_uint_eq(sum(0, 36), 0);
	xsdt = table(get(24, 8), "XSDT");
	fadt = table(get(xsdt + 36, 8), "FACP");
	madt = table(get(xsdt + 44, 8), "APIC");
	table(get(fadt + 140, 8), "DSDT");
	ck_assert_uint_eq(get(fadt + 4, 4), 276);
	ck_assert_uint_ne(get(fadt + 112, 4) & 1 << 20, 0); /* hardware-reduced */
	ck_assert_uint_eq(get(fadt + 120, 8), VM_PORT_ACPI + 2);
	ck_assert_uint_eq(get(fadt + 248, 8), VM_PORT_ACPI);
	ck_assert_uint_eq(get(madt + 4, 4), 44 + 4 * 8 + 12);
	ck_assert_uint_eq(count("LNRO0005", 8), VM_DEVS_MAX);
	ck_assert_uint_eq(count("VR17", 4), 1);
	ck_assert_uint_eq(count("\x41\xd0\x05\x01", 4), 1); /* PNP0501 */
	ck_assert_uint_eq(count("\x41\xd0\x0c\x0c", 4), 1); /* PNP0C0C */
	ck_assert_int_eq(vm_acpi_build(&o, VM_ACPI_ADDR, buf, 500, &err), -ENOSPC);
}
END_TEST

START_TEST(test_aml)
{
	static const uint8_t want[] = {
		0x5b, 0x82, 0x80, 0x02, 0x00, 'D',  'E',  'V',	'0',		  /* Device */
		0x08, '_',  'C',  'R',	'S',  0x11, 0x8e, 0x01, 0x00, 0x0a, 0x19, /* Buffer */
		0x86, 9,    0,	  1,	0,    0,    0,	  0xd0, 0,    0x10, 0,	  0,
		0x89, 6,    0,	  3,	1,    5,    0,	  0,	0,    0x79, 0,
	};
	uint8_t out[64];
	struct vm_aml a = { .buf = out, .size = sizeof(out) };
	const size_t dev = vm_aml_device(&a, "DEV0");

	vm_aml_crs_begin(&a);
	vm_aml_crs_memory(&a, 0xd0000000, 0x1000);
	vm_aml_crs_irq(&a, 5);
	vm_aml_crs_end(&a);
	vm_aml_end(&a, dev);
	ck_assert(!a.full);
	/* lengths: see below */
	ck_assert_uint_eq(a.len, sizeof(want));
	ck_assert_int_eq(memcmp(out + 5, want + 5, 10), 0);
	ck_assert_uint_eq(out[dev] >> 6, 2);
	ck_assert_uint_eq((size_t)(out[dev] & 15) | (size_t)out[dev + 1] << 4, a.len - 2);
	ck_assert_uint_eq(out[19], a.len - 20);
	ck_assert_int_eq(memcmp(out + 20, want + 20, a.len - 20), 0);
	a.size = a.len;
	vm_aml_byte(&a, 1);
	ck_assert(a.full);
}
END_TEST

START_TEST(test_mptable)
{
	struct cs_err err = CS_ERR_INIT;
	int n = vm_mptable_build(3, buf, sizeof(buf), &err);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(memcmp(buf, "_MP_", 4), 0);
	ck_assert_uint_eq(sum(0, 16), 0);
	ck_assert_int_eq(memcmp(buf + 16, "PCMP", 4), 0);
	ck_assert_uint_eq(sum(16, get(20, 2)), 0);
	ck_assert_uint_eq(get(20, 2) + 16, (unsigned int)n);
	ck_assert_uint_eq(get(16 + 34, 2), 3 + 2 + 24 + 2);
	ck_assert_int_eq(vm_mptable_build(32, buf, 256, &err), -ENOSPC);
}
END_TEST

static struct kvm_cpuid2 *make_cpuid(void)
{
	struct kvm_cpuid2 *t =
		calloc(1, sizeof(*t) + VM_CPUID_MAX * sizeof(struct kvm_cpuid_entry2));
	static const struct kvm_cpuid_entry2 e[] = {
		{ .function = 0, .eax = 7 },
		{ .function = 1, .ebx = 0xff00ffff, .ecx = 0xffffffff, .edx = 0xffffffff },
		{ .function = 4, .eax = 0x121 },
		{ .function = 4, .index = 3, .eax = 0x163 },
		{ .function = 7, .ebx = 0xffffffff, .ecx = 0xffffffff },
		{ .function = 0xa, .eax = 0x7300403 },
		{ .function = 0x80000001, .ecx = 0xffffffff },
		{ .function = 0x80000008, .ecx = 0xffff },
		{ .function = 0x8000000a, .eax = 1, .edx = 0xff },
		{ .function = 0x8000001e, .eax = 99 },
	};

	memcpy(t->entries, e, sizeof(e));
	t->nent = CS_LEN(e);
	return t;
}

static const struct kvm_cpuid_entry2 *leaf(const struct kvm_cpuid2 *t, uint32_t f, uint32_t i)
{
	for (uint32_t n = 0; n < t->nent; n++)
		if (t->entries[n].function == f && t->entries[n].index == i)
			return &t->entries[n];
	ck_abort_msg("no leaf %x", f);
	return NULL;
}

START_TEST(test_cpuid)
{
	struct kvm_cpuid2 *t = make_cpuid();

	vm_cpuid_filter(t);
	ck_assert_uint_eq(leaf(t, 1, 0)->ecx & 1 << 5, 0);	    /* VMX */
	ck_assert_uint_eq(leaf(t, 0x80000001, 0)->ecx & 1 << 2, 0); /* SVM */
	ck_assert_uint_eq(leaf(t, 0x8000000a, 0)->edx, 0);
	ck_assert_uint_eq(leaf(t, 0xa, 0)->eax, 0);
	ck_assert_uint_ne(leaf(t, 1, 0)->ecx & 1, 0);	    /* SSE3 stays */
	ck_assert_uint_eq(leaf(t, 7, 0)->ebx & 1 << 11, 0); /* RTM */
	vm_cpuid_topology(t, 3, 4);
	ck_assert_uint_eq(leaf(t, 0, 0)->eax, 0xb);
	ck_assert_uint_eq(leaf(t, 1, 0)->ebx, 0x0304ffff);
	ck_assert_uint_eq(leaf(t, 4, 0)->eax >> 14 & 0xfff, 0);
	ck_assert_uint_eq(leaf(t, 4, 3)->eax >> 14 & 0xfff, 3);
	ck_assert_uint_eq(leaf(t, 4, 3)->eax >> 26, 3);
	ck_assert_uint_eq(leaf(t, 0xb, 0)->edx, 3);
	ck_assert_uint_eq(leaf(t, 0xb, 0)->ebx, 1);
	ck_assert_uint_eq(leaf(t, 0xb, 1)->ebx, 4);
	ck_assert_uint_eq(leaf(t, 0xb, 1)->eax, 2);
	ck_assert_uint_eq(leaf(t, 0x80000008, 0)->ecx, 0x2f03);
	ck_assert_uint_eq(leaf(t, 0x8000001e, 0)->eax, 3);
	/* one processor */
	vm_cpuid_topology(t, 0, 1);
	ck_assert_uint_eq(leaf(t, 1, 0)->edx & 1 << 28, 0);
	ck_assert_uint_eq(leaf(t, 4, 3)->eax >> 14 & 0xfff, 0);
	ck_assert_uint_eq(leaf(t, 0xb, 1)->eax, 0);
	free(t);
}
END_TEST

UNIT_MAIN("kvm/x86/tables", test_acpi, test_aml, test_mptable, test_cpuid)
