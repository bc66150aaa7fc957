#include "kvm/x86/acpi.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "kvm/layout.h"
#include "kvm/x86/aml.h"

enum {
	RSDP_SIZE = 36,
	HEADER_SIZE = 36,
	FADT_SIZE = 276,
	AT_LENGTH = 4,
	AT_CHECKSUM = 9,
};

/* FADT: ACPI 6.4, table 5.9. */
enum {
	FADT_CENTURY = 108,
	FADT_BOOT_ARCH = 109,
	FADT_FLAGS = 112,
	FADT_RESET_REG = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_DSDT = 140,
	FADT_SLEEP_CONTROL = 244,
	FADT_SLEEP_STATUS = 256,
	FADT_HYPERVISOR = 268,

	BOOT_NO_VGA = 1 << 2,
	FLAG_WBINVD = 1 << 0,
	FLAG_PWR_BUTTON = 1 << 4, /* it is a device of the DSDT */
	FLAG_SLP_BUTTON = 1 << 5,
	FLAG_RESET_REG = 1 << 10,
	FLAG_HW_REDUCED = 1 << 20,
};

static void put(uint8_t *p, uint64_t value, size_t len)
{
	memcpy(p, &value, len);
}

/* Without the NUL. */
static void put_text(uint8_t *p, const char *text, size_t len)
{
	memcpy(p, text, len);
}

