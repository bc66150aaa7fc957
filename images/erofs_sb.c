#include "images/erofs_fmt.h"

const char *const img_erofs_prefix[IMG_EROFS_PREFIXES] = {
	NULL,	   "user.",	"system.posix_acl_access", "system.posix_acl_default", "trusted.",
	"lustre.", "security.",
};

uint32_t img_erofs_crc(const uint8_t *buf, size_t len)
{
	uint32_t crc = 0xffffffffU;

	for (size_t i = 0; i < len; i++) {
		crc ^= buf[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
	}
	return crc;
}
