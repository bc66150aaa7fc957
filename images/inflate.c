#include "images/inflate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/inflate_int.h"

enum {
	OUT_SIZE = 128 * 1024,
	SNIFF_LEN = 4,
};
#define RATIO_FROM (1ULL << 30) /* output from which the ratio is looked at */

struct img_inflate {
	struct img_inflate_opts o;
	img_bytes_fn out;
	void *ctx;
	const struct img_inflate_ops *ops;
	void *state; /* owned by ops */
	enum img_comp comp;
	bool between; /* a member has ended and no other began */
	bool over;    /* what still comes is ignored */
	uint64_t n_in, n_out;
	uint8_t head[SNIFF_LEN]; /* the first bytes of the stream or of a member */
	size_t head_len;
	uint8_t buf[OUT_SIZE];
};

const char *img_comp_name(enum img_comp c)
{
	static const char *const names[] = {
		[IMG_COMP_UNKNOWN] = "unknown",
		[IMG_COMP_PLAIN] = "plain",
		[IMG_COMP_GZIP] = "gzip",
		[IMG_COMP_ZSTD] = "zstd",
	};

	return (unsigned int)c < CS_LEN(names) ? names[c] : "unknown";
}

/* RFC 1952: magic and method; RFC 8878: the frame's magic, or a skippable frame's. */
enum img_comp img_comp_sniff(const void *buf, size_t len)
{
	const uint8_t *b = buf;

	if (len < SNIFF_LEN)
		return IMG_COMP_UNKNOWN;
	if (b[0] == 0x1f && b[1] == 0x8b && b[2] == 8)
		return IMG_COMP_GZIP;
	if (b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd)
		return IMG_COMP_ZSTD;
	if ((b[0] & 0xf0) == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18)
		return IMG_COMP_ZSTD;
	return IMG_COMP_PLAIN;
}

int img_inflate_new(const struct img_inflate_opts *o, img_bytes_fn out, void *ctx,
		    struct img_inflate **res, struct cs_err *err)
{
	struct img_inflate *z = calloc(1, sizeof(*z));

	if (!z)
		return cs_err_set(err, ENOMEM, "begin to decompress: out of memory");
	if (o)
		z->o = *o;
	if (!z->o.max_out)
		z->o.max_out = IMG_INFLATE_MAX;
	if (!z->o.max_ratio)
		z->o.max_ratio = IMG_INFLATE_RATIO;
	z->out = out;
	z->ctx = ctx;
	*res = z;
	return 0;
}

void img_inflate_free(struct img_inflate *z)
{
	if (z && z->ops)
		z->ops->fini(z->state);
	free(z);
}

static int give(struct img_inflate *z, const void *buf, size_t len, struct cs_err *err)
{
	if (len == 0)
		return 0;
	z->n_out += len;
	if (z->n_out > z->o.max_out)
		return cs_err_set(err, EFBIG, "decompressed it is more than %llu bytes, the limit",
				  (unsigned long long)z->o.max_out);
	if (z->n_out > RATIO_FROM && z->n_out / z->o.max_ratio > z->n_in)
		return cs_err_set(err, EFBIG,
				  "%llu bytes became more than %llu: more than %u times as many, "
				  "which no honest layer does",
				  (unsigned long long)z->n_in, (unsigned long long)z->n_out,
				  z->o.max_ratio);
	return z->out(z->ctx, buf, len, err);
}

/* One member or frame as far as the input goes. */
static int unpack(struct img_inflate *z, struct img_inflate_io *io, struct cs_err *err)
{
	bool full;
	int ret;

	if (!z->ops) /* begin() has set it, for all that is compressed */
		return cs_err_set(err, EINVAL, "decompress: has not begun");
	do {
		int gave;

		io->out = z->buf;
		io->out_len = sizeof(z->buf);
		ret = z->ops->step(z->state, io, err);
		if (ret < 0)
			return ret;
		full = io->out_len == 0;
		gave = give(z, z->buf, sizeof(z->buf) - io->out_len, err);
		if (gave < 0)
			return gave;
	} while (ret == 0 && (io->in_len > 0 || full));
	if (ret == 1) {
		z->between = true;
		z->head_len = 0;
	}
	return 0;
}

