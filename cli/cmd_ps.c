#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/ctrview.h"
#include "cli/format.h"
#include "cli/out.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/store.h"
#include "engine/usage.h"

enum { MAX_WATCH = 24 * 3600 }; /* seconds */

struct ps_opts {
	bool all, latest, no_trunc, noheading, quiet, size;
	struct cli_num last, watch;
	struct cli_strv filter;
	const char *format;
};

static const struct cli_opt ps_optv[] = {
	CLI_BOOL(struct ps_opts, all, "all", 'a', "those that do not run too"),
	CLI_STRV(struct ps_opts, filter, "filter", 'f', "KEY=VALUE",
		 "only those that pass: id, name, label, status, kind, exited, ancestor, ..."),
	CLI_STR(struct ps_opts, format, "format", 0, "FORMAT",
		"\"table\", \"json\", \"jsonl\", \"yaml\", or a template"),
	CLI_NUM(struct ps_opts, last, "last", 'n', 1, "N", "the last N created, whatever state"),
	CLI_BOOL(struct ps_opts, latest, "latest", 'l', "the same as --last=1"),
	CLI_BOOL(struct ps_opts, no_trunc, "no-trunc", 0, "show ids and commands whole"),
	CLI_BOOL(struct ps_opts, noheading, "noheading", 0, "a table without its heading"),
	CLI_BOOL(struct ps_opts, quiet, "quiet", 'q', "show ids only"),
	CLI_BOOL(struct ps_opts, size, "size", 's', "show how much of the disk each takes"),
	CLI_NUM(struct ps_opts, watch, "watch", 'w', 1, "SECONDS",
		"again and again, so many seconds apart, until a signal ends it"),
};

#define COLUMNS                                                               \
	"{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}" \
	"\\t{{.Ports}}\\t{{.Names}}"

static const struct cli_heading headings[] = {
	{ "ID", "CONTAINER ID" },
	{ "RunningFor", "CREATED" },
	{ "CreatedAt", "CREATED AT" },
};

struct ctrs {
	struct cli_ctr *v; /* owned */
	size_t n;
};

static void ctrs_fini(struct ctrs *l)
{
	for (size_t i = 0; i < l->n; i++)
		cli_ctr_fini(&l->v[i]);
	free(l->v);
}

/* The newest first. */
static int by_age(const void *a, const void *b)
{
	const struct cli_ctr *x = a, *y = b;

	return (x->r.created_ns < y->r.created_ns) - (x->r.created_ns > y->r.created_ns);
}

static bool asks_for_state(const struct ps_opts *o)
{
	for (size_t i = 0; i < o->filter.n; i++)
		if (strncmp(o->filter.v[i], "status=", 7) == 0 ||
		    strncmp(o->filter.v[i], "exited=", 7) == 0)
			return true;
	return false;
}

static bool runs(const struct cli_ctr *c)
{
	return c->st.state == ENG_RUNNING || c->st.state == ENG_PAUSED ||
	       c->st.state == ENG_RESTARTING;
}

/* Adds one, if it passes. */
static int add(const struct eng *e, const struct ps_opts *o, const char *id, bool rest, bool all,
	       struct ctrs *out, struct cs_err *err)
{
	struct cli_ctr *c = &out->v[out->n];
	struct cs_err one = CS_ERR_INIT;
	int ret;

	*c = CLI_CTR_INIT;
	ret = eng_glance(e, id, rest, &c->r, &c->st, &one);
	if (ret < 0) { /* removed meanwhile, or damaged: the others are shown */
		if (ret != -ENOENT)
			cs_log(CS_LOG_WARN, "%s", one.msg);
		return 0;
	}
	ret = all || runs(c) ? cli_ctr_filter(e, &o->filter, c, err) : 0;
	if (ret <= 0) {
		cli_ctr_fini(c);
		return ret;
	}
	if (o->size) {
		c->sized = true;
		c->size = eng_usage(e->containers, id);
	}
	out->n++;
	return 0;
}

