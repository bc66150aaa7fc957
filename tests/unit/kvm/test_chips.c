/* Serial port, clock, ports: kvm/{serial,cmos,ports}. */
#include "kvm/serial.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/bus.h"
#include "kvm/cmos.h"
#include "kvm/layout.h"
#include "kvm/ports.h"
#include "tests/unit/unit.h"

static void out8(struct vm_bus *bus, uint64_t port, uint8_t v)
{
	ck_assert(vm_bus_io(bus, port, &v, 1, true));
}

static uint8_t in8(struct vm_bus *bus, uint64_t port)
{
	uint8_t v = 0;

	ck_assert(vm_bus_io(bus, port, &v, 1, false));
	return v;
}

static int lines;

static void said(void *owner, const char *line)
{
	ck_assert_ptr_eq(owner, &lines);
	ck_assert_str_eq(line, "hello");
	lines++;
}

struct port {
	struct vm_bus bus;
	struct vm_loop loop;
	struct vm_serial serial;
	int in[2], out[2];
};

static void make(struct port *p)
{
	struct cs_err err = CS_ERR_INIT;
	struct vm_serial_opts o = {
		.pio = &p->bus, .loop = &p->loop, .vm_fd = -EBADF, .owner = &lines, .said = said
	};

	memset(p, 0, sizeof(*p));
	ck_assert_int_eq(pipe2(p->in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(p->out, O_CLOEXEC), 0);
	ck_assert_int_eq(vm_loop_init(&p->loop, &err), 0);
	o.in_fd = p->in[0];
	o.out_fd = p->out[1];
	ck_assert_msg(vm_serial_init(&p->serial, &o, &err) == 0, "%s", err.msg);
}

static void end(struct port *p)
{
	vm_serial_fini(&p->serial);
	vm_serial_fini(&p->serial);
	vm_loop_fini(&p->loop);
}

static uint64_t interrupts(struct port *p)
{
	uint64_t v = 0;

	return read(p->serial.irq.fd, &v, sizeof(v)) == (ssize_t)sizeof(v) ? v : 0;
}

START_TEST(test_send)
{
	static struct port p;
	const char text[] = "hello\r\n";
	char buf[32] = "";
	struct cs_err err = CS_ERR_INIT;

	make(&p);
	for (const char *s = text; *s; s++)
		out8(&p.bus, VM_PORT_SERIAL, (uint8_t)*s);
	ck_assert_int_eq((int)read(p.out[0], buf, sizeof(buf)), 7);
	ck_assert_str_eq(buf, text);
	ck_assert_int_eq(lines, 1);
	/* without a line's end it goes out a little later */
	out8(&p.bus, VM_PORT_SERIAL, '$');
	ck_assert_int_eq(vm_loop_once(&p.loop, 10000, &err), 1);
	ck_assert_int_eq((int)read(p.out[0], buf, sizeof(buf)), 1);
	/* "transmitter empty" interrupts once it is asked for */
	ck_assert_uint_eq(interrupts(&p), 0);
	out8(&p.bus, VM_PORT_SERIAL + 1, 2);
	ck_assert_uint_eq(interrupts(&p), 1);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 2), 2);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 2), 1);
	end(&p);
}
END_TEST

START_TEST(test_slow_reader)
{
	static struct port p;

	make(&p);
	p.serial.said = NULL;
	/* a pipe takes 64 KiB, the backlog as much; the rest is lost, and nothing waits */
	for (int i = 0; i < 200000; i++)
		out8(&p.bus, VM_PORT_SERIAL, i % 64 == 63 ? '\n' : 'x');
	ck_assert_uint_gt(p.serial.lost, 0);
	ck_assert_uint_eq(p.serial.out_len, VM_SERIAL_BACKLOG);
	end(&p);
}
END_TEST

START_TEST(test_receive)
{
	static struct port p;
	struct cs_err err = CS_ERR_INIT;
	char many[VM_SERIAL_FIFO + 10];

	make(&p);
	out8(&p.bus, VM_PORT_SERIAL + 1, 1);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 5) & 1, 0);
	ck_assert_int_eq((int)write(p.in[1], "ab", 2), 2);
	ck_assert_int_eq(vm_loop_once(&p.loop, 10000, &err), 1);
	ck_assert_uint_ge(interrupts(&p), 1);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 2), 4);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 5) & 1, 1);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL), 'a');
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL), 'b');
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL), 0);
	/* more than it holds stays in the pipe until the guest reads */
	memset(many, 'm', sizeof(many));
	ck_assert_int_eq((int)write(p.in[1], many, sizeof(many)), (int)sizeof(many));
	ck_assert_int_eq(vm_loop_once(&p.loop, 10000, &err), 1);
	ck_assert_int_eq(vm_loop_once(&p.loop, 0, &err), 0);
	for (int i = 0; i < VM_SERIAL_FIFO; i++)
		ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL), 'm');
	ck_assert_int_eq(vm_loop_once(&p.loop, 10000, &err), 1);
	ck_assert_uint_eq(p.serial.s.fifo_n, 10);
	/* the other end is gone */
	close(p.in[1]);
	ck_assert_int_eq(vm_loop_once(&p.loop, 10000, &err), 1);
	ck_assert_int_eq(vm_loop_once(&p.loop, 0, &err), 0);
	end(&p);
}
END_TEST

