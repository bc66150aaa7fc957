#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/progress.h"
#include "cli/regopts.h"
#include "images/push.h"
#include "images/registry.h"
#include "images/store.h"

struct push_opts {
	struct cli_regopts reg;
	bool all_tags, quiet;
	const char *progress;
	struct cli_num chunk;
};

static const struct cli_opt push_optv[] = {
	CLI_BOOL(struct push_opts, all_tags, "all-tags", 'a',
		 "every image here that has the name, which is given without a tag"),
	CLI_SIZE(struct push_opts, chunk, "chunk", 0, "SIZE",
		 "send blobs in requests of at most so many bytes (default: 256m)"),
	CLI_STR(struct push_opts, progress, "progress", 0, "auto|tty|plain|json|none",
		"how progress is shown"),
	CLI_BOOL(struct push_opts, quiet, "quiet", 'q', "show nothing"),
	CLI_REG_OPTS(struct push_opts, reg),
};

/* The name it is pushed as: the image's own, unless another one is given. */
static int destination(const struct cli_call *call, const struct img_store *st,
		       const struct img_reg *reg, struct img_ref *out, struct cs_err *err)
{
	img_auto_list struct img_list list = IMG_LIST_INIT;
	const struct img_record *rec = NULL;
	int ret;

	if (call->argc == 2)
		return img_reg_name(reg, call->argv[1], out, err);
	ret = img_store_list(st, &list, err);
	if (!ret)
		ret = img_list_find(&list, call->argv[0], &rec, err);
	if (ret < 0 || !rec)
		return ret;
	if (!*rec->name)
		return cs_err_set(err, EINVAL, "%s has no name: say what to push it as",
				  call->argv[0]);
	return img_reg_name(reg, rec->name, out, err);
}

static int push_with(struct cli_call *call, struct img_store *st, const struct cli_reg *session,
		     struct cli_progress *progress, struct cs_err *err)
{
	char name[IMG_REF_TEXT];
	struct img_ref ref;
	int ret = destination(call, st, session->reg, &ref, err);

	if (ret < 0)
		return ret;
	ret = img_push(st, session->reg, call->argv[0], &ref, cli_progress_watch(progress), err);
	img_ref_format(&ref, name);
	return ret < 0 ? cs_err_wrap(err, "push %s", name) : 0;
}

/* --all-tags: each goes by its own name. */
static int push_all(const struct cli_call *call, struct img_store *st,
		    const struct cli_reg *session, struct cli_progress *progress,
		    struct cs_err *err)
{
	img_auto_list struct img_list list = IMG_LIST_INIT;
	struct img_ref want, ref;
	size_t n = 0;
	int ret = img_ref_parse(call->argv[0], &want, err);

	if (ret == 0 && (call->argc > 1 || *want.tag || *want.digest))
		return cs_err_set(err, EINVAL,
				  "option --all-tags: give one name, without a tag or digest");
	if (ret == 0)
		ret = img_reg_name(session->reg, call->argv[0], &want, err);
	if (ret == 0)
		ret = img_store_list(st, &list, err);
	for (size_t i = 0; i < list.n && ret == 0; i++) {
		const char *name = list.v[i].name;
		struct cs_err none = CS_ERR_INIT;

		if (img_ref_parse(name, &ref, &none) < 0 || !*ref.tag || *ref.digest ||
		    strcmp(ref.host, want.host) != 0 || strcmp(ref.path, want.path) != 0)
			continue;
		n++;
		ret = img_push(st, session->reg, name, &ref, cli_progress_watch(progress), err);
		if (ret < 0)
			cs_err_wrap(err, "push %s", name);
	}
	if (ret == 0 && n == 0)
		ret = cs_err_set(err, ENOENT, "no image here is called %s:TAG", call->argv[0]);
	return ret;
}

static int push_run(struct cli_call *call, struct cs_err *err)
{
	const struct push_opts *o = call->opts;
	enum cli_progress_mode mode = CLI_PROGRESS_NONE;
	struct cli_reg session = CLI_REG_INIT;
	struct cli_progress *progress;
	img_auto_store struct img_store *st = NULL;
	char path[PATH_MAX];
	int ret = 0;

	if (o->chunk.set && o->chunk.v < 4096)
		return cs_err_set(err, EINVAL, "option --chunk: at least 4k");
	if (!o->quiet)
		ret = cli_progress_parse(o->progress, &mode, err);
	if (!ret)
		ret = cs_str_fmt(path, sizeof(path), err, "%s/images", call->dirs->root);
	if (!ret)
		ret = img_store_open(path, &st, err);
	if (ret < 0)
		return ret;
	progress = cli_progress_new(mode, "sending");
	ret = progress ? cli_reg_open(&o->reg, o->chunk.set ? (uint64_t)o->chunk.v : 0, &session,
				      err)
		       : cs_err_set(err, ENOMEM, "out of memory");
	if (!ret)
		ret = o->all_tags ? push_all(call, st, &session, progress, err)
				  : push_with(call, st, &session, progress, err);
	cli_progress_free(progress);
	cli_reg_fini(&session);
	return ret;
}

const struct cli_cmd cli_cmd_push = {
	.name = "push",
	.synopsis = "[OPTIONS] IMAGE [NAME[:TAG]]",
	.help = "send an image to a registry",
	.opts = CLI_OPTS(push_optv),
	.opts_size = sizeof(struct push_opts),
	.min_args = 1,
	.max_args = 2,
	.transfer = true,
	.run = push_run,
};

const struct cli_cmd cli_cmd_image_push = {
	.name = "image push",
	.synopsis = "[OPTIONS] IMAGE [NAME[:TAG]]",
	.help = "send an image to a registry",
	.opts = CLI_OPTS(push_optv),
	.opts_size = sizeof(struct push_opts),
	.min_args = 1,
	.max_args = 2,
	.transfer = true,
	.run = push_run,
};