/* Those that pass, each read once. Without --all only what has a folder below the state is read at
 * all; both lists are sorted. */
static int collect(const struct eng *e, const struct ps_opts *o, bool all, struct ctrs *out,
		   struct cs_err *err)
{
	eng_auto_ids struct eng_ids run = { 0 }, ids = { 0 };
	size_t i = 0, j = 0;
	int ret = eng_list_run(e, &run, err);

	if (ret == 0 && all)
		ret = eng_list(e, &ids, err);
	if (ret < 0)
		return ret;
	out->v = calloc(run.n + ids.n + 1, sizeof(*out->v));
	if (!out->v)
		return cs_err_set(err, ENOMEM, "out of memory");
	while (ret == 0 && (i < run.n || j < ids.n)) {
		int order = i == run.n ? 1 : j == ids.n ? -1 : strcmp(run.v[i], ids.v[j]);

		ret = add(e, o, order > 0 ? ids.v[j] : run.v[i], order <= 0, all, out, err);
		i += order <= 0;
		j += order >= 0;
	}
	if (ret < 0)
		return ret;
	qsort(out->v, out->n, sizeof(*out->v), by_age);
	return 0;
}

static int print(const struct cli_call *call, const struct ps_opts *o, const struct ctrs *l,
		 struct cli_format *f, struct cs_err *err)
{
	cli_auto_places struct cli_places places = CLI_PLACES_INIT;
	size_t max = o->latest ? 1 : o->last.set ? (size_t)o->last.v : l->n;
	bool whole = o->no_trunc || (cli_format_is_json(f) && !o->quiet);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t i = 0; i < l->n && i < max; i++) {
		cs_auto_jw struct cs_jw w = CS_JW_INIT;
		cs_auto_free char *text = NULL;
		size_t len = 0;

		cli_ctr_row(&w, &l->v[i], &places, call, f, whole);
		if (cs_jw_take(&w, &text, &len, err) < 0 || cli_format_add(f, text, len, err) < 0)
			return -err->code;
	}
	/* of a person's terminal the last listing goes first */
	if (o->watch.set && isatty(STDOUT_FILENO))
		cs_buf_add(&b, "\033[H\033[J");
	if (cli_format_finish(f, &b, err) < 0)
		return -err->code;
	return b.len ? cli_out(&b, err) : 0;
}

static int list(const struct cli_call *call, const struct eng *e, struct cs_err *err)
{
	const struct ps_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	struct ctrs l = { 0 };
	bool all = o->all || o->latest || o->last.set || asks_for_state(o);
	int ret = cli_format_parse(o->quiet ? "{{.ID}}" : o->format, "table",
				   o->size ? COLUMNS "\\t{{.Size}}" : COLUMNS, &f, err);

	if (ret < 0)
		return ret;
	cli_format_headings(f, headings, CS_LEN(headings));
	if (o->noheading)
		cli_format_no_heading(f);
	ret = collect(e, o, all, &l, err);
	if (ret == 0)
		ret = print(call, o, &l, f, err);
	ctrs_fini(&l);
	return ret;
}

static int ps_run(struct cli_call *call, struct cs_err *err)
{
	const struct ps_opts *o = call->opts;
	eng_auto struct eng e = ENG_INIT;
	int wait_ms = (int)(o->watch.v < MAX_WATCH ? o->watch.v : MAX_WATCH) * 1000;
	int ret = cli_ctr_filter_check(&o->filter, err);

	if (ret == 0)
		ret = cli_ctr_engine(call, &e, err);
	if (ret == 0)
		ret = list(call, &e, err);
	while (ret == 0 && o->watch.set) {
		poll(NULL, 0, wait_ms);
		ret = list(call, &e, err);
	}
	return ret;
}

const struct cli_cmd cli_cmd_ps = {
	.name = "ps",
	.synopsis = "[OPTION...]",
	.help = "list containers",
	.opts = CLI_OPTS(ps_optv),
	.opts_size = sizeof(struct ps_opts),
	.fail_status = CAISSON_FAILED,
	.run = ps_run,
};
