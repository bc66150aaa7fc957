#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/out.h"
#include "cli/template.h"
#include "engine/engine.h"
#include "engine/eventread.h"
#include "engine/stamp.h"

struct events_opts {
	struct cli_strv filters;
	const char *format, *since, *until;
};

static const struct cli_opt events_optv[] = {
	CLI_STRV(struct events_opts, filters, "filter", 'f', "KEY=VALUE",
		 "only those with this: container, event, image, label, network, type, volume"),
	CLI_STR(struct events_opts, format, "format", 0, "FORMAT",
		"json (or jsonl), or a template such as '{{.Action}} {{.ID}}'"),
	CLI_STR(struct events_opts, since, "since", 0, "TIME",
		"from then on: 2026-01-02T03:04:05Z, Unix time, or how long ago (10m)"),
	CLI_STR(struct events_opts, until, "until", 0, "TIME", "up to then (default: no end)"),
};

struct printer {
	bool json;
	struct cli_template *template; /* owned; NULL: docker's text */
};

static const char *text_of(const struct cs_json *obj, const char *key)
{
	const struct cs_json *v = cs_json_get(obj, key);

	return v && v->type == CS_JSON_STRING ? v->str : "";
}

/* "TIME container start ID (image=..., name=...)" */
static int put_text(const struct cs_json *event, struct cs_buf *b, struct cs_err *err)
{
	const struct cs_json *actor = cs_json_get(event, "Actor"), *v;
	const struct cs_json *attrs = cs_json_get(actor, "Attributes");
	char stamp[ENG_STAMP_LEN + 1];
	const char *comma = "";
	int64_t at = 0;

	if (cs_json_i64(event, "timeNano", &at, err) < 0)
		return -err->code;
	eng_stamp_put(at, stamp);
	cs_buf_addf(b, "%s %s %s %s", stamp, text_of(event, "Type"), text_of(event, "Action"),
		    text_of(actor, "ID"));
	if (attrs && attrs->n > 0) {
		cs_buf_add(b, " (");
		cs_json_for_each (v, attrs) {
			cs_buf_addf(b, "%s%s=%s", comma, v->key,
				    v->type == CS_JSON_STRING ? v->str : "");
			comma = ", ";
		}
		cs_buf_add(b, ")");
	}
	if (b->s) /* labels are anybody's */
		cs_str_plain(b->s);
	return 0;
}

static int print(void *arg, const struct cs_json *event, const char *text, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct printer *p = arg;
	int ret = 0;

	if (p->json)
		cs_buf_add(&b, text);
	else if (p->template)
		ret = cli_template_put(p->template, event, &b, err);
	else
		ret = put_text(event, &b, err);
	cs_buf_add(&b, "\n");
	return ret < 0 ? ret : cli_out(&b, err);
}

static int events_run(struct cli_call *call, struct cs_err *err)
{
	const struct events_opts *o = call->opts;
	struct eng_events_opts eo = { .since_ns = INT64_MAX,
				      .until_ns = INT64_MAX,
				      .filters = o->filters.v,
				      .n_filters = o->filters.n };
	struct printer p = { .json = o->format && (strcmp(o->format, "json") == 0 ||
						   strcmp(o->format, "jsonl") == 0) };
	eng_auto struct eng e = ENG_INIT;
	int64_t now = eng_now();
	int ret = eng_events_check(eo.filters, eo.n_filters, err);

	if (ret == 0 && o->since && eng_when_parse(o->since, now, &eo.since_ns, err) < 0)
		ret = cs_err_wrap(err, "option --since");
	if (ret == 0 && o->until && eng_when_parse(o->until, now, &eo.until_ns, err) < 0)
		ret = cs_err_wrap(err, "option --until");
	/* what has been is asked for by its end alone, too */
	if (ret == 0 && !o->since && o->until && eo.until_ns <= now)
		eo.since_ns = INT64_MIN;
	if (ret == 0 && o->format && *o->format && !p.json)
		ret = cli_template_parse(o->format, &p.template, err);
	if (ret == 0)
		ret = cli_ctr_engine(call, &e, err);
	if (ret == 0)
		ret = eng_events(&e, &eo, print, &p, err);
	cli_template_free(p.template);
	return ret;
}

const struct cli_cmd cli_cmd_events = {
	.name = "events",
	.synopsis = "[OPTION...]",
	.help = "print what happens to containers, images, networks and volumes",
	.opts = CLI_OPTS(events_optv),
	.opts_size = sizeof(struct events_opts),
	.fail_status = CAISSON_FAILED,
	.run = events_run,
};
