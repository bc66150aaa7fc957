#ifndef CS_IMAGES_PARALLEL_H
#define CS_IMAGES_PARALLEL_H

#include <stddef.h>

struct cs_err;

/* One piece of work after another, several at a time. */
struct img_parallel {
	/* Piece @i; called from any of the threads. 0 or more, or -errno with @err set. */
	int (*one)(void *ctx, size_t i, struct cs_err *err);
	/* A piece has failed: those that are under way had better end. NULL: they go on. */
	void (*stop)(void *ctx);
	void *ctx;
};

enum { IMG_PARALLEL_MAX = 8 };

/* Does all @n pieces with up to @threads (IMG_PARALLEL_MAX at most), the caller's among them, in
 * which signals are blocked. The first failure ends it: no further piece is begun with, and it is
 * what is returned. */
int img_parallel(const struct img_parallel *w, size_t n, size_t threads, struct cs_err *err);

#endif
