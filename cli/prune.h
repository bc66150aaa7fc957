#ifndef CS_CLI_PRUNE_H
#define CS_CLI_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/opt.h"

struct cli_call;
struct cs_buf;
struct cs_err;

/* What "container prune" and "system prune" share. What was removed is added to @out, a line each.
 */

/* "system prune" takes what has a meaning for all of these: label=, label!=, until=. */
int cli_prune_filter_check(const struct cli_strv *filter, struct cs_err *err);

/* Tells of each container whose record cannot be read, and so may need anything. */
int cli_prune_tell_unread(const struct cli_call *call, struct cs_err *err);
/* Containers that do not run and pass the filters (NULL: all). What commands and monitors that were
 * killed left is finished first. */
int cli_prune_containers(const struct cli_call *call, const struct cli_strv *filter,
			 struct cs_buf *out, struct cs_err *err);
/* Networks without members that no container is to be on, and that pass the filters (label=,
 * label!=, until=; NULL: all). */
int cli_prune_networks(const struct cli_call *call, const struct cli_strv *filter,
		       struct cs_buf *out, struct cs_err *err);
/* Images without a name, or with @all every one that no container needs, that pass the filters.
 * @freed: bytes. */
int cli_prune_images(struct cli_call *call, bool all, const struct cli_strv *filter,
		     struct cs_buf *out, uint64_t *freed, struct cs_err *err);
/* Anonymous volumes that pass the filters (label=, label!=, until=). */
int cli_prune_volumes(const struct cli_call *call, const struct cli_strv *filter,
		      struct cs_buf *out, struct cs_err *err);

/* What nobody owns any more (engine/orphans.h). */
int cli_prune_leftovers(const struct cli_call *call, struct cs_buf *out, struct cs_err *err);

#endif
