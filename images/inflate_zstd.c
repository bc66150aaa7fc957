#include "images/inflate_int.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/err.h"

enum { WINDOW_LOG_MAX = 27 }; /* 128 MiB, what zstd(1) takes without being told otherwise */

static int zstd_init(void **state, struct cs_err *err)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();

	if (!d || ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		ZSTD_freeDCtx(d);
		return cs_err_set(err, ENOMEM, "begin to decompress zstd: out of memory");
	}
	*state = d;
	return 0;
}

static int zstd_step(void *state, struct img_inflate_io *io, struct cs_err *err)
{
	ZSTD_inBuffer in = { .src = io->in, .size = io->in_len };
	ZSTD_outBuffer out = { .dst = io->out, .size = io->out_len };
	size_t ret = ZSTD_decompressStream(state, &out, &in);

	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	if (ZSTD_isError(ret))
		return cs_err_set(err, EBADMSG, "zstd data is damaged (%s)",
				  ZSTD_getErrorName(ret));
	return ret == 0;
}

static int zstd_next(void *state, struct cs_err *err)
{
	(void)state; /* the next frame begins by itself */
	(void)err;
	return 0;
}

static void zstd_fini(void *state)
{
	ZSTD_freeDCtx(state);
}

const struct img_inflate_ops img_inflate_zstd = {
	.init = zstd_init,
	.step = zstd_step,
	.next = zstd_next,
	.fini = zstd_fini,
};
