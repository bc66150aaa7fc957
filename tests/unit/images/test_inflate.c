#include "images/inflate.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/unit/unit.h"

enum { TEXT = 300 * 1000 };

static char text[TEXT];

static void make_text(void)
{
	uint32_t x = 1;

	for (int i = 0; i < TEXT; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = (char)('a' + (x >> 24) % 7);
	}
}

static void add_gzip(struct cs_buf *b, const char *s, size_t len)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s, .avail_in = (uInt)len };
	static unsigned char out[TEXT + 1000];

	ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
	z.next_out = out;
	z.avail_out = sizeof(out);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	cs_buf_add_mem(b, out, sizeof(out) - z.avail_out);
	deflateEnd(&z);
}

static void add_zstd(struct cs_buf *b, const char *s, size_t len)
{
	static char out[TEXT + 1000];
	size_t n = ZSTD_compress(out, sizeof(out), s, len, 3);

	ck_assert(!ZSTD_isError(n));
	cs_buf_add_mem(b, out, n);
}

static int collect(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	(void)err;
	cs_buf_add_mem(ctx, buf, len);
	return 0;
}

/* Undoes @in in pieces of @step bytes. */
static int undo(const struct cs_buf *in, size_t step, const struct img_inflate_opts *o,
		struct cs_buf *out, struct cs_err *err)
{
	struct img_inflate *z = NULL;
	int ret = img_inflate_new(o, collect, out, &z, err);

	out->len = 0;
	for (size_t i = 0; ret == 0 && i < in->len; i += step)
		ret = img_inflate_write(z, in->s + i, in->len - i < step ? in->len - i : step, err);
	if (ret == 0)
		ret = img_inflate_end(z, err);
	img_inflate_free(z);
	return ret;
}

static const size_t steps[] = { 1, 7, 4096, 1 << 20 };

static void check_all(const struct cs_buf *in, const char *want, size_t len)
{
	for (size_t i = 0; i < CS_LEN(steps); i++) {
		for (int by = IMG_GZIP_BEST; by <= IMG_GZIP_ZLIB; by++) {
			struct img_inflate_opts o = { .gzip_by = (enum img_gzip_by)by };
			cs_auto_buf struct cs_buf out = CS_BUF_INIT;
			struct cs_err err = CS_ERR_INIT;

			ck_assert_msg(undo(in, steps[i], &o, &out, &err) == 0, "%s", err.msg);
			ck_assert_uint_eq(out.len, len);
			ck_assert(len == 0 || memcmp(out.s, want, len) == 0);
		}
	}
}

static void check_bad(const struct cs_buf *in, int code)
{
	for (size_t i = 0; i < CS_LEN(steps); i++) {
		for (int by = IMG_GZIP_BEST; by <= IMG_GZIP_ZLIB; by++) {
			struct img_inflate_opts o = { .gzip_by = (enum img_gzip_by)by };
			cs_auto_buf struct cs_buf out = CS_BUF_INIT;
			struct cs_err err = CS_ERR_INIT;

			ck_assert_int_eq(undo(in, steps[i], &o, &out, &err), -code);
		}
	}
}

START_TEST(sniffs)
{
	ck_assert_int_eq(img_comp_sniff("\x1f\x8b\x08\x00", 4), IMG_COMP_GZIP);
	ck_assert_int_eq(img_comp_sniff("\x28\xb5\x2f\xfd", 4), IMG_COMP_ZSTD);
	ck_assert_int_eq(img_comp_sniff("\x51\x2a\x4d\x18", 4), IMG_COMP_ZSTD);
	ck_assert_int_eq(img_comp_sniff("etc/", 4), IMG_COMP_PLAIN);
	ck_assert_int_eq(img_comp_sniff("\x1f\x8b", 2), IMG_COMP_UNKNOWN);
	ck_assert_str_eq(img_comp_name(IMG_COMP_ZSTD), "zstd");
}
END_TEST

