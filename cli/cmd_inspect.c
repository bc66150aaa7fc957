#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/ctrinspect.h"
#include "cli/ctrview.h"
#include "cli/format.h"
#include "cli/imgview.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/store.h"
#include "engine/usage.h"

struct inspect_opts {
	const char *format, *type;
	bool size;
};

static const struct cli_opt inspect_optv[] = {
	CLI_STR(struct inspect_opts, format, "format", 'f', "FORMAT",
		"\"json\" (default), \"jsonl\", \"yaml\", or a template"),
	CLI_BOOL(struct inspect_opts, size, "size", 's',
		 "of containers: how much of the disk each takes"),
	CLI_STR(struct inspect_opts, type, "type", 0, "container|image",
		"look for such a one only (default: a container, else an image)"),
};

static int put_container(const struct cli_call *call, const struct eng *e, const char *id,
			 struct cli_places *p, struct cs_jw *w, struct cs_err *err)
{
	const struct inspect_opts *o = call->opts;
	cli_auto_ctr struct cli_ctr c = CLI_CTR_INIT;

	if (eng_mend(e, id, err) < 0 || cli_ctr_load(e, id, &c, err) < 0)
		return -err->code;
	c.sized = o->size;
	if (o->size)
		c.size = eng_usage(e->containers, id);
	cli_ctr_inspect(w, &c, p, call);
	return 0;
}

static int put_image(const struct cli_call *call, const char *text, struct cs_jw *w,
		     struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;
	img_auto_image struct img_image im = IMG_IMAGE_INIT;

	if (cli_img_store(call, &st, err) < 0 || img_store_image(st, text, &im, err) < 0)
		return -err->code;
	return cli_img_inspect(w, st, &im, err);
}

/* A container of that name, else an image, as --type allows. */
static int put(const struct cli_call *call, const struct eng *e, const char *text,
	       struct cli_places *p, struct cs_jw *w, struct cs_err *err)
{
	const struct inspect_opts *o = call->opts;
	char id[ENG_ID_LEN + 1];
	int ret;

	if (o->type && strcmp(o->type, "image") == 0)
		return put_image(call, text, w, err);
	ret = eng_find(e, text, id, err);
	if (ret == 0)
		return put_container(call, e, id, p, w, err);
	if (ret != -ENOENT || o->type)
		return ret;
	cs_err_clear(err);
	ret = put_image(call, text, w, err);
	if (ret == -ENOENT) {
		cs_err_clear(err);
		return cs_err_set(err, ENOENT, "no such container or image: %s", text);
	}
	return ret;
}

static int inspect_run(struct cli_call *call, struct cs_err *err)
{
	cli_auto_places struct cli_places places = CLI_PLACES_INIT;
	const struct inspect_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	eng_auto struct eng e = ENG_INIT;
	int ret = cli_format_parse(o->format, "json", "{{.Id}}\\t{{.Name}}", &f, err);

	if (ret == 0 && o->type && strcmp(o->type, "container") != 0 &&
	    strcmp(o->type, "image") != 0)
		ret = cs_err_set(err, EINVAL, "option --type: \"%s\" is not container or image",
				 o->type);
	if (ret == 0)
		ret = cli_ctr_engine(call, &e, err);
	for (size_t i = 0; i < call->argc && ret == 0; i++) {
		cs_auto_jw struct cs_jw w = CS_JW_INIT;
		cs_auto_free char *text = NULL;
		size_t len = 0;

		ret = put(call, &e, call->argv[i], &places, &w, err);
		if (ret == 0)
			ret = cs_jw_take(&w, &text, &len, err);
		if (ret == 0)
			ret = cli_format_add(f, text, len, err);
	}
	return ret < 0 ? ret : cli_format_print(f, err);
}

const struct cli_cmd cli_cmd_inspect = {
	.name = "inspect",
	.synopsis = "[OPTION...] NAME...",
	.help = "show all that is known of containers or images",
	.opts = CLI_OPTS(inspect_optv),
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = inspect_run,
};
