#include "images/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void img_base64_put(struct cs_buf *b, const void *p, size_t len)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		char out[4] = { '=', '=', '=', '=' };
		unsigned char in[3] = { 0 };
		uint32_t v;

		memcpy(in, s + i, n);
		v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		for (size_t k = 0; k <= n; k++)
			out[k] = digits[(v >> (18 - 6 * k)) & 63];
		cs_buf_add_mem(b, out, 4);
	}
}

int img_base64_get(struct cs_buf *b, const char *text)
{
	size_t len = strlen(text);
	uint32_t v = 0;
	unsigned int bits = 0;

	while (len && text[len - 1] == '=')
		len--;
	if (len % 4 == 1 || strlen(text) - len > 2)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		const char *d = strchr(digits, text[i]);
		char byte;

		if (!d)
			return -EINVAL;
		v = (v << 6 | (uint32_t)(d - digits)) & 0xffffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		byte = (char)(v >> bits & 0xff);
		cs_buf_add_mem(b, &byte, 1);
	}
	return 0;
}
