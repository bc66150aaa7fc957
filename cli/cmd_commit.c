#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/out.h"
#include "engine/commit.h"
#include "engine/engine.h"
#include "engine/store.h"
#include "images/digest.h"
#include "images/ref.h"

struct commit_opts {
	const char *author, *message;
	struct cli_strv change;
	bool pause, quiet;
};

static const struct cli_opt commit_optv[] = {
	CLI_STR(struct commit_opts, author, "author", 'a', "TEXT", "who made it"),
	CLI_STRV(struct commit_opts, change, "change", 'c', "INSTRUCTION",
		 "set CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR"),
	CLI_STR(struct commit_opts, message, "message", 'm', "TEXT", "what history says of it"),
	CLI_BOOL(struct commit_opts, pause, "pause", 'p', "pause the container meanwhile"),
	CLI_BOOL(struct commit_opts, quiet, "quiet", 'q', "accepted for podman's sake"),
};

static int commit_run(struct cli_call *call, struct cs_err *err)
{
	const struct commit_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	eng_auto struct eng e = ENG_INIT;
	char id[ENG_ID_LEN + 1], image[IMG_DIGEST_TEXT], name[IMG_REF_TEXT];
	struct img_ref ref;
	struct eng_commit c = {
		.author = o->author,
		.message = o->message,
		.changes = { .v = o->change.v, .n = o->change.n },
		.pause = o->pause,
	};

	if (call->argc > 1) {
		if (img_ref_local(call->argv[1], &ref, err) < 0)
			return -err->code;
		img_ref_format(&ref, name);
		c.name = name;
	}
	if (cli_ctr_engine(call, &e, err) < 0 || eng_find(&e, call->argv[0], id, err) < 0 ||
	    eng_commit(&e, id, &c, image, err) < 0)
		return -err->code;
	cs_buf_addf(&b, "%s\n", image);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_commit = {
	.name = "commit",
	.synopsis = "[OPTION...] CONTAINER [NAME]",
	.help = "make an image of a container's files and settings",
	.opts = CLI_OPTS(commit_optv),
	.opts_size = sizeof(struct commit_opts),
	.min_args = 1,
	.max_args = 2,
	.fail_status = CAISSON_FAILED,
	.run = commit_run,
};
