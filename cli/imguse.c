#include "cli/imguse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/store.h"

void cli_imguse_fini(struct cli_imguse *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->v[i].image);
		free(u->v[i].container);
	}
	free(u->v);
	*u = (struct cli_imguse){ 0 };
}

/* One that is removed meanwhile needs nothing; one that cannot be read may need anything. */
static int add(const struct eng *e, const char *id, struct cli_imguse *u, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct cs_err why = CS_ERR_INIT;
	struct cli_imguse_one one;
	int ret = eng_record_load(e, id, &r, &why);

	if (ret < 0) {
		u->unknown = u->unknown || ret != -ENOENT;
		return 0;
	}
	if (!r.image_id)
		return 0;
	one.image = strdup(r.image_id);
	one.container = strdup(r.name);
	if (!one.image || !one.container) {
		free(one.image);
		free(one.container);
		return cs_err_set(err, ENOMEM, "out of memory");
	}
	u->v[u->n++] = one;
	return 0;
}

int cli_imguse_load(const struct cli_call *call, struct cli_imguse *out, struct cs_err *err)
{
	cli_auto_imguse struct cli_imguse u = { 0 };
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_list(&e, &ids, err) < 0)
		return -err->code;
	u.v = calloc(ids.n + 1, sizeof(*u.v));
	if (!u.v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ids.n; i++)
		if (add(&e, ids.v[i], &u, err) < 0)
			return -err->code;
	*out = u;
	u = (struct cli_imguse){ 0 };
	return 0;
}

const char *cli_imguse_who(const struct cli_imguse *u, const char *id)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->v[i].image, id) == 0)
			return u->v[i].container;
	return u->unknown ? "whose record cannot be read" : NULL;
}

bool cli_imguse_needed(void *ctx, const char *id, char *who, size_t size)
{
	cli_auto_imguse struct cli_imguse u = { 0 };
	struct cs_err why = CS_ERR_INIT;
	const struct cli_call *call = ctx;
	char path[4200];
	const char *name;

	/* no containers, no folder made for them */
	if (cs_str_fmt(path, sizeof(path), &why, "%s/containers", call->dirs->root) == 0 &&
	    access(path, F_OK) < 0)
		return false;
	if (cli_imguse_load(call, &u, &why) < 0) {
		snprintf(who, size, "maybe a container: %.80s", why.msg);
		return true;
	}
	name = cli_imguse_who(&u, id);
	if (name)
		snprintf(who, size, "container %.100s", name);
	return name != NULL;
}
