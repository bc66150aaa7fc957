#include "kvm/cmos.h"

#include <time.h>

#include "kvm/bus.h"
#include "kvm/layout.h"

enum {
	SECONDS = 0,
	MINUTES = 2,
	HOURS = 4,
	WEEKDAY = 6,
	DAY = 7,
	MONTH = 8,
	YEAR = 9,
	STATUS_A = 0xa,
	STATUS_B = 0xb,
	STATUS_C = 0xc,
	STATUS_D = 0xd,
	CENTURY = 0x32,

	A_32KHZ = 0x26, /* the usual divider; no update is ever in progress */
	B_24H = 0x02,	/* BCD, 24 hours */
	D_VALID = 0x80,
};

static uint8_t bcd(int v)
{
	return (uint8_t)((v / 10 % 10) << 4 | v % 10);
}

static uint8_t read_reg(const struct vm_cmos *c)
{
	const time_t now = time(NULL);
	struct tm tm = { 0 };

	gmtime_r(&now, &tm);
	switch (c->index) {
	case SECONDS:
		return bcd(tm.tm_sec);
	case MINUTES:
		return bcd(tm.tm_min);
	case HOURS:
		return bcd(tm.tm_hour);
	case WEEKDAY:
		return bcd(tm.tm_wday + 1);
	case DAY:
		return bcd(tm.tm_mday);
	case MONTH:
		return bcd(tm.tm_mon + 1);
	case YEAR:
		return bcd(tm.tm_year % 100);
	case CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	case STATUS_A:
		return A_32KHZ;
	case STATUS_B:
		return B_24H;
	case STATUS_C:
		return 0;
	case STATUS_D:
		return D_VALID;
	default:
		return c->reg[c->index];
	}
}

void vm_cmos_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	struct vm_cmos *c = owner;

	if (len != 1)
		return;
	if (off == 0 && write)
		c->index = data[0] & 0x7f;
	else if (off == 1 && write)
		c->reg[c->index] = data[0];
	else if (off == 1)
		data[0] = read_reg(c);
}

int vm_cmos_init(struct vm_cmos *c, struct vm_bus *pio, struct cs_err *err)
{
	const struct vm_bus_range r = {
		.name = "cmos",
		.base = VM_PORT_CMOS,
		.len = 2,
		.owner = c,
		.do_io = vm_cmos_io,
	};

	*c = (struct vm_cmos){ .version = VM_CMOS_VERSION };
	/* the C library looks for the host's time zone once, even for UTC: now, not in the jail */
	tzset();
	return vm_bus_add(pio, &r, err);
}
