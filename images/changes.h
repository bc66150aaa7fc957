#ifndef CS_IMAGES_CHANGES_H
#define CS_IMAGES_CHANGES_H

#include <stddef.h>

struct cs_err;
struct cs_jw;

/* Writes the "config" object of an image's configuration out of Dockerfile instructions: CMD,
 * ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR. EINVAL: another one, or a
 * damaged one. */
int img_changes_put(struct cs_jw *w, const char *const *changes, size_t n, struct cs_err *err);

#endif
