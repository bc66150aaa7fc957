#ifndef CS_KVM_CMOS_H
#define CS_KVM_CMOS_H

#include <stdbool.h>
#include <stdint.h>

struct cs_err;
struct vm_bus;

/*
 * The clock of a PC (MC146818) behind two ports: enough for a guest to read the date, which Linux
 * does at boot and waits long for where it is not there. No alarm, no interrupt. Reads are the
 * host's time in UTC.
 */
enum {
	VM_CMOS_VERSION = 1,
};

struct vm_cmos {
	uint32_t version;
	uint8_t index;
	uint8_t reg[128]; /* what the guest wrote; clock registers are made when read */
};

int vm_cmos_init(struct vm_cmos *c, struct vm_bus *pio, struct cs_err *err);
/* The bus calls it. @off 0 is the index, 1 the register. */
void vm_cmos_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write);

#endif
