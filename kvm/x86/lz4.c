#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "kvm/x86/unpack.h"

/*
 * LZ4's legacy frame and block format (lz4_Frame_format.md, lz4_Block_format.md): a magic number,
 * then blocks of 8 MiB unpacked, each with its packed size in front. A block is a row of sequences:
 * a token, literals, and a copy of what was unpacked before.
 */
enum {
	BLOCK_MAX = 8 << 20,
	MIN_MATCH = 4,
};

#define MAGIC UINT32_C(0x184c2102)

struct cursor {
	const uint8_t *p, *end;
};

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* A length whose first four bits are @nibble: 15 goes on in bytes, 255 goes on further. */
static int get_length(struct cursor *c, uint32_t nibble, size_t *out)
{
	size_t len = nibble;
	uint8_t b = 255;

	while (nibble == 15 && b == 255) {
		if (c->p == c->end || len > BLOCK_MAX)
			return -EINVAL;
		b = *c->p++;
		len += b;
	}
	*out = len;
	return 0;
}

/* The source may reach into what is being written: byte for byte then. */
static void copy_match(uint8_t *to, size_t distance, size_t len)
{
	const uint8_t *from = to - distance;

	if (distance >= len) {
		memcpy(to, from, len);
		return;
	}
	while (len--)
		*to++ = *from++;
}

/* Returns 0, or -EINVAL. @size is the room at @out, *@used what is there before and afterwards. */
static int unpack_block(struct cursor c, uint8_t *out, size_t size, size_t *used)
{
	const size_t base = *used;
	size_t at = base;

	while (c.p < c.end) {
		const uint8_t token = *c.p++;
		size_t len, distance;

		if (get_length(&c, token >> 4, &len) < 0 || len > (size_t)(c.end - c.p) ||
		    len > size - at)
			return -EINVAL;
		memcpy(out + at, c.p, len);
		c.p += len;
		at += len;
		if (c.p == c.end)
			break; /* the last sequence has literals only */
		if (c.end - c.p < 2)
			return -EINVAL;
		distance = (size_t)c.p[0] | (size_t)c.p[1] << 8;
		c.p += 2;
		if (get_length(&c, token & 15, &len) < 0)
			return -EINVAL;
		len += MIN_MATCH;
		if (distance == 0 || distance > at - base || len > size - at)
			return -EINVAL;
		copy_match(out + at, distance, len);
		at += len;
	}
	*used = at;
	return 0;
}

int vm_unpack_lz4(const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *used,
		  struct cs_err *err)
{
	size_t at = 4, n = 0;

	if (len < 4 || get32(in) != MAGIC)
		return cs_err_set(err, EINVAL, "lz4: not a legacy frame");
	while (len - at > 4) {
		const uint32_t block = get32(in + at);
		const size_t room = size - n < BLOCK_MAX ? size - n : BLOCK_MAX;

		at += 4;
		if (block == MAGIC)
			continue; /* another frame */
		if (block > len - at)
			return cs_err_set(err, EINVAL, "lz4: a block is cut short");
		if (unpack_block((struct cursor){ in + at, in + at + block }, out, n + room, &n) <
		    0)
			return cs_err_set(err, EINVAL, "lz4: malformed at %zu", at);
		at += block;
	}
	*used = n;
	return 0;
}
