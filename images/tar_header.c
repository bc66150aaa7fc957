#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "images/tar_int.h"

/* Where the fields of a header are (ustar, and what GNU and star put in place of the prefix). */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
	AT_MAJOR = 329,
	AT_MINOR = 337,
	AT_PREFIX = 345,
	AT_STAR_MAGIC = 508,
	AT_GNU_PIECES = 386, /* 4 of 24 bytes */
	AT_GNU_EXT = 482,
	AT_GNU_REAL = 483,
	PIECE = 24,
	BLOCK_PIECES = 21,
	AT_BLOCK_EXT = 504,
	LEN_NAME = 100,
	LEN_PREFIX = 155,
	LEN_STAR_PREFIX = 131,
	LEN_ID = 8,
	LEN_BIG = 12,
};

bool img_tar_is_zero(const uint8_t block[IMG_TAR_BLOCK])
{
	return block[0] == 0 && memcmp(block, block + 1, IMG_TAR_BLOCK - 1) == 0;
}

/* GNU's base-256: the first bit says so, the rest is one big-endian number in two's complement. */
static int base256(const uint8_t *f, size_t len, int64_t *out)
{
	uint8_t flip = f[0] & 0x40 ? 0xff : 0;
	uint64_t x = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = f[i] ^ flip;

		if (i == 0)
			c &= 0x7f;
		if (x >> 56)
			return -ERANGE;
		x = x << 8 | c;
	}
	if (x >> 63)
		return -ERANGE;
	*out = flip ? -(int64_t)x - 1 : (int64_t)x;
	return 0;
}

/* Octal, blanks and NULs around; nothing at all is 0. */
static int octal(const uint8_t *f, size_t len, int64_t *out)
{
	uint64_t x = 0;
	size_t i = 0;

	while (i < len && (f[i] == ' ' || f[i] == 0))
		i++;
	for (; i < len && f[i] >= '0' && f[i] <= '7'; i++)
		x = x << 3 | (uint64_t)(f[i] - '0');
	while (i < len && (f[i] == ' ' || f[i] == 0))
		i++;
	if (i < len)
		return -EINVAL;
	*out = (int64_t)x; /* 12 digits: 36 bits */
	return 0;
}

static int number(const uint8_t *f, size_t len, const char *what, int64_t *out, struct cs_err *err)
{
	int ret = f[0] & 0x80 ? base256(f, len, out) : octal(f, len, out);

	if (ret < 0)
		return cs_err_set(err, EBADMSG, "tar header is damaged: %s is no number", what);
	return 0;
}

static int unsigned_number(const uint8_t *f, size_t len, const char *what, uint64_t *out,
			   struct cs_err *err)
{
	int64_t v = 0;
	int ret = number(f, len, what, &v, err);

	if (ret < 0)
		return ret;
	if (v < 0)
		return cs_err_set(err, EBADMSG, "tar header is damaged: %s is negative", what);
	*out = (uint64_t)v;
	return 0;
}

/* The sum of all bytes with blanks for the sum itself; very old writers took them as signed. */
static int check_sum(const uint8_t b[IMG_TAR_BLOCK], struct cs_err *err)
{
	int64_t want = 0, sum = 0, old = 0;

	for (int i = 0; i < IMG_TAR_BLOCK; i++) {
		uint8_t c = i >= AT_SUM && i < AT_SUM + 8 ? ' ' : b[i];

		sum += c;
		old += (int8_t)c;
	}
	if (octal(b + AT_SUM, 8, &want) < 0 || (want != sum && want != old))
		return cs_err_set(err, EBADMSG,
				  "not a tar, or a damaged one: a header's checksum is wrong");
	return 0;
}

static size_t field_len(const uint8_t *f, size_t max)
{
	return strnlen((const char *)f, max);
}

/* The name, with ustar's prefix in front. */
static void read_path(const uint8_t b[IMG_TAR_BLOCK], bool ustar, char *out)
{
	bool star = memcmp(b + AT_STAR_MAGIC, "tar", 4) == 0;
	size_t n = ustar ? field_len(b + AT_PREFIX, star ? LEN_STAR_PREFIX : LEN_PREFIX) : 0;
	size_t name = field_len(b + AT_NAME, LEN_NAME);

	memcpy(out, b + AT_PREFIX, n);
	if (n > 0)
		out[n++] = '/';
	memcpy(out + n, b + AT_NAME, name);
	out[n + name] = '\0';
}

int img_tar_sparse_add(struct img_tar_sparse *map, uint64_t off, uint64_t len,
		       const struct img_limits *lim, struct cs_err *err)
{
	if (map->n >= lim->max_sparse)
		return cs_err_set(err, EFBIG, "a sparse file has more than %u pieces, the limit",
				  lim->max_sparse);
	if (map->n == map->cap) {
		size_t cap = map->cap ? map->cap * 2 : 16;
		struct img_extent *v = reallocarray(map->v, cap, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "read a sparse file: out of memory");
		map->v = v;
		map->cap = cap;
	}
	map->v[map->n++] = (struct img_extent){ .off = off, .len = len };
	return 0;
}

