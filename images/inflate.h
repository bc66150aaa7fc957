#ifndef CS_IMAGES_INFLATE_H
#define CS_IMAGES_INFLATE_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * A layer's compression, undone as its bytes arrive. What it is, is told by its first bytes, not
 * by a media type: gzip (RFC 1952, all members; what follows the last one and is no member is
 * ignored as gzip(1) does), zstd (RFC 8878, all frames, windows up to 128 MiB, skippable frames
 * skipped), else plain.
 */
enum img_comp {
	IMG_COMP_UNKNOWN, /* too few bytes yet */
	IMG_COMP_PLAIN,
	IMG_COMP_GZIP,
	IMG_COMP_ZSTD,
};

/* "plain", "gzip", "zstd", "unknown" */
const char *img_comp_name(enum img_comp c);

/* What the first bytes say; IMG_COMP_UNKNOWN when @len is too small to say (less than 4). */
enum img_comp img_comp_sniff(const void *buf, size_t len);

/* Takes the bytes made, in order. Returns 0 or -errno with @err set, which ends the work. */
typedef int (*img_bytes_fn)(void *ctx, const void *buf, size_t len, struct cs_err *err);

/* Which code does gzip. */
enum img_gzip_by { IMG_GZIP_BEST, IMG_GZIP_ZLIB };

struct img_inflate_opts {
	uint64_t max_out;   /* EFBIG past so many bytes; 0: IMG_INFLATE_MAX */
	uint32_t max_ratio; /* EFBIG past so many times the input, once more than 1 GiB came out;
			     * 0: IMG_INFLATE_RATIO */
	enum img_gzip_by gzip_by;
};
#define IMG_INFLATE_MAX (1ULL << 40)
#define IMG_INFLATE_RATIO 4096U

struct img_inflate;

/* @out gets what comes out, some 128 KiB at a time at most. About 400 KiB of memory for gzip; zstd
 * takes what the stream's window asks. */
int img_inflate_new(const struct img_inflate_opts *o, img_bytes_fn out, void *ctx,
		    struct img_inflate **res, struct cs_err *err);
void img_inflate_free(struct img_inflate *z);

/* Takes all @len bytes. After a failure only img_inflate_free() may follow. EBADMSG: not what its
 * first bytes promised, or damaged. */
int img_inflate_write(struct img_inflate *z, const void *buf, size_t len, struct cs_err *err);

/* The input is over. EBADMSG if it stops in the middle. */
int img_inflate_end(struct img_inflate *z, struct cs_err *err);

/* What was found, and how much went in and came out. */
enum img_comp img_inflate_comp(const struct img_inflate *z);
uint64_t img_inflate_in(const struct img_inflate *z);
uint64_t img_inflate_out(const struct img_inflate *z);

#endif
