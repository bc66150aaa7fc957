#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/imgview.h"
#include "engine/cp.h"
#include "engine/ctrroot.h"
#include "engine/engine.h"
#include "engine/store.h"

struct cp_opts {
	bool archive, follow, quiet;
};

static const struct cli_opt cp_optv[] = {
	CLI_BOOL(struct cp_opts, archive, "archive", 'a',
		 "keep owners, setuid bits, devices and attributes"),
	CLI_BOOL(struct cp_opts, follow, "follow-link", 'L',
		 "copy what a link points to, not the link"),
	CLI_BOOL(struct cp_opts, quiet, "quiet", 'q', "do not say what was copied"),
};

struct side {
	char name[129]; /* of the container; "": none */
	char id[ENG_ID_LEN + 1];
	struct eng_ctrroot root; /* owned */
	const char *path;
};

/* "CONTAINER:PATH", unless it begins as a path does ("./a:b"). */
static int split(const char *text, struct side *s, struct cs_err *err)
{
	const char *colon = strchr(text, ':');

	s->path = text;
	if (!colon || *text == '/' || *text == '.' || memchr(text, '/', (size_t)(colon - text)))
		return 0;
	if (colon == text || (size_t)(colon - text) >= sizeof(s->name))
		return cs_err_set(err, EINVAL, "cp: \"%.100s\" is not CONTAINER:PATH", text);
	memcpy(s->name, text, (size_t)(colon - text));
	s->path = colon + 1;
	return *s->path ? 0 : cs_err_set(err, EINVAL, "cp: \"%.100s\": the path is missing", text);
}

static int open_side(const struct eng *e, struct side *s, struct cs_err *err)
{
	return *s->name ? eng_ctrroot_open(e, s->id, s->path, &s->root, err) : 0;
}

/* Each that does not run is locked: in the order of their ids, so that two that copy both ways do
 * not wait for each other. */
static int open_sides(const struct eng *e, struct side *from, struct side *to, struct cs_err *err)
{
	bool swap;

	if ((*from->name && eng_find(e, from->name, from->id, err) < 0) ||
	    (*to->name && eng_find(e, to->name, to->id, err) < 0))
		return -err->code;
	if (*from->name && strcmp(from->id, to->id) == 0)
		return cs_err_set(err, EINVAL, "cp: both are container %s: use exec %s cp",
				  from->name, from->name);
	swap = strcmp(from->id, to->id) > 0;
	if (open_side(e, swap ? to : from, err) < 0)
		return -err->code;
	return open_side(e, swap ? from : to, err);
}

static int copy(struct eng_cp *cp, struct cs_err *err)
{
	if (strcmp(cp->to.text, "-") == 0 && !cp->to.ctr) {
		if (isatty(STDOUT_FILENO))
			return cs_err_set(err, EINVAL,
					  "cp: standard output is a terminal: send "
					  "the tar to a file or a program");
		return eng_cp_out(cp, STDOUT_FILENO, err);
	}
	if (strcmp(cp->from.text, "-") == 0 && !cp->from.ctr)
		return eng_cp_in(cp, STDIN_FILENO, err);
	return eng_cp(cp, err);
}

/* Only a person is told; a script has the exit status. */
static void tell(const struct cli_call *call, const struct eng_cp *cp)
{
	struct cs_err ignored = CS_ERR_INIT;
	char size[32], text[256];
	int n;

	if (cp->skipped > 0)
		cs_log(CS_LOG_WARN, "cp: %u device nodes were left out: see --archive",
		       cp->skipped);
	if (!isatty(STDERR_FILENO))
		return;
	cli_size_text(cp->bytes, size);
	n = snprintf(text, sizeof(text), "Copied %s to %.180s\n", size, call->argv[1]);
	cs_fd_write_all(STDERR_FILENO, text, (size_t)n, &ignored);
}

static int cp_sides(struct cli_call *call, struct side *from, struct side *to, struct cs_err *err)
{
	const struct cp_opts *o = call->opts;
	eng_auto struct eng e = ENG_INIT;
	struct eng_cp cp = { .archive = o->archive, .follow = o->follow };
	int ret;

	if (cli_ctr_engine(call, &e, err) < 0 || open_sides(&e, from, to, err) < 0)
		return -err->code;
	cp.from =
		(struct eng_cp_side){ .ctr = *from->name ? &from->root : NULL, .text = from->path };
	cp.to = (struct eng_cp_side){ .ctr = *to->name ? &to->root : NULL, .text = to->path };
	ret = copy(&cp, err);
	if (ret == 0 && !o->quiet)
		tell(call, &cp);
	return ret;
}

static int cp_run(struct cli_call *call, struct cs_err *err)
{
	struct side from = { .root = ENG_CTRROOT_INIT }, to = { .root = ENG_CTRROOT_INIT };
	int ret = split(call->argv[0], &from, err);

	if (ret == 0)
		ret = split(call->argv[1], &to, err);
	if (ret == 0 && !*from.name && !*to.name)
		ret = cs_err_set(err, EINVAL,
				 "cp: neither is a container's: one of the two is CONTAINER:PATH");
	if (ret == 0)
		ret = cp_sides(call, &from, &to, err);
	eng_ctrroot_close(&from.root);
	eng_ctrroot_close(&to.root);
	return ret;
}

const struct cli_cmd cli_cmd_cp = {
	.name = "cp",
	.synopsis = "[OPTION...] CONTAINER:PATH PATH|- | PATH|- CONTAINER:PATH",
	.help = "copy files between a container and the host",
	.text = "\"-\" is a tar on standard input or output. PATH/. is what is in a folder.\n",
	.opts = CLI_OPTS(cp_optv),
	.opts_size = sizeof(struct cp_opts),
	.min_args = 2,
	.max_args = 2,
	.fail_status = CAISSON_FAILED,
	.run = cp_run,
};
