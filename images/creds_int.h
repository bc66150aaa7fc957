#ifndef CS_IMAGES_CREDS_INT_H
#define CS_IMAGES_CREDS_INT_H

#include <stddef.h>

struct cs_err;
struct img_creds;

/* Between creds.c (reading), creds_store.c (writing) and helper.c. */

enum { IMG_AUTHFILE_MAX = 1 << 20 };

/* Reads an auth file. Returns 1, or 0 when it is not there. The caller frees *@text. */
int img_authfile_read(const char *path, char **text, size_t *len, struct cs_err *err);

/* Runs docker-credential-<name>, found in $PATH, without a shell. get returns 1, or 0 when it has
 * nothing for @server. */
int img_helper_get(const char *name, const char *server, struct img_creds *out, struct cs_err *err);
int img_helper_store(const char *name, const char *server, const struct img_creds *c,
		     struct cs_err *err);
int img_helper_erase(const char *name, const char *server, struct cs_err *err);
/* Lists and erases all it has. Returns how many. */
int img_helper_erase_all(const char *name, struct cs_err *err);

#endif
