#ifndef CS_TESTS_UNIT_IMAGES_TARMAKE_H
#define CS_TESTS_UNIT_IMAGES_TARMAKE_H

/* Makes tars for tests, without the code under test. */

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

static inline void tm_octal(unsigned char *at, int digits, uint64_t v)
{
	for (; digits > 0; v >>= 3)
		at[--digits] = (unsigned char)('0' + (v & 7));
}

/* A ustar header; name and link may be cut off at 100 bytes. */
static inline void tm_header_raw(struct cs_buf *b, char type, const char *name, const char *link,
				 uint64_t size, unsigned int mode)
{
	unsigned char h[512] = { 0 };
	unsigned int sum = 0;

	memcpy(h, name, strnlen(name, 100));
	tm_octal(h + 100, 7, mode);
	tm_octal(h + 108, 7, 0);
	tm_octal(h + 116, 7, 0);
	tm_octal(h + 124, 11, size);
	tm_octal(h + 136, 11, 1700000000);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	memcpy(h + 157, link, strnlen(link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	tm_octal(h + 329, 7, type == '3' || type == '4' ? 1 : 0);
	tm_octal(h + 337, 7, type == '3' || type == '4' ? 3 : 0);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	tm_octal(h + 148, 6, sum);
	cs_buf_add_mem(b, h, sizeof(h));
}

static inline void tm_pad(struct cs_buf *b)
{
	static const char zero[512];

	cs_buf_add_mem(b, zero, (512 - b->len % 512) % 512);
}

static inline void tm_data(struct cs_buf *b, char type, const char *name, const char *link,
			   const void *data, size_t len)
{
	tm_header_raw(b, type, name, link, len, type == '5' ? 0755 : 0644);
	cs_buf_add_mem(b, data, len);
	tm_pad(b);
}

static inline void tm_file(struct cs_buf *b, const char *name, const char *text)
{
	tm_data(b, '0', name, "", text, strlen(text));
}

static inline void tm_dir(struct cs_buf *b, const char *name)
{
	tm_data(b, '5', name, "", "", 0);
}

static inline void tm_link(struct cs_buf *b, char type, const char *name, const char *target)
{
	tm_data(b, type, name, target, "", 0);
}

/* One pax record in a header of its own, of kind 'x' or 'g'. */
static inline void tm_pax(struct cs_buf *b, char kind, const char *key, const void *value,
			  size_t len)
{
	size_t body = strlen(key) + len + 3, total = body + 1;
	cs_auto_buf struct cs_buf rec = CS_BUF_INIT;
	char num[24];

	while ((size_t)snprintf(num, sizeof(num), "%zu", total) + body != total)
		total = (size_t)snprintf(num, sizeof(num), "%zu", total) + body;
	cs_buf_addf(&rec, "%zu %s=", total, key);
	cs_buf_add_mem(&rec, value, len);
	cs_buf_add(&rec, "\n");
	ck_assert_uint_eq(rec.len, total);
	tm_data(b, kind, "pax", "", rec.s, rec.len);
}

static inline void tm_end(struct cs_buf *b)
{
	static const char zero[1024];

	cs_buf_add_mem(b, zero, sizeof(zero));
}

#endif
