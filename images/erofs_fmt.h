#ifndef CS_IMAGES_EROFS_FMT_H
#define CS_IMAGES_EROFS_FMT_H

/*
 * EROFS on disk, the part that is written and read here (Documentation/filesystems/erofs.rst and
 * the kernel's fs/erofs/erofs_fs.h describe it). All numbers are little-endian; fields are reached
 * by offset, so no struct's layout matters.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>

enum {
	IMG_EROFS_BITS = 12,
	IMG_EROFS_BLOCK = 1 << IMG_EROFS_BITS,
	IMG_EROFS_SLOT = 32, /* what a nid counts */

	IMG_EROFS_SB = 1024, /* offset of the superblock */
	IMG_EROFS_SB_SIZE = 128,
	IMG_EROFS_SB_MAGIC = 0, /* offsets in it */
	IMG_EROFS_SB_CRC = 4,
	IMG_EROFS_SB_COMPAT = 8,
	IMG_EROFS_SB_BITS = 12,
	IMG_EROFS_SB_ROOT = 14,
	IMG_EROFS_SB_INOS = 16,
	IMG_EROFS_SB_TIME = 24,
	IMG_EROFS_SB_BLOCKS = 36,
	IMG_EROFS_SB_META = 40,
	IMG_EROFS_SB_XATTR = 44,
	IMG_EROFS_SB_UUID = 48,
	IMG_EROFS_SB_INCOMPAT = 80,

	IMG_EROFS_COMPAT_CRC = 1,
	IMG_EROFS_COMPAT_MTIME = 2,
	IMG_EROFS_INCOMPAT_CHUNKS = 4,

	IMG_EROFS_ROOT_AT = IMG_EROFS_SB + IMG_EROFS_SB_SIZE, /* where we put the root's inode */

	IMG_EROFS_INODE = 64,	/* an extended inode; offsets in it: */
	IMG_EROFS_I_FORMAT = 0, /* 1 (extended) and a layout << 1 */
	IMG_EROFS_I_XATTRS = 2, /* (bytes of attributes - 12) / 4 + 1 */
	IMG_EROFS_I_MODE = 4,
	IMG_EROFS_I_SIZE = 8,
	IMG_EROFS_I_U = 16, /* first block, device number, or chunk format */
	IMG_EROFS_I_INO = 20,
	IMG_EROFS_I_UID = 24,
	IMG_EROFS_I_GID = 28,
	IMG_EROFS_I_MTIME = 32,
	IMG_EROFS_I_NSEC = 40,
	IMG_EROFS_I_NLINK = 44,

	IMG_EROFS_PLAIN = 0,  /* layouts: all of it in blocks */
	IMG_EROFS_INLINE = 2, /* what is more than full blocks stands behind the inode */
	IMG_EROFS_CHUNKS = 4, /* a table of chunks stands behind the inode */

	IMG_EROFS_X_HEADER = 12, /* then shared ids of 4 bytes, then attributes */
	IMG_EROFS_X_COUNT = 4,	 /* of the shared ones, a byte */
	IMG_EROFS_X_ENTRY = 4,	 /* name's length, its prefix, value's length */

	IMG_EROFS_DIRENT = 12, /* nid 8, offset of the name 2, type 1, 0 */
};
#define IMG_EROFS_MAGIC 0xE0F5E1E2U
#define IMG_EROFS_HOLE 0xffffffffU

static inline void img_put16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void img_put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void img_put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint16_t img_get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t img_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t img_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* Linux's 32-bit device number. */
static inline uint32_t img_erofs_rdev(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

/* crc32c without the last inversion, as the superblock has it (images/erofs_sb.c). */
uint32_t img_erofs_crc(const uint8_t *buf, size_t len);

/* The names' prefixes an attribute's index stands for; index 0 is none. (images/erofs_sb.c) */
enum { IMG_EROFS_PREFIXES = 7 };
extern const char *const img_erofs_prefix[IMG_EROFS_PREFIXES];

#endif
