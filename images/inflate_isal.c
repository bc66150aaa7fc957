#include "images/inflate_int.h"

#ifdef IMG_NO_ISAL

const struct img_inflate_ops img_inflate_isal = { 0 };

#else

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "base/err.h"

static int isal_init(void **state, struct cs_err *err)
{
	struct inflate_state *s = malloc(sizeof(*s));

	if (!s)
		return cs_err_set(err, ENOMEM, "begin to inflate: out of memory");
	isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP;
	*state = s;
	return 0;
}

static int isal_step(void *state, struct img_inflate_io *io, struct cs_err *err)
{
	struct inflate_state *s = state;
	uint32_t in = io->in_len > UINT32_MAX ? UINT32_MAX : (uint32_t)io->in_len;
	uint32_t out = io->out_len > UINT32_MAX ? UINT32_MAX : (uint32_t)io->out_len;
	int ret;

	s->next_in = (uint8_t *)(uintptr_t)io->in; /* isa-l only reads it */
	s->avail_in = in;
	s->next_out = io->out;
	s->avail_out = out;
	ret = isal_inflate(s);
	io->in += in - s->avail_in;
	io->in_len -= in - s->avail_in;
	io->out += out - s->avail_out;
	io->out_len -= out - s->avail_out;
	if (ret == ISAL_INCORRECT_CHECKSUM)
		return cs_err_set(err, EBADMSG, "gzip data is damaged: its checksum is wrong");
	if (ret != ISAL_DECOMP_OK)
		return cs_err_set(err, EBADMSG, "gzip data is damaged (isa-l's error %d)", ret);
	return s->block_state == ISAL_BLOCK_FINISH;
}

static int isal_next(void *state, struct cs_err *err)
{
	struct inflate_state *s = state;

	(void)err;
	isal_inflate_reset(s);
	s->crc_flag = ISAL_GZIP;
	return 0;
}

const struct img_inflate_ops img_inflate_isal = {
	.init = isal_init,
	.step = isal_step,
	.next = isal_next,
	.fini = free,
};

#endif
