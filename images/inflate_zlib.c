#include "images/inflate_int.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/err.h"

enum { GZIP_ONLY = 16 }; /* added to the window's bits, zlib.h */

static int zlib_init(void **state, struct cs_err *err)
{
	z_stream *s = calloc(1, sizeof(*s));

	if (!s || inflateInit2(s, MAX_WBITS + GZIP_ONLY) != Z_OK) {
		free(s);
		return cs_err_set(err, ENOMEM, "begin to inflate: out of memory");
	}
	*state = s;
	return 0;
}

static int zlib_step(void *state, struct img_inflate_io *io, struct cs_err *err)
{
	uInt in = io->in_len > UINT_MAX ? UINT_MAX : (uInt)io->in_len;
	uInt out = io->out_len > UINT_MAX ? UINT_MAX : (uInt)io->out_len;
	z_stream *s = state;
	int ret;

	s->next_in = (Bytef *)(uintptr_t)io->in; /* zlib only reads it */
	s->avail_in = in;
	s->next_out = io->out;
	s->avail_out = out;
	ret = inflate(s, Z_NO_FLUSH);
	io->in += in - s->avail_in;
	io->in_len -= in - s->avail_in;
	io->out += out - s->avail_out;
	io->out_len -= out - s->avail_out;
	if (ret == Z_STREAM_END)
		return 1;
	if (ret == Z_OK || ret == Z_BUF_ERROR)
		return 0;
	if (ret == Z_MEM_ERROR)
		return cs_err_set(err, ENOMEM, "inflate: out of memory");
	return cs_err_set(err, EBADMSG, "gzip data is damaged (%s)", s->msg ? s->msg : "zlib");
}

static int zlib_next(void *state, struct cs_err *err)
{
	if (inflateReset2(state, MAX_WBITS + GZIP_ONLY) != Z_OK)
		return cs_err_set(err, EINVAL, "begin the next gzip member: zlib refuses");
	return 0;
}

static void zlib_fini(void *state)
{
	if (state)
		inflateEnd(state);
	free(state);
}

const struct img_inflate_ops img_inflate_zlib = {
	.init = zlib_init,
	.step = zlib_step,
	.next = zlib_next,
	.fini = zlib_fini,
};
