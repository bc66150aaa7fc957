#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/imgmount.h"
#include "cli/imguse.h"
#include "cli/imgview.h"
#include "cli/out.h"
#include "images/gc.h"

struct rmi_opts {
	bool all;
	bool force;
	bool ignore;
	bool no_prune;
};

static const struct cli_opt rmi_optv[] = {
	CLI_BOOL(struct rmi_opts, all, "all", 'a', "remove every image"),
	CLI_BOOL(struct rmi_opts, force, "force", 'f',
		 "also an image in use, and all names of one given by id"),
	CLI_BOOL(struct rmi_opts, ignore, "ignore", 'i', "an image that is not there is no error"),
	CLI_BOOL(struct rmi_opts, no_prune, "no-prune", 0, "accepted for docker's sake"),
};

static void gone(void *ctx, enum img_gone_kind kind, const char *what)
{
	cs_buf_addf(ctx, "%s: %s\n", kind == IMG_GONE_NAME ? "Untagged" : "Deleted", what);
}

static int remove_all(struct img_store *st, const struct img_remove *how, struct cs_err *err)
{
	img_auto_list struct img_list l = IMG_LIST_INIT;
	const struct img_record **v;
	int ret = img_store_list(st, &l, err);

	if (ret < 0)
		return ret;
	v = calloc(l.n + 1, sizeof(*v)); /* NOLINT(bugprone-sizeof-expression): of pointers */
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < l.n; i++)
		v[i] = &l.v[i];
	ret = img_remove_records(st, v, l.n, how, err);
	free(v);
	return ret;
}

/* Goes on past what cannot be removed, and fails at the end. */
static int remove_each(const struct cli_call *call, struct img_store *st,
		       const struct img_remove *how, struct cs_err *err)
{
	const struct rmi_opts *o = call->opts;

	for (size_t i = 0; i < call->argc; i++) {
		struct cs_err one = CS_ERR_INIT;
		int ret = img_remove(st, call->argv[i], how, &one);

		if (ret == 0 || (ret == -ENOENT && o->ignore))
			continue;
		if (err->code)
			cs_log(CS_LOG_ERROR, "%s", one.msg);
		else
			*err = one;
	}
	return -err->code;
}

static int rmi_run(struct cli_call *call, struct cs_err *err)
{
	const struct rmi_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	img_auto_store struct img_store *st = NULL;
	struct img_remove how = {
		.force = o->force,
		.in_use = cli_imgmount_in_use,
		.needed = cli_imguse_needed,
		.ctx = call,
		.gone = gone,
		.gone_ctx = &b,
	};
	struct cs_err out = CS_ERR_INIT;
	int ret;

	if (o->all == (call->argc > 0))
		return cs_err_set(err, EINVAL, "rmi: either names of images, or --all");
	ret = cli_img_store(call, &st, err);
	if (ret == 0)
		ret = o->all ? remove_all(st, &how, err) : remove_each(call, st, &how, err);
	if (b.len > 0 && cli_out(&b, &out) < 0 && ret == 0) {
		*err = out;
		ret = -out.code;
	}
	return ret;
}

const struct cli_cmd cli_cmd_rmi = {
	.name = "rmi",
	.synopsis = "[OPTION...] IMAGE...",
	.help = "remove images",
	.opts = CLI_OPTS(rmi_optv),
	.opts_size = sizeof(struct rmi_opts),
	.max_args = CLI_ANY_ARGS,
	.run = rmi_run,
};

const struct cli_cmd cli_cmd_image_rm = {
	.name = "image rm",
	.synopsis = "[OPTION...] IMAGE...",
	.help = "remove images",
	.opts = CLI_OPTS(rmi_optv),
	.opts_size = sizeof(struct rmi_opts),
	.max_args = CLI_ANY_ARGS,
	.run = rmi_run,
};
