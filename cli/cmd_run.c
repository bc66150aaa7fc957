#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/dryrun.h"
#include "cli/imgview.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/runopts.h"
#include "cli/transfer.h"
#include "engine/attach.h"
#include "engine/create.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/record.h"
#include "engine/store.h"
#include "images/pull.h"
#include "images/registry.h"
#include "images/store.h"

/* --- the image -------------------------------------------------------------------------------- */

static int pull(const struct cli_run_opts *o, struct img_store *st, const char *text, char *id,
		struct cs_err *err)
{
	enum cli_progress_mode mode = CLI_PROGRESS_NONE;
	struct img_pull_opts how = { .platform = o->platform };
	struct cli_progress *progress = NULL;
	struct cli_reg session = CLI_REG_INIT;
	struct img_ref ref;
	int ret = 0;

	if (!o->quiet)
		ret = cli_progress_parse(o->progress, &mode, err);
	if (ret == 0)
		ret = cli_reg_open(&o->reg, 0, &session, err);
	if (ret == 0)
		ret = img_reg_name(session.reg, text, &ref, err);
	if (ret == 0) {
		progress = cli_progress_new(mode, "downloading");
		how.watch = cli_progress_watch(progress);
		ret = img_pull(st, session.reg, &ref, &how, id, err);
	}
	cli_progress_free(progress);
	cli_reg_fini(&session);
	return ret < 0 ? cs_err_wrap(err, "pull %s", text) : 0;
}

/* Is what is here for the platform that was asked for? -ENOENT: it is for another. */
static int check_platform(const struct cli_run_opts *o, const char *name,
			  const struct img_image *im, struct cs_err *err)
{
	struct img_platform_text text;
	struct img_platform want;
	char have[96];

	if (!o->platform)
		return 0;
	if (img_platform_parse(o->platform, &text, &want, err) < 0)
		return cs_err_wrap(err, "option --platform");
	if (img_platform_match(&im->config.platform, &want) > 0)
		return 0;
	img_platform_format(&im->config.platform, have, sizeof(have));
	return cs_err_set(err, ENOENT, "image \"%s\" is here for %s, and not for %s", name, have,
			  o->platform);
}

/* The image as the store has it. 1: it is to be pulled first, as --pull says. Nothing has been read
 * or made yet: what pulls may be another program (transfer.h). */
static int look(const struct cli_call *call, const struct cli_run_opts *o, struct img_store *st,
		struct img_image *im, struct cs_err *err)
{
	static const char *const policies[] = { "always", "missing", "never" };
	const char *policy = o->pull ? o->pull : "missing";
	int ret = -ENOENT;

	if (!cs_str_in(policy, policies, CS_LEN(policies)))
		return cs_err_set(err, EINVAL,
				  "option --pull: \"%s\" is not always, missing or never", policy);
	if (o->dry_run) /* it would make an image */
		policy = "never";
	if (strcmp(policy, "always") != 0)
		ret = img_store_image(st, call->argv[0], im, err);
	if (ret == 0) {
		ret = check_platform(o, call->argv[0], im, err);
		if (ret == -ENOENT && strcmp(policy, "never") != 0) {
			img_image_fini(im);
			*im = IMG_IMAGE_INIT;
		}
	}
	if (ret != -ENOENT || strcmp(policy, "never") == 0)
		return ret;
	cs_err_clear(err);
	return cli_transfer(call->words, err) < 0 ? -err->code : 1;
}

/* --- create ----------------------------------------------------------------------------------- */

/* --cidfile: made before the container, so that one that is there is left alone. */
static int open_cidfile(const char *path, struct cs_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return cs_err_set(err, EEXIST,
				  "option --cidfile: %s is there already: remove it or give "
				  "another",
				  path);
	if (fd < 0)
		return cs_err_sys(err, "option --cidfile: %s", path);
	return fd;
}

/* --replace */
static int make_room(const struct eng *e, const char *name, struct cs_err *err)
{
	char id[ENG_ID_LEN + 1];
	int ret = eng_find(e, name, id, err);

	if (ret == -ENOENT) {
		cs_err_clear(err);
		return 0;
	}
	return ret < 0 ? ret : eng_remove(e, id, true, true, err);
}

/* What is to be made, and of what. */
struct making {
	const struct cli_run_opts *o;
	const struct eng *e;
	struct img_store *st; /* owned */
	struct img_image im;  /* owned */
	bool pull;	      /* the image comes first */
};

static int make(struct cli_call *call, struct making *m, struct cs_arena *a, struct eng_record *r,
		struct cs_err *err)
{
	const struct cli_run_opts *o = m->o;
	int ret = cli_run_record(o, m->e, a, r, err);

