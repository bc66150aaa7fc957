#ifndef CS_CLI_VOLUME_H
#define CS_CLI_VOLUME_H

#include <stdbool.h>

#include "cli/opt.h"
#include "engine/engine.h"
#include "engine/volume.h"

struct cli_call;
struct cs_err;
struct cs_jw;

/* What the commands of "volume" share. */

/* Opens the containers and volumes of the call's folders. */
int cli_vol_open(const struct cli_call *call, struct eng *e, struct cs_err *err);

/* A volume as an object to print: Name, Driver, Mountpoint, Labels, Options, Scope, CreatedAt,
 * Anonymous. */
int cli_vol_view(struct cs_jw *w, const struct eng *e, const struct eng_volume *v,
		 struct cs_err *err);

/* --filter: dangling=BOOL, name=PART, label=KEY[=VALUE], label!=, driver=NAME, all of which must be
 * met (names: any of them). EINVAL: no such filter, or none of @allowed. */
struct cli_vol_filter {
	const struct cli_strv *given;
	const struct eng_volume_uses *uses;
};
int cli_vol_filter_check(const struct cli_strv *given, bool prune, struct cs_err *err);
bool cli_vol_filter(const struct cli_vol_filter *f, const struct eng_volume *v);

/* On a terminal a person is asked; else yes. */
bool cli_vol_may(const char *question);

#endif
