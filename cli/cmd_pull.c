#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/regopts.h"
#include "images/pull.h"
#include "images/registry.h"
#include "images/store.h"

struct pull_opts {
	struct cli_regopts reg;
	bool all_tags;
	bool quiet;
	const char *platform;
	const char *progress;
};

static const struct cli_opt pull_optv[] = {
	CLI_BOOL(struct pull_opts, all_tags, "all-tags", 'a', "every tag of the repository"),
	CLI_STR(struct pull_opts, platform, "platform", 0, "OS/ARCH[/VARIANT]",
		"of an image for several (default: this host's)"),
	CLI_STR(struct pull_opts, progress, "progress", 0, "auto|tty|plain|json|none",
		"how progress is shown"),
	CLI_BOOL(struct pull_opts, quiet, "quiet", 'q', "show nothing but the image's id"),
	CLI_REG_OPTS(struct pull_opts, reg),
};

struct pull_cmd {
	const struct pull_opts *o;
	struct cli_reg session;
	struct img_store *st;	       /* owned */
	struct cli_progress *progress; /* owned */
};

static int pull_one(struct pull_cmd *c, const struct img_ref *ref, struct cs_err *err)
{
	const struct img_pull_opts o = {
		.platform = c->o->platform,
		.watch = cli_progress_watch(c->progress),
	};
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	char id[IMG_DIGEST_TEXT], name[IMG_REF_TEXT];
	int ret = img_pull(c->st, c->session.reg, ref, &o, id, err);

	if (ret < 0) {
		img_ref_format(ref, name);
		return cs_err_wrap(err, "pull %s", name);
	}
	cs_buf_addf(&b, "%s\n", id);
	return cli_out(&b, err);
}

static int pull_all(struct pull_cmd *c, struct img_ref *ref, struct cs_err *err)
{
	struct img_repo *repo = NULL;
	cs_auto_free char *tags = NULL;
	const char *tag;
	size_t n = 0;
	int ret;

	if (ref->digest[0])
		return cs_err_set(err, EINVAL, "--all-tags and a digest exclude each other");
	ret = img_repo_open(c->session.reg, ref, false, &repo, err);
	if (ret < 0)
		return ret;
	ret = img_repo_tags(repo, &tags, &n, err);
	img_repo_close(repo);
	tag = tags;
	for (size_t i = 0; !ret && i < n; i++) {
		ret = cs_str_fmt(ref->tag, sizeof(ref->tag), err, "%s", tag);
		if (!ret)
			ret = pull_one(c, ref, err);
		tag += strlen(tag) + 1;
	}
	return ret;
}

static int pull_open(struct pull_cmd *c, const struct cli_call *call, struct cs_err *err)
{
	enum cli_progress_mode mode = CLI_PROGRESS_NONE;
	char path[PATH_MAX];
	int ret = 0;

	if (!c->o->quiet)
		ret = cli_progress_parse(c->o->progress, &mode, err);
	if (!ret)
		ret = cs_str_fmt(path, sizeof(path), err, "%s/images", call->dirs->root);
	if (!ret)
		ret = cli_reg_open(&c->o->reg, 0, &c->session, err);
	if (!ret)
		ret = img_store_open(path, &c->st, err);
	if (ret < 0)
		return ret;
	c->progress = cli_progress_new(mode, "downloading");
	return c->progress ? 0 : cs_err_set(err, ENOMEM, "out of memory");
}

static int pull_run(struct cli_call *call, struct cs_err *err)
{
	struct pull_cmd c = { .o = call->opts, .session = CLI_REG_INIT };
	struct img_ref ref;
	int ret = pull_open(&c, call, err);

	for (size_t i = 0; !ret && i < call->argc; i++) {
		ret = img_reg_name(c.session.reg, call->argv[i], &ref, err);
		if (!ret)
			ret = c.o->all_tags ? pull_all(&c, &ref, err) : pull_one(&c, &ref, err);
	}
	cli_progress_free(c.progress);
	img_store_close(c.st);
	cli_reg_fini(&c.session);
	return ret;
}

const struct cli_cmd cli_cmd_pull = {
	.name = "pull",
	.synopsis = "[OPTIONS] NAME[:TAG|@DIGEST]...",
	.help = "fetch images from registries",
	.opts = CLI_OPTS(pull_optv),
	.opts_size = sizeof(struct pull_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.transfer = true,
	.run = pull_run,
};

const struct cli_cmd cli_cmd_image_pull = {
	.name = "image pull",
	.synopsis = "[OPTIONS] NAME[:TAG|@DIGEST]...",
	.help = "fetch images from registries",
	.opts = CLI_OPTS(pull_optv),
	.opts_size = sizeof(struct pull_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.transfer = true,
	.run = pull_run,
};
