#ifndef CS_CLI_IMGUSE_H
#define CS_CLI_IMGUSE_H

#include <stdbool.h>
#include <stddef.h>

struct cli_call;
struct cs_err;

/* Which containers, by their records, need which images. */
struct cli_imguse {
	struct cli_imguse_one {
		char *image, *container; /* owned; the image's id, the container's name */
	} * v;				 /* owned */
	size_t n;
	bool unknown; /* a record could not be read: any image may be needed */
};
int cli_imguse_load(const struct cli_call *call, struct cli_imguse *out, struct cs_err *err);
void cli_imguse_fini(struct cli_imguse *u);
#define cli_auto_imguse CS_CLEANUP(cli_imguse_fini) /* needs base/cleanup.h */

/* The name of a container that needs image @id, NULL: none. */
const char *cli_imguse_who(const struct cli_imguse *u, const char *id);

/* An img_in_use_fn (images/gc.h) whose @ctx is the call; it reads the records anew. */
bool cli_imguse_needed(void *ctx, const char *id, char *who, size_t size);

#endif