START_TEST(plain)
{
	cs_auto_buf struct cs_buf in = CS_BUF_INIT;

	check_all(&in, "", 0);
	cs_buf_add(&in, "ab");
	check_all(&in, "ab", 2);
	cs_buf_add(&in, "cdefg");
	check_all(&in, "abcdefg", 7);
}
END_TEST

START_TEST(gzip_members)
{
	cs_auto_buf struct cs_buf in = CS_BUF_INIT;

	make_text();
	add_gzip(&in, text, TEXT);
	check_all(&in, text, TEXT);
	in.len = 0;
	add_gzip(&in, text, 1000);
	add_gzip(&in, text, 0);
	add_gzip(&in, text + 1000, TEXT - 1000);
	check_all(&in, text, TEXT);
	cs_buf_add(&in, "what is no member is ignored");
	check_all(&in, text, TEXT);
}
END_TEST

START_TEST(gzip_damaged)
{
	cs_auto_buf struct cs_buf in = CS_BUF_INIT;

	make_text();
	add_gzip(&in, text, TEXT);
	in.s[in.len - 6] ^= 1; /* its checksum */
	check_bad(&in, EBADMSG);
	in.s[in.len - 6] ^= 1;
	in.len -= 5;
	check_bad(&in, EBADMSG);
	in.len = 12;
	check_bad(&in, EBADMSG);
}
END_TEST

START_TEST(zstd_frames)
{
	cs_auto_buf struct cs_buf in = CS_BUF_INIT;

	make_text();
	add_zstd(&in, text, 1000);
	cs_buf_add_mem(&in, "\x50\x2a\x4d\x18\x03\0\0\0xyz", 11); /* skippable */
	add_zstd(&in, text + 1000, TEXT - 1000);
	check_all(&in, text, TEXT);
	cs_buf_add(&in, "garbage");
	check_bad(&in, EBADMSG);
	in.len -= 7 + 3;
	check_bad(&in, EBADMSG);
}
END_TEST

START_TEST(bounds)
{
	struct img_inflate_opts o = { .max_out = TEXT - 1 };
	cs_auto_buf struct cs_buf in = CS_BUF_INIT, out = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;

	make_text();
	add_gzip(&in, text, TEXT);
	ck_assert_int_eq(undo(&in, 4096, &o, &out, &err), -EFBIG);
	ck_assert_uint_lt(out.len, TEXT);
}
END_TEST

static int count(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	(void)buf;
	(void)err;
	*(uint64_t *)ctx += len;
	return 0;
}

/* A bomb: 2 GiB of nothing in some 70 KiB of zstd. */
START_TEST(bomb)
{
	static char zero[1 << 20], out[1 << 20];
	ZSTD_CCtx *c = ZSTD_createCCtx();
	struct cs_err err = CS_ERR_INIT;
	struct img_inflate *z = NULL;
	uint64_t n = 0;
	int ret = 0;

	ck_assert_int_eq(img_inflate_new(NULL, count, &n, &z, &err), 0);
	for (int i = 0; i < 2048 && ret == 0; i++) {
		ZSTD_inBuffer in = { zero, sizeof(zero), 0 };

		while (in.pos < in.size && ret == 0) {
			ZSTD_outBuffer o = { out, sizeof(out), 0 };

			ck_assert(!ZSTD_isError(ZSTD_compressStream2(c, &o, &in, ZSTD_e_continue)));
			if (o.pos > 0)
				ret = img_inflate_write(z, out, o.pos, &err);
		}
	}
	ck_assert_int_eq(ret, -EFBIG);
	ck_assert_uint_lt(n, 1200ULL << 20);
	ZSTD_freeCCtx(c);
	img_inflate_free(z);
}
END_TEST

UNIT_MAIN("images/inflate", sniffs, plain, gzip_members, gzip_damaged, zstd_frames, bounds, bomb)