	if (ret == 0 && m->pull) {
		char id[IMG_DIGEST_TEXT];

		ret = pull(o, m->st, call->argv[0], id, err);
		if (ret == 0)
			ret = img_store_image(m->st, id, &m->im, err);
		/* an image for one platform alone is pulled whatever was asked for */
		if (ret == 0)
			ret = check_platform(o, call->argv[0], &m->im, err);
	}
	if (ret == 0 && o->replace && o->name && !o->dry_run)
		ret = make_room(m->e, o->name, err);
	r->image = call->argv[0];
	r->cmd = (struct eng_strv){ .v = (const char *const *)call->argv + 1, .n = call->argc - 1 };
	if (ret == 0 && o->dry_run)
		return cli_dry_run(m->e, m->st, &m->im, a, r, o->replace, err);
	return ret < 0 ? ret : eng_create(m->e, &m->im, a, r, err);
}

static int create(struct cli_call *call, struct making *m, char id[65], struct cs_err *err)
{
	const struct cli_run_opts *o = m->o;
	struct eng_record r = ENG_RECORD_INIT;
	struct cs_arena *a = cs_arena_new(0);
	cs_auto_fd int cidfile = -EBADF;
	int ret = 0;

	if (!a)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (o->cidfile && !o->dry_run) {
		cidfile = open_cidfile(o->cidfile, err);
		ret = cidfile < 0 ? cidfile : 0;
	}
	if (ret == 0)
		ret = make(call, m, a, &r, err);
	if (ret == 0) {
		memcpy(id, r.id, ENG_ID_LEN + 1);
		if (cidfile >= 0)
			ret = cs_fd_write_all(cidfile, id, ENG_ID_LEN, err);
	} else if (cidfile >= 0) {
		unlink(o->cidfile);
	}
	cs_arena_free(a);
	return ret;
}

int cli_run_create(struct cli_call *call, const struct cli_run_opts *o, const struct eng *e,
		   char id[65], struct cs_err *err)
{
	struct making m = { .o = o, .e = e };
	int ret = cli_img_store(call, &m.st, err);

	m.im = IMG_IMAGE_INIT;
	if (ret == 0)
		ret = look(call, o, m.st, &m.im, err);
	m.pull = ret == 1;
	if (ret >= 0)
		ret = create(call, &m, id, err);
	img_image_fini(&m.im);
	img_store_close(m.st);
	return ret;
}

static int print_id(const char *id, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cs_buf_addf(&b, "%s\n", id);
	return cli_out(&b, err);
}

int cli_create_run(struct cli_call *call, struct cs_err *err)
{
	const struct cli_run_opts *o = call->opts;
	eng_auto struct eng e = ENG_INIT;
	char id[ENG_ID_LEN + 1];
	int ret = cli_ctr_engine(call, &e, err);

	if (ret == 0)
		ret = cli_run_create(call, o, &e, id, err);
	return ret < 0 || o->dry_run ? ret : print_id(id, err);
}

/* --- run -------------------------------------------------------------------------------------- */

/* What was made for nothing is removed: with --rm nothing stays of a start that failed. */
static int start(const struct cli_run_opts *o, const struct eng *e, const char *id, int *status,
		 struct cs_err *err)
{
	struct cs_err why = CS_ERR_INIT;
	int ret = eng_start(e, id, -EBADF, NULL, status, err);

	if (ret < 0 && o->rm && eng_remove(e, id, true, true, &why) < 0)
		cs_log(CS_LOG_WARN, "%s", why.msg);
	return ret;
}

int cli_run_run(struct cli_call *call, struct cs_err *err)
{
	const struct cli_run_opts *o = call->opts;
	struct cli_attach_opts at = { .attach = &o->attach,
				      .interactive = o->interactive,
				      .tty = o->tty,
				      .detach_keys = o->detach_keys };
	eng_auto struct eng e = ENG_INIT;
	char id[ENG_ID_LEN + 1];
	int ret = cli_ctr_engine(call, &e, err);

	if (ret == 0)
		ret = cli_ctr_switch("sig-proxy", o->sig_proxy, true, &at.sig_proxy, err);
	if (ret == 0 && !o->detach && !o->dry_run)
		ret = cli_attach_check(&at, err);
	if (ret == 0)
		ret = cli_run_create(call, o, &e, id, err);
	if (ret < 0 || o->dry_run)
		return ret;
	if (o->detach) {
		ret = start(o, &e, id, &call->status, err);
		if (ret < 0)
			return ret;
		call->status = 0;
		return print_id(id, err);
	}
	return cli_attach_start(&e, id, &at, o->rm, &call->status, err);
}