static uint8_t checksum(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

/* Begins a table: its header, without length and checksum. Returns where it begins. */
static size_t begin(struct vm_aml *a, const char *signature, uint8_t revision)
{
	const size_t at = a->len;
	uint8_t head[HEADER_SIZE] = { 0 };

	memcpy(head, signature, 4);
	head[8] = revision;
	put_text(head + 10, "CAISSN", 6);
	put_text(head + 16, "CAISSONM", 8);
	put(head + 24, 1, 4);
	put_text(head + 28, "CSSN", 4);
	put(head + 32, 1, 4);
	vm_aml_bytes(a, head, sizeof(head));
	return at;
}

static void end(struct vm_aml *a, size_t at)
{
	if (a->full)
		return;
	put(a->buf + at + AT_LENGTH, a->len - at, 4);
	a->buf[at + AT_CHECKSUM] = checksum(a->buf + at, a->len - at);
	while (a->len % 16)
		vm_aml_byte(a, 0);
}

static void generic_address(uint8_t *p, uint16_t port)
{
	p[0] = 1; /* system I/O */
	p[1] = 8; /* bits */
	p[2] = 0;
	p[3] = 1; /* access by byte */
	put(p + 4, port, 8);
}

static void add_fadt(struct vm_aml *a, uint64_t dsdt)
{
	const size_t at = begin(a, "FACP", 6);
	uint8_t t[FADT_SIZE] = { 0 };

	t[FADT_CENTURY] = 0x32;
	put(t + FADT_BOOT_ARCH, BOOT_NO_VGA, 2);
	put(t + FADT_FLAGS,
	    FLAG_WBINVD | FLAG_PWR_BUTTON | FLAG_SLP_BUTTON | FLAG_RESET_REG | FLAG_HW_REDUCED, 4);
	generic_address(t + FADT_RESET_REG, VM_PORT_ACPI + 2);
	t[FADT_RESET_VALUE] = 1;
	put(t + FADT_X_DSDT, dsdt, 8);
	generic_address(t + FADT_SLEEP_CONTROL, VM_PORT_ACPI);
	generic_address(t + FADT_SLEEP_STATUS, VM_PORT_ACPI + 1);
	put_text(t + FADT_HYPERVISOR, "CAISSON", 8);
	vm_aml_bytes(a, t + HEADER_SIZE, sizeof(t) - HEADER_SIZE);
	end(a, at);
}

static void add_madt(struct vm_aml *a, uint32_t cpus)
{
	const size_t at = begin(a, "APIC", 5);

	vm_aml_number(a, VM_LAPIC_BASE, 4);
	vm_aml_number(a, 0, 4); /* no 8259s */
	for (uint32_t i = 0; i < cpus; i++) {
		vm_aml_byte(a, 0); /* a local APIC */
		vm_aml_byte(a, 8);
		vm_aml_byte(a, (uint8_t)i);
		vm_aml_byte(a, (uint8_t)i);
		vm_aml_number(a, 1, 4); /* enabled */
	}
	vm_aml_byte(a, 1); /* the I/O APIC */
	vm_aml_byte(a, 12);
	vm_aml_byte(a, 0);
	vm_aml_byte(a, 0);
	vm_aml_number(a, VM_IOAPIC_BASE, 4);
	vm_aml_number(a, 0, 4);
	end(a, at);
}

static void add_virtio(struct vm_aml *a, uint32_t i)
{
	const char name[5] = { 'V', 'R', (char)('0' + i / 10), (char)('0' + i % 10), 0 };
	const size_t dev = vm_aml_device(a, name);

	vm_aml_name_string(a, "_HID", "LNRO0005");
	vm_aml_name_byte(a, "_UID", (uint8_t)i);
	vm_aml_name_byte(a, "_CCA", 1);
	vm_aml_crs_begin(a);
	vm_aml_crs_memory(a, (uint32_t)(VM_MMIO_BASE + i * VM_MMIO_SIZE), (uint32_t)VM_MMIO_SIZE);
	vm_aml_crs_irq(a, VM_GSI_BASE + i);
	vm_aml_crs_end(a);
	vm_aml_end(a, dev);
}

static void add_serial(struct vm_aml *a)
{
	const size_t dev = vm_aml_device(a, "COM1");

	vm_aml_name_eisaid(a, "_HID", "PNP0501");
	vm_aml_name_byte(a, "_UID", 1);
	vm_aml_crs_begin(a);
	vm_aml_crs_port(a, VM_PORT_SERIAL, 8);
	vm_aml_crs_irq(a, VM_GSI_SERIAL);
	vm_aml_crs_end(a);
	vm_aml_end(a, dev);
}

/* The button, and the generic event device whose interrupt presses it. */
static void add_power_button(struct vm_aml *a)
{
	size_t dev = vm_aml_device(a, "PWRB"), method;

	vm_aml_name_eisaid(a, "_HID", "PNP0C0C");
	vm_aml_name_byte(a, "_UID", 0);
	vm_aml_end(a, dev);

	dev = vm_aml_device(a, "GED0");
	vm_aml_name_string(a, "_HID", "ACPI0013");
	vm_aml_name_byte(a, "_UID", 0);
	vm_aml_crs_begin(a);
	vm_aml_crs_irq(a, VM_GSI_POWER);
	vm_aml_crs_end(a);
	method = vm_aml_method(a, "_EVT", 1);
	vm_aml_notify(a, "PWRB", 0x80);
	vm_aml_end(a, method);
	vm_aml_end(a, dev);
}

static void add_dsdt(struct vm_aml *a, uint32_t n_devs)
{
	const size_t at = begin(a, "DSDT", 2);
	size_t scope;

	vm_aml_sleep_state(a, "_S5_", 5);
	scope = vm_aml_scope(a, "_SB_");
	add_serial(a);
	for (uint32_t i = 0; i < n_devs; i++)
		add_virtio(a, i);
	add_power_button(a);
	vm_aml_end(a, scope);
	end(a, at);
}

static void fill_rsdp(uint8_t *p, uint64_t xsdt)
{
	memset(p, 0, RSDP_SIZE);
	put_text(p, "RSD PTR ", 8);
	put_text(p + 9, "CAISSN", 6);
	p[15] = 2;
	put(p + 20, RSDP_SIZE, 4);
	put(p + 24, xsdt, 8);
	p[8] = checksum(p, 20);
	p[32] = checksum(p, RSDP_SIZE);
}

int vm_acpi_build(const struct vm_acpi_opts *o, uint64_t gpa, uint8_t *buf, size_t size,
		  struct cs_err *err)
{
	struct vm_aml a = { .buf = buf, .size = size };
	size_t dsdt, fadt, madt, xsdt;

	/* room for the RSDP, which is filled in last */
	for (int i = 0; i < 48; i++)
		vm_aml_byte(&a, 0);
	dsdt = a.len;
	add_dsdt(&a, o->n_devs);
	fadt = a.len;
	add_fadt(&a, gpa + dsdt);
	madt = a.len;
	add_madt(&a, o->cpus);
	xsdt = begin(&a, "XSDT", 1);
	vm_aml_number(&a, gpa + fadt, 8);
	vm_aml_number(&a, gpa + madt, 8);
	end(&a, xsdt);
	if (a.full)
		return cs_err_set(err, ENOSPC, "the ACPI tables do not fit into %zu bytes", size);
	fill_rsdp(buf, gpa + xsdt);
	return (int)a.len;
}
