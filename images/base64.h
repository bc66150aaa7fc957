#ifndef CS_IMAGES_BASE64_H
#define CS_IMAGES_BASE64_H

#include <stddef.h>

struct cs_buf;

/* Base64 (RFC 4648, section 4), as credentials are written. */

/* Adds the @len bytes at @p as base64. */
void img_base64_put(struct cs_buf *b, const void *p, size_t len);

/* Adds the bytes that @text stands for; -EINVAL (and what was added stays) when it is no base64.
 * Padding may be missing. */
int img_base64_get(struct cs_buf *b, const char *text);

#endif
