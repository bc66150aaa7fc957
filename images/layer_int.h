#ifndef CS_IMAGES_LAYER_INT_H
#define CS_IMAGES_LAYER_INT_H

/* What images/layer*.c share. */

#include "images/layer.h"
#include "images/staging.h"
#include "images/tree.h"

struct cs_buf;

/* Names of a layer's files. */
#define IMG_LAYER_EROFS "layer.erofs"
#define IMG_LAYER_FS "fs"
#define IMG_LAYER_INFO "info"
#define IMG_LAYER_IMPLIED "implied"

enum { IMG_LAYER_PATH = sizeof("layers/") + IMG_SHA_HEX };

/* "layers/<hex>" */
void img_layer_path(const struct img_digest *d, char out[IMG_LAYER_PATH]);

/* Writes info and implied into the folder @dir and syncs them. */
int img_layer_write_info(int dir, const struct img_layer_info *info, const struct cs_buf *implied,
			 struct cs_err *err);

/* The paths of the implied folders that are reached from the root ("" is itself), a NUL after each;
 * their number is returned. EFBIG: they are more than @max bytes. */
int64_t img_layer_list_implied(const struct img_tree *t, uint32_t max, struct cs_buf *out,
			       struct cs_err *err);

/* All of @fd. */
int img_layer_write_fd(struct img_layer *l, int fd, struct cs_err *err);
/* As img_layer_commit(), but nothing is published. */
int img_layer_settle(struct img_layer *l, struct img_layer_info *info, struct cs_err *err);
/* What was made of it, layer.erofs (borrowed). */
int img_layer_data_fd(const struct img_layer *l);

/* The first bytes of a digest, as a UUID. */
void img_layer_uuid(const struct img_digest *d, uint8_t out[16]);

#endif
