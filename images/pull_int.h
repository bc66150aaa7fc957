#ifndef CS_IMAGES_PULL_INT_H
#define CS_IMAGES_PULL_INT_H

#include <stdbool.h>

#include "base/err.h"
#include "images/digest.h"
#include "images/registry.h"
#include "images/transfer.h"
#include "images/txn.h"

/* Between pull.c (what is to be fetched) and pull_layer.c (fetching it). */

/* A layer, or an artifact's blob. */
struct img_pull_layer {
	struct img_digest blob;
	struct img_digest diff_id; /* none: an artifact's, which is not unpacked */
	struct img_part *part;	   /* borrowed */
};

struct img_pull {
	struct img_txn *txn;
	struct img_reg *reg;
	struct img_repo *repo;
	const struct img_watch *watch;
	struct img_transfer parts;
	struct img_pull_layer *layers; /* as many as parts */
};

/* Fetches all layers. */
int img_pull_layers(struct img_pull *p, struct cs_err *err);

#endif