/* What the driver does to see whether there is a port: loop and scratch. */
START_TEST(test_probe)
{
	static struct port p;

	make(&p);
	out8(&p.bus, VM_PORT_SERIAL + 4, 0x1a);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 6) & 0xf0, 0x90);
	out8(&p.bus, VM_PORT_SERIAL + 4, 0x10);
	out8(&p.bus, VM_PORT_SERIAL, 'l');
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL), 'l');
	out8(&p.bus, VM_PORT_SERIAL + 7, 0x5a);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 7), 0x5a);
	out8(&p.bus, VM_PORT_SERIAL + 3, 0x83);
	out8(&p.bus, VM_PORT_SERIAL, 12);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL), 12);
	out8(&p.bus, VM_PORT_SERIAL + 2, 1);
	ck_assert_uint_eq(in8(&p.bus, VM_PORT_SERIAL + 2), 0xc1);
	end(&p);
}
END_TEST

static uint8_t cmos(struct vm_bus *bus, uint8_t reg)
{
	uint8_t v;

	out8(bus, VM_PORT_CMOS, reg);
	v = in8(bus, VM_PORT_CMOS + 1);
	return (uint8_t)((v >> 4) * 10 + (v & 15));
}

START_TEST(test_clock)
{
	struct vm_bus bus = { 0 };
	struct vm_cmos c;
	struct cs_err err = CS_ERR_INIT;
	struct tm tm = { 0 };
	time_t now, then;

	ck_assert_int_eq(vm_cmos_init(&c, &bus, &err), 0);
	now = time(NULL);
	tm.tm_sec = cmos(&bus, 0);
	tm.tm_min = cmos(&bus, 2);
	tm.tm_hour = cmos(&bus, 4);
	tm.tm_mday = cmos(&bus, 7);
	tm.tm_mon = cmos(&bus, 8) - 1;
	tm.tm_year = cmos(&bus, 0x32) * 100 + cmos(&bus, 9) - 1900;
	then = timegm(&tm);
	ck_assert_int_ge((int)(then - now), -60);
	ck_assert_int_le((int)(then - now), 60);
	out8(&bus, VM_PORT_CMOS, 0xa);
	ck_assert_uint_eq(in8(&bus, VM_PORT_CMOS + 1) & 0x80, 0);
	out8(&bus, VM_PORT_CMOS, 0x80 | 0x40);
	out8(&bus, VM_PORT_CMOS + 1, 77);
	ck_assert_uint_eq(in8(&bus, VM_PORT_CMOS + 1), 77);
}
END_TEST

static int last_word = -1, last_value;

static void port_said(void *owner, enum vm_word word, uint8_t value)
{
	(void)owner;
	last_word = (int)word;
	last_value = value;
}

START_TEST(test_ports)
{
	static const struct {
		uint16_t port;
		uint8_t value;
		int word;
	} writes[] = {
		{ VM_PORT_EXIT, 42, VM_WORD_EXIT },
		{ VM_PORT_MARK, 1, VM_WORD_MARK },
		{ VM_PORT_PANIC, 1, VM_WORD_PANIC },
		{ VM_PORT_PANIC, 2, -1 },
		{ VM_PORT_ACPI, 0x34, VM_WORD_POWER_OFF },
		{ VM_PORT_ACPI, 0x14, -1 },
		{ VM_PORT_ACPI, 0x24, -1 },
		{ VM_PORT_ACPI + 2, 1, VM_WORD_RESET },
		{ 0x64, 0xfe, VM_WORD_RESET },
		{ 0x64, 0xaa, -1 },
		{ 0xcf9, 6, VM_WORD_RESET },
		{ 0xcf9, 2, -1 },
	};
	struct vm_bus bus = { 0 };
	struct vm_ports p;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(vm_ports_init(&p, &bus, NULL, port_said, &err), 0);
	for (size_t i = 0; i < CS_LEN(writes); i++) {
		last_word = -1;
		out8(&bus, writes[i].port, writes[i].value);
		ck_assert_int_eq(last_word, writes[i].word);
		if (writes[i].word == VM_WORD_EXIT)
			ck_assert_int_eq(last_value, 42);
	}
	/* the keyboard's status: ready for commands */
	ck_assert_uint_eq(in8(&bus, 0x64), 0);
}
END_TEST

UNIT_MAIN("kvm/chips", test_send, test_slow_reader, test_receive, test_probe, test_clock,
	  test_ports)
