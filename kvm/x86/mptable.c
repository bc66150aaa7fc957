#include "kvm/x86/mptable.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "kvm/layout.h"

enum {
	LINES = 24,
	APIC_VERSION = 0x14,
	FLOATING = 16, /* bytes of the floating pointer */
	HEADER = 44,
	PER_CPU = 20,
	PER_OTHER = 8,
};

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

static uint8_t *add_cpu(uint8_t *p, uint32_t i)
{
	p[1] = (uint8_t)i;
	p[2] = APIC_VERSION;
	p[3] = i == 0 ? 3 : 1; /* enabled; the first one boots */
	memcpy(p + 4, (const uint32_t[]){ 0x600, 0x201 }, 8);
	return p + PER_CPU;
}

/* Interrupt source @irq of the bus to line @irq of the I/O APIC. */
static uint8_t *add_line(uint8_t *p, uint8_t apic, uint8_t irq)
{
	p[0] = 3;
	p[5] = irq;
	p[6] = apic;
	p[7] = irq;
	return p + PER_OTHER;
}

/* What comes to a local APIC's own pin: 3 the 8259s, 1 the NMI. */
static uint8_t *add_local(uint8_t *p, uint8_t kind, uint8_t apic, uint8_t pin)
{
	p[0] = 4;
	p[1] = kind;
	p[6] = apic;
	p[7] = pin;
	return p + PER_OTHER;
}

int vm_mptable_build(uint32_t cpus, uint8_t *buf, size_t size, struct cs_err *err)
{
	const size_t len = HEADER + cpus * PER_CPU + (2 + LINES + 2) * PER_OTHER;
	const uint32_t table = VM_MPTABLE_ADDR + FLOATING, ioapic = VM_IOAPIC_BASE,
		       lapic = VM_LAPIC_BASE;
	const uint16_t count = (uint16_t)(cpus + 2 + LINES + 2);
	uint8_t *head = buf + FLOATING, *p = head + HEADER;

	if (FLOATING + len > size)
		return cs_err_set(err, ENOSPC, "the MP tables do not fit into %zu bytes", size);
	memset(buf, 0, FLOATING + len);
	put_text(buf, "_MP_", 4);
	memcpy(buf + 4, &table, 4);
	buf[8] = 1; /* 16 bytes */
	buf[9] = 4; /* version 1.4 */
	buf[10] = checksum(buf, FLOATING);

	for (uint32_t i = 0; i < cpus; i++)
		p = add_cpu(p, i);
	p[0] = 1; /* bus 0 */
	put_text(p + 2, "ISA   ", 6);
	p += PER_OTHER;
	p[0] = 2;
	p[1] = (uint8_t)cpus;
	p[2] = 0x11;
	p[3] = 1;
	memcpy(p + 4, &ioapic, 4);
	p += PER_OTHER;
	for (int i = 0; i < LINES; i++)
		p = add_line(p, (uint8_t)cpus, (uint8_t)i);
	p = add_local(p, 3, 0, 0);
	add_local(p, 1, 0xff, 1);

	put_text(head, "PCMP", 4);
	memcpy(head + 4, &(const uint16_t){ (uint16_t)len }, 2);
	head[6] = 4;
	put_text(head + 8, "CAISSON ", 8);
	put_text(head + 16, "MICROVM     ", 12);
	memcpy(head + 34, &count, 2);
	memcpy(head + 36, &lapic, 4);
	head[7] = checksum(head, len);
	return (int)(FLOATING + len);
}
