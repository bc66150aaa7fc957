#include "kvm/x86/aml.h"

#include <string.h>

/* Op codes: ACPI 6.4, 20.3. */
enum {
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_METHOD = 0x14,
	OP_EXT = 0x5b,
	OP_EXT_DEVICE = 0x82,
	OP_NOTIFY = 0x86,

	/* a package length of this many bytes, whatever the length: it is known at the end only */
	LENGTH_BYTES = 3,
};

void vm_aml_byte(struct vm_aml *a, uint8_t v)
{
	vm_aml_bytes(a, &v, 1);
}

void vm_aml_bytes(struct vm_aml *a, const void *p, size_t len)
{
	if (a->full || len > a->size - a->len) {
		a->full = true;
		return;
	}
	memcpy(a->buf + a->len, p, len);
	a->len += len;
}

void vm_aml_number(struct vm_aml *a, uint64_t v, size_t len)
{
	vm_aml_bytes(a, &v, len);
}

static size_t begin_length(struct vm_aml *a)
{
	const size_t at = a->len;

	vm_aml_number(a, 0, LENGTH_BYTES);
	return at;
}

void vm_aml_end(struct vm_aml *a, size_t begin)
{
	const size_t len = a->len - begin;

	if (a->full)
		return;
	a->buf[begin] = (uint8_t)((LENGTH_BYTES - 1) << 6 | (len & 0xf));
	a->buf[begin + 1] = (uint8_t)(len >> 4);
	a->buf[begin + 2] = (uint8_t)(len >> 12);
}

size_t vm_aml_scope(struct vm_aml *a, const char *name)
{
	size_t at;

	vm_aml_byte(a, OP_SCOPE);
	at = begin_length(a);
	vm_aml_byte(a, '\\');
	vm_aml_bytes(a, name, 4);
	return at;
}

size_t vm_aml_device(struct vm_aml *a, const char *name)
{
	size_t at;

	vm_aml_byte(a, OP_EXT);
	vm_aml_byte(a, OP_EXT_DEVICE);
	at = begin_length(a);
	vm_aml_bytes(a, name, 4);
	return at;
}

size_t vm_aml_method(struct vm_aml *a, const char *name, uint8_t n_args)
{
	size_t at;

	vm_aml_byte(a, OP_METHOD);
	at = begin_length(a);
	vm_aml_bytes(a, name, 4);
	vm_aml_byte(a, n_args | 8);
	return at;
}

static void begin_name(struct vm_aml *a, const char *name)
{
	vm_aml_byte(a, OP_NAME);
	vm_aml_bytes(a, name, 4);
}

void vm_aml_name_byte(struct vm_aml *a, const char *name, uint8_t v)
{
	begin_name(a, name);
	vm_aml_byte(a, OP_BYTE);
	vm_aml_byte(a, v);
}

void vm_aml_name_string(struct vm_aml *a, const char *name, const char *v)
{
	begin_name(a, name);
	vm_aml_byte(a, OP_STRING);
	vm_aml_bytes(a, v, strlen(v) + 1);
}

static uint32_t hex(char c)
{
	return (uint32_t)(c >= 'A' ? c - 'A' + 10 : c - '0');
}

/* Five bits a letter, four a digit, the most significant byte first (ACPI 6.4, 19.3.4). */
void vm_aml_name_eisaid(struct vm_aml *a, const char *name, const char *v)
{
	const uint32_t id = (uint32_t)(v[0] - '@') << 26 | (uint32_t)(v[1] - '@') << 21 |
			    (uint32_t)(v[2] - '@') << 16 | hex(v[3]) << 12 | hex(v[4]) << 8 |
			    hex(v[5]) << 4 | hex(v[6]);

	begin_name(a, name);
	vm_aml_byte(a, OP_DWORD);
	vm_aml_number(a, __builtin_bswap32(id), 4);
}

void vm_aml_sleep_state(struct vm_aml *a, const char *name, uint8_t type)
{
	size_t at;

	begin_name(a, name);
	vm_aml_byte(a, OP_PACKAGE);
	at = begin_length(a);
	vm_aml_byte(a, 4);
	vm_aml_byte(a, OP_BYTE);
	vm_aml_byte(a, type);
	vm_aml_number(a, 0, 3); /* three times the constant Zero */
	vm_aml_end(a, at);
}

void vm_aml_notify(struct vm_aml *a, const char *object, uint8_t v)
{
	vm_aml_byte(a, OP_NOTIFY);
	vm_aml_bytes(a, object, 4);
	vm_aml_byte(a, OP_BYTE);
	vm_aml_byte(a, v);
}

/* The buffer's own size stands in front of its bytes, as a byte constant. */
void vm_aml_crs_begin(struct vm_aml *a)
{
	begin_name(a, "_CRS");
	vm_aml_byte(a, OP_BUFFER);
	a->crs = begin_length(a);
	vm_aml_byte(a, OP_BYTE);
	vm_aml_byte(a, 0);
}

void vm_aml_crs_memory(struct vm_aml *a, uint32_t base, uint32_t len)
{
	vm_aml_byte(a, 0x86); /* 32-bit fixed memory range, 9 bytes */
	vm_aml_number(a, 9, 2);
	vm_aml_byte(a, 1); /* writable */
	vm_aml_number(a, base, 4);
	vm_aml_number(a, len, 4);
}

void vm_aml_crs_port(struct vm_aml *a, uint16_t base, uint8_t len)
{
	vm_aml_byte(a, 0x47); /* I/O port, 7 bytes */
	vm_aml_byte(a, 1);    /* 16 bits are decoded */
	vm_aml_number(a, base, 2);
	vm_aml_number(a, base, 2);
	vm_aml_byte(a, 1);
	vm_aml_byte(a, len);
}

void vm_aml_crs_irq(struct vm_aml *a, uint32_t gsi)
{
	vm_aml_byte(a, 0x89); /* extended interrupt, 6 bytes */
	vm_aml_number(a, 6, 2);
	vm_aml_byte(a, 3); /* consumer, edge */
	vm_aml_byte(a, 1);
	vm_aml_number(a, gsi, 4);
}

void vm_aml_crs_end(struct vm_aml *a)
{
	vm_aml_number(a, 0x79, 2); /* end tag, no checksum */
	if (!a->full)
		a->buf[a->crs + LENGTH_BYTES + 1] = (uint8_t)(a->len - a->crs - LENGTH_BYTES - 2);
	vm_aml_end(a, a->crs);
}