int img_tar_sparse_check(struct img_tar_sparse *map, uint64_t real, uint64_t stored,
			 struct cs_err *err)
{
	uint64_t at = 0, sum = 0, end;
	size_t n = 0;

	for (size_t i = 0; i < map->n; i++) {
		const struct img_extent *e = &map->v[i];

		if (e->off < at || __builtin_add_overflow(e->off, e->len, &end) || end > real)
			return cs_err_set(err, EBADMSG,
					  "a sparse file's pieces overlap or go past its end");
		sum += e->len; /* cannot be more than @real */
		at = end;
		if (e->len > 0)
			map->v[n++] = *e;
	}
	map->n = n;
	if (sum != stored)
		return cs_err_set(err, EBADMSG,
				  "a sparse file's pieces are not as long as its data");
	return 0;
}

void img_tar_sparse_reset(struct img_tar_sparse *map)
{
	map->n = 0;
	map->want = 0;
	map->half = false;
}

/* @n pieces of 24 bytes; an empty field ends them. */
static int read_pieces(const uint8_t *b, size_t n, struct img_tar_sparse *map,
		       const struct img_limits *lim, struct cs_err *err)
{
	for (size_t i = 0; i < n && b[i * PIECE]; i++) {
		uint64_t off = 0, len = 0;
		int ret = unsigned_number(b + i * PIECE, LEN_BIG, "an offset", &off, err);

		if (ret == 0)
			ret = unsigned_number(b + i * PIECE + LEN_BIG, LEN_BIG, "a length", &len,
					      err);
		if (ret == 0)
			ret = img_tar_sparse_add(map, off, len, lim, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int img_tar_sparse_block(const uint8_t b[IMG_TAR_BLOCK], struct img_tar_sparse *map,
			 const struct img_limits *lim, struct cs_err *err)
{
	int ret = read_pieces(b, BLOCK_PIECES, map, lim, err);

	return ret < 0 ? ret : b[AT_BLOCK_EXT] != 0;
}

static int read_gnu_sparse(const uint8_t b[IMG_TAR_BLOCK], struct img_tar_header *h,
			   struct img_tar_sparse *map, const struct img_limits *lim,
			   struct cs_err *err)
{
	int ret = unsigned_number(b + AT_GNU_REAL, LEN_BIG, "the real size", &h->real, err);

	if (ret < 0)
		return ret;
	h->gnu_sparse_ext = b[AT_GNU_EXT] != 0;
	return read_pieces(b + AT_GNU_PIECES, 4, map, lim, err);
}

static int read_numbers(const uint8_t b[IMG_TAR_BLOCK], struct img_tar_header *h,
			struct cs_err *err)
{
	uint64_t mode = 0;
	int ret = unsigned_number(b + AT_MODE, LEN_ID, "the mode", &mode, err);

	h->mode = (uint32_t)(mode & 07777);
	if (ret == 0)
		ret = unsigned_number(b + AT_UID, LEN_ID, "the owner", &h->uid, err);
	if (ret == 0)
		ret = unsigned_number(b + AT_GID, LEN_ID, "the group", &h->gid, err);
	if (ret == 0)
		ret = unsigned_number(b + AT_SIZE, LEN_BIG, "the size", &h->size, err);
	if (ret == 0)
		ret = number(b + AT_MTIME, LEN_BIG, "the time", &h->mtime, err);
	if (ret == 0 && (h->type == '3' || h->type == '4')) {
		ret = unsigned_number(b + AT_MAJOR, LEN_ID, "the major number", &h->major, err);
		if (ret == 0)
			ret = unsigned_number(b + AT_MINOR, LEN_ID, "the minor number", &h->minor,
					      err);
	}
	return ret;
}

int img_tar_header(const uint8_t b[IMG_TAR_BLOCK], struct img_tar_header *h,
		   struct img_tar_sparse *map, const struct img_limits *lim, struct cs_err *err)
{
	bool ustar = memcmp(b + AT_MAGIC, "ustar", 6) == 0;
	size_t n;
	int ret = check_sum(b, err);

	if (ret < 0)
		return ret;
	h->type = (char)b[AT_TYPE];
	h->real = h->major = h->minor = 0;
	h->gnu_sparse_ext = false;
	ret = read_numbers(b, h, err);
	if (ret < 0)
		return ret;
	read_path(b, ustar, h->path);
	n = field_len(b + AT_LINK, LEN_NAME);
	memcpy(h->link, b + AT_LINK, n);
	h->link[n] = '\0';
	return h->type == 'S' ? read_gnu_sparse(b, h, map, lim, err) : 0;
}
