#ifndef CS_CLI_IMGMOUNT_H
#define CS_CLI_IMGMOUNT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct cli_call;
struct cs_err;

/* Images mounted by `image mount`: <state>/images/<hex of the id>/, so that all of them are found
 * again, and gone at reboot. */

/* The folder of all, and the mount point of the image @hex. */
int cli_imgmount_folder(const struct cli_call *call, char path[PATH_MAX], struct cs_err *err);
int cli_imgmount_point(const struct cli_call *call, const char *hex, char path[PATH_MAX],
		       struct cs_err *err);

/* Is something mounted there? */
bool cli_imgmount_is(const char *path);

/* An img_in_use_fn (images/gc.h), whose @ctx is the call: an image that is mounted is in use. */
bool cli_imgmount_in_use(void *ctx, const char *id, char *who, size_t size);

/* The one mounted image whose id begins with @text ("sha256:" may be in front), wherever its store
 * is: its hex digits become *@hex. Returns 1, or 0 when there is none or more than one. */
int cli_imgmount_find(const struct cli_call *call, const char *text, char hex[65],
		      struct cs_err *err);

#endif
