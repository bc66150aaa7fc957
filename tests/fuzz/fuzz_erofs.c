/*
 * images/erofs_read: whatever an image's bytes are, reading all of it ends, stays inside and gives
 * an answer or a message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "images/erofs_fmt.h"
#include "images/erofs_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok) ((ok) ? (void)0 : abort())

enum { MAX = 128 * 1024 };

/* A fuzzer does not find the magic number, the size and the checksum. */
static size_t mend(uint8_t *buf, const uint8_t *data, size_t size)
{
	size_t whole = (size + IMG_EROFS_BLOCK - 1) / IMG_EROFS_BLOCK * IMG_EROFS_BLOCK;
	uint8_t *sb = buf + IMG_EROFS_SB;

	memset(buf, 0, whole);
	memcpy(buf, data, size);
	img_put32(sb + IMG_EROFS_SB_MAGIC, IMG_EROFS_MAGIC);
	sb[IMG_EROFS_SB_BITS] = IMG_EROFS_BITS;
	img_put64(sb + IMG_EROFS_SB_INOS, 100);
	img_put32(sb + IMG_EROFS_SB_BLOCKS, (uint32_t)(whole / IMG_EROFS_BLOCK));
	img_put32(sb + IMG_EROFS_SB_META, 0);
	img_put32(sb + IMG_EROFS_SB_XATTR, 0);
	img_put32(sb + IMG_EROFS_SB_INCOMPAT, IMG_EROFS_INCOMPAT_CHUNKS);
	img_put32(sb + IMG_EROFS_SB_CRC, 0);
	img_put32(sb + IMG_EROFS_SB_CRC, img_erofs_crc(sb, IMG_EROFS_BLOCK - IMG_EROFS_SB));
	return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[MAX];
	struct cs_err err = CS_ERR_INIT;
	struct img_er im;
	uint8_t *exact;
	size_t whole;
	int ret;

	if (size == 0 || size > MAX)
		return 0;
	whole = mend(buf, data, size);
	exact = malloc(whole); /* so that a step beyond it is seen */
	check(exact);
	memcpy(exact, buf, whole);
	check(img_er_open_mem(&im, exact, whole, &err) == 0);
	ret = img_er_check(&im, &err);
	check(ret == 0 || (ret == -err.code && *err.msg));
	free(exact);
	return 0;
}
