#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/ctrstats.h"
#include "cli/ctrview.h"
#include "cli/format.h"
#include "cli/out.h"
#include "engine/engine.h"
#include "engine/store.h"

struct stats_opts {
	bool all, no_stream, no_trunc;
	struct cli_num interval;
	const char *format;
};

static const struct cli_opt stats_optv[] = {
	CLI_BOOL(struct stats_opts, all, "all", 'a', "those that do not run too"),
	CLI_STR(struct stats_opts, format, "format", 0, "FORMAT",
		"\"table\", \"json\", \"jsonl\", \"yaml\", or a template"),
	CLI_NUM(struct stats_opts, interval, "interval", 'i', 1, "SECONDS",
		"between two readings (default: 1)"),
	CLI_BOOL(struct stats_opts, no_stream, "no-stream", 0, "one reading, and no more"),
	CLI_BOOL(struct stats_opts, no_trunc, "no-trunc", 0, "show ids whole"),
};

static const struct cli_heading headings[] = {
	{ "ID", "CONTAINER ID" }, { "CPUPerc", "CPU %" }, { "MemUsage", "MEM USAGE / LIMIT" },
	{ "MemPerc", "MEM %" },	  { "NetIO", "NET I/O" }, { "BlockIO", "BLOCK I/O" },
};

/* One container, and its last reading. */
struct line {
	char id[ENG_ID_LEN + 1];
	struct cli_usage before;
};

struct lines {
	struct line *v; /* owned */
	size_t n;
};

/* Those named, or all that run; readings of before are kept. */
static int choose(const struct cli_call *call, const struct eng *e, struct lines *l,
		  struct cs_err *err)
{
	const struct stats_opts *o = call->opts;
	eng_auto_ids struct eng_ids ids = { 0 };
	struct lines old = *l;
	size_t n = call->argc;

	if (n == 0) {
		if ((o->all ? eng_list(e, &ids, err) : eng_list_run(e, &ids, err)) < 0)
			return -err->code;
		n = ids.n;
	}
	l->v = calloc(n + 1, sizeof(*l->v));
	l->n = 0;
	if (!l->v) {
		*l = old;
		return cs_err_set(err, ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < n && !err->code; i++) {
		struct line *to = &l->v[l->n];

		if (call->argc > 0)
			eng_find(e, call->argv[i], to->id, err);
		else
			memcpy(to->id, ids.v[i], sizeof(to->id));
		for (size_t k = 0; k < old.n; k++)
			if (strcmp(old.v[k].id, to->id) == 0)
				to->before = old.v[k].before;
		l->n++;
	}
	free(old.v);
	return -err->code;
}

static int add(const struct cli_call *call, const struct eng *e, struct line *l,
	       struct cli_format *f, struct cs_err *err)
{
	const struct stats_opts *o = call->opts;
	cli_auto_ctr struct cli_ctr c = CLI_CTR_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err gone = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	struct cli_usage now = { 0 };
	char id[ENG_ID_LEN + 1];
	bool known = true;
	size_t len;

	if (cli_ctr_load(e, l->id, &c, &gone) < 0)
		return 0;
	if (c.st.state == ENG_RUNNING || c.st.state == ENG_PAUSED)
		known = cli_usage_get(e, l->id, c.st.pid, &now, &gone) == 0;
	else if (!o->all && call->argc == 0)
		return 0;
	if (l->before.at_ns == 0)
		l->before = now;
	snprintf(id, sizeof(id), "%.*s", o->no_trunc ? ENG_ID_LEN : ENG_ID_SHORT, l->id);
	cli_usage_row(&w, id, c.r.name, &l->before, known ? &now : NULL);
	l->before = now;
	if (cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	return cli_format_add(f, text, len, err);
}

static int round_of(const struct cli_call *call, const struct eng *e, struct lines *l, bool show,
		    struct cs_err *err)
{
	const struct stats_opts *o = call->opts;
	cli_auto_format struct cli_format *f = NULL;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (cli_format_parse(o->format, "table",
			     "{{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}"
			     "\\t{{.NetIO}}\\t{{.BlockIO}}\\t{{.PIDs}}",
			     &f, err) < 0)
		return -err->code;
	cli_format_headings(f, headings, CS_LEN(headings));
	if (choose(call, e, l, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l->n; i++)
		if (add(call, e, &l->v[i], f, err) < 0)
			return -err->code;
	if (!show)
		return 0;
	if (!o->no_stream && isatty(STDOUT_FILENO) && cli_format_is_table(f))
		cs_buf_add(&b, "\033[H\033[J");
	if (cli_format_finish(f, &b, err) < 0)
		return -err->code;
	return cli_out(&b, err);
}

static int stats_run(struct cli_call *call, struct cs_err *err)
{
	const struct stats_opts *o = call->opts;
	int wait_ms = o->interval.set && o->interval.v < 3600 ? (int)o->interval.v * 1000 : 1000;
	eng_auto struct eng e = ENG_INIT;
	struct lines l = { 0 };
	int ret = cli_ctr_engine(call, &e, err);

	/* a rate needs two readings: the first is not shown */
	if (ret == 0)
		ret = round_of(call, &e, &l, false, err);
	do {
		if (ret < 0)
			break;
		poll(NULL, 0, wait_ms);
		ret = round_of(call, &e, &l, true, err);
	} while (ret == 0 && !o->no_stream);
	free(l.v);
	return ret;
}

const struct cli_cmd cli_cmd_stats = {
	.name = "stats",
	.synopsis = "[OPTION...] [CONTAINER...]",
	.help = "show what containers use, again and again",
	.opts = CLI_OPTS(stats_optv),
	.opts_size = sizeof(struct stats_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = stats_run,
};