/* What people compress tars with, and no image's layers. (bzip2's mark could be a file's name.) */
static int check_foreign(const uint8_t head[SNIFF_LEN], struct cs_err *err)
{
	static const uint8_t xz[SNIFF_LEN] = { 0xfd, '7', 'z', 'X' };

	if (memcmp(head, xz, SNIFF_LEN) == 0)
		return cs_err_set(err, EOPNOTSUPP,
				  "is compressed by xz: only gzip and zstd are known, decompress "
				  "it first (xz -dc)");
	return 0;
}

static int begin(struct img_inflate *z, struct cs_err *err)
{
	z->comp = img_comp_sniff(z->head, z->head_len);
	if (z->comp == IMG_COMP_UNKNOWN)
		z->comp = IMG_COMP_PLAIN;
	if (z->comp == IMG_COMP_PLAIN)
		return check_foreign(z->head, err);
	if (z->comp == IMG_COMP_ZSTD)
		z->ops = &img_inflate_zstd;
	else if (z->o.gzip_by == IMG_GZIP_ZLIB || !img_inflate_isal.init)
		z->ops = &img_inflate_zlib;
	else
		z->ops = &img_inflate_isal;
	if (z->ops->init(&z->state, err) < 0) {
		z->ops = NULL;
		return -err->code;
	}
	return 0;
}

/* More bytes of the head, which decides; 1 when it is complete. */
static int fill_head(struct img_inflate *z, struct img_inflate_io *io)
{
	while (z->head_len < SNIFF_LEN && io->in_len > 0) {
		z->head[z->head_len++] = *io->in++;
		io->in_len--;
	}
	return z->head_len == SNIFF_LEN;
}

/* The bytes of the head belong to what is unpacked. */
static int use_head(struct img_inflate *z, struct cs_err *err)
{
	struct img_inflate_io io = { .in = z->head, .in_len = z->head_len };

	return z->comp == IMG_COMP_PLAIN ? give(z, z->head, z->head_len, err) : unpack(z, &io, err);
}

/* A member has ended and a head is there: is it another member's? */
static int begin_next(struct img_inflate *z, struct cs_err *err)
{
	int ret;

	if (img_comp_sniff(z->head, z->head_len) != z->comp) {
		if (z->comp == IMG_COMP_ZSTD)
			return cs_err_set(err, EBADMSG,
					  "zstd data is damaged: no frame follows the last one");
		z->over = true;
		return 0;
	}
	z->between = false;
	ret = z->ops->next(z->state, err);
	return ret < 0 ? ret : use_head(z, err);
}

static int advance(struct img_inflate *z, struct img_inflate_io *io, struct cs_err *err)
{
	int ret;

	if (z->comp == IMG_COMP_PLAIN) {
		ret = give(z, io->in, io->in_len, err);
		io->in_len = 0;
		return ret;
	}
	if (z->comp != IMG_COMP_UNKNOWN && !z->between)
		return unpack(z, io, err);
	if (!fill_head(z, io))
		return 0;
	if (z->between)
		return begin_next(z, err);
	ret = begin(z, err);
	return ret < 0 ? ret : use_head(z, err);
}

int img_inflate_write(struct img_inflate *z, const void *buf, size_t len, struct cs_err *err)
{
	struct img_inflate_io io = { .in = buf, .in_len = len };

	z->n_in += len;
	while (io.in_len > 0 && !z->over) {
		int ret = advance(z, &io, err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int img_inflate_end(struct img_inflate *z, struct cs_err *err)
{
	if (z->comp == IMG_COMP_UNKNOWN) {
		z->comp = IMG_COMP_PLAIN; /* too short for anything else */
		return give(z, z->head, z->head_len, err);
	}
	if (z->comp != IMG_COMP_PLAIN && !z->between)
		return cs_err_set(err, EBADMSG, "%s data stops in the middle",
				  img_comp_name(z->comp));
	if (z->comp == IMG_COMP_ZSTD && z->head_len > 0)
		return cs_err_set(err, EBADMSG,
				  "zstd data is damaged: no frame follows the last one");
	return 0;
}

enum img_comp img_inflate_comp(const struct img_inflate *z)
{
	return z->comp;
}

uint64_t img_inflate_in(const struct img_inflate *z)
{
	return z->n_in;
}

uint64_t img_inflate_out(const struct img_inflate *z)
{
	return z->n_out;
}
