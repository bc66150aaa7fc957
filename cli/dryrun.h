#ifndef CS_CLI_DRYRUN_H
#define CS_CLI_DRYRUN_H

#include <stdbool.h>

struct cs_arena;
struct cs_err;
struct eng;
struct eng_record;
struct img_image;
struct img_store;

/* run and create --dry-run: prints what would be made of the record, as one JSON object: what the
 * container would be called, its mounts and networks, and the config.json for the runtime. Nothing
 * is made. EEXIST: the name is taken, unless by one that would be replaced. */
int cli_dry_run(const struct eng *e, const struct img_store *st, const struct img_image *im,
		struct cs_arena *a, struct eng_record *r, bool replace, struct cs_err *err);

#endif
