#include "kvm/ports.h"

#include "base/cleanup.h"
#include "kvm/bus.h"
#include "kvm/layout.h"

enum {
	PORT_KEYBOARD = 0x64, /* command and status of the keyboard controller */
	PORT_CHIPSET = 0xcf9,
	KEYBOARD_RESET = 0xfe,
	SLEEP_ENABLE = 1 << 5, /* of the sleep control register: ACPI 6.4, 4.8.3.7 */
	SLEEP_TYPE_S5 = 5 << 2,
	CHIPSET_RESET = 1 << 2,
	PVPANIC_PANICKED = 1,
};

static void say(struct vm_ports *p, enum vm_word word, uint8_t value)
{
	p->said(p->owner, word, value);
}

static void exit_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	(void)off;
	(void)len;
	if (write)
		say(owner, VM_WORD_EXIT, data[0]);
}

static void mark_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	(void)off;
	(void)len;
	if (write)
		say(owner, VM_WORD_MARK, data[0]);
}

static void panic_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	(void)off;
	(void)len;
	if (!write)
		data[0] = PVPANIC_PANICKED;
	else if (data[0] & PVPANIC_PANICKED)
		say(owner, VM_WORD_PANIC, 0);
}

static void acpi_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	(void)len;
	if (!write) {
		data[0] = 0;
		return;
	}
	if (off == 0 && (data[0] & SLEEP_ENABLE) && (data[0] & 0x1c) == SLEEP_TYPE_S5)
		say(owner, VM_WORD_POWER_OFF, 0);
	else if (off == 2)
		say(owner, VM_WORD_RESET, 0);
}

/* There is no keyboard: its status says that it takes commands, one of which resets a PC. */
static void keyboard_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	(void)off;
	(void)len;
	if (!write)
		data[0] = 0;
	else if (data[0] == KEYBOARD_RESET)
		say(owner, VM_WORD_RESET, 0);
}

/* cppcheck-suppress constParameter ; a bus's callback */
static void chipset_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	(void)off;
	(void)len;
	if (write && (data[0] & CHIPSET_RESET))
		say(owner, VM_WORD_RESET, 0);
}

int vm_ports_init(struct vm_ports *p, struct vm_bus *pio, void *owner,
		  void (*said)(void *owner, enum vm_word word, uint8_t value), struct cs_err *err)
{
	const struct vm_bus_range ranges[] = {
		{ .name = "keyboard", .base = PORT_KEYBOARD, .len = 1, .do_io = keyboard_io },
		{ .name = "exit", .base = VM_PORT_EXIT, .len = 1, .do_io = exit_io },
		{ .name = "panic", .base = VM_PORT_PANIC, .len = 1, .do_io = panic_io },
		{ .name = "mark", .base = VM_PORT_MARK, .len = 1, .do_io = mark_io },
		{ .name = "acpi", .base = VM_PORT_ACPI, .len = 3, .do_io = acpi_io },
		{ .name = "chipset", .base = PORT_CHIPSET, .len = 1, .do_io = chipset_io },
	};

	*p = (struct vm_ports){ .version = VM_PORTS_VERSION, .owner = owner, .said = said };
	for (size_t i = 0; i < CS_LEN(ranges); i++) {
		struct vm_bus_range r = ranges[i];
		int rc;

		r.owner = p;
		rc = vm_bus_add(pio, &r, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
