#ifndef CS_CLI_IMGVIEW_H
#define CS_CLI_IMGVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "cli/opt.h"
#include "images/store.h"

struct cs_buf;
struct cs_err;
struct cs_jw;
struct cli_call;

/* What the image commands share: opening the store, filters, and an image as an object to print. */

/* Opens <root>/images. *@out is the caller's. */
int cli_img_store(const struct cli_call *call, struct img_store **out, struct cs_err *err);

/* The --filter options: dangling=BOOL, reference=PATTERN, label=KEY[=VALUE], label!=,
 * before=IMAGE, since=IMAGE, until=TIME; those of one kind are alternatives (labels: all of them),
 * kinds must all be met. EINVAL: no such filter. */
struct cli_img_filter {
	const struct cli_strv *given;
	const struct img_store *st;
	const struct img_list *list;
};
/* Is every one a filter? */
int cli_img_filter_check(const struct cli_strv *given, struct cs_err *err);
/* Does @r pass? 1 or 0. */
int cli_img_filter(const struct cli_img_filter *f, const struct img_record *r, struct cs_err *err);

/* "1.5GB", as docker has it: powers of 1000. */
void cli_size_text(uint64_t bytes, char out[32]);
/* "3 hours ago" */
void cli_ago_text(int64_t then, char out[48]);

/* One image for `images`: fields as docker's and podman's templates name them. */
void cli_img_row(struct cs_jw *w, const struct img_record *r, bool no_trunc, bool digests);

/* The whole of an image for `image inspect`. */
int cli_img_inspect(struct cs_jw *w, const struct img_store *st, const struct img_image *im,
		    struct cs_err *err);

#endif
