#ifndef CS_IMAGES_INFLATE_INT_H
#define CS_IMAGES_INFLATE_INT_H

/* One way to undo a compression, private to images/inflate*.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/* A step's input and output: what was used moves the pointers. */
struct img_inflate_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

struct img_inflate_ops {
	int (*init)(void **state, struct cs_err *err);
	/* Goes on as far as input and output allow. Returns 1 at the end of a member or frame, 0
	 * when it needs more of either, or -errno. */
	int (*step)(void *state, struct img_inflate_io *io, struct cs_err *err);
	/* Makes it ready for the next member. */
	int (*next)(void *state, struct cs_err *err);
	void (*fini)(void *state);
};

extern const struct img_inflate_ops img_inflate_isal; /* .init NULL where it isn't built in */
extern const struct img_inflate_ops img_inflate_zlib;
extern const struct img_inflate_ops img_inflate_zstd;

#endif
