#ifndef CS_IMAGES_TRANSFER_H
#define CS_IMAGES_TRANSFER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "images/ref.h"

/*
 * How far a pull or a push is, for who shows it: one part a layer. The numbers change under way,
 * from other threads, and can be read at any time between begin() and end().
 */

enum img_part_state {
	IMG_PART_WAITING,
	IMG_PART_ELSEWHERE, /* another process is fetching it */
	IMG_PART_RESUMING,  /* reading what an earlier pull left */
	IMG_PART_MOVING,    /* bytes come or go */
	IMG_PART_RETRYING,
	IMG_PART_UNPACKING, /* all bytes are there */
	/* the end: */
	IMG_PART_DONE,
	IMG_PART_THERE,	  /* nothing needed doing */
	IMG_PART_MOUNTED, /* pushed by a word: another repository has it */
};

struct img_part {
	char digest[IMG_DIGEST_TEXT];
	uint64_t size;
	_Atomic uint64_t done; /* bytes */
	_Atomic int state;     /* enum img_part_state */
};

struct img_transfer {
	struct img_part *v;
	size_t n;
};

/* Functions may be NULL. changed() is called whenever a part has another state, by any thread. */
struct img_watch {
	void (*begin)(void *ctx, const struct img_transfer *t);
	void (*changed)(void *ctx, const struct img_part *part);
	void (*end)(void *ctx);
	void *ctx;
};

#endif
